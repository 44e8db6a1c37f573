"""`report`: the availability of months, quarters and years as a document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypedDict, Unpack

import click

from exporters import report_html
from exporters.report import About, Told, document
from exporters.report_credits import review_csv, review_json
from exporters.report_markdown import markdown
from exporters.statement_csv import statement_csv
from monitor.cli.inputs import FOREVER, config_option, configuration, instant_option, report_book
from monitor.cli.lean import nothing_to_collect
from monitor.cli.pdf import as_pdf
from monitor.cli.progress import progress
from monitor.clock import SystemClock
from monitor.closing import latest
from monitor.config import customers_of
from monitor.crediting import Reckoner
from monitor.errors import InputError
from monitor.ledger.period import Month, parse_month
from monitor.reporting import Asking, Found, quarter, told, year
from monitor.reviewing import about
from monitor.wiring import own_pages

BREACHED = 3
"""Exit status of a breach asked for with --fail-on-breach (interface.md)."""


class Options(TypedDict):
    month: str | None
    quarter: str | None
    year: str | None
    service: str | None
    as_of: str | None
    output: Path | None
    draft: bool
    fail_on_breach: bool
    config_file: Path | None


def _json(parts: Sequence[Told], whole: About) -> bytes:
    """What `statement --format json` gives: one object, or an array of them; of a quarter beside its review."""
    statements = [part.stated for part in parts]
    if whole.review is not None:
        return review_json(statements, whole.review)
    shown = statements[0] if len(statements) == 1 else statements
    return (json.dumps(shown, indent=2, ensure_ascii=False) + "\n").encode()


def _csv(parts: Sequence[Told], whole: About) -> bytes:
    """A row for each statement; of a quarter below them, after an empty line, its review."""
    table = statement_csv(part.stated for part in parts)
    return (table if whole.review is None else f"{table}\r\n{review_csv(whole.review)}").encode()


FORMATS: Mapping[str, Callable[[Sequence[Told], About], bytes]] = {
    ".html": lambda parts, whole: report_html.alone(document(parts, whole)).encode(),
    ".pdf": lambda parts, whole: as_pdf(report_html.alone(document(parts, whole))),
    ".md": lambda parts, whole: markdown(document(parts, whole)).encode(),
    ".json": _json,
    ".csv": _csv,
}
"""By the ending of the file."""


@click.command
@config_option
@click.option("--month", help="YYYY-MM, in the policy's calendar.")
@click.option("--quarter", help="YYYY-Qn, for example 2026-Q1.")
@click.option("--year", help="YYYY.")
@click.option("--service", help="Only this service.")
@click.option("--as-of", help="As it was known at this instant (RFC 3339); by default now.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="FILE.html, .pdf, .md, .json or .csv; without it Markdown is printed.",
)
@click.option("--draft", is_flag=True, help="As it would be now, also where a month is closed.")
@click.option("--fail-on-breach", is_flag=True, help="Exit 3 when a verdict is `breached`.")
def report(**options: Unpack[Options]) -> None:
    """The availability report of a month, a quarter or a year."""
    span, months = _span(options)
    output = options["output"]
    ending = ".md" if output is None else output.suffix.lower()
    if ending not in FORMATS:
        raise click.UsageError(f"-o {output}: expected a name that ends in one of {' '.join(FORMATS)}")
    with nothing_to_collect():
        found, whole = _found(options, span, months)
    made = FORMATS[ending](found.told, whole)
    for line in found.absent:
        click.echo(f"left out: {line}", err=True)
    if output is None:
        click.echo(made.decode(), nl=False)
    else:
        write_whole(output, made)
    if options["fail_on_breach"] and any(part.stated["verdict"] == "breached" for part in found.told):
        sys.exit(BREACHED)


def _span(options: Options) -> tuple[str, list[Month]]:
    given = [(name, text) for name in ("month", "quarter", "year") if (text := options[name]) is not None]
    if len(given) != 1:
        raise click.UsageError("name one of --month, --quarter and --year")
    name, text = given[0]
    months = {"month": lambda month: [parse_month(month)], "quarter": quarter, "year": year}[name](text)
    return text, months


def _found(options: Options, span: str, months: list[Month]) -> tuple[Found, About]:
    instant = instant_option(options["as_of"])
    book = report_book(options["config_file"], FOREVER if instant is None else instant)
    as_of = latest(book.facts, SystemClock().now()) if instant is None else instant
    config = configuration(options["config_file"])
    pages = [] if config is None else own_pages(config)
    service = options["service"]
    services = [service] if service is not None else [each.name for each in book.terms.services]
    asking = Asking(services, months, as_of, pages, options["draft"])
    reckoner = Reckoner(book.facts, book.terms, () if config is None else customers_of(config), as_of)
    with progress("report") as advance:
        found = told(book.facts, book.terms, asking, advance)
    return found, about(found, span, reckoner, asking)


def write_whole(output: Path, made: bytes) -> None:
    """All of it or nothing: what stood there stays until the new one is whole. Raises InputError."""
    try:
        with NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
            whole = Path(file.name)
            file.write(made)
        try:
            whole.chmod(0o666 & ~_umask())
            whole.replace(output)
        except OSError:
            with suppress(OSError):
                whole.unlink()
            raise
    except OSError as error:
        raise InputError(f"-o {output}: cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
