"""A log-bucket histogram of exact decimals: base 2, 32 buckets an octave (commitments.md section 1).

Bucket k holds what is above gamma^(k-1) and at most gamma^k, gamma = 2^(1/32): schema 5 of Prometheus's native
histograms. All arithmetic is on integers, so a value at an edge falls on the same side on any machine.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isqrt

OCTAVE = 32
"""Buckets while the value doubles."""

SMALLEST = Decimal("0.000001")
"""What is no larger is counted as zero: the buckets of a day are bounded, and no limit or unit is so fine."""

_SCALE = 10**30


def exact(value: int | float | str) -> Decimal:
    """The decimal that was written: the shortest text that reads as the same double, as RFC 8785 spells it."""
    return Decimal(str(value))


def bucket(value: Decimal) -> int | None:
    """The index of the bucket that holds a value of 0 or more; None is the one of zero."""
    if value <= SMALLEST:
        return None
    numerator, denominator = value.as_integer_ratio()
    raised, scale = _raised(numerator), _raised(denominator)
    index = raised.bit_length() - scale.bit_length()  # 2^(index - 1) < raised / scale < 2^(index + 1)
    return index if _at_most(raised, scale, index) else index + 1


def _at_most(raised: int, scale: int, index: int) -> bool:
    """Whether raised / scale <= 2^index."""
    return raised << -index <= scale if index < 0 else raised <= scale << index


def estimate(index: int | None) -> Fraction:
    """The value that stands for a bucket, 2 gamma^k / (gamma + 1): within (gamma - 1) / (gamma + 1) of all in it,
    about 1.083 %; that of zero is exact."""
    return Fraction(0) if index is None else 2 * edge(index) / (edge(1) + 1)


def edge(index: int) -> Fraction:
    """The upper edge of a bucket, gamma^k, to 30 digits, cut."""
    octaves, place = divmod(index, OCTAVE)
    return Fraction(_ROOTS[place], _SCALE) * Fraction(2) ** octaves


def is_within(index: int | None, limit: Fraction, *, or_equal: bool) -> bool:
    """Whether every value that the bucket can hold is under the limit (or equal to it): exact."""
    if index is None:
        return limit > Fraction(SMALLEST)
    raised, scale = _raised(limit.numerator), _raised(limit.denominator)
    if or_equal:
        return scale << index <= raised if index >= 0 else scale <= raised << -index
    return not _at_most(raised, scale, index)


def _raised(value: int) -> int:
    raised: int = value**OCTAVE
    return raised


def _root(value: int) -> int:
    """The 32nd root, cut: five square roots, each cut, give the same as one cut at the end."""
    for _ in range(5):
        value = isqrt(value)
    return value


_ROOTS = tuple(_root(2**place * _raised(_SCALE)) for place in range(OCTAVE))
