"""When each source is asked, and what becomes of the answer (design/architecture.md, "Seams").

A poll is done once its facts are durable. When it failed, or the store could not keep them, nothing is taken as known
and the next one finds it all again. Bells ring every `every`; after failures the poller lets some of them pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.errors import FactError, StoreError
from monitor.facts import AnyFact, Fact, Result, canonical_line
from monitor.interfaces import Clock
from monitor.ledger.period import DAY, MINUTE, Period
from monitor.poller import compare
from monitor.poller.compare import Change, after_failure, after_poll, after_removal, newer
from monitor.poller.fetch import Bodies, Failure, Fetcher
from monitor.poller.known import NOTHING, Known, known_of
from monitor.poller.poll import Asking, Seen, poll
from monitor.poller.tickets import KnownTickets, known_tickets, ticket_facts
from monitor.settings import Settings
from monitor.sources import AnySource, DeskSettings
from monitor.sources.kind import ANY_COMPONENT, PROBLEMS, Asked, Page, Problem, Watched

logger = logging.getLogger(__name__)

LONGEST_PAUSE_MS = 15 * MINUTE
"""Between two polls of a source that fails; a Retry-After may ask for more."""

FIRST_PERIOD = 10 * MINUTE
"""How far back results are asked for by the first poll, where none are known."""

LONGEST_PERIOD = DAY
"""How far back after a longer absence: beyond it, `backfill`."""

FIRST_TICKETS, LONGEST_TICKETS = DAY, 31 * DAY
"""The same of a ticket system: what came in while nobody asked is a promise too."""


@dataclass(frozen=True, slots=True)
class PolledSource:
    """A source of the configuration as the poller knows it; durations in ms.

    `provider` is whose incidents it tells of, its own name where nobody's. `wanted` are the components that services
    depend on; `services` is its `components`, `watched` its `vantage_of`.
    """

    name: str
    kind: AnySource
    settings: Settings
    every_ms: int
    provider: str
    is_provider: bool = False
    announces_maintenance: bool = False
    wanted: frozenset[str] = frozenset()
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    watched: Mapping[str, Watched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """The facts, as the poller needs them. `record` answers once they are durable, and raises StoreError. `read` gives
    every fact that is no result, in order of recording; it blocks. `newest_result` is when a source was last heard to
    say something of a check (`at`, UTC ms)."""

    record: Callable[[Sequence[AnyFact]], Awaitable[int]]
    read: Callable[[], Iterable[AnyFact]]
    newest_result: Callable[[str], int | None] = lambda _: None


@dataclass(slots=True)
class _State:
    """How it stands with one source. Until `due_ns` bells pass, until `wait_ns`, which the server asked for, also those
    in a hurry (both monotonic)."""

    source: PolledSource
    asked_since: int
    known: Known | None = None
    tickets: KnownTickets = field(default_factory=KnownTickets)
    bodies: Bodies = field(default_factory=dict)
    asked_until: int | None = None
    failures: int = 0
    due_ns: int = 0
    wait_ns: int = 0
    said: str = ""
    has_news: bool = False
    polling: asyncio.Lock = field(default_factory=asyncio.Lock)


class Poller:
    """Polls sources. `jitter` gives a number from 0 to 1."""

    def __init__(self, clock: Clock, fetcher: Fetcher, log: Log, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._log = log
        self._jitter = jitter
        self._states: dict[str, _State] = {}
        self._gone: dict[str, Known] = {}
        self._reading = asyncio.Lock()
        self._problems: Counter[tuple[str, Problem]] = Counter()
        self._last_success: dict[str, int] = {}

    @property
    def last_success(self) -> Mapping[str, int]:
        """When each source was last read whole and recorded, UTC ms; absent where never since the start."""
        return self._last_success

    @property
    def problems(self) -> Mapping[tuple[str, str], int]:
        """What could not be taken since the start, by source and reason; 0 where nothing yet."""
        return {(name, why): self._problems[name, why] for name in self._states for why in PROBLEMS}

    def replace(self, sources: Iterable[PolledSource]) -> None:
        """The sources from now on; what is known of those that stay is kept."""
        before, self._states = self._states, {}
        for source in sources:
            state = before.get(source.name)
            if state is not None and state.source == source:
                self._states[source.name] = state
            else:
                self._states[source.name] = _State(source, self._clock.now())
        gone = before.keys() - self._states.keys()
        self._gone = {name: known for name in gone if (known := before[name].known) is not None}
        self._last_success = {name: at for name, at in self._last_success.items() if name not in gone}
        self._problems = Counter({key: count for key, count in self._problems.items() if key[0] not in gone})

    async def ring(self, name: str, *, hurry: bool = False) -> None:
        """A bell: polls the source if it is due. With `hurry`, something says that it has news: back-off does not hold
        it up, though what the server itself asked for does."""
        state = self._states.get(name)
        if state is None or state.polling.locked():
            return
        async with state.polling:
            if self._clock.monotonic_ns() >= (state.wait_ns if hurry else max(state.due_ns, state.wait_ns)):
                state.has_news = False
                await self._poll(state)
                if state.has_news and state.failures == 0:  # it may have been read before the news was there
                    await self._poll(state)

    def hurry(self, name: str) -> None:
        """The next bell is heeded, and a poll that is under way made again: something says that the source has news."""
        if (state := self._states.get(name)) is not None:
            state.due_ns, state.has_news = 0, True

    async def take(self, name: str, page: Page) -> int:
        """What a delivery of the source says, recorded as if it had been polled now, unless something newer is known:
        the facts that were new.

        Raises StoreError when they could not be kept, LookupError when there is no such source.
        """
        state = self._states[name]
        async with state.polling:
            known = await self._known(state)
            seen = Seen(self._clock.now())
            seen.add(newer(known, page))
            return await self._record(state, known, seen)

    async def retire(self) -> None:
        """Ends what goes on of sources that are asked no more: taken out of the configuration now, or before the start.

        Where the store is away it is tried again when this is called again.
        """
        try:
            asked = await asyncio.to_thread(lambda: _asked_by_a_poller(self._log.read()))
            for name, facts in asked.items():
                if name not in self._states:
                    known = self._gone.get(name) or known_of(facts, [name])[name]
                    change = after_removal(compare.Told(name, name, {}), known, self._clock.now())
                    if change.facts:
                        await self._log.record(change.facts)
                        logger.warning("source %s: asked no more, so what goes on there ends where it was seen", name)
                    self._gone.pop(name, None)
        except StoreError as error:
            logger.warning("what goes on at sources that are asked no more waits for the store: %s", error)

    async def _poll(self, state: _State) -> None:
        source = state.source
        try:
            known = await self._known(state)
            asked = self._asked(state, known)
            seen = await poll(Asking(source.kind, source.settings, asked), self._fetcher, state.bodies)
            await self._record(state, known, seen)
        except StoreError as error:
            self._say(state, f"what it says waits for the store: {error}")
            return
        if self._states.get(source.name) is not state:
            return  # it was taken out of the configuration, or changed, meanwhile
        if seen.failure is not None:
            self._failed(state, seen.failure)
        else:
            self._succeeded(state, seen, asked.now)

    async def _record(self, state: _State, known: Known, seen: Seen) -> int:
        """Makes facts of what was seen, and takes it as known once they are durable."""
        change, results = await asyncio.to_thread(self._change, state, known, seen)
        told = ticket_facts(state.source.name, () if seen.failure else seen.tickets, state.tickets, self._clock.now())
        facts: list[AnyFact] = [*change.facts, *told.facts, *results]
        new = await self._log.record(facts) if facts else 0
        state.known = change.known
        state.tickets.fields.update(told.known)
        seen.problems["refused"] += told.refused
        if self._states.get(state.source.name) is state:
            for problem, count in (seen.problems + Counter(change.problems)).items():
                self._problems[state.source.name, problem] += count
        return new

    async def _known(self, state: _State) -> Known:
        """What the log says of the source; it is read once for all sources of which nothing is known yet."""
        async with self._reading:
            if state.known is None:
                others = (each for each in self._states.values() if each.known is None and each is not state)
                unknown = [state, *others]
                names = [each.source.name for each in unknown]
                desks = [each.source.name for each in unknown if isinstance(each.source.settings, DeskSettings)]
                read, tickets = await asyncio.to_thread(self._read_known, names, desks)
                for each in unknown:
                    each.known = read[each.source.name]
                    each.tickets = tickets.get(each.source.name, each.tickets)
        return NOTHING if state.known is None else state.known

    def _read_known(self, names: list[str], desks: list[str]) -> tuple[dict[str, Known], dict[str, KnownTickets]]:
        return known_of(self._log.read(), names), known_tickets(self._log.read() if desks else (), desks)

    def _asked(self, state: _State, known: Known) -> Asked:
        now, source = self._clock.now(), state.source
        if isinstance(source.settings, DeskSettings):
            longest, since = LONGEST_TICKETS, state.asked_until or state.tickets.newest or now - FIRST_TICKETS
        else:
            newest = state.asked_until or self._log.newest_result(source.name)
            longest, since = LONGEST_PERIOD, newest or now - FIRST_PERIOD
        kept = frozenset(component for item in known.values() for component in item.components) - {ANY_COMPONENT}
        return Asked(
            source=source.name,
            period=Period(min(max(since, now - longest), now), now),
            wanted=source.wanted,
            kept=kept,  # what was kept once stays: a changed configuration rewrites no history
            mapped=frozenset(source.services),
            is_provider=source.is_provider,
            announces_maintenance=source.announces_maintenance,
            watched=source.watched,
            every_ms=source.every_ms,
            answered=state.tickets.answered,
        )

    def _change(self, state: _State, known: Known, seen: Seen) -> tuple[Change, list[Result]]:
        source = state.source
        told = compare.Told(source.name, source.provider, source.services)
        if seen.failure is not None:
            return after_failure(told, known, self._clock.now(), state.asked_since), []
        results = [result for result in seen.results if _is_spellable(result)]
        seen.problems["refused"] += len(seen.results) - len(results)
        return after_poll(told, known, seen.listings, seen.at), [each._replace(source=source.name) for each in results]

    def _succeeded(self, state: _State, seen: Seen, asked_until: int) -> None:
        state.bodies, state.asked_until = seen.bodies, asked_until
        state.failures = state.due_ns = state.wait_ns = 0
        self._last_success[state.source.name] = seen.at
        found = ", ".join(f"{problem} {count}" for problem, count in sorted((+seen.problems).items()))
        gone = f"; it has no component {', '.join(map(repr, seen.gone[:10]))}" if seen.gone else ""
        self._say(state, f"read, but for: {found}{gone}" if found else "")

    def _failed(self, state: _State, failure: Failure) -> None:
        state.failures += 1
        backed_off = min(state.source.every_ms * 2 ** min(state.failures - 1, 20), LONGEST_PAUSE_MS)
        now_ns = self._clock.monotonic_ns()
        state.due_ns = now_ns + int(backed_off * (0.5 + self._jitter() / 2)) * 1_000_000
        state.wait_ns = now_ns + (failure.retry_after_s or 0) * 1_000_000_000
        self._say(state, f"not read: {failure.problem} ({failure.words})")

    def _say(self, state: _State, words: str) -> None:
        """Each state of affairs once."""
        if words != state.said:
            state.said = words
            if words:
                logger.warning("source %s: %s", state.source.name, words)
            else:
                logger.info("source %s: read again", state.source.name)


def _asked_by_a_poller(facts: Iterable[AnyFact]) -> dict[str, list[AnyFact]]:
    """Incidents that polls saw, by source; those of imports and the API have no list."""
    found: dict[str, list[AnyFact]] = {}
    for fact in facts:
        if isinstance(fact, Fact) and fact.kind == "incident" and fact.source and "list" in fact.fields:
            found.setdefault(fact.source, []).append(fact)
    return found


def _is_spellable(result: Result) -> bool:
    """Whether the log can hold it: what a vendor named may have no spelling."""
    try:
        canonical_line(result)
    except FactError:
        return False
    return True
