"""What channels say: of an outage as it goes, of a month that is closed, of an announced peak. Pure, plain text.

For customers: no reasons, addresses or names of checks. Every name is made printable here; what a service makes of
signs in it is the business of each channel.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, cast

from exporters.numbers import duration, percent, promised
from exporters.stated import Statement, Wall, at, ms, plain, ratio_text
from monitor.ledger.decimals import decimal
from monitor.ledger.peaks import ErrorCount, PeakFigures, PeakView
from monitor.ledger.period import MINUTE, SECOND, format_instant
from monitor.ledger.snapshot import Figures, ServiceView


class Words(NamedTuple):
    """A title of one line, lines below it, and whether it is good or bad news."""

    title: str
    lines: tuple[str, ...]
    tone: str


class Outage(NamedTuple):
    """A service's outage: since when, until when (None: it goes on), and the clock that it is told by."""

    view: ServiceView
    start: int
    end: int | None
    wall: Wall


VERDICTS = {
    "met": "the promise was kept",
    "met_unproven": "kept as far as it was seen, not proved",
    "breached": "the promise was broken",
}


def outage_begun(outage: Outage, as_of: int) -> Words:
    """The first message of an outage."""
    lines = (f"Down since {_shown(outage.wall, outage.start)}.", *_excused(outage.view))
    return Words(f"{plain(outage.view.title)} is down", lines, "bad")


def outage_goes_on(outage: Outage, as_of: int) -> Words:
    """While it lasts."""
    spent = duration((as_of - outage.start) // SECOND * SECOND)
    lines = (f"Down since {_shown(outage.wall, outage.start)}, for {spent} so far.", *_excused(outage.view))
    return Words(f"{plain(outage.view.title)} is still down", (*lines, *_left(outage.view)), "bad")


def outage_over(outage: Outage, as_of: int) -> Words:
    """Once it is up again."""
    end = as_of if outage.end is None else outage.end
    span = f"From {_shown(outage.wall, outage.start)} to {_shown(outage.wall, end)}: {duration(end - outage.start)}."
    return Words(f"{plain(outage.view.title)} is up again", (span, *_left(outage.view)), "good")


def _excused(view: ServiceView) -> tuple[str, ...]:
    kinds = sorted({active.klass.replace("_", " ") for active in view.active})
    return (f"Excused as of now: {', '.join(kinds)}.",) if kinds else ()


def _left(view: ServiceView) -> tuple[str, ...]:
    running: Figures | None = next(iter(view.months), None)
    if running is None:
        return ()
    return (f"Downtime in {running.month}: {duration(running.accounts.down)} of {duration(running.budget)} allowed.",)


def month_closed(stated: Statement, title: str) -> Words:
    """The summary of a month, from the statement that it was closed with."""
    verdict = plain(stated["verdict"])
    revision = cast(int, stated["revision"])
    name = f"{plain(title)}, {plain(stated['month'])}"
    head = f"{name}: {VERDICTS.get(verdict, verdict)}"
    lines = [
        f"Availability {percent(ratio_text(stated, 'availability', 'published'))},"
        f" promised {promised(cast(str, at(stated, 'objective')))}.",
        f"Downtime {duration(ms(stated, 'accounts_ms', 'down'))} of {duration(ms(stated, 'budget_ms'))} allowed.",
        f"Statement {plain(stated['digest'])}" + (f", revision {revision}." if revision > 1 else "."),
    ]
    return Words(head, tuple(lines), {"met": "good", "breached": "bad"}.get(verdict, "doubt"))


# ---------------------------------------------------------------- announced peaks


def peak_begun(view: PeakView, wall: Wall) -> Words:
    """The start of a peak."""
    event = view.event
    seconds = f"{view.asked.interval_ms / SECOND:g}"
    lines = [
        f"From {_shown(wall, event.start)} to {_shown(wall, event.end)}, {times(event.factor)} times the usual.",
        f"{', '.join(map(plain, view.services)) or 'No service'} looked at every {seconds} s at least.",
    ]
    if view.shortfalls.late:
        lines.append("The notice was shorter than agreed.")
    lines += _errors(view, wall, begins=True)
    return Words(f"Announced peak {plain(event.event)} has begun", tuple(lines), "good")


def peak_goes_on(view: PeakView, number: int, wall: Wall) -> Words:
    """After each hour."""
    lines = [
        f"{_whole(whole)} Last hour: down {duration(each.down)}, error rate {_rate(each)}."
        for whole, each in zip(view.figures, view.last_hour, strict=True)
    ]
    lines += _errors(view, wall)
    return Words(f"Announced peak {plain(view.event.event)}: hour {number} is over", tuple(lines), _tone(view))


def peak_over(view: PeakView, wall: Wall) -> Words:
    """The end of a peak."""
    lines = [_whole(figures) for figures in view.figures]
    lines += _errors(view, wall)
    lines.append(f"The report: minutebook event report {plain(view.event.event)}")
    return Words(f"Announced peak {plain(view.event.event)} is over", tuple(lines), _tone(view))


def _errors(view: PeakView, wall: Wall, *, begins: bool = False) -> list[str]:
    """Sentry's counts, where it is asked, each with from when to when it is; it says so where they are not known."""
    if view.errors is None:
        return []
    before, during, newest = view.errors
    lines = [
        f"Sentry received {count.events} events of the app {_spread(count, wall)}."
        for count in (before if begins else None, during)
        if count is not None
    ]
    if newest is not None and newest != during and not begins:
        lines.append(f"Of these, {newest.events} {_spread(newest, wall)}.")
    return lines or ["How many events of the app Sentry received is not known."]


def _spread(count: ErrorCount, wall: Wall) -> str:
    """From when to when, and how many a minute, where it is a minute at least: to a tenth, rounded up, since more of
    them is no better."""
    span = f"from {_shown(wall, count.since)} to {_shown(wall, count.until)}"
    tenths = -(-count.events * MINUTE * 10 // (count.until - count.since))
    return f"{span}, {tenths // 10}.{tenths % 10} a minute" if count.until - count.since >= MINUTE else span


def _whole(figures: PeakFigures) -> str:
    unknown = f", unknown {duration(figures.unknown)}" if figures.unknown else ""
    return (
        f"{plain(figures.service)}: down {duration(figures.down)} of {duration(figures.budget)} that the peak allows,"
        f" error rate {_rate(figures)}{unknown}."
    )


def _rate(figures: PeakFigures) -> str:
    return percent(decimal(figures.error_rate))


def _tone(view: PeakView) -> str:
    if any(figures.remaining < 0 for figures in view.figures):
        return "bad"
    return "doubt" if any(figures.down or figures.unknown for figures in view.figures) else "good"


def times(factor: Fraction) -> str:
    """An expected factor as it was said: `8`, `5.5`."""
    return (decimal(factor) or "").rstrip("0").rstrip(".")


def _shown(wall: Wall, instant: int) -> str:
    return wall.shown(format_instant(instant))
