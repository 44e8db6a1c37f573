"""Looks that run in a process of their own: inside a network namespace, under limits, or with their memory weighed.

The looks go through the daemon's own Prober, so that canaries and our own shortages are judged as in the daemon.
`python -m tests.faults.elsewhere` has everything imported and forks for each line that it reads, an Errand and a
namespace as JSON; the fork writes what it saw as one line.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import dataclasses
import functools
import gc
import importlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.clock import SystemClock
from monitor.facts import Phases, Result
from monitor.interfaces import Assertion, Observation, Tick
from monitor.prober import Canary, Outlets, Prober, ProbingOptions
from monitor.probes import KINDS, ProbedCheck
from tests.conftest import ROOT
from tests.faults.networks import enter
from tests.faults.refusals import refuse
from tests.probes.servers import answer, says, serving

INTERVAL_MS = 30_000
PATIENCE_S = 50
DISTURBED = frozenset({"self_loop", "self_overload"})
LOOKS_TRIED = 5
"""A machine that is loaded for a while may stop our own loop: such a look is made again."""


@dataclass(frozen=True)
class Errand:
    """What to look at: `(kind, settings)` of each check, all at once, `times` times over, and how.

    `files` is how many descriptors the process may still open when the looks begin, `memory` how many bytes of address
    space it may still take, None: as it is. `refused` is a system call and the errno that the kernel gives it. `warm`
    is looked at first, and not seen: a sound target whose look makes what all of them share.
    """

    checks: tuple[tuple[str, dict[str, Any]], ...]
    canaries: tuple[tuple[str, dict[str, Any]], ...] = ()
    resolvers: tuple[str, ...] = ()
    allow_private_targets: bool = True
    timeout_ms: int = 10_000
    times: int = 1
    files: int | None = None
    memory: int | None = None
    refused: tuple[str, int] | None = None
    weighed: bool = False
    warm: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the looks saw, in the order of the checks, round by round; with `weighed` the most memory, in bytes, that
    the process took above what it had before them. `made` is how many looks it took: more where some were disturbed."""

    observations: tuple[Observation, ...]
    peak: int = 0
    made: int = 0

    @property
    def only(self) -> Observation:
        [one] = self.observations
        return one


async def run_elsewhere(errand: Errand, namespace: str | None = None) -> Seen:
    """Runs the errand in a process of its own, inside a network namespace where one is named."""
    told = await asyncio.to_thread(_outpost().ask, {"errand": dataclasses.asdict(errand), "namespace": namespace})
    seen = json.loads(told)
    return Seen(tuple(_observation(each) for each in seen["observations"]), seen["peak"], seen["made"])


class _Outpost:
    """The process that forks for each errand; started once, ended with this process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.elsewhere"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self._end)

    def ask(self, question: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**question, "environment": dict(os.environ)}) + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        assert told.startswith("{"), f"the errand came to no end: {told}"
        return told

    def _end(self) -> None:
        self._process.communicate()


@functools.cache
def _outpost() -> _Outpost:
    return _Outpost()


def _observation(fields: dict[str, Any]) -> Observation:
    phases = fields.pop("phases")
    assertions = tuple(Assertion(*each) for each in fields.pop("assertions"))
    return Observation(**fields, phases=None if phases is None else Phases(*phases), assertions=assertions)


# ------------------------------------------------------------------------------- in that process


@dataclass
class _Results:
    """The recorder's place: `enough` is set once so many looks have ended. One that our own loop disturbed, as it may
    on a loaded machine, is followed by another (design/faults.md row 89)."""

    wanted: int = 0
    all: list[Result] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    disturbed: set[tuple[str, int | None]] = field(default_factory=set)

    def put(self, result: Result) -> None:
        if result.reason == "self_loop" and (result.check, result.scheduled_at) not in self.disturbed:
            self.disturbed.add((result.check, result.scheduled_at))
            return
        self.all.append(result)
        if len(self.all) >= self.wanted:
            self.enough.set()


async def _run(errand: Errand) -> dict[str, Any]:
    clock, results = SystemClock(), _Results()
    checks = [_check(place, kind, given, errand) for place, (kind, given) in enumerate(errand.checks)]
    warm = [_check(place, kind, given, errand) for place, (kind, given) in enumerate(errand.warm, len(checks))]
    options = ProbingOptions(
        confirm_after_ms=0,
        resolvers=tuple(errand.resolvers),
        allow_private_targets=errand.allow_private_targets,
        canaries=tuple(Canary(kind, KINDS[kind].settings.model_validate(given)) for kind, given in errand.canaries),
    )
    prober = Prober(clock, Outlets(results, lambda event, at, detail: None), [*checks, *warm], options)
    running = asyncio.create_task(prober.run())
    if errand.weighed:
        await _warm_up(errand)
    for check in warm:
        results.wanted, results.enough = 1, asyncio.Event()
        prober.take(Tick(check.name, 0, clock.now()))
        await results.enough.wait()
        assert results.all.pop().outcome == "pass"
    _limit_files(errand.files)
    if errand.refused:
        refuse(*errand.refused)
    free = _limit_memory(errand.memory)
    before = _start_weighing() if errand.weighed else 0
    seen = []
    for slot in range(errand.times):
        due = checks
        for _ in range(LOOKS_TRIED):
            results.wanted, results.enough = len(results.all) + len(due), asyncio.Event()
            for check in due:
                prober.take(Tick(check.name, slot, clock.now()))
            waiting = asyncio.create_task(results.enough.wait())
            await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            due = [check for check in due if prober.newest[check.name].reason in DISTURBED]
            if not due:
                break
        seen += [prober.newest[check.name]._asdict() for check in checks]
    free()
    peak = _most() - before if errand.weighed else 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return {"observations": seen, "peak": peak, "made": len(results.all) + len(results.disturbed)}


def _check(place: int, kind: str, given: dict[str, Any], errand: Errand) -> ProbedCheck:
    settings = KINDS[kind].settings.model_validate(given)
    timeout = errand.timeout_ms
    return ProbedCheck("app", f"check {place}", kind, settings, INTERVAL_MS, timeout, INTERVAL_MS, fall=2, rise=1)


async def _warm_up(errand: Errand) -> None:
    """One look at a healthy target: what is loaded and made once is not a look's."""
    async with serving(says(answer())) as healthy:
        check = _check(0, "http", {"url": healthy.url}, errand)
        results = _Results(wanted=1)
        prober = Prober(SystemClock(), Outlets(results, lambda event, at, detail: None), [check], ProbingOptions())
        running = asyncio.create_task(prober.run())
        prober.take(Tick(check.name, 0, SystemClock().now()))
        await results.enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _limit_files(left: int | None) -> None:
    """Takes every descriptor but so many: what is open already stays open."""
    if left is None:
        return
    soft, hard = 256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    taken = []
    while True:
        try:
            taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            break
    for descriptor in taken[:left]:
        os.close(descriptor)


def _limit_memory(left: int | None) -> Callable[[], None]:
    """Lets the process take so much more address space (setrlimit(2), RLIMIT_AS); gives what lifts that again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if left is not None:
        resource.setrlimit(resource.RLIMIT_AS, (_of_status("VmSize") + left, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _start_weighing() -> int:
    """The resident memory now, in bytes; the kernel's mark of the most starts anew here (proc(5), clear_refs). What is
    free is given back before: a look that fits into it would weigh nothing."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _of_status("VmRSS")


def _most() -> int:
    return _of_status("VmHWM")


def _of_status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The daemon's own choice of a loop (monitor.cli.daemon)."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return factory


def _serve() -> None:
    """An answer for each line: the fork's own, or its status where it gave none within PATIENCE_S."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.alarm(PATIENCE_S)
            _go(line)
        _, status = os.waitpid(pid, 0)
        if status:
            print(f"status {os.waitstatus_to_exitcode(status)}", flush=True)


def _go(line: str) -> None:
    """Runs one errand in the fork, which ends here."""
    try:
        asked = json.loads(line)
        os.environ.clear()
        os.environ.update(asked["environment"])
        if asked["namespace"]:
            enter(asked["namespace"])
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            told = json.dumps(runner.run(_run(Errand(**asked["errand"]))))
    except BaseException:
        told = repr(traceback.format_exc())  # in one line, which fails the test that asked
    print(told, flush=True)
    os._exit(0)


if __name__ == "__main__":
    _serve()
