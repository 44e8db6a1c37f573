"""The status page at `/`: services now, what is left of the month's budget, availability. It needs no script.

Only `public` services, unless everything is asked for. Percentages are cut and time left is floored: a page never
looks better than the books.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from exporters.numbers import percent, ratio
from exporters.warnings import warnings_of_newest
from monitor.facts import Json
from monitor.ledger.decimals import decimal
from monitor.ledger.period import HOUR, MINUTE, SECOND, format_instant
from monitor.ledger.snapshot import Figures, ServiceView, Snapshot

if TYPE_CHECKING:
    from jinja2 import Environment

STALE_AFTER = 30 * SECOND
"""Figures older than this, in ms, are shown with a warning; they are made anew every 5 s (interface.md)."""


def status(snapshot: Snapshot | None, *, everything: bool) -> dict[str, Json]:
    """`/status.json`. Before the first evaluation `as_of` is null and there are no services.

    What fails or warns, and why, is shown only where everything is.
    """
    if snapshot is None:
        return {"as_of": None, "state": "unknown", "services": []}
    shown = [view for view in snapshot.services if view.public or everything]
    services: list[Json] = [
        {
            **_service(view, snapshot.as_of),
            "failing": [*_failing(snapshot, view.service)] if everything else [],
            "warnings": [*_warnings(snapshot, view.service)] if everything else [],
        }
        for view in shown
    ]
    return {"as_of": format_instant(snapshot.as_of), "state": _overall(shown), "services": services}


def render(snapshot: Snapshot | None, now: int, *, everything: bool) -> str:
    """The page as HTML. `now` in ms, to say when the figures are old."""
    age = 0 if snapshot is None else now - snapshot.as_of
    page = _environment().get_template("status.html")
    return page.render(status=status(snapshot, everything=everything), age=rough(age) if age > STALE_AFTER else None)


@cache
def stylesheet() -> str:
    """The text of `/status.css`."""
    return _environment().get_template("status.css").render()


def rough(ms: int) -> str:
    """An amount for glancing at, floored to seconds below an hour and to minutes above: `43 min 12 s`, `1 h`.

    Below zero it is floored as well: more overspent, never less.
    """
    if ms < 0:
        return "-" + rough(-(ms // SECOND) * SECOND)
    hours, rest = divmod(ms, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    seconds = rest // SECOND
    if minutes:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{seconds} s"


def _overall(views: Sequence[ServiceView]) -> str:
    states = {_state(view) for view in views}
    if "down" in states:
        return "down"
    return "up" if states == {"up"} else "unknown"


def _state(view: ServiceView) -> str:
    return "unknown" if view.up is None else "up" if view.up else "down"


def _service(view: ServiceView, as_of: int) -> dict[str, Json]:
    return {
        "service": view.service,
        "title": view.title or view.service,
        "state": _state(view),
        "since": None if view.since is None else format_instant(view.since),
        "for_ms": None if view.since is None else as_of - view.since,
        "excused_by": [*sorted({active.klass for active in view.active})],
        "months": [_month(figures) for figures in view.months[:1] + tuple(filter(_was_seen, view.months[1:]))],
        "maintenance": [
            {"start": format_instant(window.start), "source": window.source, "notice_ms": window.notice}
            for window in sorted(view.next_maintenance, key=lambda window: window.start)
        ],
    }


def _was_seen(figures: Figures) -> bool:
    """Whether a month that is over has anything to show: before the first look there is none."""
    return figures.accounts.unknown < figures.accounts.month


def _month(figures: Figures) -> dict[str, Json]:
    return {
        "month": str(figures.month),
        "verdict": figures.verdict,
        "availability": ratio(figures.published),
        "objective": decimal(figures.objective),
        "coverage": ratio(figures.coverage),
        "down_ms": figures.accounts.down,
        "excused_ms": figures.accounts.excused_total,
        "unknown_ms": figures.accounts.unknown,
        "budget_ms": figures.budget,
        "remaining_ms": figures.remaining,
    }


def _failing(snapshot: Snapshot, service: str) -> Iterator[Json]:
    for newest in snapshot.newest:
        result = newest.result
        if newest.service == service and result.outcome == "fail" and snapshot.as_of < newest.covers_until:
            yield {"check": result.check, "vantage": result.vantage, "reason": result.reason or "other"}


def _warnings(snapshot: Snapshot, service: str) -> Iterator[Json]:
    for newest in snapshot.newest:
        result = newest.result
        if newest.service != service or result.outcome == "void" or snapshot.as_of >= newest.covers_until:
            continue
        for warning in warnings_of_newest(newest):
            if warning.raised:
                named: dict[str, Json] = {"check": result.check, "vantage": result.vantage, "warning": warning.name}
                yield {**named, "words": warning.words}


@cache
def _environment() -> Environment:
    """Made when a page is first asked for: a start has no need of Jinja, which is 3 MiB."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=PackageLoader("exporters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, rough=rough, clock=_clock, words=_words)
    return environment


def _clock(instant: str) -> str:
    """`2026-03-20 12:00:00 UTC`."""
    return f"{instant[:10]} {instant[11:19]} UTC"


def _words(code: str) -> str:
    return code.replace("_", " ")
