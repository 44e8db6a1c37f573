"""The prober in a process of its own that is stopped and killed for real."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from tests.probes.servers import answer, says, serving

CHILD = """
import asyncio, json, sys
from monitor.clock import SystemClock
from monitor.probes import ProbedCheck
from monitor.probes.http import HttpSettings
from monitor.prober import Canary, Outlets, Prober, ProbingOptions
from monitor.scheduler import Scheduler

class Told:
    def put(self, result):
        print(json.dumps([result.check, result.outcome, result.reason, result.hold_ms]), flush=True)

async def main(url):
    clock = SystemClock()
    settings = HttpSettings(url=url)
    checks = [ProbedCheck("app", f"check-{n}", "http", settings, 200, 190, 590, 2, 1) for n in range(5)]
    options = ProbingOptions(confirm_after_ms=0, canaries=(Canary("http", settings),))
    prober = Prober(clock, Outlets(Told(), lambda *event: None), checks, options)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(part.run()) for part in (prober, Scheduler(clock, prober, checks, {}))]
        loop.add_signal_handler(15, lambda: [task.cancel() for task in running])

asyncio.run(main(sys.argv[1]))
"""

Line = tuple[str, str, str | None, int]


@pytest.fixture
async def child() -> AsyncIterator[asyncio.subprocess.Process]:
    async with serving(says(answer())) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, server.url, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def line(process: asyncio.subprocess.Process) -> Line:
    assert process.stdout is not None
    name, outcome, reason, hold = json.loads(await asyncio.wait_for(process.stdout.readline(), 10))
    return name, outcome, reason, hold


async def test_a_stopped_process_makes_no_downtime_and_no_burst(child: asyncio.subprocess.Process) -> None:
    for _ in range(10):
        assert (await line(child))[1] == "pass"
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):  # it takes real time to be stopped
        await asyncio.wait_for(child.wait(), 1.2)
    child.send_signal(signal.SIGCONT)
    seen = [await line(child) for _ in range(30)]
    assert {outcome for _, outcome, _, _ in seen} == {"pass", "void"}
    voids = [one for one in seen if one[1] == "void"]
    assert {reason for _, _, reason, _ in voids} <= {"self_loop", "self_suspended"}
    gaps = [name for name, _, _, hold in voids if hold >= 800]
    assert sorted(gaps) == [f"check-{number}" for number in range(5)]
    assert len(voids) <= 10


async def test_a_terminated_process_ends_at_once_and_says_nothing_bad(child: asyncio.subprocess.Process) -> None:
    await line(child)
    child.terminate()
    assert child.stdout is not None
    rest = (await asyncio.wait_for(child.stdout.read(), 5)).decode().splitlines()
    assert await asyncio.wait_for(child.wait(), 5) == 0
    assert all(json.loads(one)[1:3] in (["pass", None], ["void", "self_stop"]) for one in rest)
