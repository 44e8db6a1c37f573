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


@contextmanager
def held(store: Path, now: int) -> Iterator[None]:
    """Holds the store for this process; `now` (UTC ms) goes into the file for whoever is refused.

    Raises StoreInUseError naming the holder. What a killed holder left in the file is no obstacle.
    """
    path = Path(f"{store}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}; check the rights of its folder") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreInUseError(
                f"{store}: is held by {_holder(path)}; stop that first, or send facts to its POST /api/v1/facts"
            ) from None
        _sign(descriptor, now)
        yield
    finally:
        os.close(descriptor)


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
