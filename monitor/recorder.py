"""Everything that becomes a fact passes here: it gets its `recorded_at`, is committed, and is told of.

Results are put without waiting and committed in groups. While the store is away (a full disk, a foreign lock) they wait
in a buffer of at most 16 MiB; beyond that the oldest go, and once the store is back each check gets a void `self_store`
over what was dropped. Storage trouble is never booked against a target. Other facts are recorded when `record` returns.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from monitor.errors import StoreDamagedError, StoreError
from monitor.facts import AnyFact, Result
from monitor.interfaces import Clock, Commit, Sleep
from monitor.store.stamps import Stamps

logger = logging.getLogger(__name__)

GATHER_S = 0.5
"""Results wait this long for others to be committed with: a commit writes some pages of its own, and wakes a disk."""

RETRY_S = 2.0
"""The longest pause between two attempts while the store is away: writing goes on within 5 s of room on the disk."""

DRAIN_S = 5.0
"""How long leaving may take; SIGTERM has 10 s for everything."""

BUFFER_BYTES = 16 * 2**20
"""Memory for results while the store is away (reliability.md, A3): hours of 10 results a second."""

RESULT_BYTES = 1024
"""What a result takes in memory, with its numbers and phases; its `detail` comes on top at 4 bytes a character."""

BATCH = 4096
"""Results a commit takes at most, so that a full buffer does not become one long transaction."""


class NewFacts(Protocol):
    """The store as the recorder needs it: as FactStore.append, answering the new facts themselves."""

    async def append_new(self, facts: Sequence[AnyFact]) -> list[AnyFact]: ...


class Recorder:
    """Records into one store until its context is left; then what is buffered is committed, within DRAIN_S.

    What waiting does not mend (a damaged store, a bug) cancels the body of the context and leaves it as an exception
    group.
    """

    def __init__(self, store: NewFacts, clock: Clock, on_commit: Commit, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._clock = clock
        self._on_commit = on_commit
        self._sleep = sleep
        self._stamps = Stamps()
        self._buffer: deque[Result] = deque()
        self._buffered_bytes = 0
        self._in_flight = 0
        self._lost: dict[tuple[str, str], Result] = {}
        self._filled = asyncio.Event()
        self._recorded: Counter[str] = Counter()
        self._writable = True
        self._tasks = asyncio.TaskGroup()
        self._committing: asyncio.Task[None] | None = None

    @property
    def writable(self) -> bool:
        """Whether the newest commit succeeded (`minutebook_store_writable`)."""
        return self._writable

    @property
    def depth(self) -> int:
        """Results that are not durable yet (`minutebook_queue_depth`)."""
        return len(self._buffer) + self._in_flight

    @property
    def recorded(self) -> Mapping[str, int]:
        """New facts since the start by kind (`minutebook_facts_recorded_total`)."""
        return self._recorded

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._committing = self._tasks.create_task(self._commit_results(), name="recorder")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._committing is None:
            return
        self._committing.cancel()
        await asyncio.wait([self._committing])
        if not self._committing.cancelled() and self._committing.exception() is not None:
            await self._tasks.__aexit__(kind, error, trace)  # raises it
            return
        await self._tasks.__aexit__(None, None, None)  # what the body raised goes on as it is
        await self._drain()

    def put(self, result: Result) -> None:
        """Takes a result to be recorded soon; never waits. Its `recorded_at` is set when it is committed."""
        self._buffer.append(result)
        self._buffered_bytes += _weight(result)
        while self._buffered_bytes > BUFFER_BYTES:
            self._drop(self._buffer.popleft())
        self._filled.set()

    async def record(self, facts: Sequence[AnyFact]) -> int:
        """Records facts of any kind, all or none; answers how many were new once they are durable.

        Raises StoreError when they could not be kept, FactError for what canonical JSON cannot spell.
        """
        return await self._commit(facts)

    async def _commit_results(self) -> None:
        pause = GATHER_S
        while True:
            await self._filled.wait()
            await self._sleep(pause)
            try:
                await self._commit_batch()
                pause = GATHER_S
            except StoreDamagedError:
                raise
            except StoreError as error:
                if pause == GATHER_S:
                    logger.warning("Results are kept in memory until the store is back: %s", error)
                pause = min(2 * pause, RETRY_S)

    async def _commit_batch(self) -> None:
        """The oldest results of the buffer, and voids over what was dropped; all back in their places on failure."""
        voids, self._lost = self._lost, {}
        batch = [self._buffer.popleft() for _ in range(min(BATCH, len(self._buffer)))]
        self._buffered_bytes -= sum(map(_weight, batch))
        self._in_flight = len(batch)
        if not self._buffer:
            self._filled.clear()
        try:
            await self._commit([*voids.values(), *batch])
        except BaseException:
            self._buffer.extendleft(reversed(batch))
            self._buffered_bytes += sum(map(_weight, batch))
            for series, void in voids.items():
                later = self._lost.get(series)
                self._lost[series] = void if later is None else _void_over(void, later)
            self._filled.set()
            raise
        finally:
            self._in_flight = 0

    async def _commit(self, facts: Sequence[AnyFact]) -> int:
        now = self._clock.now()
        self._stamps.forget_before(now)
        try:
            new = await self._store.append_new(self._stamps.stamp(facts, now))
        except StoreError:
            self._writable = False
            self._stamps = Stamps()  # nothing has them: retries must not push the next ones into the future
            raise
        self._writable = True
        self._recorded.update(fact.kind for fact in new)
        if new:
            self._on_commit(new)
        return len(new)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._buffer or self._lost:
                    await self._commit_batch()
        except (StoreError, TimeoutError) as error:
            reason = str(error) or "no time left"
            logger.error("%d results could not be stored before leaving: %s", self.depth, reason)  # noqa: TRY400

    def _drop(self, result: Result) -> None:
        self._buffered_bytes -= _weight(result)
        if not result.confirm:  # a confirming look covers no time
            series = (result.check, result.vantage)
            self._lost[series] = _void_over(self._lost.get(series), result)


def _weight(result: Result) -> int:
    return RESULT_BYTES + 4 * len(result.detail or "")


def _void_over(void: Result | None, dropped: Result) -> Result:
    """A scheduled void from the first dropped result to the end of the last one's hold."""
    start = dropped.at if void is None else void.at
    end = dropped.at + (dropped.hold_ms or 0)
    hold_ms = end - start or None
    return Result(0, dropped.check, dropped.vantage, start, "void", hold_ms=hold_ms, reason="self_store")
