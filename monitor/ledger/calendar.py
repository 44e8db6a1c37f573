"""Opening hours and business days of a support team, and when a ticket is due by them (commitments.md section 2).

The clock on the wall decides: a team is open at an instant when the local time then lies in an opening of the local
weekday. So a day has as much opening time as really passes in its openings, on days that change the clock too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from monitor.ledger.interval import Spans, holds, normalise
from monitor.ledger.period import DAY, MINUTE, local_date, midnight, moment

Unit = Literal["wall", "bh", "bd", "next_business_day"]
Class = Literal["in_hours", "after_hours"]

WHOLE_DAY = 24 * 60  # minutes
EVERY_DAY = 7
LONGEST_CLOSED = 366 * 30
"""Days without an opening after which a calendar is taken to have none; policies are checked to have some each week."""

Openings = tuple[tuple[int, int], ...]
"""From and until, in minutes of the local day, in order; 1440 is the midnight that ends it."""


class Target(NamedTuple):
    """How soon a first reply is due: `wall` and `bh` in ms, `bd` in business days; `text` as the policy writes it."""

    unit: Unit
    amount: int
    text: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Two calendars: when the team is open, and which days are business days. Weekday 0 is Monday.

    A holiday is no business day; it closes the openings too, unless the hours are round the clock.
    """

    zone: ZoneInfo
    hours: Mapping[int, Openings]
    business_days: frozenset[int]
    holidays: frozenset[date] = frozenset()

    @property
    def round_the_clock(self) -> bool:
        """Whether there is no minute of an ordinary week that is closed."""
        return len(self.hours) == EVERY_DAY and all(
            normalise(openings) == [(0, WHOLE_DAY)] for openings in self.hours.values()
        )

    def is_business_day(self, day: date) -> bool:
        """Whether `bd` and `next_business_day` count that local date."""
        return day.weekday() in self.business_days and day not in self.holidays

    def openings(self, day: date) -> Spans:
        """When the team is open on a local date, in instants."""
        if day in self.holidays and not self.round_the_clock:
            return []
        return self._spans(day)

    def klass(self, instant: int) -> Class:
        """In hours when the instant lies in an opening."""
        day = local_date(instant, self.zone)
        return "in_hours" if holds(self.openings(day), instant) else "after_hours"

    def due(self, received: int, target: Target) -> int:
        """The instant by which a ticket received then must have its first reply. Raises ValueError for a calendar that
        never opens, OverflowError past the year 9999."""
        if target.unit == "next_business_day":
            return self._next_close(received)
        return self.reached(received, target, self.amount_ms(target))

    def amount_ms(self, target: Target) -> int:
        """What `due` counts of `wall`, `bh` or `bd`: `Nbd` is N times the opening time of one business day."""
        if target.unit != "bd":
            return target.amount
        return target.amount * max(self._minutes(day) for day in self.business_days) * MINUTE

    def share(self, received: int, target: Target, hundredths: int) -> int:
        """The instant at which so many hundredths of a ticket's time are used up. Its time runs as its target counts:
        always for one of the wall clock, otherwise in openings."""
        if target.unit == "next_business_day":
            total = sum(end - start for start, end in self._counted(received, target, self.due(received, target)))
        else:
            total = self.amount_ms(target)
        return self.reached(received, target, -(-total * hundredths // 100))

    def reached(self, received: int, target: Target, amount: int) -> int:
        """The first instant by which `amount` ms have passed since, counted as the target counts."""
        if target.unit == "wall":
            return received + amount
        left = amount
        for start, end in self._counted(received, target, None):
            if end - start >= left:
                return start + left
            left -= end - start
        raise ValueError("the calendar never opens")

    def _counted(self, received: int, target: Target, until: int | None) -> Iterator[tuple[int, int]]:
        """The openings since, on business days only where the target counts those, up to `until`."""
        closed = 0
        for day in _days_from(local_date(received, self.zone)):
            counts = target.unit == "bh" or self.is_business_day(day)
            spans = [(max(start, received), end) for start, end in self.openings(day) if end > received]
            closed = 0 if counts and spans else closed + 1
            if closed > LONGEST_CLOSED:
                return
            for start, end in spans if counts else ():
                if until is not None and start >= until:
                    return
                yield start, end if until is None else min(end, until)

    def _next_close(self, received: int) -> int:
        """The close of the next business day; of the same one for what came before it opened."""
        today = local_date(received, self.zone)
        for skipped, day in enumerate(_days_from(today)):
            spans = self.openings(day) if self.is_business_day(day) else []
            if spans and (day != today or received < spans[0][0]):
                return spans[-1][1]
            if skipped > LONGEST_CLOSED:
                break
        raise ValueError("the calendar has no business day with an opening")

    def _minutes(self, weekday: int) -> int:
        return sum(end - start for start, end in self.hours.get(weekday, ()))

    def _spans(self, day: date) -> Spans:
        openings = self.hours.get(day.weekday(), ())
        return normalise(
            (max(start, shown + opens * MINUTE), min(end, shown + closes * MINUTE))
            for start, end, shown in _pieces(day, self.zone)
            for opens, closes in openings
        )


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


class _Piece(NamedTuple):
    """A stretch of a local date within which the clock runs on; at `shown` it would show 00:00."""

    start: int
    end: int
    shown: int


@lru_cache(maxsize=4096)
def _pieces(day: date, zone: ZoneInfo) -> tuple[_Piece, ...]:
    """The local date cut where its clock is changed. A zone changes at most once within an hour."""
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    pieces: list[_Piece] = []
    at = start
    while at < end:
        shown, until = _shown(day, at, zone), end
        if end - start != DAY or _shown(day, end - 1, zone) != shown:
            until = _change_after(day, at, end, zone)
        pieces.append(_Piece(at, until, shown))
        at = until
    return tuple(pieces)


def _change_after(day: date, at: int, end: int, zone: ZoneInfo) -> int:
    """When the clock is changed next, or the end of the date."""
    shown, before = _shown(day, at, zone), at
    for after in (*range(at + 60 * MINUTE, end, 60 * MINUTE), end - 1):
        if _shown(day, after, zone) != shown:
            return before + bisect_left(range(before, after), True, key=lambda at: _shown(day, at, zone) != shown)
        before = after
    return end


def _shown(day: date, instant: int, zone: ZoneInfo) -> int:
    """The instant at which a clock as it is set at `instant` shows, or would show, 00:00 of the date."""
    local = moment(instant).astimezone(zone)
    since = (local.date() - day).days * DAY + (local.hour * 60 + local.minute) * MINUTE
    return instant - since - local.second * 1000 - local.microsecond // 1000
