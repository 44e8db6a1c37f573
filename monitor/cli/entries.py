"""One entry on the command line, or a file of them instead: what `reading` and `ticket` have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.cli.recording import text_of
from monitor.facts import Json

F = TypeVar("F", bound=Callable[..., Any])


def csv_option(what: str) -> Callable[[F], F]:
    return click.option(
        "--csv",
        "csv_file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=f"A file of {what} instead, one a line.",
    )


def entries(kind: str, given: str | None, words: dict[str, Json], needed: Sequence[str], file: Path | None) -> None:
    """Adds to the words what `given` names, a `kind`, or the file of them. Raises click.UsageError where it is neither
    one of them with the words that are needed, nor the file alone."""
    if file is not None:
        if given is not None or words:
            raise click.UsageError("--csv stands alone: the file says the rest")
        words["csv"] = text_of(file)
        return
    missing = [name for name in needed if name not in words]
    if given is None or missing:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in missing) or "its options"
        raise click.UsageError(f"name the {kind.upper()} with {options}, or a file with --csv")
    words[kind] = given
