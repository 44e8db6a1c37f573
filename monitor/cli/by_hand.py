"""`exclude`, `approve`, `revoke`: what only a person can say of downtime (contracts/accounting.md section 5.3)."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.facts import EXCLUSION_CLASSES, Json


class ExcludeOptions(TypedDict):
    klass: str
    start: str
    end: str
    reason: str
    evidence: str
    services: tuple[str, ...]
    name: str | None
    author: str | None
    config_file: Path | None


@click.command
@click.option("--class", "klass", required=True, type=click.Choice(EXCLUSION_CLASSES[2:]), help="Why it is excluded.")
@click.option("--start", required=True, help="From this instant (RFC 3339) on.")
@click.option("--end", required=True, help="Before this instant (RFC 3339).")
@click.option("--reason", required=True, help="What happened, in words for the customer.")
@click.option("--evidence", required=True, help="Where others can check it: an address, a ticket.")
@click.option("--service", "services", multiple=True, help="Only this service; may be said several times.")
@click.option("--id", "name", help="Its name; by default made of class and start.")
@author_option
@config_option
def exclude(**options: Unpack[ExcludeOptions]) -> None:
    """Declare downtime that the promise excludes. Revoked it can be, edited never."""
    words: dict[str, Json] = {
        "class": options["klass"],
        "start": options["start"],
        "end": options["end"],
        "reason": options["reason"],
        "evidence": options["evidence"],
    }
    if options["services"]:
        words["services"] = list(options["services"])
    if options["name"] is not None:
        words["exclusion"] = options["name"]
    show(record(options["config_file"], Spoken("exclude", words, options["author"])))


@click.command
@click.argument("exclusion")
@click.option("--reason", help="Why.")
@author_option
@config_option
def approve(exclusion: str, reason: str | None, author: str | None, config_file: Path | None) -> None:
    """Approve what another person declared."""
    show(record(config_file, Spoken("decide", _decision(exclusion, "approved", reason), author)))


@click.command
@click.argument("exclusion")
@click.option("--reason", help="Why.")
@author_option
@config_option
def revoke(exclusion: str, reason: str | None, author: str | None, config_file: Path | None) -> None:
    """Revoke an exclusion, for good."""
    show(record(config_file, Spoken("decide", _decision(exclusion, "revoked", reason), author)))


def _decision(exclusion: str, decision: str, reason: str | None) -> dict[str, Json]:
    words: dict[str, Json] = {"exclusion": exclusion, "decision": decision}
    return words if reason is None else {**words, "reason": reason}
