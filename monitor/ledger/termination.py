"""When a customer may leave (contracts/commitments.md section 3). Pure.

The right arises on the day that the month which completes it becomes final. What a month comes to may be restated: the
course of the right is followed from one such instant to the next, so that what a restatement gives or takes away stands
on record with its instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from monitor.ledger.breaches import MonthBreaches
from monitor.ledger.credits import Customer
from monitor.ledger.period import Month
from monitor.ledger.terms import TerminationTerms

Rule = Literal["consecutive_months", "breaches"]


class Read(NamedTuple):
    """What a month comes to from that instant (UTC ms) on."""

    at: int
    found: MonthBreaches


@dataclass(frozen=True, slots=True)
class FinalMonth:
    """A month that is over: the first reading is from the instant at which it becomes final, each later one from a
    restatement on. `terms` are those in force in it; None: there is no such right."""

    month: Month
    readings: Sequence[Read]
    terms: TerminationTerms | None

    def at(self, instant: int) -> MonthBreaches | None:
        """As it stood then; None: it was not final yet."""
        known = [read.found for read in self.readings if read.at <= instant]
        return known[-1] if known else None


class Reached(NamedTuple):
    """The month that completes the right, by which rule, and the breached months that it rests on."""

    month: Month
    rule: Rule
    rests_on: tuple[Month, ...]


@dataclass(frozen=True, slots=True)
class Right:
    """From `arises` on, until `taken_away` by a restatement, where one did."""

    reached: Reached
    arises: int
    taken_away: int | None = None


def rights(months: Sequence[FinalMonth], customer: Customer, as_of: int) -> Sequence[Right]:
    """Every right of the customer that had arisen by then, in order; at most the last one stands. `months` are
    consecutive, from the first that holds a fact on."""
    counted = [month for month in months if customer.is_on_it_in(month.month)]
    instants = sorted({read.at for month in counted for read in month.readings if read.at <= as_of})
    found: list[Right] = []
    for instant in instants:
        reached = next(_reached(counted, instant), None)
        stands = bool(found) and found[-1].taken_away is None
        if reached is not None and not stands:
            found.append(Right(reached, instant))
        elif reached is None and stands:
            found[-1] = Right(found[-1].reached, found[-1].arises, instant)
    return found


def standing(found: Sequence[Right]) -> Right | None:
    """The right that stands, if any."""
    return found[-1] if found and found[-1].taken_away is None else None


def _reached(months: Sequence[FinalMonth], instant: int) -> Iterator[Reached]:
    """Every month that completed a right by then, as things stood then. A month that is not final yet is no breach."""
    stood = [(month, month.at(instant)) for month in months]
    streak: list[Month] = []
    passed_over = 0
    for place, (month, found) in enumerate(stood):
        if found is not None and found.total:
            streak, passed_over = [*streak, month.month], 0
            yield from _by_rules(month, streak, stood[: place + 1])
        elif found is not None and found.is_unproven and passed_over == 0:
            passed_over = 1
        else:
            streak, passed_over = [], 0


def _by_rules(
    month: FinalMonth, streak: Sequence[Month], until: Sequence[tuple[FinalMonth, MonthBreaches | None]]
) -> Iterator[Reached]:
    terms = month.terms
    if terms is None:
        return
    if len(streak) >= terms.consecutive_months:
        yield Reached(month.month, "consecutive_months", tuple(streak[-terms.consecutive_months :]))
    recent = [(each.month, found.total) for each, found in until[-terms.within_months :] if found and found.total]
    if sum(count for _, count in recent) >= terms.breaches:
        yield Reached(month.month, "breaches", tuple(each for each, _ in recent))
