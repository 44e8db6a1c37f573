"""When a customer may leave, against a model that looks at every month and instant by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.ledger.breaches import Commitment, MonthBreaches
from monitor.ledger.credits import Customer, Fee
from monitor.ledger.money import Money
from monitor.ledger.period import Month
from monitor.ledger.termination import FinalMonth, Read, rights, standing
from monitor.ledger.terms import TerminationTerms

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
MANY = settings(settings.get_profile("minutebook"), max_examples=1000)
FEES = (Fee(None, Money(Decimal("499.00"), "USD")),)
ACME = Customer("acme", "enterprise", date(2020, 1, 1), FEES)
TERMS = TerminationTerms()
FIRST = Month(2025, 7)
DAY = 10


def found(month: Month, breaches: int, *, unproven: bool = False) -> MonthBreaches:
    return MonthBreaches(month, {Commitment("availability", "app"): breaches}, unproven)


def course(letters: str) -> list[FinalMonth]:
    """A month a letter, final `DAY` units after it began: a digit is so many breaches, `u` unproven, `.` met."""
    return [
        FinalMonth(
            month := FIRST.shifted(place),
            [Read((place + 1) * DAY, found(month, int(letter) if letter.isdigit() else 0, unproven=letter == "u"))],
            TERMS,
        )
        for place, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "completed_by", "rule"),
    [
        ("111", 2, "consecutive_months"),
        ("11.1", None, None),
        ("11u1", 3, "consecutive_months"),
        ("1u1u1", 4, "consecutive_months"),
        ("11uu1", None, None),
        ("1u.11", None, None),
        ("11u", None, None),
        ("u11", None, None),
        ("2.2", 2, "breaches"),
        ("4", 0, "breaches"),
        ("1.1.1.1", None, None),
        ("2....2", 5, "breaches"),
        ("2.....2", None, None),
    ],
)
def test_the_month_that_completes_the_right(letters: str, completed_by: int | None, rule: str | None) -> None:
    right = standing(rights(course(letters), ACME, 10**6))
    assert (right is None) == (completed_by is None)
    if right is not None and completed_by is not None:
        assert (right.reached.month, right.reached.rule) == (FIRST.shifted(completed_by), rule)
        assert right.arises == (completed_by + 1) * DAY


def test_it_arises_when_the_month_is_final_and_not_an_instant_before() -> None:
    assert not rights(course("111"), ACME, 3 * DAY - 1)
    assert rights(course("111"), ACME, 3 * DAY)


def test_breaches_before_the_customer_joined_do_not_count_those_of_the_month_of_joining_do() -> None:
    joined = Customer("beta", "enterprise", date(2025, 8, 31), FEES)
    assert not rights(course("111"), joined, 10**6)
    assert rights(course("1111"), joined, 10**6)[0].reached.month == Month(2025, 10)


def test_who_has_left_gets_no_right_from_what_came_after() -> None:
    left = Customer("gone", "enterprise", date(2020, 1, 1), FEES, until=date(2025, 9, 1))
    assert not rights(course("111"), left, 10**6)


def test_a_restatement_gives_the_right_and_another_takes_it_away_both_on_record() -> None:
    months = course("1.1")
    raised, lowered = Read(100, found(FIRST.shifted(1), 1)), Read(200, found(FIRST.shifted(1), 0))
    months[1] = FinalMonth(months[1].month, [*months[1].readings, raised, lowered], TERMS)
    assert not rights(months, ACME, 99)
    given_by_it = standing(rights(months, ACME, 199))
    assert given_by_it is not None
    assert (given_by_it.arises, given_by_it.reached.month) == (100, Month(2025, 9))
    history = rights(months, ACME, 200)
    assert standing(history) is None
    assert [(right.arises, right.taken_away) for right in history] == [(100, 200)]


def test_a_month_that_becomes_final_late_gives_the_right_then() -> None:
    months = course("111")
    months[0] = FinalMonth(FIRST, [Read(500, found(FIRST, 1))], TERMS)
    assert [right.arises for right in rights(months, ACME, 10**6)] == [500]


def test_without_such_a_promise_there_is_no_right() -> None:
    months = [FinalMonth(each.month, each.readings, None) for each in course("1111")]
    assert not rights(months, ACME, 10**6)


# ---------------------------------------------------------------- the model


@st.composite
def courses(draw: st.DrawFn) -> list[FinalMonth]:
    months: list[FinalMonth] = []
    for place in range(draw(st.integers(1, 10))):
        month = FIRST.shifted(place)
        at = (place + 1) * DAY + draw(st.sampled_from((0, 0, 0, 15)))
        readings: list[Read] = []
        for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
            breaches = draw(st.sampled_from((0, 0, 1, 1, 1, 2)))
            readings.append(Read(at, found(month, breaches, unproven=not breaches and draw(st.booleans()))))
            at += draw(st.integers(1, 40))
        months.append(FinalMonth(month, readings, TERMS))
    return months


def holds(months: Sequence[FinalMonth], instant: int) -> bool:
    """Section 3 by its own words: is there any choice of months, final by then, that completes a right?"""
    stood = [[read.found for read in each.readings if read.at <= instant][-1:] for each in months]
    breaches = [one[0].total if one else 0 for one in stood]
    passable = [bool(one) and one[0].is_unproven and not one[0].total for one in stood]
    for last in range(len(months)):
        if breaches[last] and sum(breaches[max(0, last - 5) : last + 1]) >= 4:
            return True
        for first in range(last):
            for middle in range(first + 1, last):
                chosen = (first, middle, last)
                if all(breaches[each] for each in chosen) and all(
                    gap == 1 or (gap == 2 and passable[each + 1])
                    for each, gap in ((first, middle - first), (middle, last - middle))
                ):
                    return True
    return False


def stands_as_in_the_model(months: list[FinalMonth]) -> None:
    for instant in range(max(read.at for each in months for read in each.readings) + 2):
        history = rights(months, ACME, instant)
        assert (standing(history) is not None) == holds(months, instant)
        if standing(history) is not None:
            assert history[-1].arises <= instant
            assert not holds(months, history[-1].arises - 1)


@given(courses())
@FEW
def test_the_right_stands_exactly_when_the_model_finds_one(months: list[FinalMonth]) -> None:
    stands_as_in_the_model(months)


@pytest.mark.long
@given(courses())
@MANY
def test_so_it_does_on_a_thousand_courses(months: list[FinalMonth]) -> None:
    stands_as_in_the_model(months)


@given(courses(), st.integers(0, 200), st.integers(0, 200))
@FEW
def test_what_arose_stays_on_record(months: list[FinalMonth], one: int, other: int) -> None:
    earlier, later = (rights(months, ACME, instant) for instant in sorted((one, other)))
    assert [right.arises for right in earlier] == [right.arises for right in later][: len(earlier)]
