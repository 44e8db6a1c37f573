"""The report of an announced peak: as lines for a terminal, as JSON, and as the blocks that Markdown and HTML are made
of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporters.channel_words import times
from exporters.numbers import duration, percent
from exporters.report_blocks import Cell, Document, Pairs, Part, Prose, Section, Table
from exporters.stated import Wall, labelled, plain
from monitor.facts import Json
from monitor.ledger.decimals import decimal
from monitor.ledger.peaks import PeakFigures, PeakView
from monitor.ledger.period import Period, format_instant

VERDICTS = {"within": "within its budget", "over": "over its budget", "unknown": "not known", "running": "running"}
TONES = {"within": "good", "over": "bad", "unknown": "doubt", "running": "good"}


@dataclass(frozen=True, slots=True)
class Peak:
    """What a report tells: the event with its figures, those of each hour, and how many events Sentry received of the
    app in which hour of its own (from an instant on), where it was asked and answered."""

    view: PeakView
    hours: Sequence[tuple[Period, Sequence[PeakFigures]]]
    as_of: int
    zone: str
    errors: Sequence[tuple[int, int]] | None = None


def verdict(figures: PeakFigures) -> str:
    """Over once downtime is; within only when all of it that counts was seen or could not tip it."""
    if figures.remaining < 0:
        return "over"
    if figures.pending:
        return "running"
    return "within" if figures.down + figures.unknown <= figures.budget else "unknown"


def document(peak: Peak) -> Document:
    """The report as blocks: one part for each service."""
    event = peak.view.event
    parts = [_part(peak, place) for place in range(len(peak.view.figures))]
    title = f"Announced peak {plain(event.event)} of {plain(event.customer)}"
    absent = [] if parts else ["No service is this customer's."]
    return Document(title, parts, None, absent)


def _part(peak: Peak, place: int) -> Part:
    figures, wall = peak.view.figures[place], Wall(peak.zone)
    found = verdict(figures)
    event = peak.view.event
    title = f"Announced peak {plain(event.event)} of {plain(event.customer)}: {plain(figures.service)}"
    hours = [(period, each[place]) for period, each in peak.hours]
    sections = [Section("Hour by hour", [_hours(hours, wall)])]
    if figures.outages:
        sections.insert(0, Section("Outages", [_outages(figures, wall)]))
    if peak.errors is not None:
        sections.append(Section("Events in Sentry", [Prose(_errors(peak.errors)), _errors_by_hour(peak.errors, wall)]))
    return Part(
        title, f"p{place + 1}", VERDICTS[found], TONES[found], _said(figures), _head(peak, figures, wall), sections
    )


def _said(figures: PeakFigures) -> str:
    left = figures.remaining
    rest = f"{duration(left)} left" if left >= 0 else f"{duration(-left)} over"
    return f"{duration(figures.down)} of downtime, of {duration(figures.budget)} that the peak allows; {rest}."


def _head(peak: Peak, figures: PeakFigures, wall: Wall) -> Pairs:
    return Pairs([*_announcement(peak.view, wall), *_amounts(figures), ("as of", _shown(wall, peak.as_of))])


def _announcement(view: PeakView, wall: Wall) -> Iterator[tuple[str, Cell]]:
    event, lacks = view.event, view.shortfalls
    yield "customer", plain(event.customer)
    yield "from", _shown(wall, event.start)
    yield "until", _shown(wall, event.end)
    late = " (late)" if lacks.late else ""
    yield "notified", f"{_shown(wall, event.notified_at)}, {_notice(event.notice_ms)}{late}"
    below = f" (not above {view.asked.factor})" if lacks.below_factor else ""
    yield "expected factor", f"{times(event.factor)}{below}"
    yield "recorded by", plain(event.author) or "-"


def _notice(ms: int) -> str:
    return f"{duration(ms)} before the start" if ms >= 0 else f"{duration(-ms)} after the start"


def _amounts(figures: PeakFigures) -> Iterator[tuple[str, Cell]]:
    yield "downtime", duration(figures.down)
    yield "budget of the peak", duration(figures.budget)
    yield "budget used", percent(decimal(figures.burned))
    yield "error rate", percent(decimal(figures.error_rate))
    yield "excused", duration(figures.excused)
    yield "unknown", duration(figures.unknown)
    if figures.pending:
        yield "still to come", duration(figures.pending)


def _hours(hours: Sequence[tuple[Period, PeakFigures]], wall: Wall) -> Table:
    rows = [
        (
            _shown(wall, period.start),
            duration(figures.down),
            percent(decimal(figures.error_rate)),
            duration(figures.excused),
            duration(figures.unknown),
        )
        for period, figures in hours
    ]
    head = ("from", "downtime", "error rate", "excused", "unknown")
    return Table("Hours of the peak", head, rows, frozenset(range(1, 5)))


def _errors(errors: Sequence[tuple[int, int]]) -> str:
    total = sum(events for _, events in errors)
    return f"Sentry received {total} events of the app in the {len(errors)} hours of its own that the peak touches."


def _errors_by_hour(errors: Sequence[tuple[int, int]], wall: Wall) -> Table:
    rows = [(_shown(wall, hour), str(events)) for hour, events in errors]
    return Table("Events in Sentry by its hours", ("from", "events"), rows, frozenset({1}))


def _outages(figures: PeakFigures, wall: Wall) -> Table:
    rows = [(_shown(wall, start), _shown(wall, end), duration(end - start)) for start, end in figures.outages]
    return Table("Outages in the peak", ("from", "until", "duration"), rows, frozenset({2}))


def _shown(wall: Wall, instant: int) -> str:
    return wall.dated(format_instant(instant))


# ---------------------------------------------------------------- text and JSON


def event_text(peak: Peak) -> str:
    """Lines for a terminal."""
    wall = Wall(peak.zone)
    lines = [f"Announced peak {plain(peak.view.event.event)}", ""]
    for name, value in _announcement(peak.view, wall):
        lines += labelled(name[:11], [str(value)])
    for place, figures in enumerate(peak.view.figures):
        lines += ["", f"{plain(figures.service)}: {VERDICTS[verdict(figures)]}. {_said(figures)}"]
        for name, value in _amounts(figures):
            lines.append(f"  {name:<20}{value}")
        lines += [f"  outage {_shown(wall, start)} to {_shown(wall, end)}" for start, end in figures.outages]
        lines += [
            f"  hour from {_shown(wall, period.start)}: down {duration(each[place].down)},"
            f" error rate {percent(decimal(each[place].error_rate))}, unknown {duration(each[place].unknown)}"
            for period, each in peak.hours
        ]
    if peak.errors is not None:
        lines += ["", _errors(peak.errors)]
    return "\n".join(lines) + "\n"


def event_json(peak: Peak) -> dict[str, Json]:
    """Amounts end in `_ms`, ratios are decimal text."""
    event, lacks = peak.view.event, peak.view.shortfalls
    return {
        "event": event.event,
        "customer": event.customer,
        "start": format_instant(event.start),
        "end": format_instant(event.end),
        "notified_at": format_instant(event.notified_at),
        "notice_ms": event.notice_ms,
        "late": lacks.late,
        "expected_factor": decimal(event.factor),
        "below_factor": lacks.below_factor,
        "event_interval_ms": peak.view.asked.interval_ms,
        "as_of": format_instant(peak.as_of),
        "services": [_service(peak, place) for place in range(len(peak.view.figures))],
        "sentry_events": None
        if peak.errors is None
        else [{"from": format_instant(hour), "events": events} for hour, events in peak.errors],
    }


def _service(peak: Peak, place: int) -> Json:
    figures = peak.view.figures[place]
    hours: list[Json] = [{"start": format_instant(period.start), **_json(each[place])} for period, each in peak.hours]
    return {"service": figures.service, "verdict": verdict(figures), **_json(figures), "hours": hours}


def _json(figures: PeakFigures) -> dict[str, Json]:
    return {
        "up_ms": figures.up,
        "down_ms": figures.down,
        "excused_ms": figures.excused,
        "unknown_ms": figures.unknown,
        "pending_ms": figures.pending,
        "budget_ms": figures.budget,
        "remaining_ms": figures.remaining,
        "burned": decimal(figures.burned),
        "error_rate": decimal(figures.error_rate),
        "outages": [[format_instant(start), format_instant(end)] for start, end in figures.outages],
    }
