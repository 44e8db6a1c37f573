"""Benchmarks: what design/performance.md asks for, measured. `python3 deploy/dev.py bench [name...]`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside the one to reach. `line` is its number in the table of performance.md, if any.

    `target` None: there is none to reach, the number is what others are compared with.
    """

    line: str
    what: str
    measured: float
    target: float | None
    unit: str
    at_least: bool = False  # the target is a floor, not a ceiling

    @property
    def ratio(self) -> float | None:
        """Measured as a part of the target."""
        return None if self.target is None else self.measured / self.target

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target
