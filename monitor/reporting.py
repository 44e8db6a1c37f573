"""Reports from facts, as every face asks for them: each service is read once, whatever the number of months."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import NamedTuple

from exporters.report import About, Told
from monitor.closing import Stated, beside, closed, recorded_of, why_different
from monitor.errors import InputError, StatementDiffersError
from monitor.facts import AnyFact, Json
from monitor.ledger.closings import Chain, Recorded, closings
from monitor.ledger.course import course
from monitor.ledger.coverage import first_measured
from monitor.ledger.months import MonthBook, ServiceBook, book_month, service_book
from monitor.ledger.period import Month, month_at, parse_month
from monitor.ledger.reconciliation import OwnPage, reconcile
from monitor.ledger.statement import Asked, proof_of, stated_of
from monitor.ledger.terms import Terms

_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


class Asking(NamedTuple):
    """Which services and months, as of which instant (UTC ms), beside which status pages of our own. `draft`: as they
    would be now, also where a month is closed."""

    services: Sequence[str]
    months: Sequence[Month]
    as_of: int
    pages: Sequence[OwnPage]
    draft: bool = False


class Found(NamedTuple):
    """What there is to tell, and a line for each service and month of which there is nothing."""

    told: list[Told]
    absent: list[str]

    def about(self, span: str) -> About:
        return About(span, self.absent)


def quarter(text: str) -> list[Month]:
    """The months of `2026-Q1`. Raises InputError."""
    match = _QUARTER.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is no quarter: write it as YYYY-Qn, for example 2026-Q1")
    first = parse_month(f"{match[1]}-{int(match[2]) * 3 - 2:02d}")
    return [first.shifted(months) for months in range(3)]


def year(text: str) -> list[Month]:
    """The months of `2026`. Raises InputError."""
    if _YEAR.fullmatch(text) is None:
        raise InputError(f"{text!r} is no year: write it as YYYY, for example 2026")
    first = parse_month(f"{text}-01")
    return [first.shifted(months) for months in range(12)]


def told(
    facts: Sequence[AnyFact], terms: Terms, asking: Asking, advance: Callable[[int, int], None] = lambda *_: None
) -> Found:
    """Service by service, month by month. `advance` is told how many are done, of how many.

    A closed month is told as its newest revision has it, also of a service that the terms name no more. Raises
    InputError for one that they never named, and where there is nothing to tell at all; StatementDiffersError where a
    closed month is not what was closed.
    """
    recorded = recorded_of(facts)
    chains = {} if asking.draft else closings(facts, asking.as_of)
    former = recorded.former(asking.as_of)
    found = Found([], [])
    total = len(asking.services) * len(asking.months)
    for place, name in enumerate(asking.services):
        is_gone = name not in {each.name for each in terms.services} and any(
            closed_of == name for closed_of, _ in chains
        )
        drafts = None if is_gone else _drafts(recorded, terms, name, asking)
        for done, month in enumerate(asking.months, 1):
            chain = chains.get((name, month))
            if chain is not None:
                found.told.append(_closed(recorded, chain, asking))
            elif drafts is None:
                found.absent.append(f"{name}, {month}: it is not closed, and the service is not in the configuration")
            else:
                asked = Asked(month, asking.as_of, version("tzdata"), former)
                each = drafts.told(asked)
                if isinstance(each, Told):
                    found.told.append(each)
                else:
                    found.absent.append(f"{name}, {month}: {each}")
            advance(place * len(asking.months) + done, total)
    if not found.told:
        raise InputError(f"there is nothing to report: {'; '.join(found.absent) or 'no service is named'}")
    return found


def _drafts(recorded: Recorded, terms: Terms, name: str, asking: Asking) -> _Drafts:
    of = service_book(terms, name, *recorded.at(asking.as_of))
    return _Drafts(of, first_measured(of), proof_of(of), asking.pages)


@dataclass(frozen=True, slots=True)
class _Drafts:
    """A service read once for all of its months."""

    of: ServiceBook
    since: int | None
    proof: dict[str, Json]
    pages: Sequence[OwnPage]

    def told(self, asked: Asked) -> Told | str:
        """The month's part, or why there is none."""
        why = _nothing(self.of, asked, self.since)
        if why is not None:
            return why
        try:
            booked = book_month(self.of, asked.month, asked.as_of)
        except InputError as error:
            return str(error)
        return _drawn(self.of, booked, stated_of(self.of, booked, asked, self.proof), self.pages)


def _closed(recorded: Recorded, chain: Chain, asking: Asking) -> Told:
    """The newest revision, drawn from the facts and under the terms that it was closed with."""
    closing, stated = chain[-1], closed(recorded, chain)
    wrong = why_different(stated, closing)
    if wrong is not None:
        raise StatementDiffersError(wrong)
    of = service_book(recorded.terms[closing.terms or ""], closing.service, *recorded.at(closing.as_of))
    drawn = _drawn(of, book_month(of, closing.month, closing.as_of), stated, asking.pages)
    return replace(drawn, beside=beside(recorded, Stated(stated, closing), asking.as_of))


def _drawn(of: ServiceBook, booked: MonthBook, stated: dict[str, Json], pages: Sequence[OwnPage]) -> Told:
    return Told(stated, course(of, booked), reconcile(of, pages, booked.books.measured.period))


def _nothing(of: ServiceBook, asked: Asked, since: int | None) -> str | None:
    """Why there is nothing to tell of the month: it has not begun, or nobody looked before its end."""
    period = asked.month.period(of.terms.zone)
    if asked.as_of <= period.start:
        return "it has not begun"
    if since is None:
        return "nothing was ever measured"
    if period.end <= since:
        return f"nothing was measured before {month_at(since, of.terms.zone)}"
    return None
