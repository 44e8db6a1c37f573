"""Sentry Uptime as vantages (design/upstreams.md, E).

The detectors of the organization are listed, and of each one that `vantage_of` names, by id or name, the checks of the
period are read, newest first. The region that a check ran in is the place of its vantage. A failure counts before
Sentry makes an incident of it: how many in a row are an outage is for the ledger. A window that Sentry missed, and one
that robots.txt forbade, are no measurement: void.

Of paging only the cursor is taken: where a page names another server, nothing is sent there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple
from urllib.parse import quote, urlencode

from pydantic import Field

from monitor.facts import Json, Outcome, Result
from monitor.ledger.period import HOUR, MINUTE, SECOND, moment
from monitor.settings import SecretText, WebUrl
from monitor.sources.kind import Asked, Component, Page, Reply, Request, Watched, bearer
from monitor.sources.reading import LONGEST_ID, Object, Reading, body_of
from monitor.sources.settings import PostingSettings, VantageSettings
from monitor.sources.vantage import between, hold_ms, look_id, vantage

DETECTORS, CHECKS = "detectors", "checks"

PER_PAGE = 100
"""Of a list (sentry: max_per_page of the endpoint of checks)."""

LATE = 5 * MINUTE
"""How late a check may be shown to be found by a poll: missed windows are entered afterwards."""

LONGEST = HOUR
"""What one poll asks for at most: a page of each monitor that looks every minute."""

_CURSOR = re.compile(r'rel="next"; *results="true"; *cursor="([0-9:.-]{1,60})"', re.ASCII)

_OUTCOMES: Mapping[str, Outcome] = {
    "success": "pass",
    "failure": "fail",
    "failure_incident": "fail",
    "missed_window": "void",
    "disallowed_by_robots": "void",
}
_REASONS: Mapping[str, str] = {
    "timeout": "timeout",
    "failure": "http_status",
    "redirect_error": "http_redirect_loop",
}
"""Sentry's words to those of design/faults.md; one that says less than ours do is `other`, and kept as the detail."""


class SentryUptimeSettings(VantageSettings, PostingSettings):
    """Uptime monitors of one Sentry organization."""

    organization: str = Field(min_length=1, description="The organization's slug.")
    auth_token: SecretText = Field(description="A token that may read its uptime monitors.")
    events_project: str | None = Field(
        None, min_length=1, description="The app's project, whose events the report of a peak can show."
    )
    url: WebUrl = Field("https://sentry.io", description="The Sentry that has them, or the host of their region.")


def first(settings: SentryUptimeSettings, asked: Asked) -> tuple[Request, ...]:
    """The organization's uptime detectors."""
    query = {"query": "type:uptime_domain_failure", "per_page": str(PER_PAGE)}
    path = f"organizations/{quote(settings.organization, safe='')}/detectors/"
    return (_request(settings, DETECTORS, path, query),)


def parse(settings: SentryUptimeSettings, asked: Asked, reply: Reply) -> Page:
    """What one page of a list said."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body
    if not isinstance(body, list):
        return Page(failed="wrong_type")
    reader = _Reader(settings, asked, Reading(reply.received_at), reply.request.about)
    following = _following(reply)
    if reply.request.purpose == CHECKS:
        return replace(_checks(reader, body), next=following)
    page = _detectors(reader, body)
    seen: list[Json] = [*_seen(reply.request), *chain.from_iterable((each.id, each.name) for each in page.components)]
    return replace(
        page,
        gone=() if following else asked.unwatched([str(each) for each in seen]),
        next=(*page.next, *(replace(each, about={"seen": seen}) for each in following)),
    )


def _seen(request: Request) -> list[Json]:
    """The spellings of the detectors on the pages before."""
    seen = request.about.get("seen")
    return seen if isinstance(seen, list) else []


def _request(settings: SentryUptimeSettings, purpose: str, path: str, query: Mapping[str, str]) -> Request:
    url = f"{settings.url.rstrip('/')}/api/0/{path}?{urlencode(query)}"
    return Request(purpose, url, {"Authorization": bearer(settings.auth_token)})


def _following(reply: Reply) -> tuple[Request, ...]:
    """The next page of the same list, by its cursor alone."""
    found = _CURSOR.search(reply.headers.get("link", ""))
    if found is None:
        return ()
    url = f"{reply.request.url.partition('&cursor=')[0]}&{urlencode({'cursor': found[1]})}"
    return (replace(reply.request, url=url),)


@dataclass(frozen=True, slots=True)
class _Reader:
    settings: SentryUptimeSettings
    asked: Asked
    reading: Reading
    about: Mapping[str, Json]

    def watched(self, *spellings: str | None) -> tuple[str, Watched] | None:
        """The check of ours that one of these names means, and that name."""
        found = (each for each in spellings if each in self.asked.watched)
        name = next((each for each in found if each is not None), None)
        return None if name is None else (name, self.asked.watched[name])

    def objects(self, given: Sequence[Json]) -> Iterator[Object]:
        return self.reading.objects({"list": list(given)}, "list")


# ---------------------------------------------------------------- the detectors


def _detectors(reader: _Reader, given: Sequence[Json]) -> Page:
    offered: list[Component] = []
    requests: list[Request] = []
    for detector in reader.objects(given):
        item, name = reader.reading.id(detector), reader.reading.text(detector, "name")
        if item is None:
            continue
        offered.append(Component(item, name or item))
        found = reader.watched(item, name)
        project = reader.reading.id(detector, "projectId") if found is not None else None
        if found is not None and project is not None:
            requests.append(_checks_request(reader, detector, (project, item, found[0])))
    return Page(components=tuple(offered), problems=reader.reading.problems, next=tuple(requests))


def _checks_request(reader: _Reader, detector: Object, names: tuple[str, str, str]) -> Request:
    project, item, watched = names
    period = reader.asked.period
    start = max(period.start, period.end - LONGEST) - LATE
    organization = quote(reader.settings.organization, safe="")
    path = f"projects/{organization}/{quote(project, safe='')}/uptime/{quote(item, safe='')}/checks/"
    query = {
        "useDetectorId": "1",
        "start": moment(start).strftime("%Y-%m-%dT%H:%M:%S"),
        "end": moment(period.end + SECOND).strftime("%Y-%m-%dT%H:%M:%S"),
        "per_page": str(PER_PAGE),
    }
    return replace(
        _request(reader.settings, CHECKS, path, query),
        about={"watched": watched, **_pace(detector)},
    )


def _pace(detector: Object) -> dict[str, Json]:
    """How often it looks and how long it waits, in ms, as far as it says so."""
    match detector.get("dataSources"):
        case [{"queryObj": {"intervalSeconds": int(seconds), "timeoutMs": int(timeout)}}, *_] if (
            0 < seconds <= 86_400 and 0 <= timeout <= 3_600_000
        ):
            return {"interval": seconds * SECOND, "timeout": timeout}
        case _:
            return {}


# ---------------------------------------------------------------- their checks


class _Look(NamedTuple):
    """A check as Sentry tells it; `place` is the region."""

    id: str
    place: str | None
    at: int
    planned: int | None
    outcome: Outcome
    given: Object


def _checks(reader: _Reader, given: Sequence[Json]) -> Page:
    found = reader.watched(str(reader.about.get("watched")))
    looks = [look for each in reader.objects(given) if (look := _look(reader, each)) is not None]
    results = () if found is None else tuple(_result(reader, found[1], look, looks) for look in looks)
    return Page(results=results, problems=reader.reading.problems)


def _look(reader: _Reader, given: Object) -> _Look | None:
    reading = reader.reading
    item, status = reading.id(given, "uptimeCheckId"), reading.text(given, "checkStatus")
    looked, planned = reading.past(given, "timestamp"), reading.past(given, "scheduledCheckTime")
    outcome = _OUTCOMES.get(status) if status is not None else None
    if status is not None and outcome is None:
        reading.count("unknown_enum")
    # A window that was missed has no instant at which somebody looked, but one at which nobody did.
    at = planned if outcome == "void" and planned is not None else looked
    if status is None or (at is None and given.get("timestamp") is None):
        reading.count("missing_field")
    if item is None or outcome is None or at is None:
        return None
    return _Look(item, reading.text(given, "region", LONGEST_ID), at, planned, outcome, given)


def _result(reader: _Reader, watched: Watched, look: _Look, looks: Sequence[_Look]) -> Result:
    seen_from = vantage(reader.asked.source, look.place)
    interval, timeout = (reader.about.get(name) for name in ("interval", "timeout"))
    # Regions take turns: from one look to the next of the same region it takes as many intervals as there are regions.
    apart = between(each.at for each in looks if each.place == look.place)
    known = [each for each in (apart, interval) if isinstance(each, int)]
    words = reader.reading.text(look.given, "checkStatusReason", LONGEST_ID)
    return Result(
        recorded_at=0,
        check=watched.check,
        vantage=seen_from,
        at=look.at,
        outcome=look.outcome,
        hold_ms=hold_ms(watched, max(known, default=None), timeout if isinstance(timeout, int) else None),
        scheduled_at=look.planned,
        reason=_reason(look.outcome, words),
        detail=words if look.outcome != "pass" else None,
        duration_ms=_whole(look.given.get("durationMs"), 3_600_000),
        status=_whole(look.given.get("httpStatusCode"), 999) or None,
        id=look_id(look.id, seen_from, look.at),
    )


def _reason(outcome: Outcome, words: str | None) -> str | None:
    if outcome == "pass":
        return None
    if outcome == "void":
        return "missed"
    if words is not None and words.startswith("assertion_"):
        return "http_content"
    return "failed" if words is None else _REASONS.get(words, "other")


def _whole(given: Json, most: int) -> int | None:
    """A number that is only shown; anything else is none."""
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= most else None
