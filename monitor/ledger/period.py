"""Instants, calendar months and their ends in UTC (accounting.md section 1; facts.md for the spelling of an instant).

An instant is POSIX time in integer milliseconds, UTC. Local dates are turned into instants before anything is
subtracted: a month has as many milliseconds as really passed in it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.errors import InputError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


class Period(NamedTuple):
    """A half-open stretch of time, `[start, end)`, in instants."""

    start: int
    end: int


class Month(NamedTuple):
    """A calendar month; what instants it spans depends on the zone."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    def shifted(self, months: int) -> Month:
        """The month that many months later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def period(self, zone: ZoneInfo) -> Period:
        """From local midnight of the first day to local midnight of the next month's first day."""
        return _period(self, zone)


def midnight(day: date, zone: ZoneInfo) -> int:
    """The instant at which that local date begins.

    Where the clocks skip midnight it is the moment they jump; where they show it twice, the first (PEP 495, fold 0).
    """
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = (local.replace(tzinfo=UTC) - _EPOCH - (local.utcoffset() or timedelta())) // _MILLISECOND
    if day in (date.min, date.max):
        return instant
    while local_date(instant, zone) < day:
        instant += MINUTE
    while local_date(instant - MINUTE, zone) >= day:
        instant -= MINUTE
    return instant


def local_date(instant: int, zone: ZoneInfo) -> date:
    """The date that a calendar on the wall shows at that instant; where that is no date any more, within hours of the
    first and the last instant that can be written, the first or the last date."""
    try:
        return moment(instant).astimezone(zone).date()
    except OverflowError:
        return date.min if instant < 0 else date.max


@lru_cache(maxsize=256)
def _period(month: Month, zone: ZoneInfo) -> Period:
    return Period(midnight(month.first_day, zone), midnight(month.shifted(1).first_day, zone))


@lru_cache(maxsize=256)
def month_at(instant: int, zone: ZoneInfo) -> Month:
    """The month that holds the instant."""
    day = local_date(instant, zone)
    return Month(day.year, day.month)


def moment(instant: int) -> datetime:
    """The instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=instant)


def parse_month(text: str) -> Month:
    """`2026-03`. Raises InputError."""
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1900 <= int(match[1]) <= 8999:
        raise InputError(f"{text!r} is no month: write it as YYYY-MM, for example 2026-03")
    return Month(int(match[1]), int(match[2]))


def parse_instant(text: str) -> int:
    """RFC 3339 with an offset or Z, cut to the millisecond. Raises InputError."""
    if _INSTANT.fullmatch(text) is None:
        raise InputError(f"{text[:60]!r} is no instant: RFC 3339 with an offset, for example 2026-03-01T00:00:00.000Z")
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text[:60]!r} is no instant: {error}") from None


def format_instant(instant: int) -> str:
    """RFC 3339, UTC, three digits after the second: the canonical spelling of facts.md."""
    second, ms = divmod(instant, SECOND)
    return f"{_to_the_second(second)}.{ms:03d}Z"


@lru_cache(maxsize=8192)
def _to_the_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).isoformat()[:-6]
