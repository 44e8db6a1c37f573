"""Benchmarks: what design/performance.md asks for, measured. `python3 deploy/dev.py bench [name...]`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside the one to reach. `line` is its number in the table of performance.md, if any."""

    line: str
    what: str
    measured: float
    target: float
    unit: str
    at_least: bool = False  # the target is a floor, not a ceiling

    @property
    def ratio(self) -> float:
        """Measured as a part of the target."""
        return self.measured / self.target

    @property
    def reached(self) -> bool:
        return self.measured >= self.target if self.at_least else self.measured <= self.target
