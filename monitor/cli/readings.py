"""`reading`: what Shopify publishes of Web Vitals, beside what was measured (contracts/commitments.md section 1)."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.entries import csv_option, entries
from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.facts import Json
from monitor.people.readings import number_of


@click.command
@click.argument("metric", type=click.Choice(["LCP", "INP", "CLS"]), required=False)
@click.option("--p75", help="The published 75th percentile: ms, or CLS without a unit.")
@click.option("--from", "from_", help="The first day that it is of (YYYY-MM-DD).")
@click.option("--to", help="The last day that it is of (YYYY-MM-DD).")
@click.option("--samples", help="Of how many samples, where that is published.")
@click.option("--evidence", help="Where others can check it: an address.")
@csv_option("readings")
@author_option
@config_option
def reading(
    metric: str | None, csv_file: Path | None, author: str | None, config_file: Path | None, **told: str | None
) -> None:
    """Record what Shopify publishes of Web Vitals, or a CSV file of it: all of it or nothing."""
    given = {name.rstrip("_"): text for name, text in told.items() if text is not None}
    words: dict[str, Json] = {
        name: number_of(text) if name in ("p75", "samples") else text for name, text in given.items()
    }
    entries("metric", metric, words, ("p75", "from", "to"), csv_file)
    show(record(config_file, Spoken("reading", words, author)))
