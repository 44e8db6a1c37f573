"""How a month went: its days hour by hour, what ate the budget, and how the budget went down. Pure.

Drawn from the same booking as the statement, so nothing here can say otherwise: the days add up to the accounts, and
the last step of the budget is what the statement calls down.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.facts import Json
from monitor.ledger.accounts import Booked, budget_of, cut
from monitor.ledger.months import MonthBook, ServiceBook
from monitor.ledger.outages import outage_spans
from monitor.ledger.period import HOUR, Month, format_instant, midnight
from monitor.ledger.timeline import UP

WORST_FIRST = ("down", "excused", "unknown", "up", "pending")
"""An hour that holds several accounts is shown as the first of these: a second down makes it an hour with downtime."""
LETTERS = {"down": "D", "excused": "E", "unknown": "U", "up": ".", "pending": "-"}
"""How `hours` spells an hour's account."""


class Piece(NamedTuple):
    """A stretch of one account."""

    start: int
    end: int
    account: str


def course(of: ServiceBook, booked: MonthBook) -> dict[str, Json]:
    """The month as days, as steps of its budget, and as what ate it; amounts in ms, instants as the statement has
    them."""
    policy, measured = booked.frame.policy, booked.books.measured
    base = booked.figures.base
    return {
        "days": _days(booked.frame.month, of.terms.zone, pieces_of(booked)),
        "by_objective_ms": budget_of(replace(policy, downtime_cap_ms=None), base)[0],
        "cap_ms": policy.downtime_cap_ms,
        "steps": _steps(measured),
        "until": format_instant(measured.period.end),
        "eaten": _eaten(of, booked),
    }


def pieces_of(booked: MonthBook) -> list[Piece]:
    """The whole month, each instant in one piece, in order."""
    measured, whole = booked.books.measured, booked.frame.period
    pieces = [Piece(start, end, "up") for start, end, state in measured.segments if state == UP]
    pieces += [Piece(start, end, "excused" if exclusions else "down") for start, end, exclusions in measured.pieces()]
    pieces += [Piece(start, end, "unknown") for start, end in measured.unknown]
    if measured.period.end < whole.end:
        pieces.append(Piece(max(measured.period.end, whole.start), whole.end, "pending"))
    pieces.sort()
    return pieces


def _days(month: Month, zone: ZoneInfo, pieces: list[Piece]) -> list[Json]:
    """One row a local date: as many hours as really passed in it, the last one shorter where they do not divide it."""
    days: list[Json] = []
    place = 0
    for day, start, end in dates(month, zone):
        amounts: Counter[str] = Counter()
        hours: list[str] = []
        for begin in range(start, end, HOUR):
            within, place = amounts_within(pieces, place, begin, min(begin + HOUR, end))
            amounts.update(within)
            hours.append(next(LETTERS[account] for account in WORST_FIRST if within.get(account)))
        shown: dict[str, Json] = {f"{account}_ms": amounts[account] for account in WORST_FIRST}
        days.append(
            {"date": day, "start": format_instant(start), "end": format_instant(end), "hours": "".join(hours), **shown}
        )
    return days


@lru_cache(maxsize=64)
def dates(month: Month, zone: ZoneInfo) -> tuple[tuple[str, int, int], ...]:
    """Every local date of the month that has any time in it, with its ends."""
    day, after = month.first_day, month.shifted(1).first_day
    ends: list[tuple[date, int]] = []
    while day <= after:
        ends.append((day, midnight(day, zone)))
        day += timedelta(days=1)
    return tuple((one.isoformat(), start, end) for (one, start), (_, end) in itertools.pairwise(ends) if start < end)


def amounts_within(pieces: list[Piece], place: int, start: int, end: int) -> tuple[dict[str, int], int]:
    """Ms by account in `[start, end)`, and the place of the piece to go on with."""
    piece = pieces[place]
    if piece.end > end:
        return {piece.account: end - start}, place
    amounts: dict[str, int] = {}
    while place < len(pieces) and pieces[place].start < end:
        piece = pieces[place]
        length = min(piece.end, end) - max(piece.start, start)
        amounts[piece.account] = amounts.get(piece.account, 0) + length
        if piece.end > end:
            break
        place += 1
    return amounts, place


def _steps(measured: Booked) -> list[Json]:
    """Each stretch of account `down`, and how much of the month was down by its end."""
    steps: list[Json] = []
    down = 0
    for start, end in measured.unexcused():
        down += end - start
        steps.append({"start": format_instant(start), "end": format_instant(end), "down_ms": down})
    return steps


def _eaten(of: ServiceBook, booked: MonthBook) -> list[Json]:
    """The outages by what each took of the budget, the largest first; those that took nothing are left out."""
    taken: list[tuple[int, int, str]] = []
    for (begun, _), within in outage_spans(of, booked):
        pieces = cut(within.start, within.end, booked.books.measured.cover)
        down = sum(end - start for start, end, exclusions in pieces if not exclusions)
        if down:
            taken.append((-down, within.start, f"{of.service.name}/{format_instant(begun)}"))
    return [{"outage": name, "start": format_instant(start), "down_ms": -down} for down, start, name in sorted(taken)]
