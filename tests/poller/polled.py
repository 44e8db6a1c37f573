"""The daemon's poller over a real store and a real client session, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.config import Config
from monitor.errors import StoreError
from monitor.facts import AnyFact, Fact
from monitor.ledger.period import Period
from monitor.poller import Fetcher, Log, Poller, session
from monitor.recorder import Recorder
from monitor.store import OpenStore, open_store
from monitor.wiring import polled
from tests.probes.clocks import FakeClock

NO_RESULTS, ALL_TIME = Period(0, 0), Period(-(2**62), 2**62)
IMPATIENT_S = 0.3
"""How long a request may take in these tests, where it is meant to take too long."""


def ignore(_facts: Sequence[AnyFact]) -> None:
    return


@dataclass
class Recording:
    """A recorder whose store can be `away`."""

    recorder: Recorder
    away: bool = False

    async def record(self, facts: Sequence[AnyFact]) -> int:
        if self.away:
            raise StoreError("the disk is full")
        return await self.recorder.record(facts)


@dataclass
class Polled:
    """A poller, and what there is to see of it."""

    clock: FakeClock
    store: OpenStore
    recording: Recording
    poller: Poller

    async def ring(self, at: int | None = None, *, name: str = "page") -> list[Fact]:
        """A bell at that instant, or a minute after the last one; the facts that it made."""
        self.clock.advance(60_000 if at is None else at - self.clock.now())
        before = len(self.facts())
        await self.poller.ring(name)
        return self.facts()[before:]

    def facts(self) -> list[Fact]:
        """Everything that is recorded, but results."""
        return [fact for fact in self.store.read(NO_RESULTS, ALL_TIME.end) if isinstance(fact, Fact)]

    def problems(self) -> dict[str, int]:
        """What was counted so far, by reason."""
        return {why: count for (_, why), count in self.poller.problems.items() if count}


@asynccontextmanager
async def polling(
    folder: Path, config: Config, now: int, *, timeout_s: float = 10.0, jitter: Callable[[], float] = lambda: 1.0
) -> AsyncIterator[Polled]:
    """Polls the sources of the configuration when told to; leaving it is a stop, the store stays."""
    clock = FakeClock(now)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(f"sqlite:///{folder / 'minutebook.db'}", clock))
        recorder = await stack.enter_async_context(Recorder(store, clock, ignore))
        client = await stack.enter_async_context(session())
        recording = Recording(recorder)
        log = Log(recording.record, lambda: store.read(NO_RESULTS, ALL_TIME.end))
        poller = Poller(clock, Fetcher(client, clock, timeout_s), log, jitter)
        poller.replace(polled(config))
        yield Polled(clock, store, recording, poller)
