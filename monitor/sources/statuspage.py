"""Atlassian Statuspage, and pages that speak its API v2 (design/upstreams.md, A and H).

Three lists are asked for at each poll: incidents (the newest 50; where there are 50, also those that are unresolved),
scheduled maintenances (the newest 50) and components. Look-alikes leave out most fields, and any of the lists but the
first. Cloudflare's own page and incident.io's shim are read by the same rules.

How long a component was how bad is told by the updates of an incident, at the time that the page shows for each
(`display_at`), until the component is operational or the incident is over. An incident whose updates name no component
is told of its components, or of `*`, by its impact, and marked `confidence: low`. One that was entered afterwards says
nothing of how long it was: it is kept with its text, and excuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import Field

from monitor.facts import Json
from monitor.ledger.period import MINUTE, Period
from monitor.settings import WebUrl
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
    Steps,
)
from monitor.sources.notice import IMPACTS, OVER, PLANNED_ONLY, Affected, Notice, affected_by, status_of
from monitor.sources.reading import LONGEST_URL, Object, Reading, body_of
from monitor.sources.settings import PageSettings, PostingSettings
from monitor.sources.timeline import steps_of, used_of, worst_of

CAP = 50
"""Items of a list; there is no paging (upstreams.md, A)."""

MOST_STEPS = 1_000
"""Of the components of one incident; over a hundred have been seen on none."""

INCIDENTS, UNRESOLVED, PLANNED, COMPONENTS = "incidents", "unresolved incidents", "scheduled maintenances", "components"


class StatuspageSettings(PageSettings, PostingSettings):
    """An Atlassian Statuspage, or a page that speaks its API v2."""

    url: WebUrl = Field(description="The page, without /api.")


def first(settings: StatuspageSettings, asked: Asked) -> tuple[Request, ...]:
    """The three lists. A page that announces no maintenance of ours may have no list of it."""
    return (
        Request(INCIDENTS, _api(settings, "incidents.json")),
        Request(PLANNED, _api(settings, "scheduled-maintenances.json"), optional=not asked.announces_maintenance),
        Request(COMPONENTS, _api(settings, "components.json"), optional=True),
    )


def parse(settings: StatuspageSettings, asked: Asked, reply: Reply) -> Page:
    """What one of the lists said."""
    key, read = _LISTS[reply.request.purpose]
    body = body_of(reply)
    if isinstance(body, Page):
        return body
    if not isinstance(body, dict) or not isinstance(body.get(key), list):
        return Page(failed="wrong_type" if isinstance(body, dict) and key in body else "missing_field")
    return read(_Reader(settings, asked, Reading(reply.received_at)), body)


def _api(settings: StatuspageSettings, path: str) -> str:
    return f"{settings.url.rstrip('/')}/api/v2/{path}"


# ---------------------------------------------------------------- the lists


@dataclass(frozen=True, slots=True)
class _Reader:
    """One reply being read: for whom, and what was wrong so far."""

    settings: StatuspageSettings
    asked: Asked
    reading: Reading

    def url(self, item: str) -> str | None:
        url = f"{self.settings.url.rstrip('/')}/incidents/{quote(item, safe='')}"
        return url if len(url) <= LONGEST_URL else None


def _incidents(reader: _Reader, body: Object) -> Page:
    listing = _listing(reader, body, "incidents", INCIDENTS)
    more = Request(UNRESOLVED, _api(reader.settings, "incidents/unresolved.json"), optional=True)
    return Page((listing,), problems=reader.reading.problems, next=(more,) if listing.full else ())


def _unresolved(reader: _Reader, body: Object) -> Page:
    listing = _listing(reader, body, "incidents", INCIDENTS)
    active = Listing(INCIDENTS, listing.items, listing.held, holds="active")
    return Page((active,), problems=reader.reading.problems)


def _planned(reader: _Reader, body: Object) -> Page:
    return Page((_listing(reader, body, "scheduled_maintenances", PLANNED),), problems=reader.reading.problems)


def _listing(reader: _Reader, body: Object, key: str, name: str) -> Listing:
    held: dict[str, int | None] = {}
    items: list[Item] = []
    for given in reader.reading.objects(body, key):
        item = reader.reading.id(given)
        if item is None or item in held:
            continue
        notice = Notice.read(reader.reading, item, given)
        held[item] = notice.created
        if notice.is_test or notice.is_broken:
            continue
        is_planned = name == PLANNED or notice.impact == "maintenance" or notice.status in PLANNED_ONLY
        if is_planned and reader.asked.announces_maintenance:
            items.append(_maintenance(reader, notice))
            continue
        incident = _planned_work(reader, notice) if is_planned else _incident(reader, notice)
        if sum(map(len, incident.components.values())) <= MOST_STEPS:
            items.append(incident)
        else:
            reader.reading.count("too_long")
    return Listing(name, tuple(items), held, full=len(held) >= CAP)


def _components(reader: _Reader, body: Object) -> Page:
    reading = reader.reading
    read = [(given, reading.id(given), reading.text(given, "name")) for given in reading.objects(body, "components")]
    groups = {item: name for given, item, name in read if given.get("group") is True and item and name}
    offered: list[Component] = []
    spelled: set[str] = set()
    for given, item, name in read:
        if item is None or name is None:
            continue
        group = given.get("group_id")
        part_of = groups.get(group) if isinstance(group, str) else None
        if item not in groups:  # a group is no component: its children are
            spelled |= {item, name, *([f"{part_of} - {name}"] if part_of else ())}
            offered.append(Component(item, name, part_of, status_of(reading, given, "status")))
    return Page(components=tuple(offered), gone=reader.asked.gone(spelled), problems=reading.problems)


_LISTS: Mapping[str, tuple[str, Callable[[_Reader, Object], Page]]] = {
    INCIDENTS: ("incidents", _incidents),
    UNRESOLVED: ("incidents", _unresolved),
    PLANNED: ("scheduled_maintenances", _planned),
    COMPONENTS: ("components", _components),
}
"""What is asked for, to the key of the list in the reply and how it is read."""


# ---------------------------------------------------------------- severities of an incident


def _incident(reader: _Reader, notice: Notice) -> Incident:
    """Rules 2 to 5 of upstreams.md H(1)."""
    coded, mentioned = affected_by(reader.reading, notice)
    if _is_backfilled(reader.reading, notice, has_components=bool(coded or mentioned or notice.components)):
        reader.reading.count("unquantified")
        text = notice.updates[-1].text
        return _told(reader, notice, {}, more={"quantified": False, **({"text": text} if text else {})})
    if coded:
        return _told(reader, notice, _kept(reader, coded, notice.ended))
    severity = _severity_of_impact(reader.reading, notice)
    said: list[tuple[int, Severity]] = [(notice.updates[0].shown, severity)] if severity else []
    spelled = list(notice.components.values()) or mentioned or [(ANY_COMPONENT,)]
    return _told(
        reader,
        notice,
        _kept(reader, [Affected(spellings, said) for spellings in spelled], notice.ended),
        more={"confidence": "low"},
    )


def _kept(reader: _Reader, affected: Iterable[Affected], ended: int | None) -> dict[str, Steps]:
    """The timelines of those that are wanted, by key; the worst where a key is spelled by several."""
    timelines: dict[str, list[Steps]] = {}
    for component in affected:
        is_unnamed = component.spellings == (ANY_COMPONENT,)
        for key in component.spellings if is_unnamed else reader.asked.keys_of(*component.spellings):
            steps, empty = steps_of(component.said, ended)
            reader.reading.problems["empty_span"] += empty
            timelines.setdefault(key, []).append(steps)
    return {key: worst_of(each) for key, each in timelines.items()}


def _severity_of_impact(reading: Reading, notice: Notice) -> Severity | None:
    if notice.impact is None:
        reading.count("missing_field")
        return None
    severity = IMPACTS.get(notice.impact)
    if severity is None:
        reading.count("unknown_enum")
    return severity


def _is_backfilled(reading: Reading, notice: Notice, *, has_components: bool) -> bool:
    """Entered when it was over: nobody says how long it was (upstreams.md H(1), rule 2)."""
    started = reading.past(notice.given, "started_at")
    if notice.given.get("backfilled") is True:
        return True
    if notice.ended is not None and started is not None and notice.ended < started:
        return True
    only = notice.updates[0]
    if len(notice.updates) > 1 or only.status not in OVER or has_components:
        return False
    is_at_once = notice.ended is not None and notice.created is not None and notice.created >= notice.ended
    return is_at_once or (only.posted is not None and only.posted - only.shown > MINUTE)


def _told(
    reader: _Reader, notice: Notice, components: Mapping[str, Steps], more: Mapping[str, Json] | None = None
) -> Incident:
    told = more or {}
    return Incident(
        id=notice.id,
        began=notice.began,
        components=components,
        wanted=reader.asked.wants_any and (bool(components) or told.get("quantified") is False),
        title=notice.name,
        url=reader.url(notice.id),
        impact=notice.impact,
        status=notice.status,
        more=told,
    )


# ---------------------------------------------------------------- planned work


def _planned_work(reader: _Reader, notice: Notice) -> Incident:
    """A provider's own: as it was done, of severity `maintenance`; nothing while it is only planned."""
    begun = notice.first_shown("in_progress", "verifying")
    said: list[tuple[int, Severity]] = [] if begun is None else [(begun, "maintenance")]
    spelled = _spelled(reader.reading, notice) or [(ANY_COMPONENT,)]
    kept = _kept(reader, [Affected(spellings, said) for spellings in spelled], notice.ended)
    return _told(reader, notice, kept if said else {})


def _maintenance(reader: _Reader, notice: Notice) -> Maintenance:
    """A revision as it stands now (upstreams.md H(2))."""
    posted = [each.posted for each in notice.updates if each.status == "scheduled" and each.posted is not None]
    return Maintenance(
        id=notice.id,
        began=notice.began,
        window=_window(reader.reading, notice),
        announced_at=min(posted, default=notice.created),
        revised_at=reader.reading.past(notice.given, "updated_at"),
        components=tuple(_spelled(reader.reading, notice)),
        title=notice.name,
        url=reader.url(notice.id),
    )


def _spelled(reading: Reading, notice: Notice) -> list[tuple[str, ...]]:
    """Every component that it names, now or in an update."""
    coded, mentioned = affected_by(reading, notice)
    return [*notice.components.values(), *(each.spellings for each in coded), *mentioned]


def _window(reading: Reading, notice: Notice) -> Period | None:
    """What was planned, as far as it was used. None: cancelled, or no window."""
    start, end = (reading.scheduled(notice.given, key) for key in ("scheduled_for", "scheduled_until"))
    if start is None or end is None:
        reading.count("missing_field")
        return None
    if end <= start:
        reading.count("empty_span")
        return None
    completed = notice.ended if notice.status in OVER else None
    return used_of(Period(start, end), notice.first_shown("in_progress", "verifying"), completed)
