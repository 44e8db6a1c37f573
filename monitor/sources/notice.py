"""A notice of a page that speaks Statuspage's dialect, an incident or a maintenance: what of it can be read, typed.

Times, statuses and components only; what follows from them is for the source that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from monitor.sources.kind import Severity
from monitor.sources.reading import Object, Reading

LONGEST_TEXT = 2_000
"""Of the text of an update, which is the evidence where there is no other."""

STATUSES: Mapping[str, Severity] = {
    "operational": "operational",
    "under_maintenance": "maintenance",
    "degraded_performance": "degraded",
    "partial_outage": "partial_outage",
    "major_outage": "major_outage",
}
"""Of a component, to the severities of facts.md."""

IMPACTS: Mapping[str, Severity] = {
    "none": "operational",
    "minor": "degraded",
    "major": "partial_outage",
    "critical": "major_outage",
    "maintenance": "maintenance",
}
"""Of an incident that names the severity of no component."""

OVER = frozenset({"resolved", "postmortem", "completed"})
GOING_ON = frozenset({"investigating", "identified", "monitoring", "scheduled", "in_progress", "verifying"})
PLANNED_ONLY = frozenset({"scheduled", "in_progress", "verifying", "completed"})


class Update(NamedTuple):
    """One update: when the page shows it for, when it was really posted, and which components it speaks of."""

    shown: int
    posted: int | None
    status: str | None
    affected: tuple[Object, ...]
    text: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What an incident and a maintenance have in common, read."""

    id: str
    given: Object
    name: str | None
    status: str | None
    impact: str | None
    created: int | None
    updates: tuple[Update, ...]
    ended: int | None
    is_broken: bool
    components: Mapping[str, tuple[str, ...]]
    """Each that it names now, by id or else name, with every spelling, the plain name first; groups left out."""
    groups: frozenset[str]

    @classmethod
    def read(cls, reading: Reading, item: str, given: Object) -> Notice:
        status, impact = reading.text(given, "status"), reading.text(given, "impact")
        if status is not None and status not in OVER | GOING_ON:
            reading.count("unknown_enum")
        before = reading.problems["bad_time"]
        updates = tuple(sorted(_updates(reading, given), key=lambda update: (update.shown, update.posted or 0)))
        resolved = reading.past(given, "resolved_at")
        is_broken = reading.problems["bad_time"] > before  # an end that cannot be read is no reason to go on
        if not updates:
            reading.count("missing_field")
        ended = resolved
        if ended is None and status in OVER and updates:
            over = list(takewhile(lambda update: update.status in OVER, reversed(updates)))
            ended = (over or updates)[-1].shown  # a postmortem comes days after the end
        components, groups = _named(reading, given)
        return cls(
            id=item,
            given=given,
            name=reading.text(given, "name"),
            status=status,
            impact=impact,
            created=reading.past(given, "created_at") or (updates[0].shown if updates else None),
            updates=updates,
            ended=ended,
            is_broken=is_broken or not updates,
            components=components,
            groups=groups,
        )

    @property
    def is_test(self) -> bool:
        return self.name is not None and self.name.startswith("_system_metadata:")

    @property
    def began(self) -> int:
        return self.updates[0].shown if self.created is None else self.created

    def first_shown(self, *statuses: str) -> int | None:
        """When the first update of one of these statuses is shown for."""
        return next((update.shown for update in self.updates if update.status in statuses), None)


def _updates(reading: Reading, given: Object) -> Iterator[Update]:
    for update in reading.objects(given, "incident_updates"):
        posted = reading.past(update, "created_at")
        shown = reading.past(update, "display_at") if update.get("display_at") is not None else posted
        if shown is None:
            if update.get("display_at") is None and update.get("created_at") is None:
                reading.count("bad_time")
            continue
        status, text = reading.text(update, "status"), reading.text(update, "body", LONGEST_TEXT)
        yield Update(shown, posted, status, tuple(reading.objects(update, "affected_components")), text)


def _named(reading: Reading, given: Object) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    found: dict[str, tuple[str, ...]] = {}
    groups: set[str] = set()
    for component in reading.objects(given, "components"):
        name = reading.text(component, "name")
        item = reading.id(component) if component.get("id") is not None else None
        if component.get("group") is True:
            groups |= {spelling for spelling in (item, name) if spelling}
        elif item or name:
            found[item or name or ""] = tuple(spelling for spelling in (name, item) if spelling)
    return found, frozenset(groups)


def status_of(reading: Reading, given: Object, key: str) -> Severity | None:
    """The severity of a component's status; None for one that nobody knows, which is counted."""
    value = given.get(key)
    severity = STATUSES.get(value) if isinstance(value, str) else None
    if severity is None:
        reading.count("missing_field" if value is None else "unknown_enum" if isinstance(value, str) else "wrong_type")
    return severity


@dataclass(slots=True)
class Affected:
    """A component that updates speak of: how it is spelled, and what was said of it in order of time."""

    spellings: tuple[str, ...]
    said: list[tuple[int, Severity]]


def affected_by(reading: Reading, notice: Notice) -> tuple[list[Affected], list[tuple[str, ...]]]:
    """The components with a status in some update; and those that are only named (old pages)."""
    found: dict[str, Affected] = {}
    mentioned: list[tuple[str, ...]] = []
    for update in notice.updates:
        for entry in update.affected:
            name = reading.text(entry, "name")
            code = reading.id(entry, "code") if entry.get("code") is not None else None
            if (code or name) is None or notice.groups & {code, name}:
                continue
            spellings = _spellings(notice, code, name)
            if "new_status" not in entry:
                mentioned.append(spellings)
                continue
            severity = status_of(reading, entry, "new_status")
            component = found.setdefault(code or name or "", Affected(spellings, []))
            if severity is not None:  # an unknown one changes nothing: it is neither an outage nor its end
                component.said.append((update.shown, severity))
    return list(found.values()), list(dict.fromkeys(mentioned))


def _spellings(notice: Notice, code: str | None, name: str | None) -> tuple[str, ...]:
    """Of a component in an update, whose name is `Group - Name`: its plain name first."""
    known = notice.components.get(code or name or "")
    plain = known[:1] if known else ()
    parts = [] if plain or name is None else _without_groups(name)
    return tuple(dict.fromkeys((*plain, *([name] if name else ()), *parts, *([code] if code else ()))))


def _without_groups(name: str) -> list[str]:
    """What the plain name may be: only the page knows where a group's name ends."""
    words = name.split(" - ")
    return [" - ".join(words[place:]) for place in range(1, len(words))]
