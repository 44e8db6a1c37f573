"""When a ticket is due, asked minute by minute: section 2 of commitments.md read once more, slowly.

Everything is taken from the words of the configuration; nothing is shared with the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.moments import DAY, EPOCH, MS, duration, local_day

MINUTE = 60_000
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekdays(text: str) -> set[int]:
    """`mon-fri`, `sat-mon`, `mon,wed`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        day = NAMES.index(first)
        found.add(day)
        while last and NAMES[day] != last:
            day = (day + 1) % 7
            found.add(day)
    return found


def minutes(text: str) -> set[int]:
    """The minutes of a day that `09:00-12:00, 13:00-18:00` covers."""
    found: set[int] = set()
    for part in text.split(","):
        first, last = (int(end[:2]) * 60 + int(end[3:]) for end in part.strip().split("-"))
        found |= set(range(first, last))
    return found


@dataclass(frozen=True)
class Desk:
    """A `support` section as it is written, in a zone."""

    support: dict[str, Any]
    zone: ZoneInfo

    @cached_property
    def hours(self) -> dict[int, set[int]]:
        return {day: minutes(text) for days, text in self.support["hours"].items() for day in weekdays(days)}

    @cached_property
    def always(self) -> bool:
        return all(len(self.hours.get(day, ())) == 1440 for day in range(7))

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in weekdays(self.support["business_days"]) and day not in self.support["holidays"]

    def is_open(self, at: int) -> bool:
        local = (EPOCH + at * MS).astimezone(self.zone)
        if local.date() in self.support["holidays"] and not self.always:
            return False
        return local.hour * 60 + local.minute in self.hours.get(local.weekday(), ())

    def klass(self, at: int) -> str:
        return "in_hours" if self.is_open(at) else "after_hours"

    def due(self, received: int, target: str) -> int:
        """Minute after minute until enough of them counted."""
        if target == "next_business_day":
            return self.next_close(received)
        if target.endswith("bh"):
            return self.passed(received, int(target[:-2]) * 60 * MINUTE, business=False)
        if target.endswith("bd"):
            day = len(self.hours[min(weekdays(self.support["business_days"]))])
            return self.passed(received, int(target[:-2]) * day * MINUTE, business=True)
        return received + duration(target)

    def passed(self, received: int, amount: int, *, business: bool) -> int:
        left = amount
        for start, end in minute_after_minute(received):
            if self.is_open(start) and (not business or self.is_business_day(local_day(start, self.zone))):
                if end - start >= left:
                    return start + left
                left -= end - start
        raise AssertionError

    def next_close(self, received: int) -> int:
        """The last open minute of the first business day that had none before the ticket."""
        today = local_day(received, self.zone)
        begun = any(
            self.is_open(at) and local_day(at, self.zone) == today
            for at in range(received - received % MINUTE - DAY - 2 * 60 * MINUTE, received + 1, MINUTE)
        )
        day = today + timedelta(days=1) if begun else today
        close = None
        for start, end in minute_after_minute(received):
            here = local_day(start, self.zone)
            if close is not None and here > day:
                return close
            day = here if close is None and here > day else day
            if here == day and self.is_business_day(day) and self.is_open(start):
                close = end
        raise AssertionError


def minute_after_minute(received: int) -> Iterator[tuple[int, int]]:
    """The rest of the minute that a ticket came in, and those after it, for a quarter of a year."""
    start = received
    while start < received + 100 * DAY:
        end = start - start % MINUTE + MINUTE
        yield start, end
        start = end


def settled(desk: Desk, told: list[dict[str, Any]], as_of: int) -> dict[str, Any]:
    """What the facts of one ticket, in order of recording, come to. Instants in ms."""
    received = told[0]["received_at"]
    klass = desk.klass(received)
    due, deciding = None, told[0]["priority"]
    for fact in told:
        targets = desk.support["respond_within"].get(fact["priority"])
        in_time = due is None or fact["recorded_at"] < due
        if targets is not None and in_time:
            by_it = desk.due(received, targets[klass])
            if due is None or by_it < due:
                due, deciding = by_it, fact["priority"]
    reply = told[-1]["first_reply_at"]
    if reply is not None and reply < received:
        reply = None
    if due is None:
        state = "no_target"
    elif reply is None:
        state = "pending" if as_of <= due else "late"
    else:
        state = "met" if reply <= due else "late"
    return {"priority": deciding, "class": klass, "due": due, "state": state}
