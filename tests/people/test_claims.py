"""What a customer claims by hand: what becomes a fact, what is told at once, and what is refused with the mend."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import InputError
from monitor.facts import Fact, Json
from monitor.ledger.claims import claims
from monitor.ledger.credits import Customer, Fee
from monitor.ledger.money import Money
from monitor.ledger.period import DAY, parse_instant
from monitor.ledger.terms import CreditTerms, Policy, Terms
from monitor.people import OPERATIONS, Author, ConflictError, Known, Said, UnknownSubjectError

NOW = parse_instant("2026-04-30T22:59:59.999Z")
CREDITS = CreditTerms(Fraction(1, 10), plans=frozenset({"enterprise"}))
TERMS = Terms(ZoneInfo("Europe/London"), (), (Policy(effective_from=date(2025, 7, 1), credits=CREDITS),))
FEES = (Fee(None, Money(Decimal("499.00"), "USD")),)
CUSTOMERS = (
    Customer("acme", "enterprise", date(2025, 8, 1), FEES),
    Customer("beta", "enterprise", date(2026, 3, 15), FEES),
    Customer("small", "basic", date(2025, 8, 1), FEES),
)
ANN, BEN = Author("ann", "0a"), Author("ben")


def known(*said: Said, now: int = NOW) -> Known:
    return Known([each.fact for each in said if each.fact is not None], TERMS, now, CUSTOMERS)


def claimed(at: Known, **words: Json) -> Said:
    fields: dict[str, Json] = {"customer": "acme", "month": "2026-01", "commitment": "availability", **words}
    return OPERATIONS["claim"](fields, ANN, at)


def decided(at: Known, author: Author = BEN, **words: Json) -> Said:
    return OPERATIONS["decide_claim"](words, author, at)


def field(said: Said, name: str) -> Json:
    assert isinstance(said.fact, Fact)
    return said.fact.fields[name]


def test_a_claim_says_at_once_whether_it_is_in_time_and_what_the_last_day_is() -> None:
    in_time = claimed(known())
    assert (in_time.subject, field(in_time, "source")) == ("acme-2026-01-availability", "person:ann")
    assert in_time.notes == ("in time: requested 2026-04-30T22:59:59.999Z, the last day is 2026-04-30",)
    late = claimed(known(now=NOW + 1), claim="c2")
    assert late.notes[0].startswith("late, unless a restatement made it a breach: requested 2026-04-30T23:00:00.000Z")


def test_the_same_claim_again_is_recorded_once_and_its_name_stands_for_nothing_else() -> None:
    first = claimed(known())
    assert claimed(known(first, now=NOW + DAY)).fact is None
    for changed in ({"customer": "beta", "month": "2026-04"}, {"requested_at": "2026-02-01T00:00:00Z"}):
        with pytest.raises(ConflictError):
            claimed(known(first), **{"claim": first.subject, **changed})


def test_a_grant_is_final_and_a_refusal_may_become_one() -> None:
    first = claimed(known())
    refused = decided(known(first), claim=first.subject, decision="refused", reason="it was maintenance")
    granted = decided(known(first, refused, now=NOW + 1), claim=first.subject, decision="granted")
    facts = [said.fact for said in (first, refused, granted) if said.fact is not None]
    assert len({fact.id for fact in facts}) == 3
    found = claims(facts, NOW + 1)
    assert [(claim.decision, claim.author, claim.author_authenticated) for claim in found] == [
        ("granted", "ben", False)
    ]
    everything = known(first, refused, granted, now=NOW + 2)
    assert decided(everything, claim=first.subject, decision="granted").fact is None
    with pytest.raises(ConflictError, match="granted, which is final"):
        decided(everything, claim=first.subject, decision="refused", reason="no")


def test_a_decision_takes_what_was_claimed_as_it_was() -> None:
    first = claimed(known(), claim="c1")
    said = decided(known(first), ANN, claim="c1", decision="granted")
    assert [field(said, name) for name in ("customer", "month", "author")] == ["acme", "2026-01", "ann"]
    with pytest.raises(InputError, match="month: stands as it was claimed"):
        decided(known(first), claim="c1", decision="granted", month="2026-02")
    with pytest.raises(UnknownSubjectError, match="there is no claim 'c9'"):
        decided(known(first), claim="c9", decision="granted")
    with pytest.raises(InputError, match="reason: is missing"):
        decided(known(first), claim="c1", decision="refused")
    with pytest.raises(InputError, match="decision: is missing"):
        decided(known(first), claim="c1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"customer": "nobody"}, "there is no customer 'nobody'; the configuration names: acme beta small"),
        ({"customer": "beta"}, "beta is on the plan from 2026-03-15 on: not in 2026-01"),
        ({"customer": "small"}, "small is on the plan basic; credits of 2026-01 are for: enterprise"),
        ({"month": "2025-06"}, "no policy is in force in 2025-06"),
        ({"month": "2026-06"}, "month: 2026-06 has not begun"),
        ({"commitment": "uptime"}, "commitment: expected availability, LCP, INP, CLS or response:PRIORITY"),
        ({"requested_at": "2026-05-01T00:00:00Z"}, "requested_at: is in the future"),
        ({"decision": "granted"}, "decision: belongs to the decision"),
    ],
)
def test_what_is_refused_says_why(words: dict[str, Json], told: str) -> None:
    with pytest.raises(InputError) as refused:
        claimed(known(), **words)
    assert str(refused.value).startswith(told)
