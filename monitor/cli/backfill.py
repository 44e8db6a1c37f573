"""`backfill`: a past month of results from a monitor that kept them, into the log as of now."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path

import click

from monitor.cli.inputs import DEFAULT_FILE, config_option
from monitor.cli.progress import Advance, progress
from monitor.cli.sources import everything_of, source_named
from monitor.clock import SystemClock
from monitor.config import load
from monitor.errors import InputError, MinutebookError, StoreError
from monitor.facts import Result, canonical_line
from monitor.ledger.period import DAY, HOUR, MINUTE, Period, format_instant, parse_month
from monitor.poller import Asking, Failure, Fetcher, PolledSource, Seen, poll, session
from monitor.sources.kind import Problem
from monitor.store import open_for_writing
from monitor.store.stamps import Stamps
from monitor.store.url import store_path
from monitor.web.batch import JSON_LINES
from monitor.web.body import BODY_LIMIT
from monitor.web.control import Local, connected
from monitor.wiring import control_socket, store_url

MARGIN = HOUR
"""Before and after the month: a run of fails that reaches across its ends is decided by what lies there."""

FIRST_CHUNK, LONGEST_CHUNK, SHORTEST_CHUNK = HOUR, DAY, MINUTE
"""What is asked for at once, and recorded before the next: more as long as the server can, less where it cannot."""

MOST_WAITS = 10
"""Times that a server may ask us to wait, in a row; with none said, so many seconds."""
DEFAULT_WAIT_S = 30

_TOO_MUCH: frozenset[Problem] = frozenset({"too_large", "timeout", "status"})
"""What may only have been too much at once: 5 MiB, 30 s, or the server's own limit of samples (422)."""

Record = Callable[[Sequence[Result]], int]
"""Records results durably; answers how many were new. Raises StoreError."""


@click.command
@click.option("--source", required=True, help="A source of the kind prometheus, by its name.")
@click.option("--month", required=True, help="YYYY-MM, in the policy's calendar.")
@config_option
def backfill(source: str, month: str, config_file: Path | None) -> None:
    """Take in a month of results from a monitor that kept them. What is there already stays as it is."""
    config = load(config_file or DEFAULT_FILE, os.environ)
    asked = source_named(config, source)
    kind = asked.kind.of_history()
    if kind is None:
        raise InputError(f"{source} tells only how things stand now; a source of the kind prometheus keeps months")
    now = SystemClock().now()
    whole = parse_month(month).period(config.timezone)
    if whole.start >= now:
        raise InputError(f"{month} has not begun yet")
    period = Period(whole.start - MARGIN, min(whole.end + MARGIN, now))
    with _recording(store_url(config)) as record, progress(f"{source} {month}") as advance:
        filling = Filling(replace(asked, kind=kind), record, advance)
        asyncio.run(filling.fill(period))
    click.echo(f"{filling.given} results, {filling.new} of them new", err=True)
    if +filling.problems:
        found = ", ".join(f"{problem} {count}" for problem, count in sorted((+filling.problems).items()))
        click.echo(f"not taken: {found}", err=True)
    if filling.given == 0:
        raise MinutebookError(
            f"{source} has nothing of {month} for any check: `minutebook components {source}` shows what it has now"
        )


@dataclass(slots=True)
class Filling:
    """One backfill: what was read so far, and how much of it was new."""

    source: PolledSource
    record: Record
    advance: Advance
    given: int = 0
    new: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)

    async def fill(self, period: Period) -> None:
        """Reads the period from its start on, and records each chunk before the next. Raises MinutebookError for what
        cannot be read, StoreError."""
        at, length, longest = period.start, FIRST_CHUNK, LONGEST_CHUNK
        async with session() as client:
            fetcher = Fetcher(client, SystemClock())
            while at < period.end:
                chunk = Period(at, min(at + length, period.end))
                seen = await self._asked(fetcher, chunk)
                if seen is None:
                    length = longest = max((chunk.end - chunk.start) // 2, SHORTEST_CHUNK)
                    continue
                self._keep(seen, chunk)
                self.advance(chunk.end - period.start, period.end - period.start)
                at, length = chunk.end, min(2 * length, longest)

    async def _asked(self, fetcher: Fetcher, chunk: Period) -> Seen | None:
        """What the chunk holds; None where it is too much at once."""
        asking = Asking(self.source.kind, self.source.settings, everything_of(self.source, chunk))
        seen = await poll(asking, fetcher, {})
        for _ in range(MOST_WAITS):
            if seen.failure is None or seen.failure.problem != "rate_limited":
                break
            await asyncio.sleep(seen.failure.retry_after_s or DEFAULT_WAIT_S)
            seen = await poll(asking, fetcher, {})
        if seen.failure is None:
            return seen
        if seen.failure.problem in _TOO_MUCH and chunk.end - chunk.start > SHORTEST_CHUNK:
            return None
        raise _unread(self.source.name, chunk, seen.failure)

    def _keep(self, seen: Seen, chunk: Period) -> None:
        """Records what lies in the chunk; what was read around it belongs to the others."""
        inside = (result for result in seen.results if chunk.start <= result.at < chunk.end)
        results = [result._replace(source=self.source.name) for result in inside]
        self.given += len(results)
        self.new += self.record(results) if results else 0
        self.problems.update(seen.problems)


def _unread(source: str, chunk: Period, failure: Failure) -> MinutebookError:
    return MinutebookError(
        f"{source} cannot be read at {format_instant(chunk.start)}: {failure.problem} ({failure.words});"
        " what was read before it is recorded: run the command again"
    )


# ---------------------------------------------------------------- where it is recorded


@contextmanager
def _recording(url: str) -> Iterator[Record]:
    """Through the daemon that holds the store, or into the store where none runs."""
    place = control_socket(store_path(url))
    with connected(place) as daemon:
        runs = daemon is not None
    if runs:
        yield lambda results: sum(_sent(place, batch) for batch in _batches(results))
        return
    clock = SystemClock()
    stamps = Stamps()
    with open_for_writing(url, clock.now()) as store:
        yield lambda results: store.append(stamps.stamp(results, clock.now()))


def _batches(results: Sequence[Result]) -> Iterator[bytes]:
    """JSON Lines of at most what the API takes at once."""
    batch = bytearray()
    for result in results:
        line = canonical_line(result) + b"\n"
        if len(batch) + len(line) > BODY_LIMIT:
            yield bytes(batch)
            batch.clear()
        batch += line
    if batch:
        yield bytes(batch)


def _sent(place: Path, batch: bytes) -> int:
    with connected(place) as daemon:
        if daemon is None:
            raise StoreError("the daemon has stopped; what it took is recorded: run the command again")
        connection = Local(daemon)
        try:
            connection.request("POST", "/api/v1/facts", batch, {"Content-Type": JSON_LINES})
            response = connection.getresponse()
            told = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise StoreError(f"the daemon did not answer ({type(error).__name__}); run the command again") from error
    if response.status != 200:
        raise StoreError(f"{told.get('detail', f'the daemon answered {response.status}')}; run the command again")
    return int(told["new"])
