"""The drawings of a report as SVG: the month as a strip of days and hours, and its budget going down.

By hand, as strings of integers and escaped text. Looks are attributes, which hold everywhere; the classes let a
stylesheet choose others for a dark page. Every account has its letter beside its colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from typing import cast

from exporters.numbers import duration
from exporters.report_blocks import Drawing
from exporters.stated import Statement, Wall, ms, plain, rows
from monitor.ledger.period import parse_instant

NAMES = {".": "up", "D": "down", "E": "excused", "U": "unknown", "-": "pending"}
_FILLS = {".": "#cfe6d8", "D": "#9c1c14", "E": "#56a3d9", "U": "#f2d45c", "-": "#ffffff"}
_INKS = {"D": "#ffffff", "E": "#0b1d2a", "U": "#3a2f00"}
_INK, _QUIET, _LINE = "#16202c", "#52606d", "#8a97a5"

_LEFT, _HOUR, _DAY, _TOP = 92, 24, 16, 22
_FONT = 'font-family="sans-serif" font-size="11"'


def strip(course: Statement, title: str) -> Drawing:
    """A row a day, a cell an hour, each in the colour and letter of the worst account in it."""
    days = rows(course, "days")
    most = max(len(cast(str, day["hours"])) for day in days)
    width, height = _LEFT + most * _HOUR + 2, _TOP + len(days) * _DAY + 26
    parts = [*_hours(most)]
    for place, day in enumerate(days):
        parts += _day(_TOP + place * _DAY, day)
    parts += _legend(_TOP + len(days) * _DAY + 18)
    words = f"{title}: each day a row, each hour since its midnight a cell, shown as the worst in it. {_in_words(days)}"
    lines = [f"{day['date']}  {day['hours']}" for day in days]
    return Drawing(_svg(width, height, words, parts), words, lines)


def _in_words(days: list[Statement]) -> str:
    """The days with something in them other than up and pending, counted by account."""
    counts = {
        name: sum(1 for day in days if ms(day, f"{name}_ms")) for name in ("down", "excused", "unknown", "pending")
    }
    said = [f"{name} on {count} of {len(days)} days" for name, count in counts.items() if count]
    return f"There is time {', '.join(said)}." if said else "Up throughout."


def _hours(most: int) -> Iterator[str]:
    for hour in range(0, most, 6):
        yield _text(_LEFT + hour * _HOUR, 14, f"{hour} h", "q")


def _day(top: int, day: Statement) -> Iterator[str]:
    yield _text(4, top + 12, plain(day["date"]), "q")
    place = 0
    for letter, run in groupby(cast(str, day["hours"])):
        count = len(list(run))
        x, width = _LEFT + place * _HOUR, count * _HOUR
        yield (
            f'<rect class="a {NAMES[letter]}" x="{x}" y="{top}" width="{width}" height="{_DAY - 2}"'
            f' fill="{_FILLS[letter]}" stroke="{_LINE}" stroke-width="0.5"/>'
        )
        if letter in _INKS:
            for cell in range(count):
                yield (
                    f'<text class="l {NAMES[letter]}" x="{x + cell * _HOUR + _HOUR // 2}" y="{top + 11}" {_FONT}'
                    f' text-anchor="middle" fill="{_INKS[letter]}">{letter}</text>'
                )
        place += count


def _legend(y: int) -> Iterator[str]:
    x = _LEFT
    for letter, name in NAMES.items():
        yield (
            f'<rect class="a {name}" x="{x}" y="{y - 10}" width="14" height="12" fill="{_FILLS[letter]}"'
            f' stroke="{_LINE}" stroke-width="0.5"/>'
        )
        shown = f"{name} ({letter})" if letter in _INKS else name
        yield _text(x + 20, y, shown, "q")
        x += 40 + 8 * len(shown)


_WIDE, _HIGH, _MARGIN, _ABOVE = 700, 220, 92, 24


def burn_down(stated: Statement, course: Statement, wall: Wall) -> Drawing:
    """What is left of the budget from the month's start until `as_of`, in hours, minutes and seconds."""
    budget, remaining = ms(stated, "budget_ms"), ms(stated, "remaining_ms")
    start, end = parse_instant(cast(str, stated["start"])), parse_instant(cast(str, stated["end"]))
    until = parse_instant(cast(str, course["until"]))
    top, low = max(budget, 1), min(remaining, 0)
    levels = {name: budget - amount for name, amount in _bounds(course) if low <= budget - amount <= top}

    def x(instant: int) -> int:
        return _MARGIN + (instant - start) * _WIDE // max(end - start, 1)

    def y(left: int) -> int:
        return _ABOVE + (top - left) * _HIGH // (top - low)

    points = [(x(start), y(budget))]
    left = budget
    for step in rows(course, "steps"):
        points.append((x(parse_instant(cast(str, step["start"]))), y(left)))
        left = budget - ms(step, "down_ms")
        points.append((x(parse_instant(cast(str, step["end"]))), y(left)))
    points.append((x(until), y(left)))
    binding = "cap on downtime" if stated["budget_bound_by"] == "downtime_cap" else "objective"
    parts = [_rule(y(0), f"0s: the {binding} is reached", is_firm=True)]
    parts += [_rule(y(level), f"the {name} is reached", is_firm=False) for name, level in levels.items() if level]
    parts += [*_dates(course, x)]
    path = " ".join(f"{a},{b}" for a, b in points)
    parts.append(f'<polyline class="left" points="{path}" fill="none" stroke="#0b62a4" stroke-width="2"/>')
    parts.append(_text(4, y(budget) + 4, duration(budget), "k"))
    if remaining not in (budget, 0):
        parts.append(_text(4, y(remaining) + 4, duration(remaining), "k"))
    words = (
        f"What is left of the budget: {duration(budget)} at the start, {duration(remaining)} at"
        f" {wall.dated(course['until'])}. The {binding} binds."
    )
    return Drawing(_svg(_MARGIN + _WIDE + 48, _ABOVE + _HIGH + 40, words, parts), words, _stepped(stated, course, wall))


def _stepped(stated: Statement, course: Statement, wall: Wall) -> list[str]:
    budget = ms(stated, "budget_ms")
    lines = [f"{wall.dated(stated['start'])}  {duration(budget)} left"]
    lines += [
        f"{wall.dated(step['end'])}  {duration(budget - ms(step, 'down_ms'))} left" for step in rows(course, "steps")
    ]
    return lines


def _bounds(course: Statement) -> Iterator[tuple[str, int]]:
    yield "objective", ms(course, "by_objective_ms")
    if course["cap_ms"] is not None:
        yield "cap on downtime", ms(course, "cap_ms")


def _rule(y: int, said: str, *, is_firm: bool) -> str:
    dashes = "" if is_firm else ' stroke-dasharray="5 4"'
    line = (
        f'<line class="rule" x1="{_MARGIN}" y1="{y}" x2="{_MARGIN + _WIDE}" y2="{y}" stroke="{_LINE}"'
        f' stroke-width="1"{dashes}/>'
    )
    return line + _text(_MARGIN + 4, y - 4, said, "q")


def _dates(course: Statement, place: Callable[[int], int]) -> Iterator[str]:
    for day in rows(course, "days")[::7]:
        at = place(parse_instant(cast(str, day["start"])))
        yield (
            f'<line class="rule" x1="{at}" y1="{_ABOVE + _HIGH}" x2="{at}" y2="{_ABOVE + _HIGH + 5}"'
            f' stroke="{_LINE}" stroke-width="1"/>'
        )
        yield _text(at, _ABOVE + _HIGH + 20, plain(day["date"]), "q")


def _text(x: int, y: int, said: str, kind: str) -> str:
    return (
        f'<text class="{kind}" x="{x}" y="{y}" {_FONT} fill="{_QUIET if kind == "q" else _INK}">{escape(said)}</text>'
    )


def _svg(width: int, height: int, words: str, parts: list[str]) -> str:
    """The words as its title: a browser and a PDF both take them for what it shows."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img"><title>{escape(words)}</title>{"".join(parts)}</svg>'
    )
