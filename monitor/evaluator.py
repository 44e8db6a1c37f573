"""From committed facts to the snapshot that everything shows (design/architecture.md, "evaluator").

One evaluation is one `now`. It runs at a commit, at most once a second, and at least every 5 s (contracts/interface.md,
"Metrics"); between facts and services it lets the loop breathe, so that probing is never held up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from monitor.facts import AnyFact, Fact, Result
from monitor.interfaces import Clock, FactStore
from monitor.ledger.credits import Customer
from monitor.ledger.live import LiveBook
from monitor.ledger.obligations import Obliged
from monitor.ledger.peaks import Errors, PeakFigures, PeakView, TrafficEvent, hours_of, peak_terms
from monitor.ledger.period import DAY, HOUR, MINUTE, Period
from monitor.ledger.snapshot import Newest, ServiceView, Snapshot, WarnLimits
from monitor.ledger.terms import ServiceTerms, Terms

AT_MOST_EVERY_S = 1.0
AT_LEAST_EVERY_S = 5.0
ALL_TIME = Period(-(2**62), 2**62)
RESTS = 50
"""An evaluation takes a fiftieth of the time at most, as long as it comes every 5 s: a thousand services of ten checks
take 0.14 s."""
SLICE_NS = 2_000_000
"""How long an evaluation may hold the loop at a stretch; performance.md, line 10 asks for under 5 ms in all."""
IN_FLIGHT = MINUTE
"""How long before it is told of a fact may have been recorded, in ms; one that took longer is read once more."""

PEAK_SHOWN = 2 * DAY
"""How long after its end an announced peak is still evaluated, in ms: its last summary may wait for a channel."""

NO_LIMITS = WarnLimits()

UNSHOWN = frozenset({"terms"})
"""Not read: no figure rests on what was promised before, and those of ten thousand checks are 3 MB each."""

Look = tuple[str, str, int]
"""A check, a vantage and an instant: what makes a result one (accounting.md section 2, rule 1)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the configuration says of the things that a snapshot shows: public services, by check its target and what
    it warns of, the customers, and by customer the services of theirs."""

    public: frozenset[str]
    targets: Mapping[str, str]
    warn: Mapping[str, WarnLimits] = field(default_factory=dict)
    services_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    customers: tuple[Customer, ...] = ()


class Evaluator:
    """Keeps the live book and the newest snapshot. `committed` is told of new facts; `run` is a producer's task.
    `evaluated` is told of every snapshot and may not block."""

    def __init__(
        self,
        clock: Clock,
        store: FactStore,
        terms: Terms,
        shown: Shown,
        evaluated: Callable[[Snapshot], None] = lambda _: None,
    ) -> None:
        self.evaluated = evaluated
        self.open_vitals: Callable[[], Sequence[Fact]] = tuple  # the days of Web Vitals that are not recorded yet
        self.errors_in: Callable[[TrafficEvent, int], Errors | None] = lambda *_: None  # what Sentry counted by then
        self._clock = clock
        self._store = store
        self._shown = shown
        self._terms = terms
        self._obliged = Obliged(shown.customers)
        self._book: LiveBook | None = None
        self._waiting: list[AnyFact] = []
        self._changed = asyncio.Event()
        self._leaving = threading.Event()  # ends a reading of the store in its thread
        self.snapshot: Snapshot | None = None
        self.first_evaluation = asyncio.Event()
        self._turn = asyncio.Event()

    def committed(self, facts: Sequence[AnyFact]) -> None:
        """New facts, durable by now, in order of recording."""
        self._waiting.extend(facts)
        self._changed.set()

    def replace(self, terms: Terms, shown: Shown) -> None:
        """The terms after a reload: the next evaluation starts from the store again."""
        self._terms, self._shown = terms, shown
        self._obliged = Obliged(shown.customers)
        self._book = None
        self._changed.set()

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
            rest = rest_after(spent)
            await asyncio.sleep(rest)
            try:
                async with asyncio.timeout(max(0.0, AT_LEAST_EVERY_S - spent - rest)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def evaluate(self) -> Snapshot:
        """One evaluation: takes in what was committed, and looks at every service at one `now`."""
        book = await self._current_book()
        waiting, self._waiting = self._waiting, []
        held = _Held(self._clock)
        for fact in _in_time(waiting):
            book.take((fact,))
            await held.breathe()
        if book.stale:
            await self._mend(book)
        as_of = self._clock.now()
        views: list[ServiceView] = []
        newest: list[Newest] = []
        for service in book.terms.services:
            views.append(book.view(service.name, as_of, public=service.name in self._shown.public))
            newest += self._newest(book, service)
            await held.breathe()
        told = book.incidents(as_of)
        self.snapshot = Snapshot(
            as_of=as_of,
            services=tuple(views),
            newest=tuple(newest),
            severities=told.severities,
            void_ms=book.void_ms(as_of),
            incidents=told.going_on,
            closed=book.closed(),
            answering=book.answering(as_of),
            vitals=book.vitals(as_of, self.open_vitals()),
            peaks=await self._peaks(book, as_of),
            obligations=self._obliged.view(book, views, as_of),
        )
        self.first_evaluation.set()
        self.evaluated(self.snapshot)
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()
        return self.snapshot

    async def next_evaluation(self) -> None:
        """Returns once there is another snapshot than now."""
        await self._turn.wait()

    async def _peaks(self, book: LiveBook, as_of: int) -> tuple[PeakView, ...]:
        """The announced peaks that are not long over, with figures of those that have begun."""
        found: list[PeakView] = []
        for event in book.events(as_of - PEAK_SHOWN):
            services = self._shown.services_of.get(event.customer, ())
            view = PeakView(event, peak_terms(book.terms, event), services, errors=self.errors_in(event, as_of))
            if event.start <= as_of:
                hours = [*hours_of(Period(event.start, min(as_of, event.end)))]
                last = [hour for hour in hours if hour.end - hour.start == HOUR][-1:]
                windows = [event.period, *last]
                figures: list[list[PeakFigures]] = [[] for _ in windows]
                for service in services:
                    for window, found_in in zip(windows, figures, strict=True):
                        found_in.append(book.peak(service, window, as_of))
                    await asyncio.sleep(0)
                view = view._replace(figures=tuple(figures[0]), last_hour=tuple(figures[1] if last else ()))
            found.append(view)
        return tuple(found)

    # -- from the store, in a thread

    async def _current_book(self) -> LiveBook:
        while self._book is None or self._book.terms is not self._terms:
            terms, began = self._terms, self._clock.now()
            self._waiting = []
            self._book = await self._read_in_thread(partial(self._taken, terms, began - IN_FLIGHT))
        return self._book

    async def _mend(self, book: LiveBook) -> None:
        """Folds anew the series that a late result came for; only this task uses the book meanwhile."""
        await self._read_in_thread(partial(self._retaken, book))

    async def _read_in_thread(self, work: Callable[[], _Reading]) -> LiveBook:
        """Reads the store; what was told meanwhile and was read too is not told to the book again."""
        try:
            book, read = await asyncio.to_thread(work)
        except asyncio.CancelledError:
            self._leaving.set()
            raise
        self._waiting = [fact for fact in self._waiting if not (isinstance(fact, Result) and _look(fact) in read)]
        return book

    def _taken(self, terms: Terms, since: int) -> _Reading:
        """A book of the whole log, and the results in it that were recorded since."""
        book, recent = LiveBook(terms), set[Look]()
        gone_until = self._store.gone_until()
        if gone_until is None:
            book.take(_told(self._read(ALL_TIME), since, recent))
        else:
            book.begin([*_told(self._read(Period(ALL_TIME.start, gone_until)), since, recent)])
            book.take(_told(self._read(Period(gone_until, ALL_TIME.end)), since, recent))
        if book.stale:
            recent |= self._retaken(book).read
        return _Reading(book, recent)

    def _retaken(self, book: LiveBook) -> _Reading:
        stale = frozenset(book.stale)
        facts = [fact for fact in self._read(ALL_TIME) if fact.kind == "seal" or _series(fact) in stale]
        book.retake(facts, stale)
        return _Reading(book, {_look(fact) for fact in facts if isinstance(fact, Result)})

    def _read(self, period: Period) -> Iterator[AnyFact]:
        for fact in self._store.read(period, 2**62, UNSHOWN):
            if self._leaving.is_set():
                return
            yield fact

    # -- what is shown

    def _newest(self, book: LiveBook, service: ServiceTerms) -> Iterable[Newest]:
        for check in service.checks:
            warn = self._shown.warn.get(check.name, NO_LIMITS)
            for vantage in book.vantages(check.name):
                result = book.newest[check.name, vantage]
                hold = check.hold_ms if result.hold_ms is None else result.hold_ms
                target = self._shown.targets.get(check.name, check.name)
                yield Newest(service.name, target, result, result.at + hold, warn)


class _Held:
    """How long the loop has been held at a stretch."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic_ns()

    async def breathe(self) -> None:
        """Lets the loop turn once it was held for a slice."""
        if self._clock.monotonic_ns() - self._since > SLICE_NS:
            await asyncio.sleep(0)
            self._since = self._clock.monotonic_ns()


def rest_after(spent_s: float) -> float:
    """How long no evaluation begins after one that took so long, in seconds, whatever changes meanwhile."""
    return max(0.0, min(max(AT_MOST_EVERY_S, RESTS * spent_s), AT_LEAST_EVERY_S) - spent_s)


class _Reading(NamedTuple):
    """A book, and the looks in it that may be told of once more."""

    book: LiveBook
    read: Set[Look]


def _series(fact: AnyFact) -> tuple[str, str] | None:
    return (fact.check, fact.vantage) if isinstance(fact, Result) else None


def _look(result: Result) -> Look:
    return result.check, result.vantage, result.at


def _in_time(facts: Sequence[AnyFact]) -> Sequence[AnyFact]:
    """The same facts, results in order of their instants: a look that took longer is not late for that."""
    results = sorted((fact for fact in facts if isinstance(fact, Result)), key=attrgetter("at"))
    return [*(fact for fact in facts if not isinstance(fact, Result)), *results]


def _told(facts: Iterable[AnyFact], since: int, recent: set[Look]) -> Iterator[AnyFact]:
    """The facts as they are; adds to `recent` the results recorded since."""
    for fact in facts:
        if fact.recorded_at >= since and isinstance(fact, Result):
            recent.add(_look(fact))
        yield fact
