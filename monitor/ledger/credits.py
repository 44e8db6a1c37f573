"""Credits of customers for a month (contracts/commitments.md section 3). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor.errors import InputError
from monitor.ledger.breaches import MonthBreaches
from monitor.ledger.money import Money, share_of
from monitor.ledger.period import Month
from monitor.ledger.terms import CreditTerms

NOTHING = Fraction(0)


class Fee(NamedTuple):
    """What is paid for a month, from that date on; None: from the first day on."""

    since: date | None
    money: Money


@dataclass(frozen=True, slots=True)
class Customer:
    """Who was promised, from `since` until before `until`, and what they pay; fees in order of their dates, one at
    least."""

    name: str
    plan: str
    since: date
    fees: tuple[Fee, ...]
    until: date | None = None

    def is_on_it_in(self, month: Month) -> bool:
        """Whether `since` is before the month's end, and `until`, if any, after its start."""
        left = self.until is not None and self.until <= month.first_day
        return self.since < month.shifted(1).first_day and not left

    def fee_in(self, month: Month) -> Money:
        """The fee in force when the month begins, or the first one where none is yet."""
        begun = [fee for fee in self.fees if fee.since is None or fee.since <= month.first_day]
        return (begun or self.fees[:1])[-1].money


@dataclass(frozen=True, slots=True)
class Credit:
    """Of one customer for one month; `ratio` is the part of the fee, after the cap."""

    customer: str
    month: Month
    breaches: int
    ratio: Fraction
    fee: Money
    credit: Money


def ratio_of(breaches: int, terms: CreditTerms | None) -> Fraction:
    """min(cap, per_breach x breaches); nothing where the policy promises no credits."""
    return NOTHING if terms is None else min(terms.cap, terms.per_breach * breaches)


def is_entitled(customer: Customer, month: Month, terms: CreditTerms | None) -> bool:
    """Whether the customer has credits for that month at all, be it of nothing."""
    is_of_plan = terms is not None and (terms.plans is None or customer.plan in terms.plans)
    return is_of_plan and customer.is_on_it_in(month)


def credit_for(customer: Customer, month: Month, breaches: int, terms: CreditTerms | None) -> Credit:
    """What so many breaches are worth to a customer."""
    ratio, fee = ratio_of(breaches, terms), customer.fee_in(month)
    return Credit(customer.name, month, breaches, ratio, fee, share_of(fee, ratio))


def credits_of(found: MonthBreaches, customers: Iterable[Customer], terms: CreditTerms | None) -> Sequence[Credit]:
    """Of everybody who has credits for the month, in the order given; of nothing where nothing was missed."""
    return [
        credit_for(customer, found.month, found.total, terms)
        for customer in customers
        if is_entitled(customer, found.month, terms)
    ]


def find_customer(customers: Sequence[Customer], name: str) -> Customer:
    """Raises InputError with the names there are."""
    for customer in customers:
        if customer.name == name:
            return customer
    known = " ".join(customer.name for customer in customers)
    raise InputError(
        f"there is no customer {name!r}; the configuration names: {known}"
        if known
        else f"there is no customer {name!r}; the configuration names none: name one with -c FILE that has `customers`"
    )


def refuse_unentitled(customer: Customer, month: Month, terms: CreditTerms | None) -> None:
    """Raises InputError with the reason why a customer has no credits for a month."""
    if terms is None:
        raise InputError(f"the policy in force in {month} promises no credits")
    if not customer.is_on_it_in(month):
        stay = f"from {customer.since} on" + ("" if customer.until is None else f", until {customer.until}")
        raise InputError(f"{customer.name} is on the plan {stay}: not in {month}")
    if not is_entitled(customer, month, terms):
        plans = " ".join(sorted(terms.plans or ()))
        raise InputError(f"{customer.name} is on the plan {customer.plan}; credits of {month} are for: {plans}")
