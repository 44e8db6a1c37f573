"""Samples over a month and over 28 days (commitments.md section 1), read from the facts that were admitted.

A `vitals_day` fact stands for all samples of its metric and day: a `vital` fact of such a day counts no more, whatever
its country, so nothing counts twice. Of several about one metric, day and country the newest recorded stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.facts import Fact
from monitor.ledger.entries import Entries
from monitor.ledger.period import Month, local_date
from monitor.ledger.terms import VitalsPromise
from monitor.ledger.vitals.samples import Report, days_of, samples_of
from monitor.ledger.vitals.tally import Cell, Tallies, Tally, cell_of, merged, tally_of
from monitor.ledger.vitals.verdict import Judged

WINDOW_DAYS = 28
"""What Shopify itself judges: the dates up to and with the one that the window ends on."""


class Window(NamedTuple):
    """Dates of the SLA's calendar, spelled as in facts; both belong to it."""

    first: str
    last: str


def month_window(month: Month) -> Window:
    """All dates of the month."""
    return Window(month.first_day.isoformat(), (month.shifted(1).first_day - timedelta(days=1)).isoformat())


def last_28_days(month: Month, as_of: int, zone: ZoneInfo) -> Window:
    """Those that end with the date of `as_of`, or with the month's last when it is over by then."""
    last = min(local_date(as_of, zone).isoformat(), month_window(month).last)
    return ending(last)


def ending(last: str) -> Window:
    """The 28 days that end with this one."""
    return Window((date.fromisoformat(last) - timedelta(days=WINDOW_DAYS - 1)).isoformat(), last)


@dataclass(slots=True)
class VitalsBook:
    """Tallies under one promise: by metric, day and country, and by metric and day over all countries."""

    promise: VitalsPromise
    cells: dict[Cell, Tally] = field(default_factory=dict)
    days: dict[str, dict[str, Tally]] = field(default_factory=dict)

    def add(self, tallies: Tallies) -> None:
        """More tallies of cells; they are not changed, and neither is anything that was judged before."""
        for cell, tally in tallies.items():
            known = self.cells.get(cell)
            self.cells[cell] = tally if known is None else merged((known, tally))
            days = self.days.setdefault(cell.metric, {})
            day = days.get(cell.day)
            days[cell.day] = tally if day is None else merged((day, tally))

    def judged(self, metric: str, window: Window) -> Judged:
        """A metric over a window, all countries together."""
        days = [tally for day, tally in self.days.get(metric, {}).items() if _is_in(day, window)]
        counted = [tally for tally in days if tally.samples]
        return Judged(metric, self.promise, merged(counted), len(counted))

    def countries(self, metric: str, window: Window) -> list[tuple[str, Judged]]:
        """The same by country, those with the most samples first."""
        found: dict[str, list[Tally]] = {}
        for cell, tally in self.cells.items():
            if cell.metric == metric and _is_in(cell.day, window) and tally.samples:
                found.setdefault(cell.country, []).append(tally)
        each = [(country, Judged(metric, self.promise, merged(days), len(days))) for country, days in found.items()]
        return sorted(each, key=lambda pair: (-pair[1].samples, pair[0]))


def _is_in(day: str, window: Window) -> bool:
    return window.first <= day <= window.last


def vitals_book(entries: Entries, zone: ZoneInfo, promise: VitalsPromise) -> VitalsBook:
    """What the admitted facts say, counted under this promise."""
    book = VitalsBook(promise)
    recorded = newest_by_cell(entries.of("vitals_day"))
    book.add({cell: tally_of(fact, promise.limits[cell.metric]) for cell, fact in recorded.items()})
    book.add(open_tallies(entries.of("vital"), covered(recorded), zone, promise))
    return book


def newest_by_cell(facts: Iterable[Fact]) -> dict[Cell, Fact]:
    """The `vitals_day` fact that stands for each cell; facts in order of recording."""
    return {cell_of(fact): fact for fact in facts}


def covered(recorded: Iterable[Cell]) -> set[tuple[str, str]]:
    """The metrics and days that `vitals_day` facts stand for."""
    return {(cell.metric, cell.day) for cell in recorded}


def open_tallies(
    vitals: Iterable[Fact], recorded: set[tuple[str, str]], zone: ZoneInfo, promise: VitalsPromise
) -> Mapping[Cell, Tally]:
    """The tallies of `vital` facts, in order of recording, whose day no fact stands for."""
    samples = samples_of(map(Report.of, vitals))
    found = days_of(samples, zone, lambda cell: promise.limits[cell.metric])
    return {cell: tally for cell, tally in found.items() if (cell.metric, cell.day) not in recorded}
