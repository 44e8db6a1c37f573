"""The system's clocks: the one place that reads the time."""

from __future__ import annotations

import time


class SystemClock:
    """interfaces.Clock over the operating system's wall and monotonic clocks."""

    def now(self) -> int:
        """The wall clock: UTC ms."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC: stands still while the machine sleeps, is never set."""
        return time.monotonic_ns()
