"""Probing: CPU of a look beside its peers in the same run, and the scheduler alone (performance.md, lines 1, 2 and 5).

A look is all of it: prober, phases, classification, the fact in a store, and its metrics rendered once, as a `/probe`
of blackbox_exporter renders them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from exporters.prometheus import Exposition
from exporters.self_metrics import SelfMetrics
from monitor.clock import SystemClock
from monitor.facts import AnyFact, Result
from monitor.interfaces import Tick
from monitor.ledger.snapshot import Newest, Snapshot
from monitor.prober import Canary, Outlets, Prober, ProbingOptions
from monitor.probes import Missed, ProbedCheck
from monitor.probes.http import HttpSettings
from monitor.recorder import Recorder
from monitor.scheduler import Scheduler
from monitor.store import open_store
from tests.bench import Figure
from tests.bench.loops import run
from tests.bench.peers import HOSTS, Peer, Target, blackbox, bound, cpu_of, target

AT_ONCE = 50
HTTP_LOOKS, HTTPS_LOOKS = 5_000, 1_500
ROUNDS = 5  # interleaved; the medians count
SCHEDULED, EVERY_MS, WATCHED_S = 20_000, 30_000, 12.0

Round = Callable[[], float]
"""Makes so many looks; the CPU seconds that they took."""


def looks() -> Iterator[Figure]:
    """Lines 1 and 2: CPU of a look beside blackbox_exporter's `/probe` and the bound in C, interleaved."""
    with bound() as program:
        yield from _compared("1", "http", HTTP_LOOKS, (0.20, 2.5), program)
        yield from _compared("2", "https", HTTPS_LOOKS, (0.80, 1.30), program)


def _compared(
    line: str, scheme: str, count: int, targets: tuple[float, float], program: Path | None
) -> Iterator[Figure]:
    with ExitStack() as stack:
        app = stack.enter_context(target(tls=scheme == "https"))
        exporter = stack.enter_context(blackbox(app.authority))
        if app.authority is not None:
            os.environ["SSL_CERT_FILE"] = str(app.authority)
            stack.callback(os.environ.pop, "SSL_CERT_FILE")
        rounds: dict[str, Round] = {"ours": lambda: run(partial(_ours, app, count))}
        if exporter is not None:
            rounds["blackbox_exporter"] = partial(_through_blackbox, app, exporter, count)
        if program is not None:
            rounds["C"] = partial(_bound, program, app, count)
        costs: dict[str, list[float]] = {name: [] for name in rounds}
        for _ in range(ROUNDS):
            for name, one in rounds.items():
                costs[name].append(one() * 1e6 / count)
    medians = {name: statistics.median(spent) for name, spent in costs.items()}
    for peer, ceiling in zip(("blackbox_exporter", "C"), targets, strict=True):
        if peer in medians:
            ratio = medians["ours"] / medians[peer]
            yield Figure(line, f"CPU of an {scheme} look beside {peer}", ratio, ceiling, "of its CPU")
    for name, spent in medians.items():
        yield Figure(line, f"CPU of an {scheme} look, {name}", spent, None, "µs")


def scheduling() -> Iterator[Figure]:
    """Line 5: 20,000 checks every 30 s through the scheduler alone."""
    lateness, share = run(_scheduled)
    yield Figure("5", "scheduler alone, 20,000 checks every 30 s", share * 100, 3, "% of a core")
    yield Figure("5", "lateness of its ticks, p99", p99(lateness), 5, "ms")


def p99(values: Sequence[int]) -> float:
    return float(statistics.quantiles(values, n=100)[98])


# ---------------------------------------------------------------- ours


async def _ours(app: Target, count: int) -> float:
    clock = SystemClock()
    checks = [
        _check(f"check-{number}", app.url.replace("127.0.0.1", HOSTS[number % len(HOSTS)])) for number in range(AT_ONCE)
    ]
    with TemporaryDirectory() as folder:
        async with open_store(f"sqlite:///{folder}/minutebook.db", clock) as store:
            again = _Again(clock, count)
            async with Recorder(store, clock, again.committed) as recorder:
                prober = Prober(clock, Outlets(again, _unheard), checks, _options(app))
                again.prober, again.recorder = prober, recorder
                running = asyncio.create_task(prober.run())
                await asyncio.sleep(0.1)
                before = time.process_time()
                for check in checks:
                    prober.take(Tick(check.name, 0, clock.now()))
                await again.done
                spent = time.process_time() - before
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    return spent


class _Again:
    """Between prober and recorder: each result is followed by the next look, until there were enough; and each look is
    rendered once, in a page of AT_ONCE."""

    prober: Prober
    recorder: Recorder

    def __init__(self, clock: SystemClock, looks: int) -> None:
        self._clock = clock
        self._left = looks
        self._uncommitted = looks
        self._page: list[Newest] = []
        self._exposition = Exposition()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, result: Result) -> None:
        assert result.outcome == "pass", result
        self.recorder.put(result)
        self._page.append(Newest("app", "http://127.0.0.1/health", result, result.at + EVERY_MS))
        if len(self._page) == AT_ONCE:
            self._render()
        self._left -= 1
        if self._left >= AT_ONCE:
            self.prober.take(Tick(result.check, 0, self._clock.now()))

    def committed(self, facts: Sequence[AnyFact]) -> None:
        self._uncommitted -= len(facts)
        if self._uncommitted == 0:
            self.done.set_result(None)

    def _render(self) -> None:
        page, self._page = tuple(sorted(self._page, key=lambda newest: newest.result.check)), []
        attributes = {(check, "local"): look.attributes or {} for check, look in self.prober.newest.items()}
        snapshot = Snapshot(self._clock.now(), (), page, {}, {})
        assert "probe_success" in "".join(self._exposition.render(snapshot, attributes, SelfMetrics("0", "3")))


# ---------------------------------------------------------------- the peers


def _bound(program: Path, app: Target, count: int) -> float:
    trusting = [] if app.authority is None else [str(app.authority)]
    command = [str(program), str(app.port), str(count), str(AT_ONCE), *trusting]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _through_blackbox(app: Target, exporter: Peer, count: int) -> float:
    url = f"http://127.0.0.1:{exporter.port}/probe?module=look&target={app.url}"

    async def worker(session: aiohttp.ClientSession) -> None:
        for _ in range(count // AT_ONCE):
            async with session.get(url) as response:
                assert "probe_success 1" in await response.text()

    async def together() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
            await asyncio.gather(*[worker(session) for _ in range(AT_ONCE)])

    before = cpu_of(exporter.pid)
    run(together)
    return cpu_of(exporter.pid) - before


# ---------------------------------------------------------------- the scheduler


class _Lateness:
    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.ms: list[int] = []

    def take(self, tick: Tick) -> None:
        self.ms.append(self._clock.now() - tick.scheduled_at)

    def missed(self, missed: Missed) -> None:
        raise AssertionError(missed)


async def _scheduled() -> tuple[list[int], float]:
    clock = SystemClock()
    sink = _Lateness(clock)
    checks = [_check(f"check-{number}", "http://127.0.0.1:9/") for number in range(SCHEDULED)]
    running = asyncio.create_task(Scheduler(clock, sink, checks, {}).run())
    await asyncio.sleep(1)
    sink.ms.clear()
    before, began = time.process_time(), time.monotonic()
    await asyncio.sleep(WATCHED_S)
    share = (time.process_time() - before) / (time.monotonic() - began)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return sink.ms, share


def _check(name: str, url: str) -> ProbedCheck:
    return ProbedCheck("app", name, "http", HttpSettings(url=url), EVERY_MS, 10_000, 70_000, 2, 1)


def _options(app: Target) -> ProbingOptions:
    """No confirming looks, and one canary that stays on this host."""
    return ProbingOptions(confirm_after_ms=0, canaries=(Canary("http", HttpSettings(url=app.url)),))


def _unheard(event: str, at: int, detail: str) -> None:
    """The bench may stall its own loop."""
