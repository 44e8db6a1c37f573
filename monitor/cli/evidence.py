"""`evidence`: a customer's months in one archive that anybody can prove."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.credits import reckoner
from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.cli.reports import write_whole
from monitor.config import load_with_places
from monitor.evidence_pack import Asked, File, evidence
from monitor.ledger.period import parse_month


@click.command(name="evidence")
@click.option("--customer", required=True, help="Whose.")
@click.option("--from", "first", required=True, help="YYYY-MM: the first month.")
@click.option("--to", "last", required=True, help="YYYY-MM: the last month.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="FILE.zip.",
)
@config_option
def make_evidence(customer: str, first: str, last: str, output: Path, config_file: Path | None) -> None:
    """The final statements of these months, their facts, and the lines of the policy that they rest on."""
    if output.suffix.lower() != ".zip":
        raise click.UsageError(f"-o {output}: expected a name that ends in .zip")
    found = reckoner(config_file, None)
    asked = Asked(customer, parse_month(first), parse_month(last))
    write_whole(output, evidence(found.facts, found, File(*load_with_places(config_file or DEFAULT_FILE)), asked))
    click.echo(
        f"{output}: unpack it, and prove it with `minutebook verify statements.json --facts facts.jsonl`", err=True
    )
