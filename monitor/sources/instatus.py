"""Instatus pages: with a key all of a page through its API, without one what it shows everybody as JSON
(design/upstreams.md, B and H).

The API pages through components, incidents and maintenances. The public JSON holds what is active and nothing else; an
unknown path there answers 200 with HTML. Neither tells how bad a component was when: so what holds at each poll is
taken, and the poller makes the steps. A component's status is its own, not an incident's: it can stay bad for weeks
after everything is resolved. So it counts while an incident names it, no worse than the impact that is told of that,
and ends with it. Of our own page each component is kept by itself too, for comparison.
An incident that was over when it was first seen excuses nothing: nobody says how bad it was for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import Field

from monitor.facts import SEVERITIES, Json
from monitor.settings import Mistake, SecretText, WebUrl
from monitor.sources import instatus_words as words
from monitor.sources.kind import (
    ANY_COMPONENT,
    Asked,
    Component,
    Incident,
    Item,
    Listing,
    Maintenance,
    Page,
    Reply,
    Request,
    Severity,
    bearer,
)
from monitor.sources.reading import EARLIEST, LONGEST_URL, Object, Reading, body_of
from monitor.sources.settings import PageSettings, PostingSettings
from monitor.sources.timeline import used_of

PER_PAGE = 100
"""Items of a page of the API (at most so many)."""

MOST_PAGES = 19
"""Of one list: three lists stay below what the poller asks in one poll. What is beyond them has aged out."""

INCIDENTS, MAINTENANCES, COMPONENTS, SUMMARY = "incidents", "maintenances", "components", "summary"
STATES = "component states"
"""The list that the components themselves make: each that is not operational is an incident of its own."""


class InstatusSettings(PageSettings, PostingSettings):
    """An Instatus page."""

    url: WebUrl = Field(description="The public page.")
    page_id: str | None = Field(None, min_length=1, description="Its id in the Instatus API.")
    api_key: SecretText | None = Field(None, description="Reads the page's whole history through the Instatus API.")
    api_url: WebUrl = Field("https://api.instatus.com", description="Where the Instatus API is.")

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if self.api_key is not None and self.page_id is None:
            yield Mistake(("page_id",), "is missing: the API names pages by their id, see GET /v2/pages")
        if self.page_id is not None and self.api_key is None:
            yield Mistake(("page_id",), "is for the API alone, which needs `api_key`; leave it out without one")

    def item_url(self, kind: str, item: str) -> str | None:
        """Where an incident or a maintenance is shown."""
        url = f"{self.url.rstrip('/')}/{kind}/{quote(item, safe='')}"
        return url if len(url) <= LONGEST_URL else None


def first(settings: InstatusSettings, asked: Asked) -> tuple[Request, ...]:
    """The lists of the API, or those that everybody may read."""
    if settings.api_key is None:
        return (Request(SUMMARY, _public(settings, "summary.json")), components_request(settings))
    return (components_request(settings), *(api_request(settings, name, 1) for name in (INCIDENTS, MAINTENANCES)))


def components_request(settings: InstatusSettings) -> Request:
    """The components, which a page without a key may not offer."""
    if settings.api_key is None:
        return Request(COMPONENTS, _public(settings, "components.json"), optional=True)
    return api_request(settings, COMPONENTS, 1)


def api_request(settings: InstatusSettings, what: str, page: int | None = None, body: Json = None) -> Request:
    """A request of the API about this page; with a `body` it makes something."""
    path = f"{settings.api_url.rstrip('/')}/v1/{quote(settings.page_id or '', safe='')}/{what}"
    query = "" if page is None else f"?page={page}&per_page={PER_PAGE}"
    headers = {} if settings.api_key is None else {"Authorization": bearer(settings.api_key)}
    return Request(what, path + query, headers, body)


def _public(settings: InstatusSettings, path: str) -> str:
    return f"{settings.url.rstrip('/')}/{path}"


def parse(settings: InstatusSettings, asked: Asked, reply: Reply) -> Page:
    """What one of the lists said."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body
    reader = Reader(settings, asked, Reading(reply.received_at))
    if reply.request.purpose == SUMMARY:
        return _summary(reader, body)
    if settings.api_key is None:  # {"components": [...]}
        body = body.get(COMPONENTS) if isinstance(body, dict) else body
    if not isinstance(body, list):
        return Page(failed="missing_field" if body is None else "wrong_type")
    if len(body) < PER_PAGE or settings.api_key is None:
        return _READERS[reply.request.purpose](reader, body, False)
    page = _page_of(reply.request.url) + 1
    read = _READERS[reply.request.purpose](reader, body, page > MOST_PAGES)
    following = () if page > MOST_PAGES else (api_request(settings, reply.request.purpose, page),)
    return Page(read.listings, components=read.components, problems=read.problems, gone=read.gone, next=following)


def _page_of(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["page"][0])


@dataclass(frozen=True, slots=True)
class Reader:
    """One reply being read: for whom, and what was wrong so far."""

    settings: InstatusSettings
    asked: Asked
    reading: Reading

    def objects(self, given: Json) -> Iterator[Object]:
        return self.reading.objects({"list": given}, "list")


# ---------------------------------------------------------------- components


def _components(reader: Reader, body: list[Json], full: bool) -> Page:
    offered: list[Component] = []
    spelled: set[str] = set()
    states: list[Item] = []
    held: dict[str, int | None] = {}
    for given in reader.objects(body):
        item, name = reader.reading.id(given), words.title(reader.reading, given)
        if item is None or name is None or given.get("archivedAt") is not None:
            continue
        severity = words.severity(reader.reading, given)
        spelled |= {item, name}
        offered.append(Component(item, name, _group(reader.reading, given), severity))
        keys = reader.asked.keys_of(name, item)
        if keys and not reader.asked.is_provider:
            held[f"component/{item}"] = EARLIEST
            if severity is not None:  # an unknown one is neither an outage nor its end
                states.append(_state(item, name, keys, severity))
    gone = () if full or len(body) >= PER_PAGE else reader.asked.gone(spelled)
    listing = Listing(STATES, tuple(states), held)
    return Page((listing,), components=tuple(offered), gone=gone, problems=reader.reading.problems)


def _state(item: str, name: str, keys: tuple[str, ...], severity: Severity) -> Incident:
    return Incident(
        id=f"component/{item}",
        began=EARLIEST,
        components={},
        now=dict.fromkeys(keys, severity),
        wanted=severity != "operational",
        title=name,
    )


def _group(reading: Reading, given: Object) -> str | None:
    group = given.get("group")
    return words.title(reading, group) if isinstance(group, dict) else None


# ---------------------------------------------------------------- incidents


def _incidents(reader: Reader, body: list[Json], full: bool) -> Page:
    items: list[Item] = []
    held: dict[str, int | None] = {}
    for given in reader.objects(body):
        item = reader.reading.id(given)
        if item is None or item in held:
            continue
        incident = _incident(reader, item, given)
        held[item] = None if incident is None else incident.began
        if incident is not None:
            items.append(incident)
    return Page((Listing(INCIDENTS, tuple(items), held, full=full),), problems=reader.reading.problems)


def _incident(reader: Reader, item: str, given: Object) -> Incident | None:
    """None: it is there, and cannot be read."""
    reading = reader.reading
    status = words.word(reading, given, "status", words.INCIDENT_STATUSES)
    updates = _updates(reading, given)
    began = words.past(reading, given, "started") or min((each.shown for each in updates), default=None)
    resolved = words.past(reading, given, "resolved")
    if status is None or began is None or (given.get("resolved") is not None and resolved is None):
        if given.get("status") is None or began is None:
            reading.count("missing_field")
        return None
    is_over = status in words.OVER
    now = _affected(reader, given, is_over=is_over)
    if now is None:
        return None
    ended = None
    if is_over:
        ended = resolved or min((each.shown for each in updates if each.status == "resolved"), default=None)
        if ended is None:
            reading.count("missing_field")
            return None
    return Incident(
        id=item,
        began=began,
        components={},
        now=now,
        ended=ended,
        wanted=reader.asked.wants_any and not is_over and any(each != "operational" for each in now.values()),
        title=words.title(reading, given),
        url=reader.settings.item_url("incident", item),
        status=status,
    )


def _affected(
    reader: Reader, given: Object, impact: Severity | None = None, *, is_over: bool = False
) -> dict[str, Severity] | None:
    """How bad the wanted components are now; none of an incident that is over. None: the page says a word that nobody
    knows of one that is wanted."""
    found: dict[str, Severity] = {}
    for component in reader.reading.objects(given, "components"):
        name = words.title(reader.reading, component)
        item = reader.reading.id(component) if component.get("id") is not None else None
        keys = reader.asked.keys_of(*(spelling for spelling in (name, item) if spelling))
        if not keys:
            continue
        severity: Severity | None = "operational" if is_over else words.severity(reader.reading, component)
        if severity is None:
            return None
        for key in keys:
            found[key] = severity if impact is None else min(severity, impact, key=SEVERITIES.index)
    return found or {ANY_COMPONENT: "operational"}


class _Update(NamedTuple):
    shown: int
    posted: int | None
    status: str | None


def _updates(reading: Reading, given: Object) -> list[_Update]:
    known = words.INCIDENT_STATUSES | words.MAINTENANCE_STATUSES
    found: list[_Update] = []
    for update in reading.objects(given, "updates"):
        posted = words.past(reading, update, "createdAt")
        shown = words.past(reading, update, "started") if update.get("started") is not None else posted
        if shown is not None:
            found.append(_Update(shown, posted, words.word(reading, update, "status", known)))
    return sorted(found, key=lambda update: (update.shown, update.posted or 0))


# ---------------------------------------------------------------- maintenances


def _maintenances(reader: Reader, body: list[Json], full: bool) -> Page:
    items: list[Item] = []
    held: dict[str, int | None] = {}
    for given in reader.objects(body):
        item = reader.reading.id(given)
        if item is None or item in held:
            continue
        read = _maintenance(reader, item, given)
        held[item] = None if read is None else read.began
        if read is not None and reader.asked.announces_maintenance:
            items.append(read)
    return Page((Listing(MAINTENANCES, tuple(items), held, full=full),), problems=reader.reading.problems)


def _maintenance(reader: Reader, item: str, given: Object) -> Maintenance | None:
    """A revision as it stands now; None: it is there, and cannot be read."""
    reading = reader.reading
    status = words.word(reading, given, "status", words.MAINTENANCE_STATUSES)
    planned = words.planned(reading, given)
    if status is None:
        if given.get("status") is None:
            reading.count("missing_field")
        return None
    updates = _updates(reading, given)
    began = planned.start if planned is not None else min((each.shown for each in updates), default=reading.now)
    begun = next((each.shown for each in updates if each.status in words.UNDER_WAY), None)
    done = [each.shown for each in updates if each.status == "completed"]
    completed = None
    if status in words.OVER:
        if not done:
            reading.count("missing_field")
        completed = min(done, default=began)  # nobody says when: nothing of it is known to have been used
    posted = [each.posted for each in updates if each.posted is not None]
    spelled = [
        tuple(
            spelling for spelling in (words.title(reading, component), component.get("id")) if isinstance(spelling, str)
        )
        for component in reading.objects(given, "components")
    ]
    return Maintenance(
        id=item,
        began=began,
        window=None if planned is None else used_of(planned, begun, completed),
        announced_at=min(posted, default=None),
        components=tuple(each for each in spelled if each),
        title=words.title(reading, given),
        url=reader.settings.item_url("maintenance", item),
    )


_READERS: Mapping[str, Callable[[Reader, list[Json], bool], Page]] = {
    COMPONENTS: _components,
    INCIDENTS: _incidents,
    MAINTENANCES: _maintenances,
}
"""What is asked for, to how the list of it is read; the last argument says that there are more than are asked for."""


# ---------------------------------------------------------------- what everybody may read


def _summary(reader: Reader, body: Json) -> Page:
    """What is active now. Where there is nothing, the lists are absent."""
    if not isinstance(body, dict) or not isinstance(body.get("page"), dict):
        return Page(failed="missing_field" if isinstance(body, dict) and "page" not in body else "wrong_type")
    listings = (
        _active(reader, body, "activeIncidents", _active_incident),
        _active(reader, body, "activeMaintenances", _maintenance),
    )
    return Page(listings, problems=reader.reading.problems)


def _active(reader: Reader, body: Object, key: str, read: Callable[[Reader, str, Object], Item | None]) -> Listing:
    name = INCIDENTS if key == "activeIncidents" else MAINTENANCES
    items: list[Item] = []
    held: dict[str, int | None] = {}
    for given in reader.reading.objects(body, key):
        item = words.id_of(reader.reading, given)
        if item is None or item in held:
            continue
        found = read(reader, item, given)
        held[item] = None if found is None else found.began
        if isinstance(found, Incident) or (found is not None and reader.asked.announces_maintenance):
            items.append(found)
    return Listing(name, tuple(items), held, holds="active")


def _active_incident(reader: Reader, item: str, given: Object) -> Incident | None:
    """One that goes on. Where it does not say which components it is about, only how bad it is, it is of `*`."""
    reading = reader.reading
    status = words.word(reading, given, "status", words.INCIDENT_STATUSES)
    impact = words.severity(reading, given, "impact")
    began = words.past(reading, given, "started")
    if began is None or impact is None or status in words.OVER:
        if given.get("started") is None:
            reading.count("missing_field")
        return None
    is_named = bool(given.get("components"))
    now = _affected(reader, given, impact) if is_named else {ANY_COMPONENT: impact}
    if now is None:
        return None
    return Incident(
        id=item,
        began=began,
        components={},
        now=now,
        wanted=reader.asked.wants_any and any(each != "operational" for each in now.values()),
        title=words.title(reading, given),
        url=reader.settings.item_url("incident", item),
        impact=impact,
        status=status,
        more={} if is_named else {"confidence": "low"},
    )
