"""The daemon's own socket beside its store: whoever may write there may record, as the operator of this machine.

The commands that record by hand use it, so that they work beside a running daemon. A name is only typed there, unless a
token is given with it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from monitor.errors import StoreError

ANSWER_SECONDS = 60.0
"""For the daemon to answer what is asked over its own socket."""

_MODE = 0o600


class Local(HTTPConnection):
    """HTTP over a socket that is connected already."""

    def __init__(self, connected_socket: socket.socket) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        connected_socket.settimeout(ANSWER_SECONDS)
        self.sock = connected_socket


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket at `path` that only this user may use; gone again when left.

    Only for whoever holds the store's lock: what stands there is left from a daemon that was killed. Raises StoreError.
    """
    with _folder(path) as place, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            os.fchmod(listener.fileno(), _MODE)  # before it has a name: nobody else is ever let in (unix(7))
            path.unlink(missing_ok=True)
            listener.bind(place)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be listened on: {error.strerror}; check the rights of its folder"
            ) from error
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def connected(path: Path) -> Iterator[socket.socket | None]:
    """A connection to the daemon that listens at `path`; None where there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            with _folder(path) as place:
                client.connect(place)
        except (FileNotFoundError, ConnectionRefusedError):
            yield None
            return
        except OSError as error:
            raise StoreError(f"{path}: the daemon cannot be reached: {error.strerror}") from error
        yield client


@contextmanager
def _folder(path: Path) -> Iterator[str]:
    """The path by way of its open folder: an address of a socket has 107 bytes at most (unix(7)), a path has more."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def is_local(transport: asyncio.BaseTransport | None) -> bool:
    """Whether a connection came over the daemon's own socket."""
    found = None if transport is None else transport.get_extra_info("socket")
    return found is not None and found.family == socket.AF_UNIX
