"""The hash chain over commit groups (accounting.md section 9), and its newest head beside the store.

h_0 is 32 zero bytes; h_n = SHA-256(h_{n-1} ‖ SHA-256 of the canonical lines of group n, each with a line feed).

The file `STORE.head` holds the newest acknowledged head. It is written after the commit is durable and before anyone is
told, so the store may be ahead of it, but a store that lacks it has lost acknowledged facts: a WAL that was cut,
removed or replaced, or an older copy put in its place. SQLite by itself takes all of these for a store in order.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from monitor.errors import StoreError
from monitor.store.sqlite import damaged

GENESIS = bytes(32)
"""h_0."""


class Head(NamedTuple):
    """The chain's state after group `n`, whose last fact is `seq`."""

    n: int
    seq: int
    digest: bytes

    def next(self, count: int, group_digest: bytes) -> Head:
        """The head after one more group of `count` facts."""
        return Head(self.n + 1, self.seq + count, sha256(self.digest + group_digest).digest())


EMPTY = Head(0, 0, GENESIS)

_READS = 3  # a read beside a write may meet half of it


class HeadFile:
    """`STORE.head`: one line of fixed length, overwritten in place, so that it needs no room on a full disk."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.path = Path(f"{store}.head")

    def read(self) -> Head | None:
        """What was acknowledged last; None without the file. Raises StoreDamagedError when it is not as written."""
        for _ in range(_READS):
            try:
                line = self.path.read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                raise StoreError(f"{self.path}: cannot be read: {error.strerror}; check its rights") from error
            head = _parsed(line)
            if head is not None:
                return head
        raise damaged(
            self._store,
            f"{self.path.name} is not what was written (when the store itself is known to be right, remove that file)",
        )

    def create(self, head: Head) -> None:
        """Makes it, whole and on disk, so that a power cut never leaves half of it. Raises StoreError."""
        try:
            replace_file(self.path, _spelled(head))
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written: {error.strerror}") from error

    def write(self, head: Head) -> None:
        """Overwrites it. That fails only where nothing can be written: an older head is still a true one."""
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(descriptor, _spelled(head), 0)
            finally:
                os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Puts a file in place, whole and on disk, or not at all. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parsed(line: bytes) -> Head | None:
    with suppress(ValueError):
        n, seq, digest, _ = line.split()
        head = Head(int(n), int(seq), bytes.fromhex(digest.decode()))
        return head if _spelled(head) == line else None
    return None


def _spelled(head: Head) -> bytes:
    body = f"{head.n:020d} {head.seq:020d} {head.digest.hex()}"
    return f"{body} {sha256(body.encode()).hexdigest()[:16]}\n".encode()
