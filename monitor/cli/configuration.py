"""`check-config`: every mistake of a configuration with its place, and what is allowed but unwise."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from monitor.config import check, schema
from monitor.wiring import refuse_what_cannot_be_probed, without_a_way


@click.command
@click.argument("config_file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--schema", "wants_schema", is_flag=True, help="Print the JSON Schema of a configuration instead.")
def check_config(config_file: Path | None, wants_schema: bool) -> None:
    """Check a configuration, and whether all of it can be probed from here. Exit 2 with every error; warnings alone are
    no error."""
    if wants_schema:
        click.echo(json.dumps(schema(), indent=2))
        return
    if config_file is None:
        raise click.UsageError("name the file to check, or ask for --schema")
    checked = check(config_file, os.environ)
    refuse_what_cannot_be_probed(checked.config)
    found = [*map(str, checked.warnings), *without_a_way(checked.config)]
    for warning in found:
        click.echo(f"warning: {warning}", err=True)
    services, checks, warnings = len(checked.config.services), len(checked.config.checks), len(found)
    click.echo(f"{config_file}: no errors (services: {services}, checks: {checks}, warnings: {warnings})")
