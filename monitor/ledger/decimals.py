"""Ratios as they are printed (accounting.md section 1)."""

from __future__ import annotations

from fractions import Fraction

DIGITS = 9
"""Digits after the point."""


def decimal(ratio: Fraction | None) -> str | None:
    """Floored to nine digits after the point, also below zero: never rounded in our favour. None stays None."""
    if ratio is None:
        return None
    scaled = ratio.numerator * 10**DIGITS // ratio.denominator
    sign, scaled = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{scaled // 10**DIGITS}.{scaled % 10**DIGITS:0{DIGITS}d}"
