"""`dashboards`: Grafana dashboards for a configuration, printed or written into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from exporters.grafana import dashboards as made
from monitor.cli.folder import folder_option, write_files
from monitor.cli.inputs import config_option, configuration

NO_CONFIGURATION = "UTC"


@click.command
@config_option
@folder_option
def dashboards(config_file: Path | None, folder: Path | None) -> None:
    """Grafana dashboards for this configuration, whose months they show."""
    config = configuration(config_file)
    files = made(NO_CONFIGURATION if config is None else config.timezone.key)
    if folder is None:
        click.echo(f"[{','.join(files.values())}]")
        return
    write_files(folder, files)
