"""`close` and `restate`: from a draft to what others are given (contracts/accounting.md section 9)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import click

from exporters.revision_text import changed_amounts
from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record
from monitor.facts import Json


@click.command
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--service", help="Only this service.")
@author_option
@config_option
def close(month: str, service: str | None, author: str | None, config_file: Path | None) -> None:
    """Close the statements of a month that is over: from then on they are final."""
    words: dict[str, Json] = {"month": month}
    if service is not None:
        words["service"] = service
    _show(record(config_file, Spoken("close", words, author)))


@click.command
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--reason", required=True, help="Why, in words for the customer.")
@click.option("--service", help="Only this service; by default each that something came late for.")
@author_option
@config_option
def restate(month: str, reason: str, service: str | None, author: str | None, config_file: Path | None) -> None:
    """Restate what is closed, with what came since: a further revision."""
    words: dict[str, Json] = {"month": month, "reason": reason}
    if service is not None:
        words["service"] = service
    _show(record(config_file, Spoken("restate", words, author)))


def _show(told: Mapping[str, Json]) -> None:
    whose = told["author"] if told["authenticated"] else f"{told['author']} (unauthenticated)"
    for each in cast("list[dict[str, Json]]", told["closed"]):
        difference = each["difference"]
        changed = f"; {changed_amounts(difference)}" if isinstance(difference, dict) else ""
        verdict = str(each["verdict"]).replace("_", " ")
        click.echo(
            f"{each['service']} {each['month']}: revision {each['revision']} closed by {whose}: {verdict}{changed}"
        )
        click.echo(f"  {each['digest']}")
