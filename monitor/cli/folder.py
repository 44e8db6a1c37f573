"""Writing what a command makes into the folder of `-o`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from monitor.errors import InputError

folder_option = click.option(
    "-o", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write into this folder."
)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes each text under its name, and says so. InputError: the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    click.echo(f"{' and '.join(files)} in {folder}", err=True)
