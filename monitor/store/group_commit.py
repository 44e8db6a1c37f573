"""The store of a daemon: one thread that writes, and commits together whatever was asked for meanwhile.

While one group is made durable the next one gathers: no request waits longer than two commits, and a thousand requests
a second cost a few fsyncs. A task that is cancelled while it waits takes nothing back: its facts are committed whole or
not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from monitor.errors import FactError, StoreError
from monitor.facts import AnyFact
from monitor.interfaces import Clock, VitalReport
from monitor.ledger.period import Period
from monitor.store import vitals
from monitor.store.chain import Head
from monitor.store.log import Log
from monitor.store.opening import Reader, open_beside_writer, open_for_writing
from monitor.store.seals import Groups, let_go, prepare
from monitor.store.sqlite import Database
from monitor.store.url import store_path
from monitor.store.vitals import OpenSample, OpenVitals

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request:
    facts: tuple[AnyFact, ...]
    new: asyncio.Future[list[AnyFact]]


@asynccontextmanager
async def open_store(url: str, clock: Clock) -> AsyncIterator[OpenStore]:
    """The daemon's store, held until the context ends. Raises as `open_for_writing` does."""
    store = OpenStore(url)
    try:
        await store.start(clock.now())
        yield store
    finally:
        await store.aclose()


class OpenStore:
    """A `FactStore` (interfaces.py) whose one writing connection lives in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._path = store_path(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._held = ExitStack()  # entered and left in the thread
        self._log: Log | None = None
        self._vitals = OpenVitals()
        self._is_wiped = False  # a daemon that was killed left its WAL
        self._closed = False
        self._waiting: list[_Request] = []
        self._committing: asyncio.Task[None] | None = None

    async def start(self, now: int) -> None:
        """Takes the lock, makes or checks the store. `now` in UTC ms."""
        writer = await self._in_thread(lambda: self._held.enter_context(open_for_writing(self._url, now)))
        self._log = writer.log

    async def append(self, facts: Sequence[AnyFact]) -> int:
        """See `interfaces.FactStore`. Raises StoreError, and FactError for what canonical JSON cannot spell."""
        return len(await self.append_new(facts))

    async def append_new(self, facts: Sequence[AnyFact]) -> list[AnyFact]:
        """The same, answering the new ones themselves, in order."""
        if self._log is None:
            raise StoreError(f"{self._url}: the store is closed")
        request = _Request(tuple(facts), asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_waiting(self._log), name="commit")
        return await request.new

    def read(self, period: Period, as_of: int, without: Set[str] = frozenset()) -> Iterator[AnyFact]:
        """See `interfaces.FactStore`: blocking, on a read-only connection of its own."""
        with open_beside_writer(self._path) as reader:
            yield from reader.read(period, as_of, without)

    async def keep_vitals(self, reports: Sequence[VitalReport], now: int) -> int:
        """Keeps reports of Web Vitals, all or none, durably; `now` in UTC ms. Answers how many were too late for their
        day. Raises StoreError when they could not be kept, also where the table is full."""
        return await self._beside(lambda database: self._vitals.keep(database, reports, now))

    async def forget_vitals(self, now: int) -> None:
        """Erases what stands for the ids of samples that were first seen 48 h before `now` (UTC ms): it is in no file
        then, or once nobody reads an older state."""
        if await self._beside(lambda database: vitals.forget(database, now)):
            self._is_wiped = False
        await self._wipe()

    async def purge_vitals(self, until: int) -> None:
        """Drops the samples first seen before `until` (UTC ms): the facts of their days are recorded. What was erased
        is in no file then."""
        await self._beside(lambda database: vitals.purge(database, until))
        self._is_wiped = False
        await self._wipe()

    async def _wipe(self) -> None:
        if self._log is not None and not self._is_wiped:
            self._is_wiped = await self._in_thread(self._log.checkpoint)

    def open_samples(self) -> Iterator[OpenSample]:
        """Samples whose day is not recorded yet. Blocking, as `read` is."""
        with open_beside_writer(self._path) as reader:
            yield from reader.open_samples()

    def first_open(self) -> int | None:
        """When the first of these was first seen, UTC ms; None where there is none. Blocking, as `read` is."""
        with open_beside_writer(self._path) as reader:
            return reader.first_open()

    async def let_go(self, span: tuple[int, int], going: Sequence[tuple[int, Sequence[int]]]) -> int:
        """Lets results go under seals: pairs of a seal's seq and the seqs of results, which lie within `span`; answers
        how many went. Raises StoreError; of one seal all go or none."""
        gone = 0
        groups = await self._beside(lambda database: prepare(database, span))
        for seal_seq, seqs in going:
            gone += await self._beside(partial(_let_go, groups, seal_seq, seqs))
        return gone

    def beside(self) -> AbstractContextManager[Reader]:
        """The store as it is, over a connection of its own; blocking, as `read` is."""
        return open_beside_writer(self._path)

    def gone_until(self) -> int | None:
        """See `interfaces.FactStore`."""
        with self.beside() as reader:
            return reader.gone_until()

    def head(self) -> Head:
        """The newest committed head of the chain. Blocking, as `read` is."""
        with open_beside_writer(self._path) as reader:
            return reader.head()

    def first_recorded(self) -> int | None:
        """When the first fact was recorded, UTC ms; None in an empty store. Blocking, as `read` is."""
        with open_beside_writer(self._path) as reader:
            return reader.first_recorded()

    async def aclose(self) -> None:
        """Commits what is pending and lets go of the store; a second time does nothing."""
        self._log = None
        if self._committing is not None:
            await asyncio.wait([self._committing])
        if not self._closed:
            self._closed = True
            await self._in_thread(self._held.close)
            self._thread.shutdown(wait=False)

    async def _commit_waiting(self, log: Log) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._commit_group(log, group)
        finally:
            self._committing = None

    async def _commit_group(self, log: Log, group: Sequence[_Request]) -> None:
        try:
            outcomes = await self._in_thread(lambda: _commit(log, group))
        except Exception as error:
            outcomes = [error] * len(group)
        for request, outcome in zip(group, outcomes, strict=True):
            if request.new.done():  # who asked was cancelled
                continue
            if isinstance(outcome, Exception):
                request.new.set_exception(outcome)
            else:
                request.new.set_result(outcome)

    async def _beside(self, work: Callable[[Database], T]) -> T:
        """Carries something out in a transaction outside the chain; whole or not at all, also when it is cancelled."""
        log = self._log
        if log is None:
            raise StoreError(f"{self._url}: the store is closed")

        def carried_out() -> T:
            with log.beside() as database:
                return work(database)

        return await self._in_thread(carried_out)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _let_go(groups: Groups, seal_seq: int, seqs: Sequence[int], database: Database) -> int:
    return let_go(database, groups, seal_seq, seqs)


def _commit(log: Log, group: Sequence[_Request]) -> list[list[AnyFact] | Exception]:
    with log.transaction():
        return [_write(log, request.facts) for request in group]


def _write(log: Log, facts: Sequence[AnyFact]) -> list[AnyFact] | Exception:
    try:
        return log.write(facts)
    except FactError as error:  # refuses this request; the others of the group are kept
        return error
