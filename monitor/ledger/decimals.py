"""Ratios as they are printed (accounting.md section 1)."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

DIGITS = 9
"""Digits after the point."""


class Ratio(NamedTuple):
    """An exact ratio as it was counted, not reduced: a thousand services are evaluated every second, and reducing is
    most of what a Fraction costs. The denominator is above 0."""

    numerator: int
    denominator: int

    def __float__(self) -> float:
        return self.numerator / self.denominator

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)


@lru_cache(maxsize=4096)
def decimal(ratio: Fraction | Ratio | None) -> str | None:
    """Floored to nine digits after the point, also below zero: never rounded in our favour. None stays None."""
    if ratio is None:
        return None
    scaled = ratio.numerator * 10**DIGITS // ratio.denominator
    sign, scaled = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{scaled // 10**DIGITS}.{scaled % 10**DIGITS:0{DIGITS}d}"
