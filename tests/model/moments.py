"""Instants, durations, months and ratios as accounting.md section 1 has them, for the brute-force model."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

MS = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DAY = UNIT_MS["d"]


def ms_of(moment: datetime) -> int:
    """POSIX ms of an aware datetime, exactly."""
    return (moment - EPOCH) // MS


def instant(text: str | datetime) -> int:
    """POSIX ms of an RFC 3339 instant with an offset."""
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    assert moment.tzinfo is not None, f"{text} has no offset"
    return ms_of(moment)


def written(at: int) -> str:
    """RFC 3339 in UTC with three digits."""
    moment = EPOCH + at * MS
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def duration(text: str) -> int:
    """Ms of `48h`, `1h30m`, `15m`."""
    parts = re.findall(r"(\d+)(ms|[smhd])", text)
    assert "".join(number + unit for number, unit in parts) == text, f"{text} is no duration"
    return sum(int(n) * UNIT_MS[u] for n, u in parts)


def day_of(text: str | date) -> date:
    """The date of a configuration's date."""
    return text if isinstance(text, date) else date.fromisoformat(text)


def local_midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of the local day: a jump over midnight itself; of a midnight that comes twice the first."""
    return ms_of(datetime(day.year, day.month, day.day, tzinfo=zone))


def local_day(at: int, zone: ZoneInfo) -> date:
    """The local date at an instant."""
    return (EPOCH + at * MS).astimezone(zone).date()


def month_name(at: int, zone: ZoneInfo) -> str:
    """The month, YYYY-MM, that holds an instant."""
    return local_day(at, zone).strftime("%Y-%m")


def month_edges(month: str, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end of a month YYYY-MM."""
    first = date.fromisoformat(month + "-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return local_midnight(first, zone), local_midnight(following, zone)


def percent(text: str) -> Fraction:
    """0.999 of `99.9%`."""
    assert text.endswith("%")
    return Fraction(text[:-1].strip()) / 100


def floored(ratio: Fraction | None) -> str | None:
    """A ratio floored to 9 digits after the point; null stays null."""
    if ratio is None:
        return None
    billionths = floor(ratio * 10**9)
    whole, rest = divmod(abs(billionths), 10**9)
    return f"{'-' if billionths < 0 else ''}{whole}.{rest:09d}"


def over(numerator: int, denominator: int) -> Fraction | None:
    """1 - numerator / denominator; null where the denominator is 0."""
    return None if denominator == 0 else 1 - Fraction(numerator, denominator)
