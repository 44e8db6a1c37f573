"""The last 90 days of a service as a strip: a column a day, in the colour and height of its worst account.

One path an account, for most days are alike; whoever points at a day that was not all up is told its amounts, and below
the strip they stand as text. Looks are attributes and classes: no style stands on the page itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from html import escape
from typing import NamedTuple, cast

from exporters.numbers import duration
from exporters.status import DAYS
from monitor.facts import Json

_WIDE, _GAP, _HIGH = 9, 2, 36
_HEIGHTS = {"up": 36, "down": 36, "excused": 25, "unknown": 14, "none": 2}
"""Accounts are told apart without colours: an excused day is lower, an unknown one lower still, and down stands out.
A day of which nothing is known is a line."""


class Strip(NamedTuple):
    """The drawing, what it says in a sentence, and a line for each day that was not all up: the newest first, those
    without downtime after the others."""

    svg: str
    words: str
    lines: list[str]


def strip(days: list[Mapping[str, Json]], title: str) -> Strip | None:
    """None where no day is known."""
    known = {cast(str, day["date"]): day for day in days}
    if not known:
        return None
    last = date.fromisoformat(max(known))
    columns = [(last - timedelta(days=back)).isoformat() for back in range(DAYS - 1, -1, -1)]
    words = f"{title}, the last {DAYS} days: {_counted(known.values())}"
    parts = [*_paths(columns, known), *_told(columns, known)]
    svg = (
        f'<svg class="strip" viewBox="0 0 {DAYS * _WIDE - _GAP} {_HIGH}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}">{"".join(parts)}</svg>'
    )
    told = [day for _, day in sorted(known.items(), reverse=True) if day["worst"] != "up"]
    told.sort(key=lambda day: day["worst"] == "unknown")  # weeks before the first look hide no downtime
    return Strip(svg, words, [said(day) for day in told])


def said(day: Mapping[str, Json]) -> str:
    """`2026-03-07: 12m 00s down, 3m 00s excused`."""
    amounts = [(name, cast(int, day[f"{name}_ms"])) for name in ("down", "excused", "unknown")]
    told = ", ".join(f"{duration(ms)} {'not measured' if name == 'unknown' else name}" for name, ms in amounts if ms)
    return f"{day['date']}: {told or 'up'}"


def _counted(days: Iterable[Mapping[str, Json]]) -> str:
    worst = [day["worst"] for day in days]
    names = {
        "down": "with downtime",
        "excused": "with excused downtime",
        "unknown": "with time not measured",
        "up": "up",
    }
    counts = [(worst.count(account), words) for account, words in names.items()]
    counts.append((DAYS - len(worst), "of which nothing is known"))
    return ", ".join(f"{count} {'day' if count == 1 else 'days'} {words}" for count, words in counts if count)


def _paths(columns: list[str], known: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    for account, high in _HEIGHTS.items():
        drawn = "".join(
            f"M{place * _WIDE} {_HIGH}v-{high}h{_WIDE - _GAP}v{high}z"
            for place, name in enumerate(columns)
            if (known[name]["worst"] if name in known else "none") == account
        )
        if drawn:
            yield f'<path class="{account}" d="{drawn}"/>'


def _told(columns: list[str], known: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    for place, name in enumerate(columns):
        if name in known and known[name]["worst"] != "up":
            yield (
                f'<rect class="told" x="{place * _WIDE}" y="0" width="{_WIDE - _GAP}" height="{_HIGH}"'
                f' fill="transparent"><title>{escape(said(known[name]))}</title></rect>'
            )
