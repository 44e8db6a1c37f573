"""How often the figures are made: at a commit, at most once a second, at least every 5 s (contracts/interface.md)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.evaluator import AT_LEAST_EVERY_S, AT_MOST_EVERY_S, RESTS, rest_after


@given(st.floats(0, 60))
def test_evaluations_begin_a_second_apart_or_more_and_within_five_where_they_can(spent_s: float) -> None:
    apart = spent_s + rest_after(spent_s)
    assert apart >= AT_MOST_EVERY_S
    assert apart <= max(AT_LEAST_EVERY_S, spent_s) + 1e-9


@given(st.floats(0.001, AT_LEAST_EVERY_S / RESTS))
def test_a_costly_evaluation_comes_so_much_less_often_that_it_takes_a_fiftieth_of_the_time(spent_s: float) -> None:
    assert spent_s / (spent_s + rest_after(spent_s)) <= 1 / RESTS + 1e-9
