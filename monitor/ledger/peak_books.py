"""What a service's time in an announced peak comes to (commitments.md section 4).

A peak is a short window with a budget of its own: the promised part of the time that counts in it. It is booked from
the same months as a statement, so that what is excused or unknown there is so here, and nothing of it enters a
statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import floor

from monitor.ledger.accounts import Booked, book
from monitor.ledger.interval import normalise, total
from monitor.ledger.months import MonthBook
from monitor.ledger.peaks import PeakFigures
from monitor.ledger.period import Month, Period, month_at
from monitor.ledger.terms import Terms
from monitor.ledger.timeline import DOWN


def peak_figures(service: str, window: Period, as_of: int, months: Iterable[MonthBook]) -> PeakFigures:
    """`months` are the booked months that the window reaches into; time of a month without a policy is unknown."""
    end = max(window.start, min(window.end, as_of))
    booked: list[Booked] = []
    budget = Fraction(0)
    for month in months:
        whole = month.frame.period
        part = Period(max(window.start, whole.start), min(window.end, whole.end))
        if part.start >= part.end:
            continue
        seen = _clipped(month, Period(part.start, max(part.start, min(part.end, end))))
        counted = part.end - part.start - seen.excused_ms - total(seen.unknown)
        budget += (1 - month.frame.policy.objective) * counted
        booked.append(seen)
    up, down = sum(each.up for each in booked), sum(each.down for each in booked)
    excused = sum(each.excused_ms for each in booked)
    return PeakFigures(
        service=service,
        period=window,
        as_of=as_of,
        up=up,
        down=down,
        excused=excused,
        unknown=end - window.start - up - down - excused,
        pending=window.end - end,
        budget=floor(budget),
        down_spans=normalise(span for each in booked for span in each.unexcused()),
        outages=normalise((start, end) for each in booked for start, end, state in each.segments if state == DOWN),
    )


def _clipped(month: MonthBook, elapsed: Period) -> Booked:
    measured = month.books.measured
    return book(measured.segments, measured.cover, elapsed)


def months_of(window: Period, terms: Terms) -> list[Month]:
    """The months that a window reaches into."""
    month, last = month_at(window.start, terms.zone), month_at(max(window.start, window.end - 1), terms.zone)
    found = [month]
    while found[-1] < last:
        found.append(found[-1].shifted(1))
    return found
