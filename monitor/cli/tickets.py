"""`ticket`: who asked for help when, and when a person answered (contracts/commitments.md section 2)."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show, text_of
from monitor.facts import Json


@click.command
@click.argument("ticket_id", metavar="[TICKET]", required=False)
@click.option("--customer", help="Whose it is.")
@click.option("--priority", help="One that the policy names.")
@click.option("--received-at", help="When it came (RFC 3339).")
@click.option("--first-reply-at", help="When a person first answered to the point (RFC 3339).")
@click.option("--channel", help="How it came.")
@click.option("--evidence", help="Where others can check it: an address.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of tickets instead, one a line.",
)
@author_option
@config_option
def ticket(
    ticket_id: str | None, csv_file: Path | None, author: str | None, config_file: Path | None, **told: str | None
) -> None:
    """Record a ticket as it is now, or a CSV file of them: all of it or nothing."""
    words: dict[str, Json] = {name: text for name, text in told.items() if text is not None}
    if csv_file is not None:
        if ticket_id is not None or words:
            raise click.UsageError("--csv stands alone: the file says the rest")
        words["csv"] = text_of(csv_file)
    else:
        missing = [name for name in ("customer", "priority", "received_at") if name not in words]
        if ticket_id is None or missing:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in missing) or "its options"
            raise click.UsageError(f"name the TICKET with {options}, or a file with --csv")
        words["ticket"] = ticket_id
    show(record(config_file, Spoken("ticket", words, author)))
