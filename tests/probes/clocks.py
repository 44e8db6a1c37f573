"""Clocks that tests move: one that goes only when it is told to, and the system's with jumps."""

from __future__ import annotations

from monitor.clock import SystemClock


class FakeClock:
    """interfaces.Clock; `advance` moves both clocks, `step` sets the wall clock alone, `sleep` is the machine's."""

    def __init__(self, now: int = 1_780_000_000_000) -> None:
        self._wall = now
        self._mono = 5_000_000_000
        self._asleep = 0

    def now(self) -> int:
        return self._wall

    def monotonic_ns(self) -> int:
        return self._mono

    def asleep_ns(self) -> int:
        return self._asleep

    def sleep(self, ms: int) -> None:
        self._wall += ms
        self._asleep += ms * 1_000_000

    def synchronized(self) -> bool | None:
        return True

    def advance(self, ms: int) -> None:
        self._wall += ms
        self._mono += ms * 1_000_000

    def step(self, ms: int) -> None:
        self._wall += ms


class JumpClock(SystemClock):
    """The system's clocks, and what was added to them: a stall or a suspension that nobody has to wait for."""

    def __init__(self, synchronized: bool | None = True) -> None:
        self._wall_ms = 0
        self._mono_ns = 0
        self._asleep_ns = 0
        self._synchronized = synchronized

    def now(self) -> int:
        return super().now() + self._wall_ms

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self._mono_ns

    def asleep_ns(self) -> int:
        return self._asleep_ns

    def sleep(self, ms: int) -> None:
        self._wall_ms += ms
        self._asleep_ns += ms * 1_000_000

    def synchronized(self) -> bool | None:
        return self._synchronized

    def advance(self, ms: int) -> None:
        self._wall_ms += ms
        self._mono_ns += ms * 1_000_000

    def step(self, ms: int) -> None:
        self._wall_ms += ms
