"""What is owed to whom, and who may leave: the ledger's functions over the months of a log, as each face asks for it.

A closed month counts as its revisions have it, under the terms that it was closed with; one that nobody closed as it
stands now. Customers and their fees stand in the configuration alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from typing import NamedTuple, cast

from monitor.closing import recorded_of, revisions_of, why_different
from monitor.errors import InputError, StatementDiffersError
from monitor.facts import AnyFact, Fact, Json, Result
from monitor.ledger.breaches import MonthBreaches, breaches_of
from monitor.ledger.claims import GRANTED, Claim, Deadline, claims, deadline, granted_breaches, raised_at
from monitor.ledger.closings import Chain, Recorded, closings
from monitor.ledger.credits import Credit, Customer, credit_for, credits_of, find_customer, refuse_unentitled
from monitor.ledger.months import ServiceBook, book_month, service_book
from monitor.ledger.period import Month, midnight, month_at, parse_instant
from monitor.ledger.statement import Asked, proof_of, stated_of
from monitor.ledger.termination import FinalMonth, Read, Right, rights
from monitor.ledger.terms import Policy, Terms, final_from, policy_for

Statement = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A month: what it comes to from each instant on (the first when it becomes final, which may be to come), its
    policy, and its statements as they stand."""

    month: Month
    readings: Sequence[Read]
    policy: Policy
    statements: Sequence[Statement]
    is_final: bool

    @property
    def found(self) -> MonthBreaches:
        """As it stands."""
        return self.readings[-1].found

    def deadline(self, commitment: str, terms: Terms) -> Deadline:
        """Until when that is claimed in time. Raises InputError where the policy promises no credits."""
        if self.policy.credits is None:
            raise InputError(f"the policy in force in {self.month} promises no credits")
        raised = raised_at(self.readings, commitment)
        return deadline(self.month, self.policy.credits.claim_months, raised, terms.zone)


class Judged(NamedTuple):
    """A claim, and until when it had to be made."""

    claim: Claim
    deadline: Deadline

    @property
    def is_in_time(self) -> bool:
        return self.claim.requested_at < self.deadline.before


class Due(NamedTuple):
    """A customer's month: the credit, the claims for it, and what of it is owed since it was claimed and granted."""

    credit: Credit
    claims: Sequence[Judged]
    owed: Credit


@dataclass(slots=True)
class Reckoner:
    """A log as of one instant (UTC ms), under terms, for customers."""

    facts: Sequence[AnyFact]
    terms: Terms
    customers: Sequence[Customer]
    as_of: int
    recorded: Recorded = field(init=False)
    chains: Mapping[tuple[str, Month], Chain] = field(init=False)
    _months: dict[Month, Reckoned] = field(default_factory=dict)
    _over: Sequence[FinalMonth] | None = None
    _books: dict[str, tuple[ServiceBook, dict[str, Json]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.recorded = recorded_of(self.facts)
        self.chains = closings(self.facts, self.as_of)

    def named(self, customer: str | None) -> Sequence[Customer]:
        """The customers asked for; None: all. Raises InputError for one that the configuration does not name."""
        if customer is None:
            return self.customers
        return [find_customer(self.customers, customer)]

    def month(self, month: Month) -> Reckoned:
        """Raises InputError when no policy is in force in the month, StatementDiffersError when a closed month is not
        what was closed."""
        if month not in self._months:
            self._months[month] = self._reckoned(month)
        return self._months[month]

    def due(self, month: Month, customer: str | None = None) -> Sequence[Due]:
        """What the month comes to for everybody who has credits for it. Raises InputError also for one customer who is
        unknown or has none for it."""
        reckoned, asked = self.month(month), self.named(customer)
        if customer is not None:
            refuse_unentitled(asked[0], month, reckoned.policy.credits)
        made = [each for each in claims(self.facts, self.as_of) if each.month == month]
        return [
            self._due(credit, reckoned, [claim for claim in made if claim.customer == credit.customer])
            for credit in credits_of(reckoned.found, asked, reckoned.policy.credits)
        ]

    def rights(self, customer: Customer, advance: Callable[[int, int], None] = lambda *_: None) -> Sequence[Right]:
        """Every right to terminate that had arisen, in order. The first time every month is read, and `advance` told
        how many are, of how many."""
        if self._over is None:
            self._over = self._months_over(advance)
        return rights(self._over, customer, self.as_of)

    def _due(self, credit: Credit, reckoned: Reckoned, made: Sequence[Claim]) -> Due:
        customer = find_customer(self.customers, credit.customer)
        granted = granted_breaches(reckoned.found, (claim for claim in made if claim.decision == GRANTED))
        owed = credit_for(customer, reckoned.month, granted, reckoned.policy.credits)
        return Due(credit, [Judged(each, reckoned.deadline(each.commitment, self.terms)) for each in made], owed)

    def _months_over(self, advance: Callable[[int, int], None]) -> Sequence[FinalMonth]:
        """The months that are over, from the first that holds a fact on and in which anything was promised."""
        first, last = self._first_month(), month_at(self.as_of, self.terms.zone)
        found: list[FinalMonth] = []
        month = last if first is None else first
        months = [month.shifted(place) for place in range(_between(month, last))]
        for done, month in enumerate(months, 1):
            advance(done - 1, len(months))
            if is_promised(month, self.terms):
                reckoned = self.month(month)
                found.append(FinalMonth(month, reckoned.readings, reckoned.policy.termination))
            advance(done, len(months))
        return found

    def _first_month(self) -> Month | None:
        known = (_about(fact, self.terms) for fact in self.facts if fact.recorded_at <= self.as_of)
        instants = [instant for instant in known if instant is not None]
        if not instants:
            return None
        first = month_at(min(instants), self.terms.zone)
        promised = min((each.effective_from for each in self.terms.policies if each.effective_from), default=None)
        return first if promised is None else max(first, Month(promised.year, promised.month))

    def _reckoned(self, month: Month) -> Reckoned:
        names = list(dict.fromkeys([*(each.name for each in self.terms.services), *self._closed_in(month)]))
        terms = self._terms_of(month, names)
        revised = {name: self._revisions(self.chains.get((name, month), ())) for name in names}
        drafts = {name: self._draft(name, month) for name in names if not revised[name]}
        final_at = self._final_at(month, terms, names)
        stands = {name: revised[name][0][1] if revised[name] else drafts[name] for name in names}
        readings = [Read(final_at, breaches_of(month, stands.values()))]
        later = [(at, name, stated) for name in names for at, stated in revised[name][1:]]
        for at, name, stated in sorted(later, key=lambda each: each[0]):
            stands[name] = stated
            readings.append(Read(max(at, final_at), breaches_of(month, stands.values())))
        policy = policy_for(terms.policies, month)
        return Reckoned(month, readings, policy, [stands[name] for name in names], final_at <= self.as_of)

    def _draft(self, service: str, month: Month) -> Statement:
        """As `Recorded.draft`; the service is read once for all of its months, and so is what they rest on."""
        if service not in self._books:
            of = service_book(self.terms, service, *self.recorded.at(self.as_of))
            self._books[service] = (of, proof_of(of))
        of, proof = self._books[service]
        asked = Asked(month, self.as_of, version("tzdata"), self.recorded.former(self.as_of))
        return stated_of(of, book_month(of, month, self.as_of), asked, proof)

    def _closed_in(self, month: Month) -> Sequence[str]:
        """Services that are closed for it, also where the configuration has forgotten them."""
        return [service for service, closed in self.chains if closed == month]

    def _revisions(self, chain: Chain) -> Sequence[tuple[int, Statement]]:
        """Each with the instant at which it was recorded."""
        if not chain:
            return []
        found = revisions_of(self.recorded, chain)
        for statement, closing in zip(found, chain, strict=True):
            wrong = why_different(statement, closing)
            if wrong is not None:
                raise StatementDiffersError(wrong)
        return [(closing.recorded_at, statement) for closing, statement in zip(chain, found, strict=True)]

    def _terms_of(self, month: Month, names: Sequence[str]) -> Terms:
        """Those that the month was closed with, where any service is closed."""
        chains = [self.chains[name, month] for name in names if (name, month) in self.chains]
        known = [self.recorded.terms.get(chain[-1].terms or "") for chain in chains]
        return next((terms for terms in known if terms is not None), self.terms)

    def _final_at(self, month: Month, terms: Terms, names: Sequence[str]) -> int:
        """When the month becomes final: `finalise_after`, or when the last of its statements was closed before that.
        Closing late, by hand, takes nothing from a customer."""
        by_itself = final_from(month, terms)
        chains = [self.chains.get((name, month)) for name in names]
        closed = [chain[0].as_of for chain in chains if chain]
        if len(closed) < len(names):
            return by_itself
        return min(by_itself, max(*closed, month.period(terms.zone).end))


def _about(fact: AnyFact, terms: Terms) -> int | None:
    """The instant that a fact is about, of those that a commitment is judged by."""
    if isinstance(fact, Result):
        return fact.at
    if fact.kind == "vitals_day":
        return midnight(date.fromisoformat(cast(str, fact.fields["day"])), terms.zone)
    named = {"ticket": "received_at", "vital": "at"}.get(fact.kind)
    return None if named is None else parse_instant(cast(str, fact.fields[named]))


def is_promised(month: Month, terms: Terms) -> bool:
    """Whether a policy is in force in it."""
    try:
        policy_for(terms.policies, month)
    except InputError:
        return False
    return True


def _between(first: Month, last: Month) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def unknown_claims(facts: Sequence[AnyFact], month: Month, customers: Sequence[Customer], as_of: int) -> list[Claim]:
    """Claims of the month by nobody whom the configuration names: they count for nothing."""
    known = {customer.name for customer in customers}
    kept = [fact for fact in facts if isinstance(fact, Fact)]
    return [each for each in claims(kept, as_of) if each.month == month and each.customer not in known]
