"""What a breach is worth, who gets it, and until when it is claimed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Fact, Json
from monitor.ledger.breaches import Commitment, MonthBreaches, breaches_of, is_commitment
from monitor.ledger.claims import claims, deadline, granted_breaches, raised_at
from monitor.ledger.credits import Customer, Fee, credit_for, credits_of
from monitor.ledger.money import Money, share_of, sums
from monitor.ledger.period import Month, format_instant, parse_instant
from monitor.ledger.terms import CreditTerms

UTC, LONDON = ZoneInfo("UTC"), ZoneInfo("Europe/London")
JANUARY = Month(2026, 1)
TENTH = CreditTerms(Fraction(1, 10))


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def customer(**changes: object) -> Customer:
    told: dict[str, object] = {"name": "acme", "plan": "enterprise", "since": date(2025, 8, 1)}
    told["fees"] = (Fee(None, usd("499.00")),)
    return Customer(**{**told, **changes})  # type: ignore[arg-type]


def missed(count: int) -> MonthBreaches:
    return MonthBreaches(JANUARY, {Commitment("availability", "app"): count})


# ---------------------------------------------------------------- money


@pytest.mark.parametrize(
    ("fee", "ratio", "credit"),
    [
        ("499.00 USD", Fraction(1, 10), "49.90 USD"),
        ("333.35 EUR", Fraction(1, 10), "33.34 EUR"),
        ("333.35 EUR", Fraction(15, 100), "50.00 EUR"),
        ("333.34 EUR", Fraction(1, 10), "33.33 EUR"),
        ("1005 JPY", Fraction(1, 10), "101 JPY"),
        ("10.005 KWD", Fraction(1, 10), "1.001 KWD"),
        ("0.10 USD", Fraction(1, 25), "0.00 USD"),
    ],
)
def test_a_credit_is_rounded_half_up_to_the_minor_unit(fee: str, ratio: Fraction, credit: str) -> None:
    amount, currency = fee.split()
    assert str(share_of(Money(Decimal(amount), currency), ratio)) == credit


@given(st.integers(0, 10**12), st.integers(0, 10**9))
def test_the_rounding_is_that_of_decimal(cents: int, billionths: int) -> None:
    exact = Decimal(cents).scaleb(-2) * Decimal(billionths).scaleb(-9)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert share_of(usd(str(Decimal(cents).scaleb(-2))), Fraction(billionths, 10**9)).amount == rounded


def test_two_currencies_are_never_added() -> None:
    assert [*map(str, sums([usd("1.10"), Money(Decimal(2), "EUR"), usd("2.20")]))] == ["2 EUR", "3.30 USD"]


# ---------------------------------------------------------------- who gets what


@given(st.integers(0, 30), st.integers(1, 100), st.integers(1, 100))
def test_a_credit_grows_with_breaches_up_to_the_cap(breaches: int, per_breach: int, cap: int) -> None:
    terms = CreditTerms(Fraction(per_breach, 100), Fraction(cap, 100))
    part = credit_for(customer(), JANUARY, breaches, terms).ratio
    by_hand = Fraction(0)
    for _ in range(breaches):
        by_hand += Fraction(per_breach, 100)
        by_hand = min(by_hand, Fraction(cap, 100))
    assert part == by_hand


@pytest.mark.parametrize(
    ("since", "until", "is_on_it"),
    [
        (date(2026, 1, 31), None, True),
        (date(2026, 2, 1), None, False),
        (date(2025, 8, 1), date(2026, 1, 1), False),
        (date(2025, 8, 1), date(2026, 1, 2), True),
    ],
)
def test_who_joined_before_the_months_end_and_left_after_its_start_has_a_credit(
    since: date, until: date | None, is_on_it: bool
) -> None:
    assert bool(credits_of(missed(1), [customer(since=since, until=until)], TENTH)) == is_on_it


def test_only_the_plans_that_the_policy_names_have_credits() -> None:
    terms = CreditTerms(Fraction(1, 10), plans=frozenset({"enterprise"}))
    found = credits_of(missed(1), [customer(), customer(name="small", plan="basic")], terms)
    assert [credit.customer for credit in found] == ["acme"]
    assert not credits_of(missed(1), [customer()], None)


def test_the_fee_is_the_one_in_force_when_the_month_begins() -> None:
    fees = (Fee(date(2025, 8, 15), usd("10.00")), Fee(date(2026, 1, 1), usd("20.00")), Fee(date(2026, 2, 2), usd("30")))
    paid = customer(fees=fees)
    months = [Month(2025, 8), Month(2025, 9), Month(2026, 1), Month(2026, 2), Month(2026, 3)]
    assert [str(paid.fee_in(month).amount) for month in months] == ["10.00", "10.00", "20.00", "20.00", "30"]


# ---------------------------------------------------------------- breaches


def stated(service: str, verdict: str, late: int, since: str | None = "2026-01-01T00:00:00.000Z") -> dict[str, Json]:
    commitments: list[Json] = [
        {"commitment": "availability", "verdict": verdict, "breaches": int(verdict == "breached")},
        {"commitment": "response:critical", "verdict": "missed" if late else "met", "breaches": late},
    ]
    return {
        "service": service,
        "commitments": commitments,
        "measured_since": since,
        "end": "2026-02-01T00:00:00.000Z",
    }


def test_availability_counts_once_a_service_and_response_times_once() -> None:
    found = breaches_of(JANUARY, [stated("app", "breached", 2), stated("jobs", "breached", 2)])
    assert (found.total, found.by_name()) == (4, {"availability": 2, "response:critical": 2})


def test_of_a_commitment_told_differently_the_most_breaches_count() -> None:
    assert breaches_of(JANUARY, [stated("app", "met", 0), stated("jobs", "met", 1)]).total == 1


def test_a_month_is_unproven_by_a_service_that_somebody_had_looked_at() -> None:
    assert breaches_of(JANUARY, [stated("app", "met", 0), stated("jobs", "met_unproven", 0)]).is_unproven
    for never in (None, "2026-02-01T00:00:00.000Z"):
        assert not breaches_of(JANUARY, [stated("jobs", "met_unproven", 0, never)]).is_unproven


def test_a_commitment_has_one_of_the_names_of_a_statement() -> None:
    assert [*map(is_commitment, ("availability", "CLS", "response:high", "response:", "uptime"))] == [True] * 3 + [
        False
    ] * 2


# ---------------------------------------------------------------- claims


def test_a_claim_is_in_time_before_local_midnight_three_months_after_the_next_month_began() -> None:
    assert deadline(JANUARY, 3, None, LONDON) == (parse_instant("2026-04-30T23:00:00Z"), date(2026, 4, 30))


@pytest.mark.parametrize(
    ("restated", "last_day"),
    [
        ("2026-01-15T12:00:00Z", date(2026, 4, 30)),
        ("2026-06-10T12:00:00Z", date(2026, 9, 10)),
        ("2025-11-30T23:59:59Z", date(2026, 4, 30)),
        ("2026-11-30T12:00:00Z", date(2027, 2, 28)),
    ],
)
def test_of_a_breach_that_a_restatement_made_it_is_three_months_from_then_where_that_is_later(
    restated: str, last_day: date
) -> None:
    found = deadline(JANUARY, 3, parse_instant(restated), UTC)
    assert found.last_day == last_day
    assert format_instant(found.before)[:10] == (last_day + timedelta(days=1)).isoformat()


def test_only_a_restatement_that_raised_the_breaches_moves_the_last_day() -> None:
    readings = [(1, missed(1)), (2, missed(2)), (3, missed(1))]
    assert raised_at(readings, "availability") == 2
    assert raised_at(readings[1:], "availability") is None


def fact(at: int, claim: str, **fields: Json) -> Fact:
    told: dict[str, Json] = {"claim": claim, "customer": "acme", "month": "2026-01", "commitment": "availability"}
    return Fact("claim", at, {**told, "requested_at": "2026-02-01T00:00:00.000Z", "id": f"{claim}/{at}", **fields})


def test_the_newest_decision_stands_but_what_was_granted_stays_granted() -> None:
    log = [fact(1, "c1"), fact(2, "c1", decision="refused", author="ann"), fact(3, "c1", decision="granted")]
    later = [*log, fact(4, "c1", decision="refused", author="ben")]
    assert [claims(later, as_of)[0].decision for as_of in (1, 2, 3, 4)] == [None, "refused", "granted", "granted"]


def test_what_is_asked_for_stands_as_it_was_first_recorded() -> None:
    log = [fact(1, "c1"), fact(2, "c1", month="2026-03", requested_at="2026-01-01T00:00:00.000Z", decision="granted")]
    found = claims(log, 9)[0]
    assert (str(found.month), found.decision) == ("2026-01", "granted")


def test_owed_is_what_granted_claims_name() -> None:
    month = MonthBreaches(JANUARY, {Commitment("availability", "app"): 1, Commitment("response:high"): 2})
    named = claims([fact(1, "c1", decision="granted"), fact(2, "c2", commitment="response:high")], 9)
    assert granted_breaches(month, [claim for claim in named if claim.decision == "granted"]) == 1
    assert granted_breaches(month, named) == 3
