"""The grid that every look hangs on: slot = offset + k * interval (design/architecture.md, "Scheduling"). Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple


class Grid(NamedTuple):
    """The slots of one check, numbered from the epoch; `interval` and `offset` in ms, 0 <= offset < interval."""

    interval: int
    offset: int

    def instant(self, slot: int) -> int:
        """When a slot begins, UTC ms."""
        return self.offset + slot * self.interval

    def newest(self, now: int) -> int:
        """The number of the newest slot that has begun."""
        return (now - self.offset) // self.interval


def grid_of(check: str, interval: int) -> Grid:
    """A check's grid: the same on every start and every machine, and spread evenly over many checks."""
    spread = int.from_bytes(blake2b(check.encode(), digest_size=8).digest(), "big")
    return Grid(interval, spread % interval)
