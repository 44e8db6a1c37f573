"""`reconcile`: where own probes, monitors of others and the own status page disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict, Unpack

import click

from exporters.reconciliation_text import reconciliation_text
from monitor.cli.inputs import FOREVER, config_option, configuration, instant_option, stored_book
from monitor.clock import SystemClock
from monitor.closing import latest
from monitor.ledger.entries import admit
from monitor.ledger.months import service_book, timelines_from
from monitor.ledger.period import Period, parse_month
from monitor.ledger.reconciliation import reconcile as reconciled
from monitor.wiring import own_pages


class Options(TypedDict):
    month: str
    service: str | None
    as_of: str | None
    form: str
    config_file: Path | None


@click.command
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--service", help="Only this service.")
@click.option("--as-of", help="As it was known at this instant (RFC 3339); by default now.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def reconcile(**options: Unpack[Options]) -> None:
    """Where the witnesses of a month disagree, and what was published late."""
    given = instant_option(options["as_of"])
    book = stored_book(options["config_file"], FOREVER if given is None else given)
    as_of = latest(book.facts, SystemClock().now()) if given is None else given
    month = parse_month(options["month"]).period(book.terms.zone)
    elapsed = Period(month.start, max(month.start, min(month.end, as_of)))
    config = configuration(options["config_file"])
    pages = [] if config is None else own_pages(config)
    entries = admit(book.facts, as_of)
    wanted = [options["service"]] if options["service"] is not None else [each.name for each in book.terms.services]
    timelines = timelines_from(entries)
    found = [reconciled(service_book(book.terms, name, entries, timelines), pages, elapsed) for name in wanted]
    if options["form"] == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(reconciliation_text(one, book.terms.zone.key) for one in found))
