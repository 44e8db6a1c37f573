"""The report of an announced peak, from facts: the same figures live and offline (commitments.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.errors import InputError
from monitor.facts import AnyFact
from monitor.ledger.entries import admit
from monitor.ledger.months import MonthBook, ServiceBook, book_month, service_book, timelines_from
from monitor.ledger.peak_books import months_of, peak_figures
from monitor.ledger.peaks import PeakFigures, PeakView, TrafficEvent, hours_of, peak_terms, traffic_events
from monitor.ledger.period import Month, Period, format_instant
from monitor.ledger.terms import Terms


class Hour(NamedTuple):
    """One hour of an event: the figures of each service."""

    period: Period
    figures: tuple[PeakFigures, ...]


class EventReport(NamedTuple):
    """An event with its figures as of an instant (UTC ms), and those of its hours that have begun."""

    view: PeakView
    hours: tuple[Hour, ...]
    as_of: int
    zone: str


def event_report(
    facts: Sequence[AnyFact], terms: Terms, services_of: Mapping[str, Sequence[str]], event_id: str, as_of: int
) -> EventReport:
    """The report of one event. `services_of` by customer; of one that is not in it every service of the terms. Raises
    InputError where there is no event of that name, or it has not begun."""
    entries = admit(facts, as_of)
    events = traffic_events(entries.of("traffic_event"))
    event = next((each for each in events if each.event == event_id), None)
    if event is None:
        if any(fact.fields["event"] == event_id for fact in entries.of("traffic_event")):
            raise InputError(f"the event {event_id!r} is cancelled; there is nothing to report")
        known = " ".join(each.event for each in events)
        raise InputError(f"there is no event {event_id!r}; recorded are: {known or 'none'}")
    if as_of <= event.start:
        raise InputError(
            f"the event {event_id} begins at {format_instant(event.start)}; there is nothing to report yet"
        )
    names = services_of.get(event.customer, [service.name for service in terms.services])
    books = [service_book(terms, name, entries, timelines_from(entries)) for name in names]
    figures = [_Booked(book, event, as_of) for book in books]
    hours = [
        Hour(period, tuple(each.within(period) for each in figures))
        for period in hours_of(event.period)
        if period.start < as_of
    ]
    whole = tuple(each.within(event.period) for each in figures)
    view = PeakView(event, peak_terms(terms, event), tuple(names), whole)
    return EventReport(view, tuple(hours), as_of, terms.zone.key)


class _Booked:
    """The months of one service that an event reaches into, booked once."""

    def __init__(self, of: ServiceBook, event: TrafficEvent, as_of: int) -> None:
        self._service = of.service.name
        self._as_of = as_of
        self._months = [found for month in months_of(event.period, of.terms) if (found := _month(of, month, as_of))]

    def within(self, window: Period) -> PeakFigures:
        return peak_figures(self._service, window, self._as_of, self._months)


def _month(of: ServiceBook, month: Month, as_of: int) -> MonthBook | None:
    try:
        return book_month(of, month, as_of)
    except InputError:
        return None  # no policy was in force: nothing was promised of that part
