"""Closing months in a running daemon: by itself once `finalise_after` is over, and when a person says so
(contracts/accounting.md section 9).

By itself a month is closed as of the very instant at which it becomes final, under the terms that were in force then,
however late the daemon comes to it: being away, or a store that is, changes nothing of what is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.closer import DAEMON, Desk, Moment, Sign, carried_out, order_of
from monitor.closing import newest_terms, recorded_of
from monitor.errors import InputError, StoreError
from monitor.evaluator import ALL_TIME
from monitor.facts import AnyFact, Fact, Json
from monitor.interfaces import Clock
from monitor.ledger.closings import Chain, closings
from monitor.ledger.period import MINUTE, Month, Period, format_instant, local_date, month_at
from monitor.ledger.terms import final_from
from monitor.life import Current
from monitor.people import Author, ConflictError, Words
from monitor.store import OpenStore
from monitor.store.chain import Head

logger = logging.getLogger(__name__)

EVERY_S = 60.0
"""How often it is looked whether a month became final, or a local day ended."""

SETTLED = MINUTE
"""How long after the instant that it is closed as of a month is closed: facts may have been recorded then and not be
durable yet."""

NO_RESULTS = Period(0, 0)
UNREAD = frozenset({"terms", "incident", "maintenance", "seal"})


@dataclass(frozen=True, slots=True)
class Published:
    """A head of the store's chain that was made public: the number of facts under it, when (UTC ms), and what for."""

    head: Head
    at: int
    occasion: str

    def shown(self) -> dict[str, Json]:
        """As `/status.json` has it."""
        return {
            "head": head_text(self.head),
            "facts": self.head.seq,
            "published_at": format_instant(self.at),
            "occasion": self.occasion,
        }


def head_text(head: Head) -> str:
    """As a statement's `facts.head` has it."""
    return f"sha256:{head.digest.hex()}"


class Finaliser:
    """Closes and restates in one daemon, one thing after the other. `record` answers once facts are durable and raises
    StoreError."""

    def __init__(
        self,
        clock: Clock,
        store: OpenStore,
        record: Callable[[Sequence[AnyFact]], Awaitable[int]],
        current: Current,
    ) -> None:
        self._clock = clock
        self._store = store
        self._record = record
        self._current = current
        self._one_at_a_time = asyncio.Lock()
        self._looked_through: set[Month] = set()
        self.sign: Sign | None = None
        self.published: Published | None = None

    async def ring(self) -> None:
        """Once a minute. What the store cannot give or take now is found again the next time."""
        try:
            async with self._one_at_a_time:
                await self._close_what_is_due()
            if self.published is None or self._day(self.published.at) != self._day(self._clock.now()):
                await self.publish("midnight" if self.published is not None else "start")
        except StoreError as error:
            logger.warning("closing waits for the store: %s", error)

    def _day(self, instant: int) -> object:
        return local_date(instant, self._current.terms.zone)

    async def publish(self, occasion: str) -> None:
        """Makes the chain's head known: in the log, and on the status page from now on. Raises StoreError."""
        head = await asyncio.to_thread(self._store.head)
        self.published = Published(head, self._clock.now(), occasion)
        logger.info("chain head (%s): %s after %d facts", occasion, head_text(head), head.seq)

    async def carry_out(self, words: Words, author: Author, *, restate: bool) -> Sequence[Json]:
        """By hand; answers what each service's revision comes to, once it is durable. Raises as `closer.order_of` and
        `closer.carried_out` do, and StoreError."""
        order = order_of(words, restate=restate)
        async with self._one_at_a_time:
            as_of = self._clock.now() - 1
            await self._record([])  # everything recorded by then is durable once this is
            head = await asyncio.to_thread(self._store.head)
            terms = self._current.terms
            at = Moment(as_of, terms, head_text(head), self.sign)
            outcome = await asyncio.to_thread(lambda: carried_out(self._read(as_of), order, at, author))
            if await self._record(outcome.facts) < len(outcome.facts):
                raise ConflictError(f"{order.month}: was closed or restated just now; look at it and ask again")
        await self._published_after_closing()
        return outcome.told

    async def _close_what_is_due(self) -> None:
        now = self._clock.now()
        for month in await asyncio.to_thread(self._due, now - SETTLED):
            facts = await asyncio.to_thread(self._closing, month)
            if facts:
                await self._record(facts)
                logger.info("%s is final: %d statements closed", month, len(facts))
                await self._published_after_closing()
            self._looked_through.add(month)

    async def _published_after_closing(self) -> None:
        try:
            await self.publish("closing")
        except StoreError as error:
            self.published = None  # the next ring makes it up
            logger.warning("the chain's head is published later: %s", error)

    def _due(self, now: int) -> list[Month]:
        """The months that are final by then and not closed for every service, since facts are recorded at all."""
        terms = self._current.terms
        small = [fact for fact in self._store.read(NO_RESULTS, ALL_TIME.end, UNREAD) if isinstance(fact, Fact)]
        chains = closings(small, ALL_TIME.end)
        first = self._store.first_recorded()
        month, due = month_at(now if first is None else min(first, now), terms.zone), list[Month]()
        while month < month_at(now, terms.zone):
            if month not in self._looked_through and self._is_due(month, now, chains):
                due.append(month)
            month = month.shifted(1)
        return due

    def _is_due(self, month: Month, now: int, chains: Mapping[tuple[str, Month], Chain]) -> bool:
        terms = self._current.terms
        if all((service.name, month) in chains for service in terms.services):
            return False
        try:
            return final_from(month, terms) <= now
        except InputError:
            return False  # nothing was promised for it

    def _closing(self, month: Month) -> list[Fact]:
        """The facts that close a month, for every service that was seen by its end and is not closed."""
        as_of = final_from(month, self._current.terms)
        head = self._store.head()
        facts = self._read(ALL_TIME.end)
        chains = closings(facts, ALL_TIME.end)
        known = [fact for fact in facts if fact.recorded_at <= as_of]
        try:
            terms = newest_terms(known)
        except InputError:
            return []  # nothing was promised by then, so far as the log knows
        at = Moment(as_of, terms, head_text(head), self.sign, daemon=self._current.config.location)
        desk = Desk(recorded_of(known), chains, at, Author(DAEMON))
        found: list[Fact] = []
        for service in desk.seen_in(month):
            if (service, month) not in chains:
                self._stay()
                try:
                    found.append(desk.closing(service, month)[0])
                except InputError as error:
                    logger.warning("%s %s cannot be closed: %s", service, month, error)
        return found

    def _read(self, as_of: int) -> list[AnyFact]:
        return list(self._reading(as_of))

    def _reading(self, as_of: int) -> Iterator[AnyFact]:
        for fact in self._store.read(ALL_TIME, as_of):
            self._stay()
            yield fact

    def _stay(self) -> None:
        if self._current.leaving:
            raise StoreError("the daemon is stopping")
