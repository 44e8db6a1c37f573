"""`credits`, `termination`, `claim`: what a breach is worth, who may leave, and what is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exporters.credits_text import credits_csv, credits_text, termination_text
from monitor.cli.inputs import FOREVER, config_option, configuration, instant_option, stored_book
from monitor.cli.progress import progress
from monitor.cli.recording import Spoken, author_option, record, show
from monitor.clock import SystemClock
from monitor.closing import latest
from monitor.config import customers_of
from monitor.crediting import Reckoner
from monitor.credits_told import told_credits, told_termination
from monitor.errors import InputError
from monitor.facts import Json
from monitor.ledger.period import parse_month

AS_OF = "As it was known at this instant (RFC 3339); by default now."


def reckoner(config_file: Path | None, as_of: str | None) -> Reckoner:
    """The store as of then, with the customers of the configuration."""
    instant = instant_option(as_of)
    book = stored_book(config_file, FOREVER if instant is None else instant)
    config = configuration(config_file)
    now = latest(book.facts, SystemClock().now()) if instant is None else instant
    return Reckoner(book.facts, book.terms, () if config is None else customers_of(config), now)


@click.command(name="credits")
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--customer", help="Only this customer.")
@click.option("--as-of", help=AS_OF)
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@config_option
def show_credits(month: str, customer: str | None, as_of: str | None, form: str, config_file: Path | None) -> None:
    """What a month's breaches are worth to whom, what was claimed, and what is owed."""
    told = told_credits(reckoner(config_file, as_of), parse_month(month), customer)
    if form == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif form == "csv":
        click.echo(credits_csv(told), nl=False)
    else:
        click.echo(credits_text(told))


@click.command
@click.option("--customer", help="Only this customer.")
@click.option("--as-of", help=AS_OF)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def termination(customer: str | None, as_of: str | None, form: str, config_file: Path | None) -> None:
    """Who may terminate, since when, and by which months."""
    found = reckoner(config_file, as_of)
    if not found.customers and customer is None:
        raise InputError("the configuration names no customers; name one with -c FILE that has `customers`")
    with progress("months") as advance:
        told = told_termination(found, customer, advance)
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if form == "json" else termination_text(told))


@click.command
@click.argument("claim_id", metavar="[CLAIM]", required=False)
@click.option("--customer", help="Who asks.")
@click.option("--month", help="YYYY-MM: the month of the breach.")
@click.option("--commitment", help="availability, LCP, INP, CLS or response:PRIORITY.")
@click.option("--requested-at", help="When it was asked for (RFC 3339); by default now.")
@click.option("--grant", "decision", flag_value="granted", help="Grant CLAIM, for good.")
@click.option("--refuse", "decision", flag_value="refused", help="Refuse CLAIM.")
@click.option("--reason", help="Why, in words for the customer.")
@author_option
@config_option
def claim(
    claim_id: str | None, decision: str | None, author: str | None, config_file: Path | None, **asked: str | None
) -> None:
    """Record what a customer asks for; or grant or refuse CLAIM."""
    words: dict[str, Json] = {name: text for name, text in asked.items() if text is not None}
    if claim_id is not None:
        words["claim"] = claim_id
    if decision is None:
        _require(words, ("customer", "month", "commitment"))
        show(record(config_file, Spoken("claim", words, author)))
    else:
        _require(words, ("claim",))
        show(record(config_file, Spoken("decide_claim", {**words, "decision": decision}, author)))


def _require(words: dict[str, Json], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in words]
    if missing:
        told = "name the CLAIM that is decided" if missing == ["claim"] else f"name --{' and --'.join(missing)}"
        raise click.UsageError(told)
