"""The whole daemon from its first instruction to its first look, and what it keeps in memory (lines 11 and 12)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import Figure

TARGETS = 10_000
SETTLED_S = 20.0
PATIENCE_S = 60.0


def start() -> Iterator[Figure]:
    """CPU of the process until its first connection arrives; resident memory once it has settled."""
    with _daemon(1) as (process, listener):
        _first_look(listener)
        time.sleep(SETTLED_S)
        yield Figure("11", "memory of the whole daemon, one target", _resident_mib(process), 60, "MiB")
    with _daemon(TARGETS) as (process, listener):
        _first_look(listener)
        yield Figure("12", f"the whole daemon to its first look, {TARGETS:,} targets", _cpu(process), 0.8, "s CPU")


@contextmanager
def _daemon(targets: int) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        listener.settimeout(PATIENCE_S)
        path = Path(folder) / "minutebook.yaml"
        path.write_text(_configuration(targets, listener.getsockname()[1]), encoding="utf-8")
        command = [sys.executable, "-m", "monitor.cli", "run", "-c", str(path)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                yield process, listener
            finally:
                process.terminate()


def _configuration(targets: int, port: int) -> str:
    """Services of a hundred checks each, every thirty seconds."""
    lines = ['server: {listen: "127.0.0.1:0"}', "services:"]
    for number in range(targets):
        if number % 100 == 0:
            lines += [f"  - name: s{number // 100}", "    checks:"]
        lines.append(f'      - {{name: c{number}, http: {{url: "http://127.0.0.1:{port}/{number}"}}}}')
    return "\n".join(lines)


def _first_look(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


def _cpu(process: subprocess.Popen[bytes]) -> float:
    """User and system seconds of the process so far (proc(5), /proc/pid/stat fields 14 and 15)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
