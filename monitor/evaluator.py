"""From committed facts to the snapshot that everything shows (design/architecture.md, "evaluator").

One evaluation is one `now`. It runs at a commit, at most once a second, and at least every 5 s (contracts/interface.md,
"Metrics"); between services it lets the loop breathe, so that probing is never held up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.facts import AnyFact, Result
from monitor.interfaces import Clock, FactStore
from monitor.ledger.live import LiveBook, Series, live_book
from monitor.ledger.period import Period
from monitor.ledger.snapshot import Newest, ServiceView, Snapshot
from monitor.ledger.terms import Terms

AT_MOST_EVERY_S = 1.0
AT_LEAST_EVERY_S = 5.0
ALL_TIME = Period(-(2**62), 2**62)
SLICE_NS = 2_000_000
"""How long an evaluation may hold the loop at a stretch; performance.md, line 10 asks for under 5 ms in all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the configuration says of the things that a snapshot shows: public services, and each check's target."""

    public: frozenset[str]
    targets: Mapping[str, str]


class Evaluator:
    """Keeps the live book and the newest snapshot. `committed` is told of new facts; `run` is a producer's task."""

    def __init__(self, clock: Clock, store: FactStore, terms: Terms, shown: Shown) -> None:
        self._clock = clock
        self._store = store
        self._shown = shown
        self._terms = terms
        self._book: LiveBook | None = None
        self._waiting: list[AnyFact] = []
        self._changed = asyncio.Event()
        self._leaving = threading.Event()  # ends a reading of the store in its thread
        self.snapshot: Snapshot | None = None
        self.first_evaluation = asyncio.Event()

    def committed(self, facts: Sequence[AnyFact]) -> None:
        """New facts, durable by now, in order of recording."""
        self._waiting.extend(facts)
        self._changed.set()

    def replace(self, terms: Terms, shown: Shown) -> None:
        """The terms after a reload: the next evaluation starts from the store again."""
        self._terms, self._shown = terms, shown
        self._book = None
        self._changed.set()

    async def newest(self) -> Mapping[Series, int]:
        """The newest scheduled result of each check at each vantage, an instant: read from the store at a start."""
        return {series: result.at for series, result in (await self._current_book()).newest.items()}

    async def run(self) -> None:
        """Evaluates until it is cancelled."""
        try:
            await self._run()
        finally:
            self._leaving.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            started = self._clock.monotonic_ns()
            await self.evaluate()
            spent = (self._clock.monotonic_ns() - started) / 1e9
            await asyncio.sleep(max(0.0, AT_MOST_EVERY_S - spent))
            try:
                async with asyncio.timeout(AT_LEAST_EVERY_S - AT_MOST_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def evaluate(self) -> Snapshot:
        """One evaluation: takes in what was committed, and looks at every service at one `now`."""
        book = await self._current_book()
        waiting, self._waiting = self._waiting, []
        book.take(waiting)
        if book.stale:
            await self._retake(book, sorted(book.stale))
        as_of = self._clock.now()
        views: list[ServiceView] = []
        since = self._clock.monotonic_ns()
        for service in book.terms.services:
            views.append(book.view(service.name, as_of, public=service.name in self._shown.public))
            if self._clock.monotonic_ns() - since > SLICE_NS:
                await asyncio.sleep(0)
                since = self._clock.monotonic_ns()
        self.snapshot = Snapshot(
            as_of, tuple(views), tuple(self._newest(book)), book.severities(as_of), book.void_ms(as_of)
        )
        self.first_evaluation.set()
        return self.snapshot

    async def _current_book(self) -> LiveBook:
        while self._book is None or self._book.terms is not self._terms:
            terms = self._terms
            self._waiting = []
            self._book = await asyncio.to_thread(self._from_store, terms)
        return self._book

    def _from_store(self, terms: Terms) -> LiveBook:
        return live_book(terms, list(self._read()))

    def _read(self) -> Iterator[AnyFact]:
        for fact in self._store.read(ALL_TIME, 2**62):
            if self._leaving.is_set():
                return
            yield fact

    async def _retake(self, book: LiveBook, series: Sequence[Series]) -> None:
        book.retake(await asyncio.to_thread(self._results_of, set(series)), series)

    def _results_of(self, series: set[Series]) -> list[Result]:
        return [fact for fact in self._read() if isinstance(fact, Result) and (fact.check, fact.vantage) in series]

    def _newest(self, book: LiveBook) -> Iterable[Newest]:
        for service in book.terms.services:
            for check in service.checks:
                for vantage in book.vantages(check.name):
                    result = book.newest[check.name, vantage]
                    hold = check.hold_ms if result.hold_ms is None else result.hold_ms
                    target = self._shown.targets.get(check.name, check.name)
                    yield Newest(service.name, target, result, result.at + hold)
