"""Numbers as every page writes them: exact, and cut where they are cut, never to our advantage."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.numbers import duration, percent, ratio, seconds
from monitor.ledger.decimals import Ratio, decimal
from monitor.ledger.period import MINUTE


@given(st.integers(-(10**13), 10**13))
def test_seconds_are_exact(ms: int) -> None:
    assert Fraction(seconds(ms)) == Fraction(ms, 1000)


@given(st.builds(Ratio, st.integers(-(10**15), 10**15), st.integers(1, 10**13)) | st.none())
def test_a_ratio_is_written_as_the_statement_writes_it(value: Ratio | None) -> None:
    assert ratio(value) == decimal(value)


@pytest.mark.parametrize(
    ("given_ratio", "shown"),
    [
        ("0.998996123", "99.899 %"),
        ("1.000000000", "100.000 %"),
        ("0.999999999", "99.999 %"),
        ("-0.000000001", "-0.001 %"),
    ],
)
def test_a_percentage_is_cut_and_never_flatters(given_ratio: str, shown: str) -> None:
    assert percent(given_ratio) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0, "0s"), (2_500, "2.500s"), (-MINUTE - 1, "-1m 00.001s"), (743 * 60 * MINUTE, "743h 00m 00s")],
)
def test_a_duration_is_written_exactly(ms: int, shown: str) -> None:
    assert duration(ms) == shown
