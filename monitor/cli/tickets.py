"""`ticket`: who asked for help when, and when a person answered (contracts/commitments.md section 2)."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.entries import csv_option, entries
from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.facts import Json


@click.command
@click.argument("ticket_id", metavar="[TICKET]", required=False)
@click.option("--customer", help="Whose it is.")
@click.option("--priority", help="One that the policy names.")
@click.option("--received-at", help="When it came (RFC 3339).")
@click.option("--first-reply-at", help="When a person first answered to the point (RFC 3339).")
@click.option("--channel", help="How it came.")
@click.option("--evidence", help="Where others can check it: an address.")
@csv_option("tickets")
@author_option
@config_option
def ticket(
    ticket_id: str | None, csv_file: Path | None, author: str | None, config_file: Path | None, **told: str | None
) -> None:
    """Record a ticket as it is now, or a CSV file of them: all of it or nothing."""
    words: dict[str, Json] = {name: text for name, text in told.items() if text is not None}
    entries("ticket", ticket_id, words, ("customer", "priority", "received_at"), csv_file)
    show(record(config_file, Spoken("ticket", words, author)))
