"""`import` and `export`: facts in and out of the store."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.cli.inputs import ALL_TIME, FactsFile, config_option, configuration, instant_option, storage_of
from monitor.cli.progress import progress
from monitor.clock import SystemClock
from monitor.ledger.period import Period
from monitor.store import open_for_reading, open_for_writing
from monitor.store.transfer import chain_file, export_period, export_store, import_facts, restore_facts

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("import")
@click.argument("facts_file", type=FactsFile())
@config_option
@click.option("--restore", is_flag=True, help="Make an exported store again, with its chain, in an empty one.")
def import_file(facts_file: Path, config_file: Path | None, restore: bool) -> None:
    """Take in a file of facts: all of it, or nothing and the first bad line."""
    now = SystemClock().now()
    with open_for_writing(storage_of(configuration(config_file)), now) as store, progress("facts") as advance:
        taken = restore_facts(store, facts_file, advance) if restore else import_facts(store, facts_file, now, advance)
    click.echo(f"{taken.given} facts, {taken.new} of them new", err=True)


@click.command
@config_option
@click.option("--from", "start", help="Results from this instant (RFC 3339) on.")
@click.option("--to", "end", help="Results before this instant (RFC 3339).")
@click.option("-o", "out", type=FILE, help="Write here; of a whole store with the chain beside it, for --restore.")
def export(config_file: Path | None, start: str | None, end: str | None, out: Path | None) -> None:
    """Write the facts of the store, one a line."""
    first, last = instant_option(start), instant_option(end)
    period = Period(ALL_TIME.start if first is None else first, ALL_TIME.end if last is None else last)
    with open_for_reading(storage_of(configuration(config_file))) as store:
        if out is None:
            export_period(store, period, ALL_TIME.end, sys.stdout.buffer)
            return
        if period != ALL_TIME:
            with out.open("wb") as file:
                count = export_period(store, period, ALL_TIME.end, file)
            click.echo(f"{count} facts in {out}", err=True)
            return
        with progress("facts") as advance:
            count = export_store(store, out, advance)
    click.echo(f"{count} facts in {out}, their chain in {chain_file(out)}", err=True)
