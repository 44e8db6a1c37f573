"""`dev.py stack`: the demo with a real Prometheus and a real Alertmanager, and where to look."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from environment import prepare
from packages import fetch_tools
from tree import ROOT, TOOLS, VENV, say


def stack(arguments: list[str]) -> None:
    """The demo with a real Prometheus and Alertmanager, on loopback, in the foreground until Ctrl-C."""
    prepare("run")
    fetch_tools()
    data = VENV / "stack"
    shutil.rmtree(data, ignore_errors=True)  # each demo has a history of its own
    data.mkdir()
    prometheus, alertmanager = free_port(9090), free_port(9093)
    with (data / "minutebook.log").open("w") as log:
        daemon = subprocess.Popen(
            [str(VENV / "bin" / "minutebook"), "demo"], stdout=log, stderr=subprocess.STDOUT, cwd=data
        )
    with ended([daemon]):
        served = demo_address(daemon, data / "minutebook.log")
        commands = [
            [
                str(TOOLS / "prometheus"),
                f"--config.file={prometheus_configuration(data, served, alertmanager)}",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                f"--storage.tsdb.path={data / 'prometheus'}",
                "--rules.alert.resend-delay=10s",  # what it tells before it has found Alertmanager is dropped
                *arguments,
            ],
            [
                str(TOOLS / "alertmanager"),
                f"--config.file={ROOT / 'deploy' / 'alertmanager' / 'local.yml'}",
                f"--web.listen-address=127.0.0.1:{alertmanager}",
                f"--storage.path={data / 'alertmanager'}",
                "--cluster.listen-address=",
            ],
        ]
        say(
            f"its logs are in {data}; Ctrl-C stops all three\n"
            f"  http://{served}/  the status page of an app that fails 12 s of every 45 s\n"
            f"  http://127.0.0.1:{prometheus}/alerts  the rules: SlaBurnFast fires within two minutes\n"
            f"  http://127.0.0.1:{alertmanager}/  what somebody would be told"
        )
        sys.exit(together(commands, data, [daemon]))


def free_port(wanted: int) -> int:
    """The port that is wanted on loopback, or any free one where somebody has it."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            return int(found.getsockname()[1])
    sys.exit("dev.py: no free port on 127.0.0.1")


def demo_address(daemon: "subprocess.Popen[bytes]", log: Path) -> str:
    """Host and port of the demo, once it says so: it writes two months of history first."""
    for _ in range(600):
        served = re.search(r"http://([\d.:]+)/ ", log.read_text())
        if served:
            return served[1]
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"dev.py: the demo did not start:\n{log.read_text()}")


def prometheus_configuration(data: Path, served: str, alertmanager: int) -> Path:
    """deploy/prometheus with the addresses of this stack, where the alerts find their evidence and their runbooks."""
    for path in (ROOT / "deploy" / "prometheus").iterdir():
        text = path.read_text()
        for old, new in (
            ("127.0.0.1:9843", served),
            ("127.0.0.1:9093", f"127.0.0.1:{alertmanager}"),
            ("runbook_url: deploy/", f"runbook_url: {ROOT / 'deploy'}/"),
        ):
            text = text.replace(old, new)
        (data / path.name).write_text(text)
    return data / "prometheus.yml"


def together(commands: list[list[str]], data: Path, others: "list[subprocess.Popen[bytes]]") -> int:
    """Runs the commands until one of all ends or Ctrl-C; leaves none behind. Returns the status of that one."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = []
    for command in commands:
        with (data / f"{Path(command[0]).name}.log").open("w") as log:
            started.append(subprocess.Popen(command, cwd=data, stdout=log, stderr=log))
    with ended(started):
        try:
            pid, status = os.wait()
        except KeyboardInterrupt:
            return 130
        names = [*(Path(command[0]).name for command in commands), "minutebook"]
        name, first = next(pair for pair in zip(names, (*started, *others), strict=True) if pair[1].pid == pid)
        first.returncode = os.waitstatus_to_exitcode(status)
        say(f"{name} ended by itself; its log is in {data}")
        return first.returncode


@contextlib.contextmanager
def ended(processes: "list[subprocess.Popen[bytes]]") -> Iterator[None]:
    """Leaves none of them behind."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C is no reason to leave one behind
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)
