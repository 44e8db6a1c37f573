"""What the running month and the one before come to for customers, as facts come in (contracts/commitments.md section
3). Pure.

A closed month counts as its `closing` facts say that it was closed (`breaches`, `unproven`): a year of statements is
not computed again every second. The commands do compute them; a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from monitor.errors import InputError
from monitor.facts import Fact
from monitor.ledger.breaches import AVAILABILITY, RESPONSE, Commitment, MonthBreaches
from monitor.ledger.credits import Customer, is_entitled, ratio_of
from monitor.ledger.decimals import Ratio
from monitor.ledger.live import LiveBook
from monitor.ledger.period import Month, month_at, parse_instant, parse_month
from monitor.ledger.snapshot import Obligations, ServiceView
from monitor.ledger.termination import FinalMonth, Read, rights, standing
from monitor.ledger.terms import TerminationTerms, Terms, final_from, policy_for

OfMonth = dict[str, list[Fact]]
"""The `closing` facts of each service, in order of their revisions."""


@dataclass(slots=True)
class Obliged:
    """Keeps what was worked out of closed months: that changes only when one more is closed or restated."""

    customers: Sequence[Customer]
    _terms: Terms | None = None
    _count: int = -1
    _closed: Mapping[Month, OfMonth] | None = None
    _months: Sequence[FinalMonth] = ()

    def view(self, book: LiveBook, views: Sequence[ServiceView], as_of: int) -> Obligations:
        """As of now; of a month in which no policy was in force there is nothing."""
        if self._terms is not book.terms or self._count != len(book.closings):
            self._terms, self._count = book.terms, len(book.closings)
            self._closed = by_month(book.closings)
            self._months = known_months(self._closed, book.terms)
        breaches: dict[tuple[str, Month], int] = {}
        ratios: dict[tuple[str, Month], Ratio] = {}
        may_leave: dict[tuple[str, Month], bool] = {}
        running = month_at(as_of, book.terms.zone)
        for month in (running.shifted(-1), running):
            try:
                policy = policy_for(book.terms.policies, month)
            except InputError:
                continue
            found = self._month(book, views, month, as_of)
            breaches |= {(name, month): count for name, count in found.by_name().items()}
            ratio = Ratio(*ratio_of(found.total, policy.credits).as_integer_ratio())
            at = min(as_of, month.period(book.terms.zone).end - 1)
            for customer in self.customers:
                if is_entitled(customer, month, policy.credits):
                    ratios[customer.name, month] = ratio
                right = self._right(customer, at, policy.termination)
                if right is not None and customer.is_on_it_in(month):
                    may_leave[customer.name, month] = right
        return Obligations(breaches, ratios, may_leave)

    def _month(self, book: LiveBook, views: Iterable[ServiceView], month: Month, as_of: int) -> MonthBreaches:
        """Services that are closed for it as they were closed, the others as they stand now."""
        closed = (self._closed or {}).get(month, {})
        found = _latest(month, {service: facts[-1] for service, facts in closed.items()})
        counts = {} if found is None else dict(found.counts)
        for view in views:
            for figures in view.months:
                if figures.month == month and view.service not in closed:
                    counts[Commitment(AVAILABILITY, view.service)] = int(figures.verdict == "breached")
        if not closed:
            late = book.late_answers(month, as_of)
            counts |= {Commitment(f"{RESPONSE}{priority}"): count for priority, count in late.items()}
            counts |= {Commitment(metric): count for metric, count in book.missed_vitals(month).items()}
        return MonthBreaches(month, counts)

    def _right(self, customer: Customer, at: int, terms: TerminationTerms | None) -> bool | None:
        """None where older months could decide it and nobody says what they came to."""
        if standing(rights(self._months, customer, at)) is not None:
            return True
        if terms is None:
            return None
        first = min(self._closed or (), default=None)
        is_whole = first is None or (bool(self._months) and self._months[0].month == first)
        reach = 2 * terms.consecutive_months + terms.within_months
        return False if is_whole or len(self._months) >= reach else None


def by_month(closings: Iterable[Fact]) -> Mapping[Month, OfMonth]:
    """The facts sorted to what they close."""
    found: dict[Month, OfMonth] = {}
    for fact in closings:
        month = parse_month(cast(str, fact.fields["month"]))
        found.setdefault(month, {}).setdefault(cast(str, fact.fields["service"]), []).append(fact)
    return found


def known_months(closed: Mapping[Month, OfMonth], terms: Terms) -> list[FinalMonth]:
    """Consecutive months, up to the last that is closed, of which each says what it came to."""
    found: list[FinalMonth] = []
    if not closed:
        return found
    month = min(closed)
    while month <= max(closed):
        known = _final(month, closed.get(month, {}), terms)
        found = [] if known is None else [*found, known]
        month = month.shifted(1)
    return found


def _final(month: Month, closed: OfMonth, terms: Terms) -> FinalMonth | None:
    """None where it is not closed, or by a version that did not say what it came to, or nothing was promised."""
    stands = {service: facts[0] for service, facts in closed.items()}
    first = _latest(month, stands)
    if first is None:
        return None
    try:
        at, policy = final_from(month, terms), policy_for(terms.policies, month)
    except InputError:
        return None
    if all(service.name in closed for service in terms.services):
        by_hand = max(parse_instant(cast(str, fact.fields["as_of"])) for fact in stands.values())
        at = min(at, max(by_hand, month.period(terms.zone).end))
    readings = [Read(at, first)]
    later = [(fact.recorded_at, service, fact) for service, facts in closed.items() for fact in facts[1:]]
    for recorded_at, service, fact in sorted(later, key=lambda each: each[0]):
        stands[service] = fact
        restated = _latest(month, stands)
        if restated is None:
            return None
        readings.append(Read(max(at, recorded_at), restated))
    return FinalMonth(month, readings, policy.termination)


def _latest(month: Month, stands: Mapping[str, Fact]) -> MonthBreaches | None:
    """What these closings of one month say together; None where there are none, or one of them does not say it."""
    counts: dict[Commitment, int] = {}
    is_unproven = False
    for service, fact in stands.items():
        told = fact.fields.get("breaches")
        if not isinstance(told, dict):
            return None
        for name, count in told.items():
            commitment = Commitment(name, service if name == AVAILABILITY else None)
            counts[commitment] = max(counts.get(commitment, 0), count if isinstance(count, int) else 0)
        is_unproven = is_unproven or fact.fields.get("unproven") is True
    return MonthBreaches(month, counts, is_unproven) if stands else None
