"""`maintenance announce|cancel|complete`: windows that customers were told of (contracts/accounting.md section 5.1)."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from monitor.cli.inputs import config_option
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.facts import Json


class AnnounceOptions(TypedDict):
    start: str
    end: str
    url: str | None
    publish: str | None
    title: str | None
    services: tuple[str, ...]
    name: str | None
    announced_at: str | None
    emergency: bool
    late: bool
    reason: str | None
    author: str | None
    config_file: Path | None


@click.group
def maintenance() -> None:
    """Announce, move, cancel or complete a maintenance; each is one more revision, none is erased."""


@maintenance.command("announce")
@click.option("--start", required=True, help="When it begins (RFC 3339).")
@click.option("--end", required=True, help="When it ends (RFC 3339).")
@click.option("--url", help="The published notice, where customers can read it.")
@click.option("--publish", help="Publish it on this source, a page of ours with an API key; instead of --url.")
@click.option("--title", help="What it is.")
@click.option("--service", "services", multiple=True, help="Only this service; may be said several times.")
@click.option("--id", "name", help="Its name, to move it later; by default made of its start.")
@click.option("--announced-at", help="When customers could see it (RFC 3339); by default now.")
@click.option("--emergency", is_flag=True, help="Emergency work: never excused.")
@click.option("--late", is_flag=True, help="Record it though it has begun; needs --reason.")
@click.option("--reason", help="Why it is recorded late.")
@author_option
@config_option
def announce(**options: Unpack[AnnounceOptions]) -> None:
    """Record a window that was announced, or move one: the same --id again. With --publish it is announced first."""
    if (options["url"] is None) == (options["publish"] is None):
        raise click.UsageError("expected one of --url, where the notice is published already, and --publish SOURCE")
    words: dict[str, Json] = {"start": options["start"], "end": options["end"]}
    optional: dict[str, Json] = {
        "url": options["url"],
        "publish": options["publish"],
        "title": options["title"],
        "services": list(options["services"]) or None,
        "maintenance": options["name"],
        "announced_at": options["announced_at"],
        "emergency": options["emergency"] or None,
        "late": options["late"] or None,
        "reason": options["reason"],
    }
    words |= {name: value for name, value in optional.items() if value is not None}
    show(record(options["config_file"], Spoken("announce", words, options["author"])))


@maintenance.command("cancel")
@click.argument("name")
@author_option
@config_option
def cancel(name: str, author: str | None, config_file: Path | None) -> None:
    """It will not be."""
    show(record(config_file, Spoken("cancel", {"maintenance": name}, author)))


@maintenance.command("complete")
@click.argument("name")
@click.option("--at", help="When it ended (RFC 3339); by default now.")
@author_option
@config_option
def complete(name: str, at: str | None, author: str | None, config_file: Path | None) -> None:
    """It ended early: what is left of its window excuses nothing."""
    words: dict[str, Json] = {"maintenance": name}
    if at is not None:
        words["at"] = at
    show(record(config_file, Spoken("complete", words, author)))
