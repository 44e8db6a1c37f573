"""The ledger: a month from disk, a year of outages, and the live book (performance.md, lines 8, 9 and 13)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from monitor.closing import Wanted, statements
from monitor.evaluator import ALL_TIME
from monitor.facts import AnyFact, Fact, Result
from monitor.ledger.accounts import Books, Frame, book, cover, figures
from monitor.ledger.exclusion import Exclusion
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, Period, format_instant
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms
from monitor.ledger.timeline import DOWN, UP, Segments
from monitor.store import open_for_reading, open_for_writing
from tests.bench import Figure

SAMPLED = 5
"""Services of line 8 that are really written and read; the figure is theirs times 1,000 / SAMPLED."""

ZONE = ZoneInfo("Europe/London")
JUNE = Month(2026, 6)
START = JUNE.period(ZONE).start
EVERY = 30 * SECOND
HOLD = 70 * SECOND


def ledger() -> Iterator[Figure]:
    """CPU of this process, medians of five but for line 8, which is read once."""
    yield Figure("8", f"a month of 1,000 services from raw rows (of {SAMPLED}, scaled)", _from_disk(), 0.25, "s CPU")
    yield Figure("9", "a year, 10,000 outages, 2,000 exclusions", median(_year() for _ in range(5)), 12, "ms CPU")
    yield Figure("13", "live, 1,000 services, one new result each", _live(), 50, "ms CPU")


def _spent(work: Callable[[], object]) -> float:
    """CPU seconds."""
    started = time.process_time()
    work()
    return time.process_time() - started


def fleet(services: int) -> Terms:
    return Terms(ZONE, tuple(ServiceTerms(f"s{i}", (CheckTerms(f"c{i}", HOLD),)) for i in range(services)))


def look(check: int, at: int, *, failed: bool = False) -> Result:
    name = f"c{check}"
    if failed:
        return Result(at + 200, name, "london", at, "fail", hold_ms=HOLD, reason="http_status", status=503)
    return Result(at + 200, name, "london", at, "pass", hold_ms=HOLD, status=200, duration_ms=41)


def _from_disk() -> float:
    """Statements of June, each service with a fail every two hours, and twenty maintenances for all of them."""
    end = JUNE.period(ZONE).end
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with open_for_writing(url, START) as store:
            store.append([maintenance(number) for number in range(20)])
            for day in range(START, end, DAY):
                store.append(
                    [
                        look(check, at, failed=at % (2 * HOUR) < MINUTE)
                        for at in range(day, min(day + DAY, end), EVERY)
                        for check in range(SAMPLED)
                    ]
                )
        wanted = Wanted([f"s{i}" for i in range(SAMPLED)], JUNE, end)

        def state() -> None:
            with open_for_reading(url) as reader:
                facts: list[AnyFact] = list(reader.read(ALL_TIME, end + DAY))
            statements(facts, fleet(SAMPLED), wanted)

        return _spent(state) * 1000 / SAMPLED


def maintenance(number: int) -> Fact:
    start = START + DAY + number * DAY
    return Fact(
        "maintenance",
        START,
        {
            "maintenance": f"m{number}",
            "announced_at": format_instant(START - 5 * DAY),
            "start": format_instant(start),
            "end": format_instant(start + HOUR),
        },
    )


def _year() -> float:
    """The booking of a year and its figures, from timelines and exclusions that are there."""
    year = Period(START, START + 365 * DAY)
    step = (year.end - year.start) // 10_000
    segments: Segments = []
    for at in range(year.start, year.end - step, step):
        segments += [(at, at + 10 * MINUTE, DOWN), (at + 10 * MINUTE, at + step, UP)]
    window = (year.end - year.start) // 2_000
    exclusions = [
        Exclusion(f"m{number}", "maintenance", [(year.start + number * window, year.start + number * window + HOUR)])
        for number in range(2_000)
    ]

    def count() -> None:
        booked = book(segments, cover(exclusions, year), year)
        figures(Frame("app", JUNE, year, year.end, Policy()), Books(booked, booked, booked), 0)

    return _spent(count) * 1000


def _live() -> float:
    """Two hours of history, then one new result a service and every service's view, five times."""
    terms = fleet(1000)
    history = [
        look(check, START + k * EVERY, failed=check % 10 == 0 and k in (10, 11))
        for k in range(240)
        for check in range(1000)
    ]
    live = live_book(terms, history)
    turns: list[float] = []
    for k in range(240, 245):
        new = [look(check, START + k * EVERY) for check in range(1000)]
        as_of = START + k * EVERY + 500

        def turn(new: list[Result] = new, as_of: int = as_of) -> None:
            live.take(new)
            for service in terms.services:
                live.view(service.name, as_of, public=True)

        turns.append(_spent(turn) * 1000)
    return median(turns)
