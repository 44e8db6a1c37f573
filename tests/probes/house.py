"""A prober over real servers, with a clock that tests move, and what comes out of it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Iterator

from monitor.facts import Result
from monitor.interfaces import Tick
from monitor.prober import Canary, Outlets, Prober, ProbingOptions
from monitor.probes import ProbedCheck
from monitor.probes.dns import DnsSettings
from monitor.probes.http import HttpSettings
from tests.probes.clocks import JumpClock
from tests.probes.servers import Talk, answer, says

FINE, BROKEN = says(answer()), says(answer(b"503 Unavailable"))


class Results:
    """The recorder's place: hands each result on to the test."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Result] = asyncio.Queue()
        self.all: list[Result] = []

    def put(self, result: Result) -> None:
        self.all.append(result)
        self._queue.put_nowait(result)

    async def next(self) -> Result:
        return await asyncio.wait_for(self._queue.get(), 5)


class House:
    """A prober, its clock and what came out of it."""

    def __init__(self, *checks: ProbedCheck, options: ProbingOptions | None = None) -> None:
        self.clock = JumpClock()
        self.results = Results()
        self.events: list[str] = []
        outlets = Outlets(self.results, lambda event, at, detail: self.events.append(event))
        self.prober = Prober(self.clock, outlets, checks, options or ProbingOptions(confirm_after_ms=0))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[House]:
        running = asyncio.create_task(self.prober.run())
        await asyncio.sleep(0)
        try:
            yield self
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    def tick(self, check: str, *, late_ms: int = 0) -> Tick:
        tick = Tick(check, 7, self.clock.now() - late_ms)
        self.prober.take(tick)
        return tick


def http_check(url: str, name: str = "app", timeout_ms: int = 2_000, **more: int) -> ProbedCheck:
    bounds = {"interval_ms": 10_000, "hold_ms": 30_000, "fall": 2, "rise": 1, **more}
    return ProbedCheck("app", name, "http", HttpSettings(url=url), timeout_ms=timeout_ms, **bounds)


class Held:
    """A server that answers once it is let go."""

    def __init__(self, reply: bytes) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self._reply = reply

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        await self.go.wait()
        writer.write(self._reply)


class Turning:
    """A server whose manner the test changes."""

    def __init__(self, now: Talk) -> None:
        self.now = now

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.now(reader, writer)


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Not one more file or socket can be opened: with a limit of none, also where one that earlier tests left is closed
    meanwhile (getrlimit(2): the limit is one more than the highest number that a new descriptor may have)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


ELSEWHERE = "http://nobody.test/"


def dns_canary(address: str) -> Canary:
    return Canary("dns", DnsSettings.model_construct(name="example.test", type="A", server=address))


async def seen_of_a_silent_name(*canaries: Canary, resolver: str) -> Result:
    options = ProbingOptions(confirm_after_ms=0, resolvers=(resolver,), canaries=canaries)
    async with House(http_check(ELSEWHERE, timeout_ms=200), options=options).open() as house:
        house.tick("app")
        return await house.results.next()
