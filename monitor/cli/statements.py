"""`statement` and `replay`: the month's figures, from the store or from a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import click

from exporters.revision_text import late_text
from exporters.statement_csv import statement_csv
from exporters.statement_text import statement_text
from monitor.cli.inputs import DEFAULT_FILE, FOREVER, Book, FactsFile, config_option, instant_option, sealed_book
from monitor.cli.lean import nothing_to_collect
from monitor.cli.progress import lines_with_progress
from monitor.clock import SystemClock
from monitor.closing import Stated, Wanted, beside, latest, standing, statements
from monitor.config import load_without_secrets, to_terms
from monitor.errors import FactError, InputError, StatementDiffersError
from monitor.facts import AnyFact, Json, decode_line
from monitor.ledger.closings import Recorded
from monitor.ledger.period import parse_month

BREACHED = 3
"""Exit status of a breach asked for with --fail-on-breach (interface.md)."""

FILE = click.Path(path_type=Path, dir_okay=False)


class Asked(TypedDict):
    """What both commands are asked."""

    month: str
    service: str | None
    as_of: str | None
    form: str
    fail_on_breach: bool


class StatementOptions(Asked):
    config_file: Path | None
    draft: bool
    late: bool


class ReplayOptions(Asked):
    config_file: Path | None
    facts_file: Path


@click.command
@config_option
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--service", help="Only this service.")
@click.option("--as-of", help="As it was known at this instant (RFC 3339); by default now.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@click.option("--draft", is_flag=True, help="As it would be now, also where the month is closed.")
@click.option(
    "--late", is_flag=True, help="Instead: who closed it, and what came since with its effect (text or JSON)."
)
@click.option("--fail-on-breach", is_flag=True, help="Exit 3 when a verdict is `breached`.")
def statement(**options: Unpack[StatementOptions]) -> None:
    """The statement of a month, from the store."""
    with nothing_to_collect():
        instant = instant_option(options["as_of"])
        book = sealed_book(options["config_file"], FOREVER if instant is None else instant)
        as_of = book.latest(SystemClock().now()) if instant is None else instant
        recorded = book.recorded()
        wanted = _wanted(book, options, as_of)
        if options["draft"]:
            found = [Stated(each) for each in statements(book.facts, book.terms, wanted, book.sealed)]
        else:
            found = standing(recorded, book.terms, wanted)
    if options["late"]:
        _show_late(recorded, found, as_of, options["form"])
    elif options["form"] == "text":
        click.echo("\n\n".join(statement_text(one.statement, beside(recorded, one, as_of)) for one in found))
    else:
        _show([one.statement for one in found], options["form"], is_one=options["service"] is not None)
    _say_what_is_wrong(found)
    if options["fail_on_breach"]:
        _fail_on_breach([one.statement for one in found])


def _show_late(recorded: Recorded, found: Sequence[Stated], as_of: int, form: str) -> None:
    closed = [told for told in (beside(recorded, one, as_of) for one in found) if told is not None]
    if form == "csv":
        raise InputError("--late is shown as text or JSON, not as CSV")
    for draft in (one.statement for one in found if one.closing is None):
        click.echo(f"{draft['service']} {draft['month']} is not closed, so nothing is late for it", err=True)
    if form == "json":
        click.echo(json.dumps(closed, indent=2, ensure_ascii=False))
        return
    for one, told in ((one, told) for one in found for told in closed if told["service"] == one.statement["service"]):
        click.echo(f"{told['service']} {told['month']}")
        click.echo(late_text(one.statement, told))


def _say_what_is_wrong(found: Sequence[Stated]) -> None:
    """Loudly, and before any other status: what is shown is not what was given away."""
    wrong = [one.wrong for one in found if one.wrong is not None]
    if wrong:
        raise StatementDiffersError("\n".join(wrong))


@click.command
@click.option(
    "-c",
    "--config",
    "config_file",
    type=FILE,
    help="The configuration, by default minutebook.yaml here; no secret is read.",
)
@click.option(
    "--facts", "facts_file", required=True, type=FactsFile(), help="Facts, one a line, as `export` writes them."
)
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@click.option("--service", help="Only this service.")
@click.option("--as-of", help="As known at this instant (RFC 3339); by default the newest recorded_at of the file.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@click.option("--fail-on-breach", is_flag=True, help="Exit 3 when a verdict is `breached`.")
def replay(**options: Unpack[ReplayOptions]) -> None:
    """The same statement from a file of facts, without a store or a network."""
    terms = to_terms(load_without_secrets(options["config_file"] or DEFAULT_FILE))
    facts = read_facts(options["facts_file"])
    instant = instant_option(options["as_of"])
    as_of = latest(facts, 0) if instant is None else instant
    found = statements(facts, terms, _wanted(Book(facts, terms), options, as_of))
    _show(found, options["form"], is_one=False)
    if options["fail_on_breach"]:
        _fail_on_breach(found)


def read_facts(path: Path) -> list[AnyFact]:
    """Every fact of a file. Raises InputError for a file that cannot be read, FactError for its first bad line."""
    facts: list[AnyFact] = []
    try:
        for number, line in enumerate(lines_with_progress(path, "facts"), 1):
            if line.strip():
                facts.append(_decoded(line, number))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return facts


def _decoded(line: bytes, number: int) -> AnyFact:
    try:
        return decode_line(line)
    except FactError as error:
        raise FactError(error.reason, number) from None


def _wanted(book: Book, asked: Asked, as_of: int) -> Wanted:
    service = asked["service"]
    services = [service] if service is not None else [each.name for each in book.terms.services]
    return Wanted(services, parse_month(asked["month"]), as_of)


def _show(found: Sequence[Mapping[str, Json]], form: str, *, is_one: bool) -> None:
    if form == "json":
        click.echo(json.dumps(found[0] if is_one else found, indent=2, ensure_ascii=False))
    elif form == "csv":
        click.echo(statement_csv(found), nl=False)
    else:
        click.echo("\n\n".join(statement_text(one) for one in found))


def _fail_on_breach(found: Sequence[Mapping[str, Json]]) -> None:
    if any(one["verdict"] == "breached" for one in found):
        sys.exit(BREACHED)
