"""One daemon on one store: an advisory lock on `STORE.lock`, which the kernel lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import StoreError, StoreInUseError
from monitor.ledger.period import format_instant


class Lock:
    """The lock of one store, held from `take` to `release`."""

    def __init__(self, store: Path, now: int) -> None:
        self._store = store
        self._path = Path(f"{store}.lock")
        self._now = now
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises StoreInUseError naming the holder, StoreError where there can be no lock."""
        descriptor = self._opened()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreInUseError(
                f"{self._store}: is held by {_holder(self._path)}; stop that first, or send facts to its "
                "POST /api/v1/facts"
            ) from None
        self.release()
        self._descriptor = descriptor
        _sign(descriptor, self._now)

    def keep(self) -> bool:
        """Whether it was held all along. A lock whose file was removed or replaced holds nobody off: it is taken
        again. Raises as `take` does, when another process was quicker."""
        if self._descriptor is not None and _is_at(self._descriptor, self._path):
            return True
        self.take()
        return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be opened: {error.strerror}; check the rights of its folder"
            ) from error


@contextmanager
def held(store: Path, now: int) -> Iterator[Lock]:
    """Holds the store for this process; `now` (UTC ms) goes into the file for whoever is refused.

    Raises StoreInUseError naming the holder. What a killed holder left in the file is no obstacle.
    """
    lock = Lock(store, now)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _sign(descriptor: int, now: int) -> None:
    signature = json.dumps({"pid": os.getpid(), "since": format_instant(now)}) + "\n"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, signature.encode(), 0)
    except OSError:
        return  # a full disk: the lock holds all the same, only the name is missing


def _holder(path: Path) -> str:
    try:
        signature = json.loads(path.read_text())
        return f"the minutebook process {int(signature['pid'])} since {signature['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another minutebook process"
