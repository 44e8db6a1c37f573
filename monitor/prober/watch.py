"""Watches the watcher: a loop that stalls, a process that is stopped, a wall clock that is stepped.

Each look compares both clocks with the last look. What it finds is kept with its stretch of monotonic time, so that a
probe can ask whether it was overlapped (design/faults.md, order of judgement, 1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from typing import Literal, NamedTuple

from monitor.interfaces import Clock

BEAT_S = 0.05
STALLED_NS = 250_000_000  # design/faults.md; design/reliability.md B3
SUSPENDED_NS = 10_000_000_000  # no callback of ours takes that long: the process did not run
STEPPED_MS = 1_000  # wall minus monotonic: design/faults.md row 91
_BEAT_NS = int(BEAT_S * 1_000_000_000)
LATE_NS = 50_000_000  # design/faults.md row 92: what was measured meanwhile is too long
_KEPT = 64
_LATES_KEPT = 512

Event = Literal["suspended", "clock_stepped"]
Notice = Callable[[Event, int, str], None]
"""Told of a lifecycle event, its instant (UTC ms) and its detail."""


class Trouble(NamedTuple):
    """A stretch in which we cannot be trusted, monotonic ns, and the void reason for it."""

    reason: str
    since_ns: int
    until_ns: int
    detail: str


class Watch:
    """Keeps the troubles of the last while; `run` looks every 50 ms, and anybody may look in between."""

    def __init__(self, clock: Clock, notice: Notice) -> None:
        self._clock = clock
        self._notice = notice
        self._troubles: deque[Trouble] = deque(maxlen=_KEPT)
        self._wall = clock.now()
        self._mono = clock.monotonic_ns()
        self._asleep = clock.asleep_ns()
        self._lates: deque[tuple[int, int]] = deque(maxlen=_LATES_KEPT)
        self.lag_ns = 0

    async def run(self) -> None:
        """Beats until it is cancelled."""
        self._wall, self._mono = self._clock.now(), self._clock.monotonic_ns()
        self._asleep = self._clock.asleep_ns()
        while True:
            await asyncio.sleep(BEAT_S)
            self.look()

    def look(self) -> None:
        """Compares the clocks with the look before."""
        wall, mono, asleep = self._clock.now(), self._clock.monotonic_ns(), self._clock.asleep_ns()
        elapsed, slept = mono - self._mono, (asleep - self._asleep) // 1_000_000
        drift = (wall - self._wall) - elapsed // 1_000_000 - slept
        since, self._wall, self._mono, self._asleep = self._mono, wall, mono, asleep
        self.lag_ns = elapsed - _BEAT_NS if elapsed > _BEAT_NS else 0
        if self.lag_ns > LATE_NS:
            self._lates.append((mono, self.lag_ns))
        if elapsed > SUSPENDED_NS:
            self._suspended(since, mono, elapsed // 1_000_000)
        elif elapsed > STALLED_NS:
            self._troubles.append(Trouble("self_loop", since, mono, f"the loop stood for {elapsed // 1_000_000} ms"))
        if slept > STEPPED_MS:
            self._suspended(since, mono, slept)
        if abs(drift) > STEPPED_MS:
            self._troubles.append(Trouble("self_clock", since, mono, f"the wall clock was stepped by {drift} ms"))
            self._notice("clock_stepped", wall, f"{drift} ms")

    def during(self, since_ns: int) -> Trouble | None:
        """The gravest trouble since a monotonic instant."""
        self.look()
        if not self._troubles or self._troubles[-1].until_ns <= since_ns:
            return None
        met = [trouble for trouble in self._troubles if trouble.until_ns > since_ns]
        return max(met, key=_gravity)

    def late_ns(self, since_ns: int) -> int:
        """How much of the time since a monotonic instant the loop was late, as far as it was by more than 50 ms."""
        if not self._lates or self._lates[-1][0] <= since_ns:
            return 0
        return sum(late for _, late in takewhile(lambda one: one[0] > since_ns, reversed(self._lates)))

    def _suspended(self, since: int, mono: int, ms: int) -> None:
        self._troubles.append(Trouble("self_suspended", since, mono, f"stopped for {ms} ms"))
        self._notice("suspended", self._wall, f"{ms} ms")


def _gravity(trouble: Trouble) -> int:
    return ("self_loop", "self_clock", "self_suspended").index(trouble.reason)
