"""How many probes run at once: so many in all, so many to one host, first come first served. No waiting, no I/O."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

FILES_KEPT = 64  # for the store, the server and the logs (design/reliability.md, section 6)
MOST_AT_ONCE = 4096
TO_ONE_HOST = 32

J = TypeVar("J")


def most_at_once() -> int:
    """As many as the limit of open files leaves room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MOST_AT_ONCE if soft == resource.RLIM_INFINITY else soft - FILES_KEPT
    return max(1, min(free, MOST_AT_ONCE))


class _Lane(Generic[J]):
    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[J] = deque()


class Lanes(Generic[J]):
    """Starts jobs through `start`, each with its host; every job that was started must `leave`."""

    def __init__(self, start: Callable[[J], None], at_once: int, to_one_host: int = TO_ONE_HOST) -> None:
        self._start = start
        self._at_once = at_once
        self._to_one_host = to_one_host
        self._running = 0
        self._ready: deque[J] = deque()
        self._lanes: dict[str, _Lane[J]] = {}

    @property
    def waiting(self) -> int:
        return len(self._ready) + sum(len(lane.waiting) for lane in self._lanes.values())

    def enter(self, host: str, job: J) -> None:
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _Lane()
        if lane.running >= self._to_one_host:
            lane.waiting.append(job)
            return
        lane.running += 1
        if self._running >= self._at_once:
            self._ready.append(job)
            return
        self._running += 1
        self._start(job)

    def leave(self, host: str) -> None:
        """One of this host's is done; starts who waits longest."""
        lane = self._lanes[host]
        self._running -= 1
        if lane.waiting:
            self._ready.append(lane.waiting.popleft())
        else:
            lane.running -= 1
            if not lane.running:
                del self._lanes[host]
        if self._ready and self._running < self._at_once:
            self._running += 1
            self._start(self._ready.popleft())
