"""`policy show`: what binds in a month, in plain words, and where each number stands in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.config import Binding, binding, load_with_places
from monitor.ledger.period import parse_month


@click.group
def policy() -> None:
    """What was promised."""


@policy.command
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def show(month: str, form: str, config_file: Path | None) -> None:
    """What binds in a month, and where each number stands in the file."""
    path = config_file or DEFAULT_FILE
    config, document = load_with_places(path)
    bound = binding(config, document, parse_month(month))
    click.echo(_json(bound, path) if form == "json" else "\n".join(_text(bound, month, path)))


def _json(bound: Binding, path: Path) -> str:
    told = {**bound._asdict(), "file": str(path), "promised": [each._asdict() for each in bound.promised]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def _text(bound: Binding, month: str, path: Path) -> Iterator[str]:
    if bound.effective_from is None:
        yield f"{month}: the file has no policies, so the default binds, always"
    else:
        yield f"{month}: the version effective from {bound.effective_from} ({path}:{bound.line})"
    yield from bound.late
    places = [f"{path}:{each.line}" if each.line is not None else "by default" for each in bound.promised]
    width = max(map(len, places))
    for place, each in zip(places, bound.promised, strict=True):
        yield f"  {place:<{width}}  {each.words}"
