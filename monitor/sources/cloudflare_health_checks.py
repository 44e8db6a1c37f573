"""Cloudflare Health Checks as vantages (design/upstreams.md, D).

The REST API tells how each check stands now: one result a poll, at the poll, so that silence is unknown. Where the plan
has the events of GraphQL, each event is a look of its region at its own instant, and at each poll every region is as
its newest event of the last hours says, as long as the check itself is alive. A check that is suspended, or of which
Cloudflare knows nothing, is void.

The prober sits inside Cloudflare: it is no witness for an outage of Cloudflare's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple
from urllib.parse import quote

from pydantic import Field

from monitor.facts import Json, Outcome, Result
from monitor.ledger.period import HOUR, MINUTE, SECOND, format_instant
from monitor.settings import SecretText, WebUrl
from monitor.sources.kind import Asked, Component, Page, Reply, Request, Severity, Watched, bearer
from monitor.sources.reading import LONGEST_ID, Object, Reading, body_of
from monitor.sources.settings import PostingSettings, VantageSettings
from monitor.sources.vantage import hold_ms, look_id, vantage

HEALTH_CHECKS, EVENTS = "health checks", "health check events"

MOST_PAGES = 20
"""Of the list of checks."""

LOOKBACK = 6 * HOUR
"""How old the newest event of a region may be to say how it stands."""

LATE = 5 * MINUTE
"""How late an event may be shown to be found by a poll."""

MOST_EVENTS = 1_000
"""The newest of a zone that are asked for."""

_OUTCOMES: Mapping[str, Outcome] = {"healthy": "pass", "unhealthy": "fail", "unknown": "void", "suspended": "void"}
_SEVERITIES: Mapping[Outcome, Severity | None] = {"pass": "operational", "fail": "major_outage", "void": None}


class CloudflareHealthChecksSettings(VantageSettings, PostingSettings):
    """Cloudflare Health Checks of one zone."""

    zone: str = Field(min_length=1, description="The zone's id.")
    api_token: SecretText = Field(description="A token that may read the zone's health checks.")
    api_url: WebUrl = Field("https://api.cloudflare.com/client/v4", description="Where the Cloudflare API is.")


def first(settings: CloudflareHealthChecksSettings, asked: Asked) -> tuple[Request, ...]:
    """The zone's checks."""
    return (_list_request(settings, 1),)


def parse(settings: CloudflareHealthChecksSettings, asked: Asked, reply: Reply) -> Page:
    """What the list said, or the events."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body
    reader = _Reader(settings, asked, Reading(reply.received_at))
    if reply.request.purpose == HEALTH_CHECKS:
        return _checks(reader, body, reply.request)
    match body:
        case {"data": {"viewer": {"zones": [{"healthCheckEventsAdaptive": list(events)}, *_]}}}:
            return _events(reader, events, reply.request.about)
        case {"errors": [_, *_]}:
            return Page(failed="forbidden")  # not of this plan, or not for this token
        case _:
            return Page(failed="wrong_type")


def _list_request(settings: CloudflareHealthChecksSettings, page: int, seen: Sequence[str] = ()) -> Request:
    path = f"{settings.api_url.rstrip('/')}/zones/{quote(settings.zone, safe='')}/healthchecks"
    return Request(HEALTH_CHECKS, f"{path}?page={page}", _headers(settings), about={"page": page, "seen": [*seen]})


def _events_request(reader: _Reader, alive: Mapping[str, Json]) -> Request:
    until = reader.asked.now
    since, until_text = (json.dumps(format_instant(each)) for each in (until - LOOKBACK, until))
    query = (
        f"{{viewer{{zones(filter:{{zoneTag:{json.dumps(reader.settings.zone)}}}){{healthCheckEventsAdaptive("
        f"limit:{MOST_EVENTS},orderBy:[datetime_DESC],filter:{{datetime_geq:{since},datetime_lt:{until_text}}})"
        "{datetime healthCheckId healthStatus region failureReason originResponseStatus}}}}"
    )
    url = f"{reader.settings.api_url.rstrip('/')}/graphql"
    return Request(
        EVENTS, url, _headers(reader.settings), {"query": query}, optional=True, about={"alive": dict(alive)}
    )


def _headers(settings: CloudflareHealthChecksSettings) -> dict[str, str | SecretText]:
    return {"Authorization": bearer(settings.api_token)}


class _Stand(NamedTuple):
    """How a check, or a region of one, stood at an instant."""

    at: int
    outcome: Outcome
    words: str | None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Reader:
    settings: CloudflareHealthChecksSettings
    asked: Asked
    reading: Reading

    def outcome(self, given: Object, key: str) -> Outcome | None:
        """What a status says; counted where it says nothing that is known."""
        word = self.reading.text(given, key)
        outcome = None if word is None else _OUTCOMES.get(word.lower())
        if outcome is None:
            self.reading.count("missing_field" if word is None else "unknown_enum")
        return outcome

    def result(self, watched: Watched, seen_from: str, stand: _Stand, hold: int | None) -> Result:
        return Result(
            recorded_at=0,
            check=watched.check,
            vantage=seen_from,
            at=stand.at,
            outcome=stand.outcome,
            hold_ms=hold,
            reason=_reason(stand),
            detail=stand.words if stand.outcome == "fail" else None,
            status=stand.status,
            id=look_id(watched.check, seen_from, stand.at),
        )


# ---------------------------------------------------------------- how each check stands


def _checks(reader: _Reader, body: Json, request: Request) -> Page:
    if not isinstance(body, dict) or body.get("success") is not True or not isinstance(body.get("result"), list):
        return Page(failed="wrong_type")
    offered: list[Component] = []
    results: list[Result] = []
    alive: dict[str, Json] = {}
    for given in reader.reading.objects(body, "result"):
        item, name = reader.reading.id(given), reader.reading.text(given, "name")
        outcome = reader.outcome(given, "status")
        if item is None or outcome is None:
            continue
        outcome = "void" if given.get("suspended") is True else outcome
        offered.append(Component(item, name or item, severity=_SEVERITIES[outcome]))
        theirs = next((each for each in (item, name) if each in reader.asked.watched), None)
        if theirs is None:
            continue
        watched = reader.asked.watched[theirs]
        hold = hold_ms(watched, max(reader.asked.every_ms, _ms(given, "interval")), _ms(given, "timeout"))
        stand = _Stand(reader.asked.now, outcome, reader.reading.text(given, "failure_reason"))
        results.append(reader.result(watched, vantage(reader.asked.source, None), stand, hold))
        if outcome != "void":
            alive[item] = {"watched": theirs, "hold": hold}
    seen = [*_seen(request), *chain.from_iterable((each.id, each.name) for each in offered)]
    page = _next_page(body, request)
    following = () if page is None else (_list_request(reader.settings, page, seen),)
    events = (_events_request(reader, alive),) if alive else ()
    return Page(
        results=tuple(results),
        components=tuple(offered),
        problems=reader.reading.problems,
        gone=() if following else reader.asked.unwatched(seen),
        next=(*following, *events),
    )


def _seen(request: Request) -> list[str]:
    """The spellings of the checks on the pages before."""
    seen = request.about.get("seen")
    return [each for each in seen if isinstance(each, str)] if isinstance(seen, list) else []


def _next_page(body: Object, request: Request) -> int | None:
    page = request.about.get("page")
    match body.get("result_info"):
        case {"total_pages": int(pages)} if isinstance(page, int) and page < min(pages, MOST_PAGES):
            return page + 1
        case _:
            return None


def _ms(given: Object, key: str) -> int:
    """A number of seconds, in ms; 0 where it is none."""
    value = given.get(key)
    return value * SECOND if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 86_400 else 0


# ---------------------------------------------------------------- what happened in each region


def _events(reader: _Reader, given: Sequence[Json], about: Mapping[str, Json]) -> Page:
    told: dict[tuple[str, str | None], list[_Stand]] = {}
    for event in reader.reading.objects({"events": list(given)}, "events"):
        item, outcome = reader.reading.id(event, "healthCheckId"), reader.outcome(event, "healthStatus")
        at = reader.reading.past(event, "datetime")
        if item is None or outcome is None or at is None:
            continue
        words, status = reader.reading.text(event, "failureReason"), event.get("originResponseStatus")
        code = status if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599 else None
        place = reader.reading.text(event, "region", LONGEST_ID)
        told.setdefault((item, place), []).append(_Stand(at, outcome, words, code))
    results: list[Result] = []
    for (item, place), stands in told.items():
        match about.get("alive"):
            case {**alive} if isinstance(found := alive.get(item), dict):
                results += _of_region(reader, found, place, stands)
    return Page(results=tuple(results), problems=reader.reading.problems)


def _of_region(reader: _Reader, found: Object, place: str | None, stands: Sequence[_Stand]) -> Iterator[Result]:
    """Each event at its instant, and how its region stands at this poll; how the whole check does the list says."""
    watched, hold = reader.asked.watched.get(str(found.get("watched"))), found.get("hold")
    if watched is None:
        return
    seen_from, held = vantage(reader.asked.source, place), hold if isinstance(hold, int) else None
    newest = max(stands, key=lambda stand: stand.at)
    since = reader.asked.period.start - LATE
    for stand in stands:
        if since <= stand.at < reader.asked.now:
            yield reader.result(watched, seen_from, stand, held)
    if place is not None and reader.asked.now - LOOKBACK <= newest.at < reader.asked.now:
        yield reader.result(watched, seen_from, newest._replace(at=reader.asked.now), held)


def _reason(stand: _Stand) -> str | None:
    """Cloudflare's words to those of design/faults.md; what they do not tell is `other`, and they are kept."""
    if stand.outcome == "pass":
        return None
    if stand.outcome == "void":
        return "missed"
    words = (stand.words or "").lower()
    if "mismatch" in words and ("code" in words or "body" in words):
        return "http_status" if "code" in words else "http_content"
    if "timeout" in words or "timed out" in words:
        return "timeout"
    return "other" if words else "failed"
