"""Our own faults under a running daemon, through to the statement: unknown, and not a millisecond down (rows 88 to 94).

The app answers all the time, or keeps a look waiting while the fault lasts.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.conftest import ROOT
from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration, ended, instant, now_ms

Start = Callable[..., Daemon]

NOT_IN_TIME = {"self_loop", "self_overload", "self_suspended", "missed"}
"""What a machine that is busy with other things adds."""


def stated(minutebook: Minutebook, month: str | None = None) -> Json:
    wanted = month or format_instant(now_ms())[:7]
    [statement] = minutebook("statement", "--month", wanted, "--format", "json").json
    return statement


def assert_never_down(minutebook: Minutebook) -> set[str | None]:
    """No look is a fail, nothing is down; the reasons of what is void, but for the stop."""
    results = minutebook.facts("result")
    fails = [fact for fact in results if fact["outcome"] == "fail"]
    assert not fails
    for month in {str(fact["at"])[:7] for fact in results}:
        assert stated(minutebook, month)["accounts_ms"]["down"] == 0
    return {fact.get("reason") for fact in results} - {None, "self_stop"}


def looks(daemon: Daemon) -> float:
    return daemon.value("minutebook_facts_recorded_total", kind="result") or 0


# ---------------------------------------------------------------- descriptors


@pytest.mark.long
def test_a_full_descriptor_table_is_unknown(minutebook: Minutebook, daemon: Daemon, app: App, until: Until) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    process = daemon.process.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (3, before[1]))  # what is open stays so, and nothing else opens
    began = now_ms()
    until(lambda: now_ms() > began + 4_000)
    resource.prlimit(process, resource.RLIMIT_NOFILE, before)
    until(lambda: daemon.value("probe_success") == 1)
    assert daemon.stop() == 0
    assert assert_never_down(minutebook) - NOT_IN_TIME == {"self_fd"}
    assert stated(minutebook)["accounts_ms"]["unknown"] > 1_000


# ---------------------------------------------------------------- the process does not run


def test_a_look_that_times_out_while_the_process_stands_is_void_and_looked_at_once_more(
    minutebook: Minutebook, start: Start, app: App, tmp_path: Path, until: Until
) -> None:
    configuration(tmp_path, app, interval="4s", timeout="1s")
    daemon = start().ready()
    until(lambda: daemon.value("probe_success") == 1)
    app.answering.clear()
    asked = app.asked
    until(lambda: app.asked > asked)
    daemon.send(signal.SIGSTOP)
    stopped = now_ms()
    until(lambda: now_ms() > stopped + 1_500)
    app.answering.set()
    daemon.send(signal.SIGCONT)
    until(lambda: app.asked > asked + 1)
    until(lambda: daemon.value("probe_success") == 1)
    assert daemon.stop() == 0
    assert assert_never_down(minutebook) <= NOT_IN_TIME


@pytest.mark.long
def test_a_starved_daemon_books_no_downtime(minutebook: Minutebook, app: App, tmp_path: Path, until: Until) -> None:
    """Row 92: the least of all priorities, beside four processes that want every processor."""
    configuration(tmp_path, app)
    with ExitStack() as stack:
        daemon = stack.enter_context(ended(minutebook.starting("run"))).ready()
        until(lambda: daemon.value("probe_success") == 1)
        began = looks(daemon)
        for thread in Path(f"/proc/{daemon.process.pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), 19)
        greedy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
        try:
            until(lambda: looks(daemon) > began + 4, within_s=40)
        finally:
            for each in greedy:
                each.kill()
                each.wait()
        assert daemon.stop() == 0
    assert assert_never_down(minutebook) <= NOT_IN_TIME


# ---------------------------------------------------------------- memory


@contextmanager
def short_of_memory(process: int) -> Iterator[None]:
    """A control group that leaves the process little more than what it cannot give back: its code comes from the disk
    again and again. Skips where no such group can be made; with CI=true it fails."""
    root = Path("/sys/fs/cgroup")
    first = not (root / "cgroup.controllers").exists()
    group = (root / "memory" if first else root) / f"minutebook-test-{process}"
    limit = group / ("memory.limit_in_bytes" if first else "memory.max")
    try:
        group.mkdir()
        limit.write_text(str(_kept_bytes(process) + 8 * 2**20))
    except OSError as error:
        if group.exists():
            group.rmdir()
        message = f"needs a control group of memory: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    try:
        (group / "cgroup.procs").write_text(str(process))
        yield
    finally:
        limit.write_text("-1" if first else "max")
        (group.parent / "cgroup.procs").write_text(str(process))
        group.rmdir()


def _kept_bytes(process: int) -> int:
    """Memory that has no file behind it."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def test_a_daemon_short_of_memory_books_no_downtime(minutebook: Minutebook, daemon: Daemon, until: Until) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    with short_of_memory(daemon.process.pid):
        began = looks(daemon)
        until(lambda: looks(daemon) > began + 4, within_s=40)
    assert daemon.stop() == 0
    assert assert_never_down(minutebook) <= {"self_memory", *NOT_IN_TIME}


# ---------------------------------------------------------------- the store


def test_a_store_that_another_program_locks_costs_no_look_its_time(
    minutebook: Minutebook, daemon: Daemon, app: App, until: Until
) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    foreign = sqlite3.connect(minutebook.folder / "minutebook.db", isolation_level=None)
    try:
        foreign.execute("BEGIN IMMEDIATE")
        locked = now_ms()
        asked = app.asked
        until(lambda: app.asked >= asked + 5)
        until(lambda: daemon.value("minutebook_store_writable") == 0)
        foreign.execute("ROLLBACK")
    finally:
        foreign.close()
    freed = now_ms()
    until(lambda: daemon.value("minutebook_store_writable") == 1)
    until(lambda: daemon.value("probe_success") == 1)
    assert daemon.stop() == 0
    assert assert_never_down(minutebook) <= NOT_IN_TIME
    late = [fact for fact in minutebook.facts("result") if locked < instant(fact["at"]) < freed]
    assert len(late) >= 4
    assert all(instant(fact["recorded_at"]) >= instant(fact["at"]) for fact in late)


# ---------------------------------------------------------------- the wall clock


@pytest.fixture
def faketime() -> Path:
    """Debian's libfaketime; skips where it is missing, with CI=true it fails."""
    folders = (os.environ.get("MINUTEBOOK_TOOLS", ""), str(ROOT / ".venv" / "tools" / "bin"))
    for folder in folders:
        library = Path(folder) / "libfaketime.so.1"
        if folder and library.exists():
            return library
    message = "libfaketime.so.1 is missing; `python3 deploy/dev.py test` fetches it"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def shifted(faketime: Path, offset: Path) -> Mapping[str, str]:
    """A wall clock that is off by the seconds in a file, read each time; the monotonic clocks are the machine's."""
    return {
        "LD_PRELOAD": str(faketime),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


@pytest.mark.parametrize("step", ["+3600", pytest.param("-3600", marks=pytest.mark.long)])
def test_a_stepped_clock_is_unknown(step: str, minutebook: Minutebook, app: App, until: Until, faketime: Path) -> None:
    configuration(minutebook.folder, app)
    offset = minutebook.folder / "offset"
    offset.write_text("+0")
    stepping = replace(minutebook, env={**minutebook.env, **shifted(faketime, offset)})
    with ended(stepping.starting("run")) as daemon:
        daemon.ready()
        until(lambda: daemon.value("probe_success") == 1)
        app.answering.clear()
        asked = app.asked
        until(lambda: app.asked > asked)
        offset.write_text(step)
        until(lambda: daemon.value("minutebook_facts_recorded_total", kind="lifecycle") == 2)  # the start, the step
        app.answering.set()
        before = looks(daemon)
        until(lambda: looks(daemon) >= before + 4, within_s=40)
        assert daemon.stop() == 0
    assert assert_never_down(minutebook) <= {"self_clock", *NOT_IN_TIME}
    results = minutebook.facts("result")
    assert [fact for fact in results if fact.get("reason") == "self_clock"]
    assert all(0 <= fact.get("duration_ms", 0) < 60_000 for fact in results)
    assert {fact["event"] for fact in minutebook.facts("lifecycle")} == {"started", "clock_stepped", "stopped"}
    assert len({(fact["check"], fact["at"]) for fact in results}) == len(results)
