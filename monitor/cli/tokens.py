"""`token add|list|revoke`: bearer tokens, each shown once."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from monitor.cli.inputs import config_option, configuration, storage_of
from monitor.clock import SystemClock
from monitor.ledger.period import DAY, format_instant
from monitor.store.url import store_path
from monitor.web.tokens import Role, Wanted, add, read, revoke
from monitor.wiring import tokens_file


@click.group
def token() -> None:
    """Bearer tokens with a role: viewer reads, operator changes, agent sends results of its own vantage."""


def _path(config_file: Path | None) -> Path:
    return tokens_file(store_path(storage_of(configuration(config_file))))


@token.command("add")
@click.argument("role", type=click.Choice(get_args(Role)))
@config_option
@click.option("--vantage", help="The vantage of an agent.")
@click.option("--name", help="Whose it is: the author of what is recorded with it.")
@click.option("--days", type=click.IntRange(1, 365), default=365, show_default=True, help="How long it is in force.")
def add_token(role: Role, config_file: Path | None, vantage: str | None, name: str | None, days: int) -> None:
    """Make a token; its text is printed now and never again."""
    text, made = add(_path(config_file), Wanted(role, days * DAY, vantage, name), SystemClock().now())
    click.echo(text)
    click.echo(f"token {made.id} ({made.role}) is in force until {format_instant(made.expires_at)}", err=True)


@token.command("list")
@config_option
def list_tokens(config_file: Path | None) -> None:
    """Every token: id, role, vantage, name, until when, and whether it is in force."""
    now = SystemClock().now()
    for made in read(_path(config_file)).values():
        place = f" {made.vantage}" if made.vantage else ""
        whose = f" {made.name}" if made.name else ""
        click.echo(f"{made.id} {made.role}{place}{whose} {made.state(now)}")


@token.command("revoke")
@click.argument("identity")
@config_option
def revoke_token(identity: str, config_file: Path | None) -> None:
    """End a token at once, for good."""
    revoked = revoke(_path(config_file), identity, SystemClock().now())
    click.echo(f"token {revoked.id} ({revoked.role}) is revoked")
