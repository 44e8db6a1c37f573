"""Retention in a running daemon: finished days are sealed, and results of sealed days go after `raw_retention`.

Contracts/facts.md, `seal`. Both are found anew at each ring from what the store holds, so a day that was missed, by a
daemon that was away or a store that was, is made up; nothing is sealed or let go twice. Series are taken in portions,
in a thread, with a rest after each: a day of a thousand services is three million results.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from monitor.errors import InputError, StoreError
from monitor.facts import AnyFact, Fact
from monitor.facts.seals import Seal, seal_fact
from monitor.finalising import NO_RESULTS, SETTLED, UNREAD
from monitor.interfaces import Clock, Sleep
from monitor.ledger.closings import closings
from monitor.ledger.period import DAY, HOUR, Period, format_instant, month_at
from monitor.ledger.seals import AROUND, Pin, may_go, sealed
from monitor.ledger.terms import final_from
from monitor.life import Current
from monitor.store import OpenStore
from monitor.store.seals import Sealed

logger = logging.getLogger(__name__)

EVERY_S = 600.0
"""How often it is looked whether a day can be sealed, or its results go."""

AFTER = HOUR
"""How long after its end a day is sealed. What comes later is a fact like any other, and stays."""

OLDEST = 4000 * DAY
"""How long ago a day may be that is sealed: a result that is dated wrongly must not make a millennium of days."""

AT_ONCE = 20
"""Series whose day is read at once: at 30 s some 60,000 results, about 30 MB."""

REST_S = 0.5
"""After each of them, so that looks are not late for it."""

FOREVER = 2**62

Series = tuple[str, str]
"""A check at a vantage."""


class Going(NamedTuple):
    """What of some series may go: pairs of a seal's seq and the seqs of results under it; and the extent of these."""

    span: tuple[int, int]
    pairs: Sequence[tuple[int, Sequence[int]]]


class Sealer:
    """Seals days, and lets their results go. `record` answers once facts are durable and raises StoreError."""

    def __init__(
        self,
        clock: Clock,
        store: OpenStore,
        record: Callable[[Sequence[AnyFact]], Awaitable[int]],
        current: Current,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._store = store
        self._record = record
        self._current = current
        self._sleep = sleep
        self._looked_through: set[int] = set()
        self._day: int | None = None

    async def ring(self) -> None:
        """Once in a while. What the store cannot give or take now is found again the next time."""
        try:
            await self._seal()
            await self._let_go()
        except StoreError as error:
            logger.warning("sealing waits for the store: %s", error)

    async def _seal(self) -> None:
        today = self._clock.now() // DAY
        if self._day != today:
            self._day, self._looked_through = today, set()  # results may have come for any day since
        for start in await asyncio.to_thread(self._finished):
            for some in _some(await asyncio.to_thread(self._unsealed, start)):
                facts = await asyncio.to_thread(self._sealed, start, frozenset(some))
                await self._record(facts)
                await self._sleep(REST_S)
            self._looked_through.add(start)

    def _finished(self) -> list[int]:
        """The days that are over, may have results and were not looked through."""
        until = (self._clock.now() - AFTER) // DAY * DAY
        with self._store.beside() as reader:
            days = reader.days_within(Period(until - OLDEST, until))
        return [start for start in days if start not in self._looked_through]

    def _unsealed(self, start: int) -> list[Series]:
        with self._store.beside() as reader:
            known = {(each.seal.check, each.seal.vantage) for each in reader.sealed_on(start)}
            return [series for series in reader.series_in(Period(start, start + DAY)) if series not in known]

    def _sealed(self, start: int, series: frozenset[Series]) -> list[Fact]:
        self._stay()
        as_of = self._clock.now() - SETTLED
        with self._store.beside() as reader:
            found = reader.results_of(series, Period(start, start + DAY))
        recorded = [[result for _, result in results if result.recorded_at <= as_of] for results in found.values()]
        return [seal_fact(sealed(results, start, as_of)) for results in recorded if results]

    async def _let_go(self) -> None:
        due = self._clock.now() - self._current.config.raw_retention
        pins: list[Pin] | None = None
        for start in await asyncio.to_thread(self._due, due):
            if pins is None:
                pins = await asyncio.to_thread(self._pins)
            gone = 0
            for going in await asyncio.to_thread(self._batches, start):
                found = await asyncio.to_thread(self._going, start, going, [*pins, *self._final_around(start)])
                gone += await self._store.let_go(found.span, found.pairs)
                await self._sleep(REST_S)
            logger.info("%d results of %s went under its seals", gone, format_instant(start)[:10])

    def _due(self, recorded_by: int) -> list[int]:
        with self._store.beside() as reader:
            return reader.days_to_look_at(recorded_by)

    def _batches(self, start: int) -> list[list[Sealed]]:
        with self._store.beside() as reader:
            waiting = [each for each in reader.sealed_on(start) if each.gone is None]
        return [waiting[place : place + AT_ONCE] for place in range(0, len(waiting), AT_ONCE)]

    def _pins(self) -> list[Pin]:
        """Every closing: what it consulted stays as it was."""
        small = [*self._store.read(NO_RESULTS, FOREVER, UNREAD)]
        zone = self._current.terms.zone
        chains = closings(small, FOREVER)
        return [Pin(each.as_of, month.period(zone).end) for (_, month), chain in chains.items() for each in chain]

    def _final_around(self, start: int) -> Iterator[Pin]:
        """The instants at which months become final while a day is young: one may be closed as of them later."""
        terms = self._current.terms
        latest = month_at(start, terms.zone)
        for month in (latest, latest.shifted(-1)):
            try:
                yield Pin(final_from(month, terms), month.period(terms.zone).end)
            except InputError:
                continue  # nothing was promised for it

    def _going(self, start: int, some: Sequence[Sealed], pins: Sequence[Pin]) -> Going:
        self._stay()
        with self._store.beside() as reader:
            days = [each for day in (start - DAY, start, start + DAY) for each in reader.sealed_on(day)]
            series = {(each.seal.check, each.seal.vantage) for each in some}
            found = reader.results_of(series, Period(start - AROUND, start + DAY + AROUND))
        pairs: list[tuple[int, list[int]]] = []
        for each in some:
            results = found.get((each.seal.check, each.seal.vantage), [])
            going = {id(result) for result in may_go([result for _, result in results], _of(days, each), start, pins)}
            pairs.append((each.seq, [seq for seq, result in results if id(result) in going]))
        seqs = [seq for _, those in pairs for seq in those]
        return Going((min(seqs, default=1), max(seqs, default=1)), pairs)

    def _stay(self) -> None:
        if self._current.leaving:
            raise StoreError("the daemon is stopping")


def _of(days: Sequence[Sealed], of: Sealed) -> Mapping[int, Seal]:
    """The seals of one series by the start of their days."""
    series = (of.seal.check, of.seal.vantage)
    return {each.seal.start: each.seal for each in days if (each.seal.check, each.seal.vantage) == series}


def _some(series: Sequence[Series]) -> Iterator[Sequence[Series]]:
    for place in range(0, len(series), AT_ONCE):
        yield series[place : place + AT_ONCE]
