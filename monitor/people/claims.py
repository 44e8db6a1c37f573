"""A customer's claim for a credit, and what a person decides of it (contracts/commitments.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json
from monitor.ledger.breaches import is_commitment
from monitor.ledger.claims import GRANTED, Claim, claims, deadline
from monitor.ledger.credits import find_customer, refuse_unentitled
from monitor.ledger.period import format_instant, parse_month
from monitor.ledger.terms import policy_for
from monitor.people.known import (
    Author,
    ConflictError,
    Known,
    Said,
    UnknownSubjectError,
    instant_of,
    renamed,
    spoken,
    with_id,
)


def claim(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """What a customer asks for; requested now unless `requested_at` says when. Without a name of its own it is named by
    customer, month and commitment. A name stands for one claim: for something else it is a conflict."""
    for field in ("decision", "author", "reason"):
        if field in said:
            raise FactError(f"{field}: belongs to the decision, which is recorded by itself; leave it out")
    fields: dict[str, Json] = {"claim": "unnamed", "requested_at": format_instant(known.now), **said}
    fact = spoken("claim", fields, author, known)
    if "claim" not in said:
        fact = renamed(fact, "claim", "-".join(str(fact.fields[name]) for name in ("customer", "month", "commitment")))
    _check(fact, known)
    subject = cast(str, fact.fields["claim"])
    asked = claims([fact], known.now)[0]
    before = _standing(subject, known)
    if before is None:
        return Said(subject, with_id(fact, subject), notes=(_judged(asked, known),))
    if _what(before) != _what(asked) and "requested_at" in said:
        raise ConflictError("claim: this name stands for something else; choose another name")
    if _what(before)[:3] != _what(asked)[:3]:
        raise ConflictError("claim: this name stands for something else; choose another name")
    return Said(subject, None, notes=(_judged(before, known),))


def decide_claim(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """`granted`, for good, or `refused` with a reason for the customer."""
    subject = said.get("claim")
    before = _standing(subject, known) if isinstance(subject, str) else None
    if before is None:
        raise UnknownSubjectError(f"there is no claim {subject!r}; record it first, or look at its name again")
    fields: dict[str, Json] = {
        "customer": before.customer,
        "month": str(before.month),
        "commitment": before.commitment,
        "requested_at": format_instant(before.requested_at),
    }
    for field in fields.keys() & said.keys():
        raise FactError(f"{field}: stands as it was claimed; leave it out")
    fact = spoken("claim", {**fields, **said, "author": author.name}, author, known)
    decision = fact.fields.get("decision")
    if decision is None:
        raise FactError("decision: is missing; expected granted or refused")
    reason = fact.fields.get("reason")
    if decision != GRANTED and not (isinstance(reason, str) and reason.strip()):
        raise InputError("reason: is missing; say why it is refused, in words for the customer")
    if before.decision == GRANTED and decision != GRANTED:
        raise ConflictError("this claim is granted, which is final: the customer relies on it")
    notes = (_judged(before, known),)
    if before.decision == decision and (decision == GRANTED or before.reason == reason):
        return Said(before.claim, None, notes=notes)
    return Said(before.claim, with_id(fact, f"{before.claim}/{decision}"), notes=notes)


def _standing(subject: str, known: Known) -> Claim | None:
    return next(iter(claims(known.of("claim", "claim", subject), known.now)), None)


def _what(claim: Claim) -> tuple[str, str, str, int]:
    return claim.customer, str(claim.month), claim.commitment, claim.requested_at


def _check(fact: Fact, known: Known) -> None:
    """Raises InputError for a customer unknown or not on the plan then, a month without terms or that has not begun, a
    commitment that there is not."""
    month = parse_month(cast(str, fact.fields["month"]))
    policy = policy_for(known.terms.policies, month)
    refuse_unentitled(find_customer(known.customers, cast(str, fact.fields["customer"])), month, policy.credits)
    commitment = cast(str, fact.fields["commitment"])
    if not is_commitment(commitment):
        raise InputError(f"commitment: expected availability, LCP, INP, CLS or response:PRIORITY; found {commitment!r}")
    if month.period(known.terms.zone).start > known.now:
        raise InputError(f"month: {month} has not begun")
    if instant_of(fact, "requested_at") > known.now:
        raise InputError("requested_at: is in the future")


def _judged(claim: Claim, known: Known) -> str:
    """In time or late, by the calendar alone: what a restatement made a breach is told by `minutebook credits`."""
    terms = policy_for(known.terms.policies, claim.month).credits
    if terms is None:
        return f"the policy in force in {claim.month} promises no credits"
    until = deadline(claim.month, terms.claim_months, None, known.terms.zone)
    word = "in time" if claim.requested_at < until.before else "late, unless a restatement made it a breach"
    return f"{word}: requested {format_instant(claim.requested_at)}, the last day is {until.last_day}"
