"""`reading`: what Shopify publishes of Web Vitals, beside what was measured (contracts/commitments.md section 1)."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show, text_of
from monitor.facts import Json
from monitor.people.readings import number_of


@click.command
@click.argument("metric", type=click.Choice(["LCP", "INP", "CLS"]), required=False)
@click.option("--p75", help="The published 75th percentile: ms, or CLS without a unit.")
@click.option("--from", "from_", help="The first day that it is of (YYYY-MM-DD).")
@click.option("--to", help="The last day that it is of (YYYY-MM-DD).")
@click.option("--samples", help="Of how many samples, where that is published.")
@click.option("--evidence", help="Where others can check it: an address.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of readings instead, one a line.",
)
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
    if csv_file is not None:
        if metric is not None or words:
            raise click.UsageError("--csv stands alone: the file says the rest")
        words["csv"] = text_of(csv_file)
    else:
        missing = [name for name in ("p75", "from", "to") if name not in words]
        if metric is None or missing:
            options = " and ".join(f"--{name}" for name in missing) or "its options"
            raise click.UsageError(f"name the METRIC with {options}, or a file with --csv")
        words["metric"] = metric
    show(record(config_file, Spoken("reading", words, author)))
