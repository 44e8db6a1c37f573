"""Under systemd the daemon says when it is ready, and for as long as its loop turns that it does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.programs import App, Minutebook, Until, configuration, ended


def all_of(heard: socket.socket) -> list[bytes]:
    """What waits to be read."""
    messages = []
    while True:
        try:
            messages.append(heard.recv(100))
        except BlockingIOError:
            return messages


@pytest.mark.parametrize("named", [lambda folder: str(folder / "notify"), lambda folder: f"@minutebook-{os.getpid()}"])
def test_systemd_hears_of_a_daemon_that_is_ready_and_turns_and_nothing_of_one_that_stands(
    minutebook: Minutebook, app: App, until: Until, tmp_path: Path, named: Callable[[Path], str]
) -> None:
    configuration(tmp_path, app)
    address = named(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address.replace("@", "\0", 1))
        heard.setblocking(False)
        asked = {**minutebook.env, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
        with ended(replace(minutebook, env=asked).starting("run")) as daemon:
            said: list[bytes] = []

            def enough() -> bool:
                said.extend(all_of(heard))
                return b"READY=1" in said and said.count(b"WATCHDOG=1") >= 3

            until(enough, 50)
            assert daemon.ready().get("/-/healthy").status == 200
            daemon.send(signal.SIGSTOP)
            until(lambda: (Path("/proc") / str(daemon.process.pid) / "stat").read_text().split()[2] == "T")
            all_of(heard)
            assert all_of(heard) == []
