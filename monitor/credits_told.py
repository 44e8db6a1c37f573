"""What a month's credits and the rights to terminate come to as JSON: the shape that every face shows.

Ratios are decimal texts as in a statement; money is a text with its currency, and amounts of two currencies are never
added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.crediting import Due, Judged, Reckoner, unknown_claims
from monitor.facts import Json
from monitor.ledger.claims import Claim
from monitor.ledger.credits import Customer
from monitor.ledger.decimals import decimal
from monitor.ledger.money import sums
from monitor.ledger.period import Month, format_instant
from monitor.ledger.termination import Right, standing


def told_credits(reckoner: Reckoner, month: Month, customer: str | None = None) -> dict[str, Json]:
    """One month, for one customer or everybody. Raises as `Reckoner.due` does."""
    due = reckoner.due(month, customer)
    reckoned = reckoner.month(month)
    unknown = [] if customer is not None else unknown_claims(reckoner.facts, month, reckoner.customers, reckoner.as_of)
    return {
        "month": str(month),
        "as_of": format_instant(reckoner.as_of),
        "status": _status([str(each["status"]) for each in reckoned.statements]),
        "breaches": reckoned.found.total,
        "commitments": [
            {"commitment": commitment.name, "service": commitment.service, "breaches": count}
            for commitment, count in reckoned.found.counts.items()
        ],
        "applies_to": str(month.shifted(1)),
        "credits": [_due(each) for each in due],
        "totals": {
            "credit": [str(each) for each in sums(each.credit.credit for each in due)],
            "owed": [str(each) for each in sums(each.owed.credit for each in due)],
        },
        "unknown_claims": [_claim(each) for each in unknown],
    }


def _status(found: Sequence[str]) -> str:
    """That of the least settled statement."""
    return next((status for status in ("draft", "restated", "final") if status in found), "draft")


def _due(due: Due) -> dict[str, Json]:
    return {
        "customer": due.credit.customer,
        "fee": str(due.credit.fee),
        "breaches": due.credit.breaches,
        "ratio": decimal(due.credit.ratio),
        "credit": str(due.credit.credit),
        "owed": str(due.owed.credit),
        "claims": [_judged(each) for each in due.claims],
    }


def _claim(claim: Claim) -> dict[str, Json]:
    return {
        "claim": claim.claim,
        "customer": claim.customer,
        "commitment": claim.commitment,
        "requested_at": format_instant(claim.requested_at),
        "decision": claim.decision,
        "author": claim.author,
        "author_authenticated": claim.author_authenticated,
        "reason": claim.reason,
    }


def _judged(judged: Judged) -> dict[str, Json]:
    return {**_claim(judged.claim), "in_time": judged.is_in_time, "last_day": judged.deadline.last_day.isoformat()}


def told_termination(
    reckoner: Reckoner, customer: str | None = None, advance: Callable[[int, int], None] = lambda *_: None
) -> list[Json]:
    """The right of each customer as of then, null where there is none, and those that a restatement took away."""
    return [_rights(each, reckoner.rights(each, advance)) for each in reckoner.named(customer)]


def _rights(customer: Customer, found: Sequence[Right]) -> dict[str, Json]:
    stands = standing(found)
    return {
        "customer": customer.name,
        "right": None if stands is None else _right(stands),
        "taken_away": [_right(each) for each in found if each.taken_away is not None],
    }


def _right(right: Right) -> dict[str, Json]:
    return {
        "month": str(right.reached.month),
        "arises": format_instant(right.arises),
        "rule": right.reached.rule,
        "rests_on": [str(month) for month in right.reached.rests_on],
        "taken_away": None if right.taken_away is None else format_instant(right.taken_away),
    }
