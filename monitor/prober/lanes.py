"""How many probes run at once: so many in all, so many to one host, first come first served. No waiting, no I/O."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import ceil
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


def needed_at_once(looks: Iterable[tuple[str, int, int]]) -> Mapping[str, int]:
    """By host, how many looks are under way at once when every one of them and its confirming look last until their
    timeout. `looks` are hosts with timeout and interval in ms: with less room an outage of a host with many checks
    would leave most of them without a look."""
    share: dict[str, float] = {}
    for host, timeout, interval in looks:
        share[host] = share.get(host, 0.0) + 2 * timeout / interval
    return {host: ceil(needed) for host, needed in share.items()}


class _Lane(Generic[J]):
    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[J] = deque()


class Lanes(Generic[J]):
    """Starts jobs through `start`, each with its host; every job that was started must `leave`. `allow` gives a host
    more room than others have."""

    def __init__(self, start: Callable[[J], None], at_once: int, to_one_host: int = TO_ONE_HOST) -> None:
        self._start = start
        self._at_once = at_once
        self._to_one_host = to_one_host
        self._allowed: Mapping[str, int] = {}
        self._running = 0
        self._ready: deque[J] = deque()
        self._lanes: dict[str, _Lane[J]] = {}

    @property
    def waiting(self) -> int:
        return len(self._ready) + sum(len(lane.waiting) for lane in self._lanes.values())

    def allow(self, allowed: Mapping[str, int]) -> None:
        """At least so many at once to these hosts, from now on."""
        self._allowed = allowed

    def enter(self, host: str, job: J) -> None:
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _Lane()
        if lane.running >= max(self._to_one_host, self._allowed.get(host, 0)):
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
