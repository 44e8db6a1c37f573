"""What nobody reads holds nothing up: a standard error that is closed, full, or a pipe that is blocked (row 99)."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.daemon.programs import MINUTEBOOK, App, Daemon, Json, Minutebook, Until, configuration, ended, free_port

F_SETPIPE_SZ = 1031  # fcntl.h of Linux


@contextmanager
def closed() -> Iterator[int | None]:
    yield None


@contextmanager
def full() -> Iterator[int]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def blocked() -> Iterator[int]:
    """A pipe without room for one more byte, which nobody reads."""
    reads, writes = os.pipe()
    fcntl.fcntl(writes, F_SETPIPE_SZ, 4096)
    os.set_blocking(writes, False)
    try:
        while True:
            os.write(writes, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(writes, True)
    try:
        yield writes
    finally:
        os.close(writes)
        os.close(reads)


@pytest.mark.parametrize("stderr", [closed, full, blocked])
def test_looks_go_on_whatever_becomes_of_the_log(
    stderr: object, minutebook: Minutebook, app: App, tmp_path: Path, until: Until
) -> None:
    port = free_port()
    configuration(tmp_path, app)
    path = tmp_path / "minutebook.yaml"
    path.write_text(path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    with ExitStack() as stack:
        descriptor = stack.enter_context(stderr())  # type: ignore[operator]
        command = [*MINUTEBOOK, "run"]
        if descriptor is None:
            command = ["sh", "-c", 'exec "$0" "$@" 2>&-', *command]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=dict(minutebook.env), stdout=subprocess.DEVNULL, stderr=descriptor
        )
        daemon = stack.enter_context(ended(Daemon(process, Path(os.devnull), port)))
        until(lambda: answers(port) and daemon.value("probe_success") == 1, within_s=40)
        path.write_text("no configuration\n")  # each refusal is a line of the log
        for _ in range(50):
            daemon.send(signal.SIGHUP)
        before = daemon.value("minutebook_facts_recorded_total", kind="result")
        assert before is not None
        until(lambda: (daemon.value("minutebook_facts_recorded_total", kind="result") or 0) > before + 2)
        until(lambda: daemon.value("minutebook_config_last_reload_successful") == 0)
        assert daemon.stop() == 0
    configuration(tmp_path, app)
    results: list[Json] = minutebook.facts("result")
    assert {result["outcome"] for result in results} <= {"pass", "void"}
    assert {result.get("reason") for result in results} <= {None, "self_stop"}


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
