"""Leaving out what need not be read (ledger/quiet.py): months of raw results, of which a report needs troubled days.

A seal is not believed: the results of its day are counted here, and only scheduled passes are left out, as many as it
says and between the instants that it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from monitor.facts.seals import Quiet
from monitor.ledger.period import DAY
from monitor.store.reading import LeftOut, Templates, Zone, every_zone, head_of
from monitor.store.sqlite import Database

_MOST_OTHERS = 10_000
"""Templates that are named in a query of ours: SQLite takes 32,766 parameters (sqlite.org/limits.html)."""


class _Counted(NamedTuple):
    """The results of one template on a day: how many, the first and last instant, and when the first was recorded."""

    results: int
    first: int
    last: int
    recorded: int

    def joined(self, other: _Counted) -> _Counted:
        """Both."""
        ends = (min(self.first, other.first), max(self.last, other.last))
        return _Counted(self.results + other.results, *ends, min(self.recorded, other.recorded))


def left_out(database: Database, days: Iterable[Quiet]) -> list[LeftOut]:
    """What of these days is left out, as far as the store holds what is said of them; in order."""
    templates = Templates(database)
    zones = every_zone(database, head_of(database).seq)
    found: list[LeftOut] = []
    for start, those in groupby(sorted(days, key=attrgetter("start")), key=attrgetter("start")):
        quiet = list(those)
        within = [zone for zone in zones if zone.first_at < start + DAY and start <= zone.last_at]
        if sum(zone.last_seq - zone.first_seq for zone in within) < sum(each.stretch.passes for each in quiet):
            continue  # most have gone: counting would cost more than reading what is left
        counted = _counted(database, start, within)
        told = [(each, _passes_alone(each, counted, templates)) for each in quiet]
        held = [(each, numbers) for each, numbers in told if numbers]
        if held:
            after, before = max(each.after for each, _ in held), min(each.before for each, _ in held)
            others = counted.keys() - {number for _, numbers in held for number in numbers}
            if len(others) <= _MOST_OTHERS:
                found.append(LeftOut(after, before, min(each.as_of for each, _ in held), tuple(sorted(others))))
    return found


def _counted(database: Database, start: int, zones: Sequence[Zone]) -> dict[int, _Counted]:
    found: dict[int, _Counted] = {}
    for first_seq, last_seq in _joined(zones):
        rows = database.rows(
            "SELECT template, count(*), min(at), max(at), min(at + learned) FROM result"
            " WHERE seq BETWEEN ? AND ? AND at >= ? AND at < ? GROUP BY template",
            (first_seq, last_seq, start, start + DAY),
        )
        for number, *counted in rows:
            each = _Counted(*counted)
            found[number] = each.joined(found.get(number, each._replace(results=0)))
    return found


def _joined(zones: Iterable[Zone]) -> Iterator[tuple[int, int]]:
    """The seqs of zones, neighbours made one."""
    first = last = None
    for zone in zones:
        if first is not None and last is not None and zone.first_seq != last + 1:
            yield first, last
            first = None
        first, last = zone.first_seq if first is None else first, zone.last_seq
    if first is not None and last is not None:
        yield first, last


def _passes_alone(quiet: Quiet, counted: Mapping[int, _Counted], templates: Templates) -> Sequence[int]:
    """The templates of the day's results, where these are what the seal says: its scheduled passes, no source's."""
    own = {number: each for number, each in counted.items() if templates[number].series == (quiet.check, quiet.vantage)}
    stretch = quiet.stretch
    for number in own:
        shared = templates[number].shared
        if shared.outcome != "pass" or shared.confirm or shared.hold_ms != stretch.hold_ms or shared.source is not None:
            return ()
    if sum(each.results for each in own.values()) != stretch.passes:
        return ()
    if any(each.recorded < quiet.start for each in own.values()):
        return ()  # recorded ahead of its instant: an earlier closing may have consulted it
    ends = (min(each.first for each in own.values()), max(each.last for each in own.values()))
    return tuple(own) if ends == (stretch.first, stretch.last) else ()
