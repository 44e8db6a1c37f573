"""One month of one service, booked and counted: the way from readings to figures and burn in two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from monitor.errors import InputError
from monitor.facts.seals import joined
from monitor.ledger.accounts import Booked, Books, Frame, book, corroborated_ms, cover, figures, segments_within
from monitor.ledger.burn import burn
from monitor.ledger.entries import Entries
from monitor.ledger.exclusion import Exclusion, declared_by_person, maintenances, what_they_ask
from monitor.ledger.period import Month, Period, month_at
from monitor.ledger.readings import (
    CheckReadings,
    Reading,
    Readings,
    check_readings,
    service_readings,
)
from monitor.ledger.seals import looks
from monitor.ledger.snapshot import WINDOWS, Burn, Figures
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms, policy_for
from monitor.ledger.third_party import third_parties
from monitor.ledger.timeline import Segments, Timelines, fold, passed


class ServiceBook(NamedTuple):
    """A service with everything that was read about it: what each of its months is booked from."""

    terms: Terms
    service: ServiceTerms
    entries: Entries
    readings: Readings
    checks: Mapping[str, CheckReadings]


class MonthBook(NamedTuple):
    """A month booked: its frame, the exclusions as measured, the three bookings, and every figure of section 6. `asks`
    is all that its maintenances depend on beside their facts."""

    frame: Frame
    asks: tuple[object, ...]
    exclusions: tuple[Exclusion, ...]
    books: Books
    figures: Figures


TimelinesOf = Callable[[CheckTerms], Mapping[str, Timelines]]
"""The timelines of a check by vantage, in order of name."""


def timelines_from(entries: Entries) -> TimelinesOf:
    """From scratch: folds each check's results when they are asked for."""

    def of(check: CheckTerms) -> Mapping[str, Timelines]:
        return {vantage: _timelines(check, entries, vantage) for vantage in entries.vantages(check.name)}

    return of


def _timelines(check: CheckTerms, entries: Entries, vantage: str) -> Timelines:
    results, under = entries.results_of(check.name, vantage), entries.under(check.name, vantage)
    if not results:
        return passed(joined([stretch for days in under for stretch in days.stretches]))
    return fold(looks(results, under), check.hold_ms, check.fall, check.rise).timelines()


def service_book(terms: Terms, name: str, entries: Entries, timelines: TimelinesOf) -> ServiceBook:
    """Reads every check that matters to the service, over all its vantages."""
    service = terms.service(name)
    named = terms.corroborating[name]
    wanted = [*service.checks, *(terms.checks[check] for check in named if check in terms.checks)]
    checks = {check.name: check_readings(check, timelines(check)) for check in wanted}
    return ServiceBook(terms, service, entries, service_readings(service, checks, named), checks)


def book_month(of: ServiceBook, month: Month, as_of: int) -> MonthBook:
    """Sections 5 and 6. Raises InputError when no policy is in force in the month."""
    booked = month_alike(of, month, as_of)
    if booked.frame.service == of.service.name:
        return booked
    frame = booked.frame._replace(service=of.service.name)
    return booked._replace(frame=frame, figures=replace(booked.figures, service=of.service.name))


def month_alike(of: ServiceBook, month: Month, as_of: int) -> MonthBook:
    """As `book_month`, perhaps with the name of another service of which it is the same."""
    policy = policy_for(of.terms.policies, month)
    whole = month.period(of.terms.zone)
    elapsed = Period(whole.start, max(whole.start, min(whole.end, as_of)))
    frame = Frame(of.service.name, month, whole, as_of, policy)
    within = segments_within(of.readings.measured.segments, elapsed)
    if len(within) > 1 or not _reads_alike(of.readings, within, elapsed):
        return _booked_month(of, frame, elapsed)
    if of.entries.of("exclusion") or of.entries.of("incident"):
        return _booked_month(of, frame, elapsed)
    # Most months of most services: one piece of time, and maintenances at most. They are booked once.
    asks = what_they_ask(of.entries, of.service.name, policy)
    announced = len(of.entries.of("maintenance"))
    place = ("month", id(policy), month, elapsed, *within, announced, *asks)
    return of.entries.alike(as_of, place, partial(_booked_month, of, frame, elapsed))


def _reads_alike(readings: Readings, measured: Segments, elapsed: Period) -> bool:
    """Whether the three readings say the same of a month, whatever they say of others."""
    others = (readings.shortest.segments, readings.longest.segments)
    return all(other is readings.measured.segments or segments_within(other, elapsed) == measured for other in others)


def _booked_month(of: ServiceBook, frame: Frame, elapsed: Period) -> MonthBook:
    policy = frame.policy
    asks = what_they_ask(of.entries, of.service.name, policy)
    announced = maintenances(of.entries, of.service.name, policy)
    fixed = [*announced, *declared_by_person(of.entries, of.service.name, policy)]
    measured = [*fixed, *_third_parties(of, policy, of.readings.measured)]
    if len(measured) == len(announced):
        place = (asks, elapsed)
        covered = of.entries.once("maintenance", place, lambda: cover(announced, elapsed))
    else:
        covered = cover(measured, elapsed)
    first = book(of.readings.measured.segments, covered, elapsed)
    if len(measured) == len(fixed):  # nothing that a reading decides
        readings = (of.readings.shortest, of.readings.longest)
        alike = of.readings.shortest.segments is of.readings.measured.segments
        books = Books(first, *(first if alike else book(each.segments, covered, elapsed) for each in readings))
    else:
        books = Books(
            first,
            *(
                _booked(reading, [*fixed, *_third_parties(of, policy, reading)], elapsed)
                for reading in (of.readings.shortest, of.readings.longest)
            ),
        )
    corroborated = corroborated_ms(first, of.readings.measured, policy)
    return MonthBook(frame, asks, tuple(measured), books, figures(frame, books, corroborated))


def _third_parties(of: ServiceBook, policy: Policy, reading: Reading) -> list[Exclusion]:
    if not of.entries.of("incident"):
        return []
    return third_parties(of.entries, of.service, policy, partial(reading.corroborated, policy))


def _booked(reading: Reading, exclusions: list[Exclusion], elapsed: Period) -> Booked:
    return book(reading.segments, cover(exclusions, elapsed), elapsed)


def burn_at(of: ServiceBook, as_of: int, booked: Mapping[Month, MonthBook]) -> Burn:
    """Section 7, over months that are booked already where `booked` has them."""
    zone = of.terms.zone
    running = month_at(as_of, zone)
    first = month_at(as_of - max(WINDOWS.values()), zone)
    pieces: list[Booked] = []
    now: Figures | None = None
    month = first
    while month <= running:
        known = booked.get(month) or _known(of, month, as_of)
        pieces.append(known.books.measured if known is not None else _unpromised(of, month, as_of))
        now = None if known is None else known.figures
        month = month.shifted(1)
    place = ("burn", id(now), *map(id, pieces))
    return of.entries.alike(as_of, place, lambda: (burn(pieces, now, as_of), pieces, now))[0]


def _known(of: ServiceBook, month: Month, as_of: int) -> MonthBook | None:
    try:
        return month_alike(of, month, as_of)
    except InputError:
        return None


def _unpromised(of: ServiceBook, month: Month, as_of: int) -> Booked:
    """A month that only the windows reach into: no policy was in force yet, so nothing was promised to excuse."""
    whole = month.period(of.terms.zone)
    elapsed = Period(whole.start, max(whole.start, min(whole.end, as_of)))
    return book(of.readings.measured.segments, [], elapsed)
