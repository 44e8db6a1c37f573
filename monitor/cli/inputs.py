"""What most commands start from: the configuration, or without one what the store says itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from monitor.cli.progress import progress
from monitor.clock import SystemClock
from monitor.closing import latest, newest_terms, recorded_of
from monitor.config import Config, load, to_terms
from monitor.errors import InputError
from monitor.facts import AnyFact, Fact
from monitor.facts.seals import SealedDays
from monitor.ledger.closings import Recorded, closings
from monitor.ledger.period import Period, parse_instant
from monitor.ledger.quiet import quiet_days
from monitor.ledger.seals import Pin
from monitor.ledger.terms import Terms
from monitor.settling import counted
from monitor.store import Log, Reader, open_for_reading
from monitor.store.url import store_path
from monitor.wiring import store_url

DEFAULT_FILE = Path("minutebook.yaml")
DEFAULT_STORAGE = "sqlite:///minutebook.db"
FOREVER = 2**62
ALL_TIME = Period(-FOREVER, FOREVER)
NO_RESULTS = Period(0, 0)
AT_ONCE = 100_000
"""Facts that are read in a second or less: the bar of a reading advances by so many."""

Command = TypeVar("Command", bound=Callable[..., object])


class Book(NamedTuple):
    """Facts, seals that are not among them, and the terms to read them under."""

    facts: Sequence[AnyFact]
    terms: Terms
    sealed: Sequence[SealedDays] = ()

    def latest(self, now: int) -> int:
        """As of when a statement of today is: see `closing.latest`."""
        return latest([*self.facts, *self.sealed], now)

    def recorded(self) -> Recorded:
        """All of it, to be read as of several instants."""
        return recorded_of(self.facts, self.sealed)


class FactsFile(click.Path):
    """A file of facts; `-` is standard input."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        return super().convert("/dev/stdin" if value == "-" else value, param, ctx)


def config_option(command: Command) -> Command:
    """`-c FILE`, by default minutebook.yaml here."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"The configuration; by default {DEFAULT_FILE} in the current folder.",
    )(command)


def configuration(given: Path | None) -> Config | None:
    """The configuration named, or the one in the current folder, or None where there is neither."""
    if given is None and not DEFAULT_FILE.exists():
        return None
    return load(given or DEFAULT_FILE, os.environ)


def storage_of(config: Config | None) -> str:
    return store_url(config) if config is not None else DEFAULT_STORAGE


def stored_book(config_file: Path | None, as_of: int) -> Book:
    """The store's facts as of then; as of FOREVER with the days of Web Vitals that are still open, as they stand now.
    Without a configuration the terms are those that the store recorded last."""
    return _book(config_file, as_of, lambda reader: Log(reader.read(ALL_TIME, as_of), ()))


def report_book(config_file: Path | None, as_of: int) -> Book:
    """The same without looks that no statement needs: most of the raw results of sealed days."""
    return _book(config_file, as_of, lambda reader: Log(reader.read(ALL_TIME, as_of), ()), quiet=True)


def sealed_book(config_file: Path | None, as_of: int) -> Book:
    """As `report_book`, with seals together in `sealed`, and not among the facts."""
    return _book(config_file, as_of, lambda reader: reader.read_sealed(ALL_TIME, as_of), quiet=True)


def _book(config_file: Path | None, as_of: int, read: Callable[[Reader], Log], *, quiet: bool = False) -> Book:
    config = configuration(config_file)
    url = storage_of(config)
    if config is None and not store_path(url).exists():
        raise InputError(f"there is neither {DEFAULT_FILE} nor minutebook.db here: name a configuration with -c FILE")
    with open_for_reading(url) as reader:
        if quiet:
            _leave_out(reader, config, as_of)
        log = read(reader)
        facts = _all(log.facts, reader.count())
        terms = to_terms(config) if config is not None else newest_terms(facts)
        if as_of == FOREVER and reader.first_open() is not None:
            logged = [fact for fact in facts if isinstance(fact, Fact) and fact.kind == "vital"]
            facts += counted(reader.open_samples(), logged, terms).facts(terms, SystemClock().now())
    return Book(facts, terms, log.sealed)


def _leave_out(reader: Reader, config: Config | None, as_of: int) -> None:
    """What need not be read of the days whose results are all there yet."""
    small = [*reader.read(NO_RESULTS, as_of, frozenset({"incident", "maintenance", "seal"}))]
    zone = (to_terms(config) if config is not None else newest_terms(small)).zone
    chains = closings(small, as_of)
    pins = [Pin(each.as_of, month.period(zone).end) for (_, month), chain in chains.items() for each in chain]
    since = reader.gone_until()
    days = reader.days_within(Period(ALL_TIME.start if since is None else since, ALL_TIME.end))
    seals = (each.seal for start in days for each in reader.sealed_on(start))
    reader.leave_out(quiet_days(seals, pins, as_of))


def _all(facts: Iterator[AnyFact], recorded: int) -> list[AnyFact]:
    """With a bar where there are many; of all that was `recorded` some may have gone."""
    found = [*islice(facts, AT_ONCE)]
    if len(found) < AT_ONCE:
        return found
    with progress("reading") as advance:
        while some := [*islice(facts, AT_ONCE)]:
            found += some
            advance(len(found), recorded)
    return found


def instant_option(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)
