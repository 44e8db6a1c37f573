"""A clock that goes only when it is told to."""

from __future__ import annotations


class FakeClock:
    """interfaces.Clock; `advance` moves both clocks, `step` sets the wall clock alone."""

    def __init__(self, now: int = 1_780_000_000_000) -> None:
        self._wall = now
        self._mono = 5_000_000_000

    def now(self) -> int:
        return self._wall

    def monotonic_ns(self) -> int:
        return self._mono

    def advance(self, ms: int) -> None:
        self._wall += ms
        self._mono += ms * 1_000_000

    def step(self, ms: int) -> None:
        self._wall += ms
