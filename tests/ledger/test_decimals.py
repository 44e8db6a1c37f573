"""A printed ratio never flatters."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger.decimals import DIGITS, Ratio, decimal


@given(st.fractions())
def test_a_ratio_is_printed_at_most_as_large_as_it_is(ratio: Fraction) -> None:
    printed = Fraction(decimal(ratio) or "")
    assert printed <= ratio < printed + Fraction(1, 10**DIGITS)


def test_negative_ratios_are_floored_too() -> None:
    assert decimal(Fraction(-1, 3)) == "-0.333333334"
    assert decimal(Ratio(-1, 10**12)) == "-0.000000001"


def test_what_is_almost_the_target_does_not_print_as_the_target() -> None:
    assert decimal(Ratio(998_999_999_999, 10**12)) == "0.998999999"


def test_nothing_is_printed_for_what_is_not_defined() -> None:
    assert decimal(None) is None
