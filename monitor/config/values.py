"""The words that a configuration is written in: dates, zones, percentages, money, limits, names.

Each is a parser from what the file says to an exact value, and the type that uses it. All raise `settings.wrong`.
"""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from monitor.errors import InputError
from monitor.ledger.money import Money
from monitor.ledger.period import DAY, format_instant, midnight, parse_instant
from monitor.ledger.terms import VitalLimit
from monitor.settings import shown, wrong

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%", re.ASCII)
_MONEY = re.compile(r"(\d{1,12}(?:\.\d{1,4})?) ([A-Z]{3})", re.ASCII)
_MONTHS = re.compile(r"(\d{1,3}) months?", re.ASCII)
_LIMIT = re.compile(r"(<=|<)? ?(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", re.ASCII)


def closest(word: str, known: list[str]) -> str:
    """`; did you mean x?`, or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


# ---------------------------------------------------------------- names

Positive = Annotated[int, Field(ge=1)]


def parse_name(given: object) -> str:
    """A name as labels, paths and commands can carry it."""
    if not isinstance(given, str):
        raise wrong(f"expected a name; found {shown(given)}" + ("; put it in quotes" if given is not None else ""))
    if not 1 <= len(given) <= 100 or not given.isprintable() or given != given.strip() or "/" in given:
        raise wrong(f"expected a name of 1 to 100 characters without slashes and outer spaces; found {shown(given)}")
    return given


_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[^/]+$"}
Name = Annotated[str, PlainValidator(parse_name), WithJsonSchema(_NAME_SCHEMA)]


class Dependency(NamedTuple):
    """`provider/component`; the component `*` is every one."""

    provider: str
    component: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.component}"


def parse_dependency(given: object) -> Dependency:
    """`cloudflare/CDN`, `shopify/*`; a component's own name may hold slashes."""
    provider, slash, component = given.partition("/") if isinstance(given, str) else ("", "", "")
    if not slash or not provider.strip() or not component.strip():
        raise wrong(f"expected provider/component or provider/*, such as cloudflare/CDN; found {shown(given)}")
    return Dependency(provider, component)


DependencyText = Annotated[
    Dependency,
    PlainValidator(parse_dependency),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[^/]+/.+$", "examples": ["cloudflare/CDN", "shopify/*"]}),
]


# ---------------------------------------------------------------- time


def parse_zone(given: object) -> ZoneInfo:
    """An IANA zone by its name."""
    if not isinstance(given, str):
        raise wrong(f"expected an IANA zone such as Europe/London; found {shown(given)}")
    try:
        return ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = closest(given, sorted(available_timezones()))
        raise wrong(f"expected an IANA zone such as Europe/London; found {shown(given)}{near}") from None


Zone = Annotated[
    ZoneInfo,
    PlainValidator(parse_zone),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/London"]}),
]


def parse_day(given: object) -> date:
    """A date of the calendar, `2026-03-01`."""
    if isinstance(given, str) and _DATE.fullmatch(given) and "1970" <= given < "9000":
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise wrong(f"expected a date of the calendar; there is no {given}") from None
    raise wrong(f"expected a date such as 2026-03-01; found {shown(given)}")


Day = Annotated[
    date,
    PlainValidator(parse_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-03-01"]}),
]

Moment = date | int
"""A local date, or an instant in UTC ms."""


def parse_moment(given: object) -> Moment:
    """A date, or an instant with its offset."""
    if isinstance(given, str) and len(given) > len("2026-03-01"):
        with suppress(InputError, OverflowError):  # the latter where UTC has no date for it
            instant = parse_instant(given)
            format_instant(instant)
            return instant
    elif isinstance(given, str):
        return parse_day(given)
    raise wrong(f"expected a date such as 2026-03-01, or an instant such as 2026-03-01T00:00:00Z; found {shown(given)}")


def format_moment(moment: Moment) -> str:
    """What `parse_moment` reads back."""
    return moment.isoformat() if isinstance(moment, date) else format_instant(moment)


def is_before(first: Moment, second: Moment) -> bool:
    """Whether the first is the earlier one; of a date and an instant within a day of it only its zone could tell."""
    if isinstance(first, date) and isinstance(second, date):
        return first < second
    if isinstance(first, int) and isinstance(second, int):
        return first < second
    return _in_utc(first) < _in_utc(second) + DAY


def _in_utc(moment: Moment) -> int:
    return midnight(moment, ZoneInfo("UTC")) if isinstance(moment, date) else moment


MomentText = Annotated[
    Moment,
    PlainValidator(parse_moment),
    PlainSerializer(format_moment, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["2026-03-01", "2026-03-01T00:00:00Z"]}),
]


def parse_months(given: object) -> int:
    """`3 months`."""
    match = _MONTHS.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match[1]) == 0:
        raise wrong(f"expected a number of months such as 3 months; found {shown(given)}")
    return int(match[1])


def format_months(months: int) -> str:
    """What `parse_months` reads back."""
    return "1 month" if months == 1 else f"{months} months"


Months = Annotated[
    int,
    PlainValidator(parse_months),
    PlainSerializer(format_months, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+ months?$", "examples": ["3 months"]}),
]


# ---------------------------------------------------------------- amounts


def _percent(given: object, example: str) -> Fraction:
    match = _PERCENT.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise wrong(f"expected a percentage such as {example}; found {shown(given)}{_as_percentage(given)}")
    return Fraction(match[1]) / 100


def _as_percentage(given: object) -> str:
    """The mend of a bare number. 0.999 is a part of one: whoever followed `write 0.999%` would promise nothing."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        return ""
    amount = Decimal(repr(given))
    return f"; write {(amount.scaleb(2) if 0 < amount <= 1 else amount).normalize():f}%"


def parse_objective(given: object) -> Fraction:
    """A percentage under 100, as an exact ratio: something that can be promised and missed."""
    ratio = _percent(given, "99.9%")
    if ratio >= 1:
        raise wrong(f"an objective of {given} leaves no budget for downtime; expected less than 100%")
    if ratio == 0:
        raise wrong("an objective of 0% promises nothing; expected more than 0%")
    return ratio


def parse_share(given: object) -> Fraction:
    """A percentage over 0 and at most 100, as an exact ratio."""
    ratio = _percent(given, "10%")
    if not 0 < ratio <= 1:
        raise wrong(f"expected a percentage over 0% and at most 100%; found {shown(given)}")
    return ratio


def format_percent(ratio: Fraction) -> str:
    """`99.9%`; exact, for ratios that were written as a percentage."""
    billionths = ratio * 100 * 10**9
    return f"{Decimal(int(billionths)).scaleb(-9).normalize():f}%"


def _percent_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,9})? ?%$", "examples": [example]})


_PERCENT_TEXT = PlainSerializer(format_percent, return_type=str, when_used="json")
Objective = Annotated[Fraction, PlainValidator(parse_objective), _PERCENT_TEXT, _percent_schema("99.9%")]
Share = Annotated[Fraction, PlainValidator(parse_share), _PERCENT_TEXT, _percent_schema("10%")]


def parse_money(given: object) -> Money:
    """`499.00 USD`."""
    match = _MONEY.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise wrong(f"expected an amount with its currency such as 499.00 USD; found {shown(given)}")
    return Money(Decimal(match[1]), match[2])


def _limit(given: object, example: str) -> tuple[Literal["<", "<="], Fraction, str | None]:
    match = _LIMIT.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise wrong(f'expected a limit such as "{example}"; found {shown(given)}')
    return ("<" if match[1] == "<" else "<="), Fraction(match[2]), match[3]


def parse_time_limit(given: object) -> VitalLimit:
    """`< 2.5s`, `<= 200ms`; without a sign it is `<=`."""
    comparison, value, unit = _limit(given, "<= 2.5s")
    if unit is None:
        raise wrong(f'expected a limit with its unit such as "<= 2.5s"; found {shown(given)}')
    return VitalLimit(comparison, value * 1000 if unit == "s" else value)


def parse_score_limit(given: object) -> VitalLimit:
    """`< 0.1`; a score has no unit."""
    comparison, value, unit = _limit(str(given) if isinstance(given, float) else given, "<= 0.1")
    if unit is not None:
        raise wrong(f'expected a limit without a unit such as "<= 0.1"; found {shown(given)}')
    return VitalLimit(comparison, value)


TimeLimit = Annotated[
    VitalLimit,
    PlainValidator(parse_time_limit),
    PlainSerializer(lambda limit: f"{limit}ms", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(<=?)? ?\d+(\.\d+)?(ms|s)$", "examples": ["<= 2.5s"]}),
]
ScoreLimit = Annotated[
    VitalLimit,
    PlainValidator(parse_score_limit),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "number"], "pattern": r"^(<=?)? ?\d+(\.\d+)?$", "examples": ["<= 0.1"]}),
]

Quorum = Literal["any", "majority", "all"] | int


def parse_quorum(given: object) -> Quorum:
    """How many vantages must agree that a check is down (accounting.md section 3)."""
    words: tuple[Literal["any", "majority", "all"], ...] = ("any", "majority", "all")
    for word in words:
        if given == word:
            return word
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise wrong(f"expected any, majority, all, or a number of at least 1; found {shown(given)}")


QuorumText = Annotated[
    Quorum,
    PlainValidator(parse_quorum),
    WithJsonSchema({"anyOf": [{"enum": ["any", "majority", "all"]}, {"type": "integer", "minimum": 1}]}),
]
