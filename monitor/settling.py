"""Open samples of Web Vitals become the facts of their day (contracts/facts.md, `vitals_day`).

Until 48 h after its day a sample stands in the store's open table, and the figures of these days are counted from it
again and again. Then the facts of the day are recorded, and only then its samples go: a stop in between is harmless,
since the facts are made of the same samples again and have the same ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple, TypeVar

from monitor.errors import StoreError
from monitor.facts import AnyFact, Fact
from monitor.facts.schema import KINDS
from monitor.interfaces import Clock, VitalReport
from monitor.ledger.period import Period, midnight
from monitor.ledger.terms import Terms, VitalLimit
from monitor.ledger.vitals.histogram import exact
from monitor.ledger.vitals.samples import Report, Sample, day_of, days_of, samples_of
from monitor.ledger.vitals.tally import NOWHERE, Cell, Tally, cell_of, day_fields, day_id, due, promise_on
from monitor.ledger.vitals.ways import source_of
from monitor.life import Current
from monitor.store import OpenStore
from monitor.store.vitals import OpenSample

logger = logging.getLogger(__name__)

EVERY_S = 30.0
"""How often ids that are 48 h old are erased, and the open days are counted anew where something was reported."""

RESTS = 50
"""Counting takes a fiftieth of the time at most: 60,000 samples take 0.5 s, the fullest table 10 s."""

LOG = "import"
"""The way of `vital` facts that the log itself holds."""

_T = TypeVar("_T")
_NO_RESULTS = Period(0, 0)
_EVER = 2**62
_BUT_VITALS = frozenset(KINDS.keys() - {"vital"})
_RECORDED = frozenset(KINDS.keys() - {"vitals_day"})


class OpenDays(NamedTuple):
    """What stands open, counted: the tallies of each cell, and by metric and day how its samples were taken in."""

    tallies: Mapping[Cell, Tally]
    ways: Mapping[tuple[str, str], Set[str]]

    def facts(self, terms: Terms, recorded_at: int, days: Set[str] | None = None) -> list[Fact]:
        """The `vitals_day` facts of these days (None: of all), as they are recorded at an instant."""
        chosen = {cell: tally for cell, tally in self.tallies.items() if days is None or cell.day in days}
        return [
            Fact(
                "vitals_day",
                recorded_at,
                {**fields, "source": source_of(self.ways[str(fields["metric"]), str(fields["day"])])},
            )
            for fields in day_fields(chosen, terms)
        ]


@dataclass(slots=True)
class _Seen:
    """Notes while samples are counted how those of each metric and day were taken in."""

    terms: Terms
    ways: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def noting(self, samples: Iterable[tuple[Sample, str]]) -> Iterator[Sample]:
        for sample, way in samples:
            cell = sample.cell(self.terms.zone)
            self.ways.setdefault((cell.metric, cell.day), set()).add(way)
            yield sample


def counted(open_samples: Iterable[OpenSample], logged: Iterable[Fact], terms: Terms) -> OpenDays:
    """Counts open samples, and the `vital` facts of the same days that the log holds."""

    @cache
    def limit_on(cell: Cell) -> VitalLimit:
        return promise_on(terms, cell.day).limits[cell.metric]

    seen = _Seen(terms)
    tallies = days_of(seen.noting((_sample(each), each.trust) for each in open_samples), terms.zone, limit_on)
    days = {(cell.metric, cell.day) for cell in tallies}
    cells = [(sample, sample.cell(terms.zone)) for sample in samples_of(Report.of(fact) for fact in logged)]
    others = [(sample, LOG) for sample, cell in cells if (cell.metric, cell.day) in days]
    for cell, tally in days_of(seen.noting(others), terms.zone, limit_on).items():
        tallies.setdefault(cell, Tally()).merge(tally)
    return OpenDays(tallies, seen.ways)


def _sample(each: OpenSample) -> Sample:
    report = Report(each.metric, "", exact(each.value), each.at, each.country or NOWHERE)
    return Sample(report, report)


class Settling:
    """Keeps the open table of one daemon. `record` answers once facts are durable, and raises StoreError; `open_days`
    are the facts of the days that are not recorded yet, as they were when they were counted last."""

    def __init__(
        self,
        clock: Clock,
        store: OpenStore,
        record: Callable[[Sequence[AnyFact]], Awaitable[int]],
        current: Current,
    ) -> None:
        self._clock = clock
        self._store = store
        self._record = record
        self._current = current
        self._counted_at_ns: int | None = None
        self._rest_ns = 0
        self._stale = True
        self._terms: Terms | None = None
        self.open_days: tuple[Fact, ...] = ()

    async def keep(self, reports: Sequence[VitalReport]) -> int:
        """Keeps reports durably; answers how many were too late for their day. Raises StoreError."""
        late = await self._store.keep_vitals(reports, self._clock.now())
        self._stale = True
        return late

    async def ring(self) -> None:
        """Every half minute. What the store cannot give or take now is found again the next time."""
        try:
            await self.settle()
            began = self._clock.monotonic_ns()
            if self._is_stale() and (self._counted_at_ns is None or began - self._counted_at_ns >= self._rest_ns):
                await self.count()
                self._counted_at_ns = self._clock.monotonic_ns()
                self._rest_ns = RESTS * (self._counted_at_ns - began)
        except StoreError as error:
            logger.warning("Web Vitals wait for the store: %s", error)

    async def settle(self) -> None:
        """Erases ids that are old enough, and records the days that are over for 48 h. Raises StoreError."""
        now, terms = self._clock.now(), self._current.terms
        await self._store.forget_vitals(now)
        first = await asyncio.to_thread(self._store.first_open)
        if first is None or due(day_of(first, terms.zone), terms.zone) > now:
            return
        found = await asyncio.to_thread(self._count, terms)
        days = {cell.day for cell in found.tallies if due(cell.day, terms.zone) <= now}
        if not days:
            return
        there = await asyncio.to_thread(self._ours, days)
        facts = [
            each for each in found.facts(terms, 0, days) if (each.fields["metric"], each.fields["day"]) not in there
        ]
        new = await self._record(facts)
        logger.info("Web Vitals of %s: %d facts recorded, %d of them new", ", ".join(sorted(days)), len(facts), new)
        after = date.fromisoformat(max(days)) + timedelta(days=1)
        await self._store.purge_vitals(midnight(after, terms.zone))
        self._stale = True

    async def count(self) -> None:
        """Counts the open days anew. Raises StoreError."""
        self._stale, self._terms = False, self._current.terms
        found = await asyncio.to_thread(self._count, self._terms)
        recorded = await asyncio.to_thread(self._recorded, {cell.day for cell in found.tallies})
        now = self._clock.now()
        self.open_days = tuple(
            fact
            for fact in found.facts(self._terms, now)
            if (fact.fields["metric"], fact.fields["day"]) not in recorded
        )

    def _is_stale(self) -> bool:
        return self._stale or self._terms is not self._current.terms

    def _count(self, terms: Terms) -> OpenDays:
        samples = self._staying(self._store.open_samples())
        return counted(samples, self._read(_BUT_VITALS), terms)

    def _recorded(self, days: Set[str]) -> Set[tuple[object, object]]:
        """The metrics and days among these that are recorded: between that and their purge they stand twice."""
        facts = self._read(_RECORDED) if days else ()
        return {(fact.fields["metric"], fact.fields["day"]) for fact in facts if fact.fields["day"] in days}

    def _ours(self, days: Set[str]) -> Set[tuple[object, object]]:
        """Those that were recorded from open samples, as a whole: what follows was only to purge. A version that kept
        other countries by themselves may have done it, and its facts and ours together would count twice."""
        return {
            (cell.metric, cell.day)
            for fact in self._read(_RECORDED)
            if (cell := cell_of(fact)).day in days and fact.id == day_id(cell)
        }

    def _read(self, without: Set[str]) -> Iterator[Fact]:
        facts = self._store.read(_NO_RESULTS, _EVER, without)
        return (fact for fact in self._staying(facts) if isinstance(fact, Fact))

    def _staying(self, read: Iterable[_T]) -> Iterator[_T]:
        for each in read:
            if self._current.leaving:
                raise StoreError("the daemon is stopping")
            yield each
