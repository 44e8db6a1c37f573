"""`components`: what a page offers, for the configuration."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.clock import SystemClock
from monitor.config import Config, load
from monitor.errors import InputError, MinutebookError
from monitor.ledger.period import MINUTE, Period
from monitor.poller import Asking, Fetcher, PolledSource, Seen, poll, session
from monitor.sources.kind import ANY_COMPONENT, Asked, Component
from monitor.wiring import polled

COLUMNS_APART = "  "


@click.command
@click.argument("source")
@config_option
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
def components(source: str, config_file: Path | None, as_json: bool) -> None:
    """What a source offers: a page's components, a monitor's checks, each by id, name and state. Asks it now."""
    config = load(config_file or DEFAULT_FILE, os.environ)
    asked = source_named(config, source)
    seen = asyncio.run(_ask(asked))
    if seen.failure is not None:
        raise MinutebookError(f"{source} cannot be read: {seen.failure.problem} ({seen.failure.words})")
    if not seen.components:
        raise MinutebookError(f"{source} was read, and offers no list of components")
    click.echo(_as_json(seen.components) if as_json else _as_text(seen.components))


def source_named(config: Config, name: str) -> PolledSource:
    asked = {source.name: source for source in polled(config)}
    if name not in asked:
        known = " ".join(asked) or "none"
        raise InputError(f"there is no source {name!r} that this version asks; there are: {known}")
    return asked[name]


def everything_of(source: PolledSource, period: Period) -> Asked:
    """What a poll is about that keeps all that the source has of the period."""
    return Asked(
        source=source.name,
        period=period,
        wanted=frozenset({ANY_COMPONENT}),
        is_provider=source.is_provider,
        announces_maintenance=source.announces_maintenance,
        watched=source.watched,
        every_ms=source.every_ms,
    )


async def _ask(source: PolledSource) -> Seen:
    clock = SystemClock()
    now = clock.now()
    asked = everything_of(source, Period(now - 10 * MINUTE, now))
    async with session() as client:
        return await poll(Asking(source.kind, source.settings, asked), Fetcher(client, clock), {})


def _as_text(offered: Sequence[Component]) -> str:
    rows = [("id", "name", "state"), *((each.id, _full_name(each), each.severity or "unknown") for each in offered)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(COLUMNS_APART.join((row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2])) for row in rows)


def _full_name(component: Component) -> str:
    return component.name if component.group is None else f"{component.group} - {component.name}"


def _as_json(offered: Sequence[Component]) -> str:
    shown = [
        {"id": each.id, "name": each.name, "group": each.group, "state": each.severity or "unknown"} for each in offered
    ]
    return json.dumps(shown, indent=2, ensure_ascii=False)
