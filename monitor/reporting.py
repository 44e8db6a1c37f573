"""Reports from facts, as every face asks for them: each service is read once, whatever the number of months."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

from exporters.report import About, Told
from monitor.closing import former_terms
from monitor.errors import InputError
from monitor.facts import AnyFact
from monitor.ledger.course import course
from monitor.ledger.coverage import first_measured
from monitor.ledger.entries import admit
from monitor.ledger.months import ServiceBook, book_month, service_book, timelines_from
from monitor.ledger.period import Month, Period, month_at, parse_month
from monitor.ledger.reconciliation import OwnPage, reconcile
from monitor.ledger.statement import Asked, consulted, proof_of, stated_of
from monitor.ledger.terms import Terms

_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


class Asking(NamedTuple):
    """Which services and months, as of which instant (UTC ms), beside which status pages of our own."""

    services: Sequence[str]
    months: Sequence[Month]
    as_of: int
    pages: Sequence[OwnPage]


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

    Raises InputError for a service that the terms do not name, and where there is nothing to tell at all.
    """
    former, entries = former_terms(facts), admit(facts, asking.as_of)
    timelines = timelines_from(entries)
    found = Found([], [])
    total = len(asking.services) * len(asking.months)
    for place, name in enumerate(asking.services):
        of = service_book(terms, name, entries, timelines)
        asked = [Asked(month, asking.as_of, version("tzdata"), former) for month in asking.months]
        for done, each in enumerate(_months(of, asked, asking.pages, found.absent), 1):
            if each is not None:
                found.told.append(each)
            advance(place * len(asking.months) + done, total)
    if not found.told:
        raise InputError(f"there is nothing to report: {'; '.join(found.absent) or 'no service is named'}")
    return found


def _months(
    of: ServiceBook, asked: Sequence[Asked], pages: Sequence[OwnPage], absent: list[str]
) -> Iterator[Told | None]:
    """Each month's part; None where there is nothing to tell, with a line in `absent` that says why."""
    proof = proof_of(consulted(of))
    since = first_measured(of)
    for each in asked:
        why = _nothing(of, each, since)
        if why is not None:
            absent.append(f"{of.service.name}, {each.month}: {why}")
            yield None
            continue
        try:
            booked = book_month(of, each.month, each.as_of)
        except InputError as error:
            absent.append(f"{of.service.name}, {each.month}: {error}")
            yield None
            continue
        start, end = booked.frame.period
        elapsed = Period(start, max(start, min(end, each.as_of)))
        yield Told(stated_of(of, booked, each, proof), course(of, booked), reconcile(of, pages, elapsed))


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
