"""What is new: what a good poll saw, held against what is known, gives facts. Pure; instants are UTC ms.

- A fact only where what it says has changed. The moment it was seen is its id's.
- An item that its list no longer holds was deleted when newer and older ones are still there, in three polls in a row:
  an incident is withdrawn and excuses nothing, a maintenance is cancelled or ends. Beyond a list's cap it has aged out.
- An incident that goes on and was not seen for an hour, for whatever cause, ends at the last poll that saw it, and
  goes on again when it is seen again: a failed poll, or a list that lost it, is never evidence that an outage goes on.
  One of a source that is asked no more ends there at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.facts import Fact, Json
from monitor.ledger.period import HOUR, format_instant
from monitor.poller.known import OF_A_DELIVERY, Key, Kind, Known, KnownItem, fact_of, without_id
from monitor.sources.kind import Incident, Item, Listing, Maintenance, Page, Problem, Steps

CONFIRMED = 3
"""Good polls in a row that must miss an item before it counts as deleted (upstreams.md H(1), rule 9)."""

LOST = HOUR
"""How long an incident that goes on may be out of sight before it ends where it was seen last."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who tells: the source's name, whose incidents they are, and its components as services of ours."""

    source: str
    provider: str
    services: Mapping[str, tuple[str, ...]]


class Change(NamedTuple):
    """The facts to record, what is known once they are, and what could not be made a fact."""

    facts: tuple[Fact, ...]
    known: Known
    problems: Mapping[Problem, int]


def after_poll(told: Told, known: Known, listings: Iterable[Listing], at: int) -> Change:
    """What a good poll changed; `at` is when its last reply came."""
    change = _Changing(told, dict(known), at)
    named = {lists.name: lists for lists in _by_name(listings)}
    for lists in named.values():
        change.take(lists)
    if named and all(lists.tells_absence for lists in named.values()):
        for key, item in known.items():
            if item.list not in named and item.list:  # a list that the page does not offer today
                change.end_if_lost(key, item)
    return change.done()


def newer(known: Known, page: Page) -> Page:
    """A delivery's page without maintenance that is older than what is known: repeated, late or replayed, it must not
    bring an earlier window back. One that does not say of when it is cannot be ordered, and is not taken either."""
    return replace(page, listings=tuple(_newer(known, listing) for listing in page.listings))


def _newer(known: Known, listing: Listing) -> Listing:
    def is_newer(item: Item) -> bool:
        if isinstance(item, Incident):
            return True
        before = known.get(("maintenance", item.id))
        return item.revised_at is not None and (before is None or item.revised_at > before.as_of)

    return replace(listing, items=tuple(filter(is_newer, listing.items)))


def after_failure(told: Told, known: Known, now: int, since: int) -> Change:
    """What a poll that failed at `now` changes: nothing, unless the feed is gone for an hour. `since`: from when on it
    was asked."""
    change = _Changing(told, dict(known), now)
    for key, item in known.items():
        if now - max(item.seen_at, since) > LOST:
            change.end(key, item)
    return change.done()


def after_removal(told: Told, known: Known, now: int) -> Change:
    """What it changes that the source is asked no more: what goes on ends, since nobody would ever tell its end."""
    change = _Changing(told, dict(known), now)
    for key, item in known.items():
        change.end(key, item)
    return change.done()


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of a poll that have one name; `oldest` and `newest` of those that hold all items there are."""

    name: str
    parts: tuple[Listing, ...]
    held: frozenset[str]
    is_active: bool
    tells_absence: bool
    is_full: bool
    oldest: int | None
    newest: int | None

    def reaches(self, began: int) -> bool:
        """Whether an item that began then would be among them, if it were still on the page."""
        return not self.is_full or (self.oldest is not None and self.oldest < began)

    def surround(self, began: int) -> bool:
        """Whether an older and a newer item are among them."""
        return self.oldest is not None and self.newest is not None and self.oldest < began < self.newest


def _by_name(listings: Iterable[Listing]) -> Iterator[_Lists]:
    named: dict[str, list[Listing]] = {}
    for listing in listings:
        named.setdefault(listing.name, []).append(listing)
    for name, parts in named.items():
        whole = [part for part in parts if part.holds == "all"]
        began = [each for part in whole for each in part.held.values() if each is not None]
        yield _Lists(
            name=name,
            parts=tuple(parts),
            held=frozenset(item for part in parts for item in part.held),
            is_active=not whole,
            tells_absence=any(part.holds != "some" for part in parts),
            is_full=any(part.full for part in whole),
            oldest=min(began, default=None),
            newest=max(began, default=None),
        )


class _Changing:
    """Facts in the making."""

    def __init__(self, told: Told, known: dict[Key, KnownItem], at: int) -> None:
        self.known = known
        self._told = told
        self._at = at
        self._facts: list[Fact] = []
        self._problems: Counter[Problem] = Counter()

    def done(self) -> Change:
        return Change(tuple(self._facts), self.known, self._problems)

    def take(self, lists: _Lists) -> None:
        """What the lists of one name hold, and what they hold no more."""
        name = lists.name
        seen: dict[str, int] = {}  # with as of when it says so itself
        for item in (item for part in lists.parts for item in part.items):
            if item.id not in seen:  # an open incident can be in two lists
                seen[item.id] = (item.revised_at or 0) if isinstance(item, Maintenance) else 0
                self._see(name, item)
        for key, known in [each for each in self.known.items() if each[1].list == name]:
            if key[1] in seen:
                as_of = self._at if lists.tells_absence else max(known.as_of, seen[key[1]])
                self.known[key] = replace(known, seen_at=self._at, absent=0, as_of=as_of)
            elif key[1] not in lists.held and lists.tells_absence:
                self._miss(key, replace(known, absent=known.absent + 1), lists)
            elif lists.tells_absence:  # it is there, and cannot be read
                self.known[key] = replace(known, absent=0)
                self.end_if_lost(key, self.known[key])

    # -- what a list holds

    def _see(self, name: str, item: Item) -> None:
        if isinstance(item, Incident):
            self._see_incident(name, item)
        else:
            self._see_maintenance(name, item)

    def _see_incident(self, name: str, seen: Incident) -> None:
        before = self.known.get(("incident", seen.id))
        components = _components(seen, before, self._at)
        if before is None and not seen.wanted:
            return
        given: dict[str, Json] = {
            "provider": self._told.provider,
            "incident": seen.id,
            "components": {key: [[format_instant(at), how] for at, how in steps] for key, steps in components.items()},
            **_texts(title=seen.title, url=seen.url, impact=seen.impact, status=seen.status),
            **seen.more,
        }
        self._tell("incident", seen.id, given, (name, seen.began))

    def _see_maintenance(self, name: str, seen: Maintenance) -> None:
        before = self.known.get(("maintenance", seen.id))
        services = _services(self._told.services, seen.components)
        window = seen.window if services is not None else None
        if window is None and (before is None or before.window is None):
            return
        if before is not None and before.window == window and _stands(before, services, seen.emergency):
            return  # another text or status of the same window
        given: dict[str, Json] = {
            "maintenance": seen.id,
            "announced_at": format_instant(self._announced(seen, before)),
            "start": None if window is None else format_instant(window.start),
            "end": None if window is None else format_instant(window.end),
            **_texts(title=seen.title, url=seen.url),
            **seen.more,
        }
        if services:
            given["services"] = list(services)
        if seen.emergency:
            given["emergency"] = True
        self._tell("maintenance", seen.id, given, (name, seen.began))

    def _announced(self, seen: Maintenance, before: KnownItem | None) -> int:
        """The first sighting counts from when the page says; a revision from when it was seen, or changed before that
        and after it was last seen otherwise (upstreams.md H(2))."""
        claimed = seen.announced_at if before is None else seen.revised_at
        if claimed is None or (before is not None and claimed <= before.seen_at):
            return self._at
        return min(claimed, self._at)

    # -- what it holds no more

    def _miss(self, key: Key, item: KnownItem, lists: _Lists) -> None:
        self.known[key] = item
        is_confirmed = item.absent >= CONFIRMED
        if item.kind == "maintenance":
            # an empty list of what is active is no odd thing, one of all that there are is
            is_plausible = bool(lists.held) or lists.is_active
            if lists.reaches(item.began) and ((is_confirmed and is_plausible) or self._is_lost(item)):
                self._cut(key, item)
        elif is_confirmed and lists.surround(item.began) and item.components:
            self._again(key, item, {**item.fields, "components": {}, "withdrawn": True})
        elif lists.is_active:
            self.end(key, item)
        else:
            self.end_if_lost(key, item)

    def _is_lost(self, item: KnownItem) -> bool:
        return self._at - item.seen_at > LOST

    def end_if_lost(self, key: Key, item: KnownItem) -> None:
        """As `end`, where it was not seen for an hour."""
        if self._is_lost(item):
            self.end(key, item)

    def end(self, key: Key, item: KnownItem) -> None:
        """An incident that goes on ends where it was seen last."""
        if item.kind == "incident" and item.is_open:
            ended = {name: _ended(steps, item.seen_at) for name, steps in item.steps.items()}
            components: dict[str, Json] = {
                name: [[format_instant(at), how] for at, how in steps] for name, steps in ended.items()
            }
            self._again(key, item, {**item.fields, "components": components, "out_of_sight": True})

    def _cut(self, key: Key, item: KnownItem) -> None:
        """A maintenance that was taken off the page: cancelled before its start, over when it was seen last after."""
        window = item.window
        if window is None or self._at >= window.end:
            return
        end = None if self._at < window.start else max(item.seen_at, window.start)
        start = None if end is None else format_instant(window.start)
        cut: dict[str, Json] = {"start": start, "end": None if end is None else format_instant(end)}
        stands = {name: value for name, value in item.fields.items() if name not in OF_A_DELIVERY}
        self._again(key, item, {**stands, **cut, "announced_at": format_instant(self._at)})

    # -- facts

    def _again(self, key: Key, item: KnownItem, given: Mapping[str, Json]) -> None:
        made = fact_of(item.kind, key[1], given, self._at)
        if not isinstance(made, Fact):
            self._problems[made] += 1
            return
        self._facts.append(made)
        self.known[key] = replace(item, fields=without_id(made.fields))

    def _tell(self, kind: Kind, item: str, given: Mapping[str, Json], place: tuple[str, int]) -> None:
        name, began = place
        fields: dict[str, Json] = {
            **given,
            "source": self._told.source,
            "list": name,
            "began": format_instant(began),
        }
        made = fact_of(kind, item, fields, self._at)
        if not isinstance(made, Fact):
            self._problems[made] += 1
            return
        before = self.known.get((kind, item))
        said = without_id(made.fields)
        if before is None or before.fields != said:
            self._facts.append(made)
        self.known[kind, item] = KnownItem(kind, name, began, self._at, said)


def _texts(**given: str | None) -> dict[str, Json]:
    return {name: value for name, value in given.items() if value is not None}


def _components(seen: Incident, before: KnownItem | None, at: int) -> dict[str, Steps]:
    """The steps that the page tells, and those that polls made of what held at each: what it names no more is over."""
    told = dict(seen.components)
    if not seen.now:
        return told
    now = dict(seen.now)
    for key, steps in ({} if before is None else before.steps).items():
        if key not in told:
            told[key] = steps
            now.setdefault(key, "operational")
    for key, severity in now.items():
        steps = told.get(key, ())
        last = steps[-1][1] if steps else "operational"
        if last != severity and (not steps or steps[-1][0] < at):
            told[key] = (*steps, (at, severity))
    if seen.ended is not None:
        told = {key: _ended(steps, seen.ended) for key, steps in told.items()}
    return told


def _ended(steps: Steps, end: int) -> Steps:
    """The steps up to the end, and operational from there on."""
    kept = tuple(step for step in steps if step[0] < end)
    return kept if not kept or kept[-1][1] == "operational" else (*kept, (end, "operational"))


def _services(
    mapping: Mapping[str, tuple[str, ...]], components: tuple[tuple[str, ...], ...]
) -> tuple[str, ...] | None:
    """The services of ours that a maintenance is about; empty: all; None: none of them.

    Without a mapping a page is about all of them. With one, a maintenance that names no component is about every
    service that the page is mapped to.
    """
    if not mapping:
        return ()
    spellings = {spelling for component in components for spelling in component} if components else set(mapping)
    found = dict.fromkeys(service for key, services in mapping.items() if key in spellings for service in services)
    return tuple(sorted(found)) or None


def _stands(before: KnownItem, services: tuple[str, ...] | None, emergency: bool) -> bool:
    """Whether a maintenance is still about the same services, and as much of an emergency."""
    return (
        before.fields.get("services", []) == list(services or ())
        and bool(before.fields.get("emergency", False)) == emergency
    )
