"""The status page at `/`: what `/status.json` tells, for people. It needs no script; with one it is kept up to date.

Percentages are cut and time left is floored: a page never looks better than the books.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from exporters.numbers import duration, percent
from exporters.report import VERDICTS
from exporters.status_strip import Strip, strip
from monitor.facts import Json
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from jinja2 import Environment

STALE_AFTER = 30 * SECOND
"""Figures older than this, in ms, are shown with a warning; they are made anew every 5 s (interface.md)."""

LINES = 20
"""Days below a strip that are listed with their amounts; the others are counted, and stand in `/status.json`."""

_VERDICTS = {**VERDICTS, "pending": "closed", "differs": "not what was closed"}


def render(status: Mapping[str, Json], version: str, age: int) -> str:
    """The page as HTML. `version` is what an event of `/events` names it by; `age` of its figures in ms, to say when
    they are old."""
    services = cast("list[Mapping[str, Json]]", status["services"])
    page = _environment().get_template("status.html")
    return page.render(
        status=status,
        version=version,
        age=rough(age) if age > STALE_AFTER else None,
        strips={service["service"]: _strip(service) for service in services},
        lines=LINES,
    )


def versioned(status: Mapping[str, Json]) -> tuple[str, str]:
    """The page, and its version: another one when it shows anything else, its instant apart."""
    page = render(status, "", 0)
    as_of = cast("str | None", status["as_of"])
    steady = page if as_of is None else page.replace(as_of, "").replace(_clock(as_of), "")
    version = sha256(steady.encode()).hexdigest()[:16]
    return page.replace('data-version=""', f'data-version="{version}"', 1), version


def _strip(service: Mapping[str, Json]) -> Strip | None:
    return strip(cast("list[Mapping[str, Json]]", service["days"]), cast(str, service["title"]))


@cache
def stylesheet() -> str:
    """The text of `/status.css`."""
    return _environment().get_template("status.css").render()


@cache
def script() -> str:
    """The text of `/status.js`: it listens to `/events` and takes what is new from the page itself."""
    return _environment().get_template("status.js").render()


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


def lasting(ms: int) -> str:
    """How long a state has held, floored to minutes, and from two days on to hours: `8 d 21 h`. No finer, for it is
    shown on a page that is made anew when it changes."""
    if ms < MINUTE:
        return "less than a minute"
    if ms < 2 * DAY:
        return rough(ms // MINUTE * MINUTE)
    days, rest = divmod(ms, DAY)
    return f"{days} d {rest // HOUR} h" if rest >= HOUR else f"{days} d"


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
    environment.filters.update(
        percent=percent, rough=rough, lasting=lasting, exact=duration, clock=_clock, words=_words, verdict=_verdict
    )
    return environment


def _clock(instant: str) -> str:
    """`2026-03-20 12:00:00 UTC`."""
    return f"{instant[:10]} {instant[11:19]} UTC"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _verdict(code: str) -> str:
    return _VERDICTS.get(code, code)
