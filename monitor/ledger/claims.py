"""Claims for credits: in time or late, granted or refused by a person (contracts/commitments.md section 3). Pure.

What is asked for stands as it was first recorded. A claim is decided by its newest decision, but one that was granted
stays granted: the customer relies on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from monitor.facts import AnyFact, Fact
from monitor.ledger.breaches import MonthBreaches
from monitor.ledger.entries import admit
from monitor.ledger.period import Month, local_date, midnight, parse_instant, parse_month

GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a customer asked for, and what was decided: `granted`, `refused`, or None as long as nobody did."""

    claim: str
    customer: str
    month: Month
    commitment: str
    requested_at: int
    decision: str | None = None
    author: str | None = None
    author_authenticated: bool = False
    reason: str | None = None


class Deadline(NamedTuple):
    """A claim requested before this instant is in time; the last day is that of the calendar on which it can be."""

    before: int
    last_day: date


def claims(facts: Iterable[AnyFact], as_of: int) -> Sequence[Claim]:
    """Those recorded by `as_of`, in order of their first recording."""
    found: dict[str, Claim] = {}
    for fact in admit((fact for fact in facts if fact.kind == "claim"), as_of).of("claim"):
        name = cast(str, fact.fields["claim"])
        known = found.get(name) or _asked(fact)
        found[name] = _decided(known, fact)
    return list(found.values())


def _asked(fact: Fact) -> Claim:
    return Claim(
        claim=cast(str, fact.fields["claim"]),
        customer=cast(str, fact.fields["customer"]),
        month=parse_month(cast(str, fact.fields["month"])),
        commitment=cast(str, fact.fields["commitment"]),
        requested_at=parse_instant(cast(str, fact.fields["requested_at"])),
    )


def _decided(claim: Claim, fact: Fact) -> Claim:
    decision = fact.fields.get("decision")
    if not isinstance(decision, str) or claim.decision == GRANTED:
        return claim
    author, reason = fact.fields.get("author"), fact.fields.get("reason")
    return Claim(
        claim.claim,
        claim.customer,
        claim.month,
        claim.commitment,
        claim.requested_at,
        decision,
        author if isinstance(author, str) else None,
        fact.fields.get("authenticated_by") is not None,
        reason if isinstance(reason, str) else None,
    )


def deadline(month: Month, months: int, restated_at: int | None, zone: ZoneInfo) -> Deadline:
    """Local midnight of the date so many months after the first day of the next month. `restated_at` is when a
    restatement made what is claimed a breach: so many months from then, its last day included, where that is later."""
    first_too_late = month.shifted(1 + months).first_day
    if restated_at is not None:
        first_too_late = max(first_too_late, _months_later(local_date(restated_at, zone), months) + timedelta(days=1))
    return Deadline(midnight(first_too_late, zone), first_too_late - timedelta(days=1))


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last where it has none such."""
    month = Month(day.year, day.month).shifted(months)
    last = month.shifted(1).first_day - timedelta(days=1)
    return last if day.day > last.day else last.replace(day=day.day)


def raised_at(readings: Sequence[tuple[int, MonthBreaches]], commitment: str) -> int | None:
    """When the newest restatement made breaches of that commitment more than they had been; None where none did.
    `readings` are what the month came to from each instant on, the first as it was closed."""
    found: int | None = None
    for (_, before), (at, after) in pairwise(readings):
        if after.by_name().get(commitment, 0) > before.by_name().get(commitment, 0):
            found = at
    return found


def granted_breaches(found: MonthBreaches, granted: Iterable[Claim]) -> int:
    """The breaches of the commitments that these claims name. One for `availability` names that of every service."""
    names = {claim.commitment for claim in granted}
    return sum(count for name, count in found.by_name().items() if name in names)
