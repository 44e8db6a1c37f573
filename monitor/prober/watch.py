"""Watches the watcher: a loop that stalls, a process that is stopped, a wall clock that is stepped.

Each look compares both clocks with the last look. What it finds is kept with its stretch of monotonic time, so that a
probe can ask whether it was overlapped (design/faults.md, order of judgement, 1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from monitor.interfaces import Clock

BEAT_S = 0.05
STALLED_NS = 250_000_000  # design/faults.md; design/reliability.md B3
SUSPENDED_NS = 10_000_000_000  # no callback of ours takes that long: the process did not run
STEPPED_MS = 1_000  # wall minus monotonic: design/faults.md row 91
_KEPT = 64

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
        self.lag_ns = 0

    async def run(self) -> None:
        """Beats until it is cancelled."""
        self._wall, self._mono = self._clock.now(), self._clock.monotonic_ns()
        while True:
            await asyncio.sleep(BEAT_S)
            self.look()

    def look(self) -> None:
        """Compares both clocks with the look before."""
        wall, mono = self._clock.now(), self._clock.monotonic_ns()
        elapsed, drift = mono - self._mono, (wall - self._wall) - (mono - self._mono) // 1_000_000
        since, self._wall, self._mono = self._mono, wall, mono
        self.lag_ns = max(0, elapsed - int(BEAT_S * 1_000_000_000))
        if elapsed > SUSPENDED_NS:
            self._keep(Trouble("self_suspended", since, mono, f"stopped for {elapsed // 1_000_000} ms"))
            self._notice("suspended", wall, f"{elapsed // 1_000_000} ms")
        elif elapsed > STALLED_NS:
            self._keep(Trouble("self_loop", since, mono, f"the loop stood for {elapsed // 1_000_000} ms"))
        if abs(drift) > STEPPED_MS:
            self._keep(Trouble("self_clock", since, mono, f"the wall clock was stepped by {drift} ms"))
            self._notice("clock_stepped", wall, f"{drift} ms")

    def during(self, since_ns: int) -> Trouble | None:
        """The gravest trouble since a monotonic instant."""
        self.look()
        met = [trouble for trouble in self._troubles if trouble.until_ns > since_ns]
        return max(met, key=_gravity, default=None)

    def _keep(self, trouble: Trouble) -> None:
        self._troubles.append(trouble)


def _gravity(trouble: Trouble) -> int:
    return ("self_loop", "self_clock", "self_suspended").index(trouble.reason)
