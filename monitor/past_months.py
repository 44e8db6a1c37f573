"""The months that are over as the status page shows them: what was closed, and not what it would be now.

A closed statement is computed again from its facts (accounting.md section 9), which reads the whole log. So it is done
only where somebody looks at the page, once for each revision, a little at a time and never for long; until then the
page says that the month is closed, and no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from exporters.status import MONTHS
from monitor.closing import closed, recorded_of, why_different
from monitor.errors import InputError, StatementDiffersError, StoreError
from monitor.facts import AnyFact, Json
from monitor.interfaces import Clock
from monitor.ledger.closings import Chain, Recorded, closings
from monitor.ledger.coverage import first_measured
from monitor.ledger.months import book_month, service_book
from monitor.ledger.outages import outage_spans
from monitor.ledger.period import Month, format_instant, local_date, month_at
from monitor.ledger.recent import days_of
from monitor.ledger.snapshot import PastMonth, Snapshot
from monitor.ledger.statement import amounts
from monitor.ledger.terms import Terms

logger = logging.getLogger(__name__)

EVERY_S = 5.0
"""How often it is looked whether something is to be computed."""
ASKED_NS = 600 * 10**9
"""How long after somebody looked at the page its months are kept up."""
STINT_NS = 2 * 10**9
"""After so long, the log read, no further statement is begun in one go."""
RESTS = 3
"""A quarter of the time at most is spent on it: after one go, none begins for three times as long."""

Place = tuple[str, Month]
Key = tuple[str, ...]
"""What a kept month rests on: when it is another, the month is computed again."""


class Wanted(NamedTuple):
    """One month of the services whose months are not kept, each with what it rests on, under the terms in force."""

    month: Month
    keys: Mapping[str, Key]
    terms: Terms
    as_of: int


class PastMonths:
    """Keeps them. `read` gives the log and blocks, raising StoreError where it cannot or the daemon leaves; `snapshot`
    and `terms` are what holds now."""

    def __init__(
        self,
        clock: Clock,
        read: Callable[[], Iterator[AnyFact]],
        snapshot: Callable[[], Snapshot | None],
        terms: Callable[[], Terms],
    ) -> None:
        self._clock = clock
        self._read = read
        self._snapshot = snapshot
        self._terms = terms
        self._kept: dict[Place, tuple[Key, PastMonth | None]] = {}
        self._shown: Mapping[Place, PastMonth] = {}
        self._asked_at: int | None = None
        self._rests_until = 0

    def shown(self) -> Mapping[Place, PastMonth]:
        """What is known of them by now, the same object until more is; somebody looks."""
        self._asked_at = self._clock.monotonic_ns()
        return self._shown

    async def run(self) -> None:
        """Looks every few seconds, until it is cancelled; the log is not read on then."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.ring()

    async def ring(self) -> None:
        """Computes some of what is missing, where somebody looked lately."""
        now = self._clock.monotonic_ns()
        if self._asked_at is None or now - self._asked_at > ASKED_NS or now < self._rests_until:
            return
        wanted = self._missing()
        if wanted is None:
            return
        try:
            found = await asyncio.to_thread(self._stint, wanted)
        except StoreError as error:
            logger.warning("past months wait for the store: %s", error)
            return
        self._kept |= {(service, wanted.month): (wanted.keys[service], past) for service, past in found.items()}
        self._shown = {place: past for place, (_, past) in self._kept.items() if past is not None}
        ended = self._clock.monotonic_ns()
        self._rests_until = ended + RESTS * (ended - now)

    def _missing(self) -> Wanted | None:
        """The newest month that something is missing of; forgets what is shown no more."""
        snapshot, terms = self._snapshot(), self._terms()
        if snapshot is None:
            return None
        running = month_at(snapshot.as_of, terms.zone)
        months = [running.shifted(-back) for back in range(1, MONTHS + 1)]
        services = [view.service for view in sorted(snapshot.services, key=lambda view: not view.public)]
        shown = {(service, month) for service in services for month in months}
        self._kept = {place: kept for place, kept in self._kept.items() if place in shown}
        day = local_date(snapshot.as_of, terms.zone).isoformat()
        for month in months:
            keys: dict[str, Key] = {}
            for service in services:
                revision = snapshot.closed.get((service, str(month)))
                key: Key = ("closed", str(revision)) if revision is not None else ("draft", day, terms.digest)
                is_live = revision is None and month == months[0]  # an evaluation has it
                if not is_live and self._kept.get((service, month), (None,))[0] != key:
                    keys[service] = key
            if keys:
                return Wanted(month, keys, terms, snapshot.as_of)
        return None

    def _stint(self, wanted: Wanted) -> dict[str, PastMonth | None]:
        facts = list(self._read())
        began = self._clock.monotonic_ns()
        found: dict[str, PastMonth | None] = {}
        for service, past in past_months(facts, wanted):
            found[service] = past
            if self._clock.monotonic_ns() - began > STINT_NS:
                break
        return found


def past_months(facts: Sequence[AnyFact], wanted: Wanted) -> Iterable[tuple[str, PastMonth | None]]:
    """One after the other; None where there is nothing to tell. What is to be closed is told as it was closed."""
    recorded = recorded_of(facts)
    chains = closings(facts, wanted.as_of)
    for service in wanted.keys:
        chain = chains.get((service, wanted.month))
        yield service, _draft(recorded, service, wanted) if chain is None else _closed(recorded, chain)


def _closed(recorded: Recorded, chain: Chain) -> PastMonth:
    closing = chain[-1]
    told = PastMonth(closing.service, closing.month, None, (), closing.recorded_at, closing.revision)
    try:
        stated = closed(recorded, chain)
    except StatementDiffersError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message is the whole of it
        return told
    wrong = why_different(stated, closing)
    if wrong is not None:
        logger.error("%s", wrong)
        return told
    terms = recorded.terms[closing.terms or ""]
    of = service_book(terms, closing.service, *recorded.at(closing.as_of))
    days = tuple(days_of(book_month(of, closing.month, closing.as_of), terms.zone))
    return PastMonth(closing.service, closing.month, _shown(stated), days, closing.recorded_at, closing.revision)


def _draft(recorded: Recorded, service: str, wanted: Wanted) -> PastMonth | None:
    of = service_book(wanted.terms, service, *recorded.at(wanted.as_of))
    since = first_measured(of)
    if since is None or wanted.month.period(wanted.terms.zone).end <= since:
        return None
    try:
        booked = book_month(of, wanted.month, wanted.as_of)
    except InputError:
        return None  # nothing was promised for it
    outages: list[Json] = [
        {"id": f"{service}/{format_instant(begun)}", "start": format_instant(start), "end": format_instant(end)}
        for (begun, _), (start, end) in outage_spans(of, booked)
    ]
    stated: dict[str, Json] = {**amounts(booked.figures), "outages": outages, "digest": None}
    return PastMonth(service, wanted.month, _shown(stated), tuple(days_of(booked, wanted.terms.zone)))


SHOWN = ("verdict", "availability", "objective", "coverage", "accounts_ms", "budget_ms", "remaining_ms", "digest")


def _shown(stated: Mapping[str, Json]) -> dict[str, Json]:
    """The little of a statement that the page and the feed show: a thousand whole ones are a gigabyte."""
    outages = cast("list[dict[str, Json]]", stated["outages"])
    bare: list[Json] = [{name: outage[name] for name in ("id", "start", "end")} for outage in outages]
    return {**{name: stated[name] for name in SHOWN}, "outages": bare}
