"""The system's clocks: the one place that reads the time."""

from __future__ import annotations

import ctypes
import time

_TIME_ERROR = 5
"""What adjtimex(2) answers for a clock that nothing synchronises."""

_TIMEX_BYTES = 512
"""Room for a `struct timex` (208 bytes on 64-bit Linux); its first member, `modes`, stays 0: nothing is changed."""


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """interfaces.Clock over the operating system's wall and monotonic clocks."""

    def now(self) -> int:
        """The wall clock: UTC ms."""
        return time.time_ns() // 1_000_000

    monotonic_ns = staticmethod(time.monotonic_ns)
    """CLOCK_MONOTONIC: stands still while the machine sleeps, is never set."""

    def asleep_ns(self) -> int:
        """How long the machine has slept since it was started: what CLOCK_BOOTTIME counts and CLOCK_MONOTONIC does not;
        0 where there is no such clock."""
        if _BOOT is None:
            return 0
        return max(0, time.clock_gettime_ns(_BOOT) - time.monotonic_ns())

    def synchronized(self) -> bool | None:
        """Whether the kernel knows its clock to be synchronised (adjtimex(2)); None where it does not say."""
        try:
            answer = int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
        except (OSError, AttributeError):
            return None
        return None if answer < 0 else answer != _TIME_ERROR
