"""Verdict, confidence and percentile of a window against exact tail sums and sorted lists."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.ledger.terms import SHOPIFYS, VitalLimit, VitalsPromise
from monitor.ledger.vitals import binomial
from monitor.ledger.vitals.binomial import cutoffs, is_borderline
from monitor.ledger.vitals.histogram import exact
from monitor.ledger.vitals.tally import Tally, place
from monitor.ledger.vitals.verdict import STEPS, Judged
from tests.vitals import model
from tests.vitals.strategies import VALUES

THREE_QUARTERS = Fraction(3, 4)


def judged(metric: str, values: list[str], promise: VitalsPromise = SHOPIFYS) -> Judged:
    tally = Tally()
    for value in values:
        tally.add(place(metric, exact(value), promise.limits[metric]))
    return Judged(metric, promise, tally, days=1)


@given(st.integers(1, 60), st.integers(1, 99), st.data())
def test_borderline_is_what_the_exact_tails_say(samples: int, percentile: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, samples))
    expected = model.is_borderline(good, samples, Fraction(percentile, 100))
    assert is_borderline(good, samples, percentile) == expected


@given(st.integers(1, 700), st.integers(1, 99))
@example(1, 1)
@example(700, 99)
def test_sums_between_bounds_give_what_sums_of_integers_give(samples: int, percentile: int) -> None:
    bounded = binomial._bounded(samples, percentile, 64)
    assert bounded == binomial._summed(samples, percentile)


@pytest.mark.parametrize(
    ("samples", "low", "high"),
    [
        (20, 10, 19),
        (50, 30, 44),
        (100, 65, 84),
        (200, 137, 163),
        (500, 355, 395),
        (1000, 722, 778),
        (5000, 3689, 3811),
        (50_000, 37_309, 37_691),
    ],
)
def test_ranks_are_those_of_the_published_table(samples: int, low: int, high: int) -> None:
    """Order statistics from Binomial(n, .75): l is the count after the lower tail, u the first of the upper."""
    assert cutoffs(samples, 75) == (low, high)


def test_a_million_samples_are_judged_between_bounds_that_more_digits_do_not_move() -> None:
    low, high = cutoffs(1_000_000, 75)
    assert binomial._bounded(1_000_000, 75, 256) == (low, high)
    assert [is_borderline(good, 1_000_000, 75) for good in (low, low + 1, high - 1, high)] == [False, True, True, False]


def test_bounds_that_cannot_tell_say_so_and_more_digits_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = binomial._bounded

    def too_coarse(samples: int, percentile: int, precision: int) -> binomial.Cutoffs | None:
        asked.append(precision)
        return None if precision < 256 else real(samples, percentile, precision)

    monkeypatch.setattr(binomial, "_bounded", too_coarse)
    assert cutoffs.__wrapped__(1000, 75) == (722, 778)
    assert asked == [64, 256]


@given(st.sampled_from(("LCP", "INP", "CLS")), st.data(), st.integers(1, 99), st.sampled_from(("<", "<=")))
def test_the_verdict_is_that_of_the_sorted_values(
    metric: str, data: st.DataObject, percentile: int, comparison: str
) -> None:
    texts = data.draw(st.lists(st.sampled_from(VALUES[metric]), min_size=1, max_size=40))
    limit = VitalLimit("<" if comparison == "<" else "<=", SHOPIFYS.limits[metric].value)
    promise = VitalsPromise({**SHOPIFYS.limits, metric: limit}, percentile, min_samples=1)
    found = judged(metric, texts, promise)
    true_value = model.rank([Fraction(text) for text in texts], percentile)
    is_met = true_value < limit.value or (comparison == "<=" and true_value == limit.value)
    assert found.verdict == ("met" if is_met else "missed")
    printed = found.result()
    assert printed is not None
    assert limit.holds(printed) == is_met
    assert abs(Fraction(printed) - true_value) <= true_value * Fraction("0.01084") + Fraction(STEPS[metric])
    borderline = model.is_borderline(found.good, len(texts), Fraction(percentile, 100))
    assert found.confidence == ("borderline" if borderline else "clear")


@given(st.lists(st.sampled_from(VALUES["LCP"]), min_size=1, max_size=150))
def test_the_interval_holds_the_percentile_and_ends_at_its_order_statistics(texts: list[str]) -> None:
    found = judged("LCP", texts)
    interval, result = found.interval(), found.result()
    assert result is not None
    if interval is None:
        assert len(texts) < 13  # .75^13 is under 1/40, .75^12 is not
        return
    assert interval[0] <= result <= interval[1]
    values, (low, high) = sorted(Fraction(text) for text in texts), cutoffs(len(texts), 75)
    for printed, true_value in zip(interval, (values[low], values[high - 1]), strict=True):
        assert abs(Fraction(printed) - true_value) <= true_value * Fraction("0.01084") + Fraction(1, 10)


def test_too_few_samples_have_no_verdict_and_no_confidence() -> None:
    assert judged("LCP", ["9000"] * 99).verdict == "insufficient"
    assert judged("LCP", ["9000"] * 99).confidence is None
    assert judged("LCP", ["9000"] * 100).verdict == "missed"
    nothing = judged("LCP", [])
    assert (nothing.verdict, nothing.confidence, nothing.result(), nothing.interval()) == ("no_data", None, None, None)


def test_a_percentile_beside_the_limit_is_printed_on_the_side_of_the_verdict() -> None:
    high = VitalsPromise({**SHOPIFYS.limits, "LCP": VitalLimit("<=", Fraction(2530))})
    over = judged("LCP", ["2530"] * 74 + ["2530.0001"] * 26, high)
    assert (over.verdict, over.result()) == ("missed", Decimal("2530.1"))
    under = judged("LCP", ["2499"] * 75 + ["2501"] * 25, SHOPIFYS)
    assert (under.verdict, under.result()) == ("met", Decimal("2500.0"))
    under_it = {"CLS": VitalLimit("<", Fraction(1, 10)), "LCP": VitalLimit("<", Fraction(2500))}
    strict = VitalsPromise({**SHOPIFYS.limits, **under_it})
    assert judged("LCP", ["2499.9999"] * 100, strict).result() == Decimal("2499.9")
    assert judged("CLS", ["0.1"] * 100, strict).result() == Decimal("0.1000")


def test_cutoffs_part_the_counts_in_order() -> None:
    for one, next_one in pairwise(cutoffs(samples, 75) for samples in range(1, 120)):
        assert one.low <= next_one.low <= one.low + 1
        assert one.high <= next_one.high <= one.high + 1
