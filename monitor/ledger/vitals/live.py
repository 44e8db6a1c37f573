"""Web Vitals now, as facts come in: the running month and the 28 days that end today.

Days that stand open are given as facts of their own: they are counted with the recorded ones, and gone once theirs are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.errors import InputError
from monitor.facts import Fact, canonical_json, key
from monitor.ledger.period import Month, local_date, month_at
from monitor.ledger.snapshot import VitalFigures
from monitor.ledger.terms import Terms, VitalsPromise, policy_for
from monitor.ledger.vitals.samples import Report, Sample, day_of
from monitor.ledger.vitals.tally import METRICS, Cell, Tally, cell_of, place, tally_of
from monitor.ledger.vitals.windows import VitalsBook, Window, covered, ending, month_window

_State: TypeAlias = tuple[int, int, str]
"""What figures were computed from: how many facts, which open days, on which date."""


@dataclass(slots=True)
class VitalsLive:
    """Facts of Web Vitals under one set of terms, each kept once; figures are computed anew when something changed.

    Days are kept as JSON: thirteen months of a busy app take 15 MB so, and 90 as objects.
    """

    terms: Terms
    _days: dict[Cell, bytes] = field(default_factory=dict)
    _samples: dict[tuple[str, str], Sample] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set)
    _open: Sequence[Fact] = ()
    _state: _State | None = None
    _figures: tuple[VitalFigures, ...] = ()
    _breaches: dict[Month, Mapping[str, int]] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """A `vital` or a `vitals_day`, in order of recording."""
        identity = key(fact)
        if identity in self._seen:
            return
        self._seen.add(identity)
        if fact.kind == "vitals_day":
            self._days[cell_of(fact)] = canonical_json(fact.fields)
            return
        report = Report.of(fact)
        known = self._samples.get(report.key)
        if known is None:
            self._samples[report.key] = Sample(report, report)
        else:
            known.take(report)

    def view(self, as_of: int, open_days: Sequence[Fact]) -> tuple[VitalFigures, ...]:
        """What is promised of the running month, over it and over 28 days; nothing where nothing is promised."""
        today = local_date(as_of, self.terms.zone).isoformat()
        state = (len(self._seen), id(open_days), today)
        if state != self._state:
            self._open, self._state = open_days, state  # kept, so that its id stays its own
            self._figures = self._computed(as_of, today)
            self._breaches.clear()
        return self._figures

    def breaches(self, month: Month) -> Mapping[str, int]:
        """By metric, with the open days that `view` was given last; nothing where nothing is promised of the month."""
        if month not in self._breaches:
            promise, window = _promised(self.terms, month), month_window(month)
            book = None if promise is None else self._book(promise, window)
            judged = {} if book is None else {metric: book.judged(metric, window) for metric in METRICS}
            self._breaches[month] = {metric: int(each.verdict == "missed") for metric, each in judged.items()}
        return self._breaches[month]

    def _computed(self, as_of: int, today: str) -> tuple[VitalFigures, ...]:
        month = month_at(as_of, self.terms.zone)
        promise = _promised(self.terms, month)
        if promise is None:
            return ()
        windows = {"month": month_window(month), "28d": ending(today)}
        firsts, lasts = zip(*windows.values(), strict=True)
        book = self._book(promise, Window(min(firsts), max(lasts)))
        return tuple(_figures(book, metric, name, windows[name]) for metric in METRICS for name in windows)

    def _book(self, promise: VitalsPromise, window: Window) -> VitalsBook:
        """What counts within a window."""
        days = {
            cell: Fact("vitals_day", 0, json.loads(kept))
            for cell, kept in self._days.items()
            if window.first <= cell.day <= window.last
        }
        recorded = covered(days)
        days |= {cell_of(fact): fact for fact in self._open if cell_of(fact)[:2] not in recorded}
        book = VitalsBook(promise)
        book.add({cell: tally_of(fact, promise.limits[cell.metric]) for cell, fact in days.items()})
        book.add(self._tallies(promise, window, covered(days)))
        return book

    def _tallies(self, promise: VitalsPromise, window: Window, recorded: set[tuple[str, str]]) -> dict[Cell, Tally]:
        found: dict[Cell, Tally] = {}
        for sample in self._samples.values():
            metric, day = sample.first.metric, day_of(sample.first.at, self.terms.zone)
            if window.first <= day <= window.last and (metric, day) not in recorded:
                tally = found.setdefault(Cell(metric, day, sample.first.country), Tally())
                tally.add(place(metric, sample.last.value, promise.limits[metric]))
        return found


def _promised(terms: Terms, month: Month) -> VitalsPromise | None:
    try:
        return policy_for(terms.policies, month).vitals
    except InputError:
        return None


def _figures(book: VitalsBook, metric: str, name: str, window: Window) -> VitalFigures:
    judged = book.judged(metric, window)
    return VitalFigures(
        metric=metric,
        window=name,
        limit=judged.limit,
        samples=judged.samples,
        good=judged.good,
        result=judged.result(),
        verdict=judged.verdict,
        confidence=judged.confidence,
        percentile=judged.promise.percentile,
    )
