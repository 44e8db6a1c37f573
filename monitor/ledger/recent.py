"""What the status page shows behind the figures of the newest months: days, outages, maintenances to come. Pure.

From the same booking as the figures; worked out when somebody looks, and not at each evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from monitor.ledger.course import amounts_within, dates, pieces_of
from monitor.ledger.exclusion import Exclusion
from monitor.ledger.months import MonthBook
from monitor.ledger.period import Period
from monitor.ledger.snapshot import Announced, Day, Recent
from monitor.ledger.timeline import DOWN


def recent(books: Sequence[MonthBook], zone: ZoneInfo, as_of: int) -> Recent:
    """Of the months given, the oldest first, each after the other; what is to come as the last of them has it."""
    days = tuple(day for booked in books for day in days_of(booked, zone) if day.pending < _length(day))
    return Recent(days, tuple(_outages(books)), tuple(announced(books[-1].exclusions, as_of)) if books else ())


def days_of(booked: MonthBook, zone: ZoneInfo) -> Iterator[Day]:
    """Every local date of the month, its ms by account."""
    pieces, place = pieces_of(booked), 0
    for date, start, end in dates(booked.frame.month, zone):
        within, place = amounts_within(pieces, place, start, end)
        yield Day(date, **within)


def _length(day: Day) -> int:
    return day.down + day.excused + day.unknown + day.up + day.pending


def _outages(books: Iterable[MonthBook]) -> Iterable[Period]:
    """Every stretch of DOWN; one that goes on over a month's end is one."""
    found: list[Period] = []
    for booked in books:
        for start, end, state in booked.books.measured.segments:
            if state != DOWN:
                continue
            if found and found[-1].end == start:
                found[-1] = Period(found[-1].start, end)
            else:
                found.append(Period(start, end))
    return found


def announced(exclusions: Iterable[Exclusion], as_of: int) -> Iterator[Announced]:
    """The maintenances that are not over and not cancelled, the next first. Exclusions are not clipped to a month."""
    coming = [
        (start, end, exclusion)
        for exclusion in exclusions
        if exclusion.klass == "maintenance" and "cancelled" not in exclusion.refused
        for start, end in exclusion.claimed
        if end > as_of
    ]
    for start, end, exclusion in sorted(coming, key=lambda window: (window[0], window[2].id)):
        notice = exclusion.shown.get("notice_ms")
        yield Announced(
            id=exclusion.id,
            start=start,
            end=end,
            notice=notice if isinstance(notice, int) else 0,
            excuses=bool(exclusion.granted),
            source=_text(exclusion, "source") or "",
            title=_text(exclusion, "title"),
            url=_text(exclusion, "url"),
        )


def _text(exclusion: Exclusion, name: str) -> str | None:
    value = exclusion.shown.get(name)
    return value if isinstance(value, str) else None
