"""Probing: CPU a look beside its peers, the scheduler alone, and the start (performance.md, lines 1, 5, 11 and 12)."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

import aiohttp

from monitor.clock import SystemClock
from monitor.facts import Result
from monitor.interfaces import Tick
from monitor.prober import Canary, Outlets, Prober, ProbingOptions
from monitor.probes import Missed, ProbedCheck
from monitor.probes.http import HttpSettings
from monitor.scheduler import Scheduler
from tests.bench import Figure

AT_ONCE = 50
LOOKS = 5_000
ROUNDS = 3  # interleaved; the median counts
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
BODY = b'{"status":"ok"}'
TO_ONE_HOST = 32  # as many checks as the prober sends to one host at once
SCHEDULED, EVERY_MS, WATCHED_S = 20_000, 30_000, 12.0
TARGETS = 10_000

T = TypeVar("T")
Run = Callable[[], Coroutine[object, object, float]]
"""Makes LOOKS looks; the CPU seconds that they took."""


def looks() -> Iterator[Figure]:
    """Line 1, as far as one target shows it: CPU of a look with phases, classification and fact."""
    with ExitStack() as stack:
        port = stack.enter_context(_target())
        costs: dict[str, list[float]] = {}
        exporter = stack.enter_context(_blackbox())
        for _ in range(ROUNDS):
            for name, run in _runs(port, exporter):
                costs.setdefault(name, []).append(_loop_run(run) * 1e6 / LOOKS)
    ours, traced = statistics.median(costs["ours"]), statistics.median(costs["aiohttp"])
    yield Figure("1", "CPU of an http look beside aiohttp with TraceConfig", ours / traced, 0.5, "of its CPU")
    if "blackbox" in costs:
        theirs = statistics.median(costs["blackbox"])
        yield Figure("1", "CPU of an http look beside blackbox_exporter's /probe", ours / theirs, 0.20, "of its CPU")
    yield Figure("1", "CPU of an http look, with its fact", ours, 150, "us")


def scheduling() -> Iterator[Figure]:
    """Line 5: 20,000 checks every 30 s through the scheduler alone."""
    lateness, share = _loop_run(_scheduled)
    yield Figure("5", "scheduler alone, 20,000 checks every 30 s", share * 100, 3, "% of a core")
    yield Figure("5", "lateness of its ticks, p99", _p99(lateness), 5, "ms")


def starting() -> Iterator[Figure]:
    """Line 12: prober and scheduler made for 10,000 targets, until the first look is recorded; line 11 beside it."""
    spent, resident = _loop_run(_started)
    yield Figure("12", "start to first look with 10,000 targets, without store and file", spent, 0.8, "s CPU")
    yield Figure("11", "memory with 10,000 targets, without store and server", resident, 150, "MiB")


# ---------------------------------------------------------------- the target and its peers


@contextmanager
def _target() -> Iterator[int]:
    """A small server in a process of its own, so that only the looks are measured here."""
    with subprocess.Popen([sys.executable, "-m", "tests.bench.probes"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def _blackbox() -> Iterator[tuple[int, int] | None]:
    """blackbox_exporter's port and process, or None where it is not there."""
    places = os.pathsep.join([os.environ.get("MINUTEBOOK_TOOLS", ""), ".venv/tools/bin", os.environ.get("PATH", "")])
    program = shutil.which("blackbox_exporter", path=places)
    if program is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        modules = Path(folder) / "blackbox.yml"
        modules.write_text("modules: {http_2xx: {prober: http}}\n", encoding="utf-8")
        port = 19_115
        command = [program, f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _await_port(port)
                yield port, process.pid
            finally:
                process.terminate()


def _await_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def _runs(port: int, exporter: tuple[int, int] | None) -> Iterator[tuple[str, Run]]:
    async def ours() -> float:
        return await _ours(port)

    async def traced() -> float:
        return await _aiohttp(port)

    yield "ours", ours
    yield "aiohttp", traced
    if exporter is not None:
        there = exporter

        async def theirs() -> float:
            return await _through_blackbox(port, *there)

        yield "blackbox", theirs


async def _ours(port: int) -> float:
    checks = [_check(f"check-{number}", f"http://127.0.0.1:{port}/health") for number in range(TO_ONE_HOST)]
    again = _Again(LOOKS)
    prober = Prober(SystemClock(), Outlets(again, _unheard), checks, _options(port))
    running = asyncio.create_task(prober.run())
    again.prober = prober
    await asyncio.sleep(0.1)
    before = time.process_time()
    for check in checks:
        prober.take(Tick(check.name, 0, again.clock.now()))
    await again.done
    spent = time.process_time() - before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return spent


class _Again:
    """The recorder's place: each result is followed by the next look, until there were enough."""

    def __init__(self, looks: int) -> None:
        self.clock = SystemClock()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.prober: Prober | None = None
        self._left = looks

    def put(self, result: Result) -> None:
        assert result.outcome == "pass", result
        self._left -= 1
        if self._left == 0:
            self.done.set_result(None)
        elif self._left > 0 and self.prober is not None:
            self.prober.take(Tick(result.check, 0, self.clock.now()))


async def _aiohttp(port: int) -> float:
    stamps: dict[str, int] = {}

    def stamp(name: str) -> Callable[..., Awaitable[None]]:
        async def taken(*_: object) -> None:
            stamps[name] = time.monotonic_ns()

        return taken

    trace = aiohttp.TraceConfig()
    for signal in ("request_start", "connection_create_start", "connection_create_end", "request_end"):
        getattr(trace, f"on_{signal}").append(stamp(signal))
    trace.on_response_chunk_received.append(stamp("chunk"))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=0), trace_configs=[trace]
    ) as session:

        async def look() -> None:
            async with session.get(f"http://127.0.0.1:{port}/health", allow_redirects=False) as response:
                assert response.status == 200
                await response.read()

        return await _together(look, time.process_time)


async def _through_blackbox(port: int, exporter: int, pid: int) -> float:
    url = f"http://127.0.0.1:{exporter}/probe?module=http_2xx&target=http://127.0.0.1:{port}/health"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def look() -> None:
            async with session.get(url) as response:
                assert "probe_success 1" in await response.text()

        return await _together(look, lambda: _cpu_of(pid))


def _cpu_of(pid: int) -> float:
    """User and system seconds of another process: proc(5), stat fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _together(look: Callable[[], Awaitable[None]], cpu: Callable[[], float]) -> float:
    async def worker() -> None:
        for _ in range(LOOKS // AT_ONCE):
            await look()

    await look()
    before = cpu()
    await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
    return cpu() - before


# ---------------------------------------------------------------- the scheduler, the start


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


async def _started() -> tuple[float, float]:
    with _target() as port:
        settings = HttpSettings(url=f"http://127.0.0.1:{port}/health")
        given = [_check(f"check-{number}", settings.url) for number in range(TARGETS)]
        before = time.process_time()
        clock, first = SystemClock(), _Again(1)
        prober = Prober(clock, Outlets(first, _unheard), given, _options(port))
        scheduler = Scheduler(clock, prober, given, {})
        running = [asyncio.create_task(prober.run()), asyncio.create_task(scheduler.run())]
        await first.done
        spent = time.process_time() - before
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _check(name: str, url: str) -> ProbedCheck:
    return ProbedCheck("app", name, "http", HttpSettings(url=url), EVERY_MS, 10_000, 70_000, 2, 1)


def _options(port: int) -> ProbingOptions:
    """No confirming looks, and one canary that stays on this host."""
    quiet = Canary("http", HttpSettings(url=f"http://127.0.0.1:{port}/health"))
    return ProbingOptions(confirm_after_ms=0, canaries=(quiet,))


def _unheard(event: str, at: int, detail: str) -> None:
    """The bench may stall its own loop."""


def _p99(values: list[int]) -> float:
    return float(statistics.quantiles(values, n=100)[98])


def _loop_run(run: Callable[[], Coroutine[object, object, T]]) -> T:
    """On uvloop where it is installed, as the daemon."""
    found = importlib.util.find_spec("uvloop")
    factory = importlib.import_module("uvloop").new_event_loop if found is not None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(run())


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER + BODY)
        self._transport.close()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0, backlog=1000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    _loop_run(_serve)
