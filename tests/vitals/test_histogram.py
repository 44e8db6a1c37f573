"""The histogram's bound, proved with integers: a value is in its bucket, an estimate within 1.083 % of it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.ledger.vitals.histogram import SMALLEST, bucket, edge, estimate, exact, is_within

BOUND = (edge(1) - 1) / (edge(1) + 1) + Fraction(1, 10**28)
"""(gamma - 1) / (gamma + 1), and what 30 digits cut off."""

values = st.one_of(
    st.decimals("0.000001", "600000", allow_nan=False, places=6),
    st.floats(1e-6, 2**53, exclude_min=True).map(exact),
    st.integers(-19, 20).map(lambda octave: Decimal(2) ** octave),
).filter(lambda value: value > SMALLEST)


@given(values)
@example(Decimal(2500))
@example(Decimal("0.1"))
@example(Decimal(1))
def test_a_value_is_above_the_lower_edge_of_its_bucket_and_at_most_the_upper(value: Decimal) -> None:
    index = bucket(value)
    assert index is not None
    raised = Fraction(value) ** 32  # gamma^32 is 2: no edge needs to be rounded
    assert Fraction(2) ** (index - 1) < raised <= Fraction(2) ** index


@given(values)
@example(Decimal(1))
def test_an_estimate_is_within_the_bound_that_the_contract_names(value: Decimal) -> None:
    assert abs(estimate(bucket(value)) - Fraction(value)) <= Fraction(value) * BOUND


def test_the_bound_is_what_the_contract_prints() -> None:
    assert round(BOUND * 100, 3) == Fraction("1.083")


@given(values, st.fractions(Fraction(1, 1000), 10_000), st.booleans())
@example(value=Decimal(2), limit=Fraction(2), or_equal=True)
@example(value=Decimal(2), limit=Fraction(2), or_equal=False)
def test_a_bucket_that_is_within_a_limit_holds_no_value_beyond_it(
    value: Decimal, limit: Fraction, or_equal: bool
) -> None:
    if is_within(bucket(value), limit, or_equal=or_equal):
        assert value <= limit if or_equal else value < limit
    else:
        assert Fraction(value) * edge(1) ** 2 >= limit


def test_zero_is_exact_and_what_is_next_to_nothing_counts_with_it() -> None:
    assert bucket(Decimal(0)) is None
    assert bucket(exact(5e-324)) is None
    assert bucket(SMALLEST) is None
    assert bucket(exact(0.0000011)) is not None
    assert estimate(None) == 0


def test_an_edge_is_a_power_of_two_to_the_thirty_second() -> None:
    assert edge(0) == 1
    assert edge(32) == 2
    assert edge(-64) == Fraction(1, 4)
    assert 0 <= 2 - edge(1) ** 32 < Fraction(1, 10**28)


@pytest.mark.parametrize(("given_number", "written"), [(0.1, "0.1"), (200, "200"), (1e-7, "1E-7"), (2500.0, "2500")])
def test_a_value_is_the_decimal_that_was_written(given_number: float, written: str) -> None:
    assert exact(given_number) == Decimal(written)
