"""The daemon as a process, over a real app, on free ports of 127.0.0.1."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon.programs import (
    App,
    Daemon,
    Minutebook,
    Until,
    configuration,
    ended,
    environment,
    running_app,
    wait_until,
)

DEFAULT_PORT = 9843


@pytest.fixture
def until() -> Until:
    """Waits on a condition, in turns of 20 ms and for a bounded time."""
    return wait_until


@pytest.fixture
def app() -> Iterator[App]:
    """A real HTTP server, running."""
    with running_app() as running:
        yield running


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def minutebook(tmp_path: Path, bytecode: Path) -> Minutebook:
    """The command, in an empty folder of its own."""
    return Minutebook(tmp_path, environment(bytecode))


@pytest.fixture
def start(minutebook: Minutebook) -> Iterator[Callable[..., Daemon]]:
    """Starts `minutebook run` with these arguments and gives it before it is ready; killed after the test."""
    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(ended(minutebook.starting("run", *arguments)))


@pytest.fixture
def daemon(start: Callable[..., Daemon], app: App, tmp_path: Path) -> Daemon:
    """A daemon that looks at the app every second, ready."""
    configuration(tmp_path, app)
    return start().ready()


@pytest.fixture
def default_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Port 9843 to oneself, which a daemon without a file takes; skips where another program has it."""
    with (tmp_path_factory.getbasetemp().parent / "port-9843").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            socket.create_server(("127.0.0.1", DEFAULT_PORT)).close()
        except OSError:
            pytest.skip(f"another program listens on 127.0.0.1:{DEFAULT_PORT}")
        yield
