"""`event`: a customer's announced peak, recorded by hand, and the report of one (commitments.md section 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import click

from exporters import report_html
from exporters.event_report import Peak, document, event_json, event_text
from exporters.report_markdown import markdown
from monitor.cli.inputs import FOREVER, config_option, configuration, instant_option, stored_book
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.clock import SystemClock
from monitor.closing import latest
from monitor.config import Config
from monitor.errors import InputError, StoreError
from monitor.event_reporting import event_report
from monitor.facts import Json
from monitor.ledger.period import Period
from monitor.peak_errors import events_source
from monitor.poller import Fetcher, session
from monitor.poller.fetch import Failure
from monitor.sources.sentry_events import Count, counts, counts_request
from monitor.wiring import services_of


class _Events(click.Group):
    """`event --customer ...` records, as `event announce --customer ...` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["announce", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Events)
def event() -> None:
    """Record a customer's announced peak (`event --customer ...`), or report on one."""


class AnnounceOptions(TypedDict):
    customer: str
    start: str
    end: str
    factor: float
    notified_at: str | None
    name: str | None
    author: str | None
    config_file: Path | None


@event.command("announce")
@click.option("--customer", required=True, help="Whose peak it is.")
@click.option("--start", required=True, help="When it begins (RFC 3339).")
@click.option("--end", required=True, help="When it ends (RFC 3339).")
@click.option("--factor", required=True, type=float, help="How many times the usual traffic is expected.")
@click.option("--notified-at", help="When the customer told us (RFC 3339); by default now.")
@click.option("--id", "name", help="Its name, to correct it later; by default made of customer and start.")
@author_option
@config_option
def announce(**options: Unpack[AnnounceOptions]) -> None:
    """Record a peak that a customer announced, or correct one: the same --id again."""
    factor = options["factor"]
    words: dict[str, Json] = {
        "customer": options["customer"],
        "start": options["start"],
        "end": options["end"],
        "expected_factor": int(factor) if factor.is_integer() else factor,
    }
    optional: dict[str, Json] = {"notified_at": options["notified_at"], "event": options["name"]}
    words |= {name: value for name, value in optional.items() if value is not None}
    show(record(options["config_file"], Spoken("traffic_event", words, options["author"])))


@event.command("cancel")
@click.argument("event_id", metavar="EVENT")
@author_option
@config_option
def cancel(event_id: str, author: str | None, config_file: Path | None) -> None:
    """It will not be: no more looks than usual, no summary, no report."""
    show(record(config_file, Spoken("cancel_event", {"event": event_id}, author)))


FORMATS: Mapping[str, Callable[[Peak], str]] = {
    "text": event_text,
    "json": lambda peak: json.dumps(event_json(peak), indent=2, ensure_ascii=False) + "\n",
    "md": lambda peak: markdown(document(peak)),
    "html": lambda peak: report_html.alone(document(peak)),
}


@event.command("report")
@click.argument("event_id", metavar="EVENT")
@click.option("--as-of", help="As it was known at this instant (RFC 3339); by default now.")
@click.option("--format", "form", type=click.Choice([*FORMATS]), default="text", show_default=True)
@click.option("--sentry", is_flag=True, help="Ask Sentry too, of the source with `events_project`.")
@config_option
def report(event_id: str, as_of: str | None, form: str, sentry: bool, config_file: Path | None) -> None:
    """What an announced peak came to: downtime and budget of each service, as a whole and hour by hour."""
    instant = instant_option(as_of)
    book = stored_book(config_file, FOREVER if instant is None else instant)
    config = configuration(config_file)
    at = latest(book.facts, SystemClock().now()) if instant is None else instant
    found = event_report(book.facts, book.terms, {} if config is None else services_of(config), event_id, at)
    errors = None
    if sentry:
        event = found.view.event
        errors = asyncio.run(_events_in_sentry(config, Period(event.start, min(event.end, at))))
    click.echo(FORMATS[form](Peak(found.view, found.hours, found.as_of, found.zone, errors)), nl=False)


async def _events_in_sentry(config: Config | None, window: Period) -> list[Count]:
    source = None if config is None else events_source(config)
    asked = None if source is None else counts_request(source, window)
    if asked is None:
        raise InputError("--sentry: no source of the kind sentry_uptime has an `events_project`")
    async with session() as client:
        reply = (await Fetcher(client, SystemClock()).fetch(asked, None)).reply
    told = reply.problem if isinstance(reply, Failure) else counts(reply, window)
    if isinstance(told, str):
        raise StoreError(f"--sentry: Sentry did not tell: {told}; leave the option out, or ask again")
    return told
