"""Weeks as a configuration writes them: opening hours, business days, recurring windows, response targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.ledger.period import HOUR
from monitor.settings import Mistake, format_duration, mistaken, parse_positive_duration, shown, wrong

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = 24 * 60  # minutes

_OPENING = re.compile(r"(\d\d):(\d\d) ?- ?(\d\d):(\d\d)", re.ASCII)
_BELL = re.compile(r"(other )?([A-Za-z]{3}) (\d\d):(\d\d)", re.ASCII)
_TARGET = re.compile(r"(\d{1,4})(bh|bd)", re.ASCII)


def parse_days(given: object) -> tuple[int, ...]:
    """`mon-fri`, `mon,wed`, `sat-mon`: weekdays in order, 0 is Monday."""
    days: set[int] = set()
    for part in given.lower().split(",") if isinstance(given, str) else [""]:
        first, _, last = part.strip().partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise wrong(f"expected weekdays such as mon-fri or mon,wed; found {shown(given)}")
        start = WEEKDAYS.index(first)
        days.update((start + step) % 7 for step in range((WEEKDAYS.index(last or first) - start) % 7 + 1))
    return tuple(sorted(days))


def format_days(days: tuple[int, ...]) -> str:
    """What `parse_days` reads back."""
    return ",".join(WEEKDAYS[day] for day in days)


Days = Annotated[
    tuple[int, ...],
    PlainValidator(parse_days),
    PlainSerializer(format_days, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["mon-fri", "mon,wed,fri"]}),
]


class Opening(NamedTuple):
    """From and until, in minutes of the local day; 1440 is the midnight that ends it."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start // 60:02d}:{self.start % 60:02d}-{self.end // 60:02d}:{self.end % 60:02d}"


Hours = Mapping[int, tuple[Opening, ...]]
"""Openings of each weekday that has any, in order."""


def _parse_openings(given: object) -> tuple[Opening, ...]:
    openings: list[Opening] = []
    for part in given.split(",") if isinstance(given, str) else [""]:
        match = _OPENING.fullmatch(part.strip())
        numbers = [int(number) for number in match.groups()] if match else [99] * 4
        start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
        if max(numbers[1], numbers[3]) > 59 or max(start, end) > WHOLE_DAY:
            raise wrong(f'expected hours such as "09:00-21:00" or "00:00-24:00"; found {shown(given)}')
        if end <= start:
            raise wrong(f"the hours {part.strip()} end before they begin; split what goes past midnight at 24:00")
        if openings and start < openings[-1].end:
            raise wrong(f"the hours {part.strip()} begin before those before them end; write them in order")
        openings.append(Opening(start, end))
    return tuple(openings)


def parse_hours(given: object) -> Hours:
    """`{mon-fri: "09:00-12:00, 13:00-18:00"}`; a weekday stands in one key."""
    if not isinstance(given, Mapping) or not given:
        raise wrong(f'expected opening hours such as {{mon-fri: "09:00-21:00"}}; found {shown(given)}')
    hours: dict[int, tuple[Opening, ...]] = {}
    found: list[Mistake] = []
    for key, value in given.items():
        try:
            days, openings = parse_days(key), _parse_openings(value)
        except PydanticCustomError as error:
            found.append(Mistake((str(key),), error.message()))
            continue
        twice = [WEEKDAYS[day] for day in days if day in hours]
        if twice:
            found.append(Mistake((str(key),), f"{twice[0]} has hours twice; put them into one key"))
        hours.update(dict.fromkeys(days, openings))
    if found:
        raise mistaken(found)
    return dict(sorted(hours.items()))


def _format_hours(hours: Hours) -> dict[str, str]:
    return {WEEKDAYS[day]: ", ".join(map(str, openings)) for day, openings in hours.items()}


HoursTable = Annotated[
    Hours,
    PlainValidator(parse_hours),
    PlainSerializer(_format_hours, return_type=dict[str, str], when_used="json"),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "examples": ["09:00-21:00", "09:00-12:00, 13:00-18:00"]},
        }
    ),
]


class Target(NamedTuple):
    """How soon a ticket is due (commitments.md section 2): `wall` and `bh` in ms, `bd` in business days."""

    unit: Literal["wall", "bh", "bd", "next_business_day"]
    amount: int

    def __str__(self) -> str:
        if self.unit == "next_business_day":
            return self.unit
        if self.unit == "wall":
            return format_duration(self.amount)
        return f"{self.amount // HOUR if self.unit == 'bh' else self.amount}{self.unit}"


def parse_target(given: object) -> Target:
    """`30m` on the wall clock, `12bh`, `3bd`, `next_business_day`."""
    if given == "next_business_day":
        return Target("next_business_day", 0)
    match = _TARGET.fullmatch(given) if isinstance(given, str) else None
    if match is not None and int(match[1]):
        return Target("bh", int(match[1]) * HOUR) if match[2] == "bh" else Target("bd", int(match[1]))
    try:
        return Target("wall", parse_positive_duration(given))
    except PydanticCustomError:
        raise wrong(f"expected a target such as 30m, 12bh, 3bd or next_business_day; found {shown(given)}") from None


TargetText = Annotated[
    Target,
    PlainValidator(parse_target),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "minLength": 2, "examples": ["30m", "12bh", "3bd", "next_business_day"]}),
]


class Bell(NamedTuple):
    """A time of the week: weekday 0 is Monday, `minute` counts from local midnight, every `weeks` weeks."""

    weekday: int
    minute: int
    weeks: int

    @property
    def weekday_name(self) -> str:
        return WEEKDAYS[self.weekday].upper()

    def __str__(self) -> str:
        hour, minute = divmod(self.minute, 60)
        return f"{'other ' if self.weeks == 2 else ''}{self.weekday_name} {hour:02d}:{minute:02d}"


def parse_bell(given: object) -> Bell:
    """`FRI 20:00`, or `other FRI 20:00` for every second one."""
    match = _BELL.fullmatch(given) if isinstance(given, str) else None
    if match is None or match[2].lower() not in WEEKDAYS or int(match[3]) > 23 or int(match[4]) > 59:
        raise wrong(f'expected a weekday and a time such as "FRI 20:00" or "other FRI 20:00"; found {shown(given)}')
    return Bell(WEEKDAYS.index(match[2].lower()), int(match[3]) * 60 + int(match[4]), 2 if match[1] else 1)


BellText = Annotated[
    Bell,
    PlainValidator(parse_bell),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(other )?[A-Za-z]{3} \d\d:\d\d$", "examples": ["FRI 20:00"]}),
]
