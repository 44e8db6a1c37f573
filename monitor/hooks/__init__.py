"""What sources post: proved, recorded, and answered once it is durable (design/reliability.md, section 3).

A delivery that is repeated says nothing again: its facts have ids, so the store ignores them for ever, and the newest
deliveries are remembered so that the sender is told. Nothing of one is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from monitor.errors import FactError, StoreError
from monitor.facts import AnyFact, Result
from monitor.hooks.quarantine import Quarantine
from monitor.interfaces import Clock
from monitor.ledger.period import Period
from monitor.settings import Settings
from monitor.sources.hooks import AnyHook, Delivery, Ignored, News
from monitor.sources.kind import Asked, Page, Watched

logger = logging.getLogger(__name__)

Outcome = Literal["accepted", "duplicate", "ignored", "forged", "stale", "unreadable", "clock", "store"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What became of a delivery, closed. `clock`: ours is not kept right, so nobody knows whether it is stale."""

MOST_NAMES = 20
"""Of what a source sends that says nothing here, so many names are told apart: a label is bounded."""

MOST_REMEMBERED = 10_000
"""Deliveries, and subjects, that are remembered; the oldest is forgotten first."""


@dataclass(frozen=True, slots=True)
class PostingSource:
    """A source that posts, as the configuration names it. The rest is as in `Asked`."""

    name: str
    kind: AnyHook
    settings: Settings
    is_provider: bool = False
    announces_maintenance: bool = False
    wanted: frozenset[str] = frozenset()
    mapped: frozenset[str] = frozenset()
    watched: Mapping[str, Watched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aside:
    """Where deliveries are kept that became nothing: those that cannot be read, and the first of each name that says
    nothing here."""

    unreadable: Quarantine
    ignored: Quarantine


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where what is said goes. `record` and `take` (a page, as if it had been polled) answer how many facts were new
    once they are durable, and raise StoreError; `poll` has the source asked soon."""

    record: Callable[[Sequence[AnyFact]], Awaitable[int]]
    take: Callable[[str, Page], Awaitable[int]]
    poll: Callable[[str], None]


class Receipt(NamedTuple):
    """What became of a delivery, and how many facts of it are new."""

    outcome: Outcome
    new: int = 0


class Hooks:
    """Takes deliveries of the sources that post."""

    def __init__(self, clock: Clock, outlet: Outlet, aside: Aside) -> None:
        self._clock = clock
        self._outlet = outlet
        self._aside = aside
        self._sources: dict[str, PostingSource] = {}
        self._counted: Counter[tuple[str, Outcome]] = Counter()
        self._ignored: Counter[tuple[str, str]] = Counter()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._well: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()

    @property
    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Deliveries since the start by source and outcome; 0 where there was none yet."""
        return {(name, outcome): self._counted[name, outcome] for name in self._sources for outcome in OUTCOMES}

    @property
    def ignored(self) -> Mapping[tuple[str, str], int]:
        """Deliveries since the start that said nothing here, by source and what the vendor calls them."""
        return self._ignored

    def replace(self, sources: Iterable[PostingSource]) -> None:
        """The sources from now on."""
        self._sources = {source.name: source for source in sources}

    def takes(self, source: str, *, in_path: bool) -> bool:
        """Whether there is such a source, and it posts so."""
        found = self._sources.get(source)
        return found is not None and found.kind.in_path is in_path

    async def receive(self, name: str, delivery: Delivery) -> Receipt:
        """Answers once what it says is durable. Raises StoreError when that could not be kept, LookupError when there
        is no such source."""
        source = self._sources[name]
        try:
            receipt = await self._receive(source, delivery)
        except (StoreError, TimeoutError, asyncio.CancelledError):
            self._counted[name, "store"] += 1
            raise
        self._counted[name, receipt.outcome] += 1
        return receipt

    async def _receive(self, source: PostingSource, delivery: Delivery) -> Receipt:
        read = await asyncio.to_thread(source.kind.read, source.settings, _asked(source, delivery), delivery)
        if read == "stale" and self._clock.synchronized() is False:
            return Receipt("clock")
        if read == "unreadable":
            await self._keep_aside(self._aside.unreadable, source, delivery)
        if isinstance(read, Ignored):
            await self._ignore(source, delivery, read.event)
            return Receipt("ignored")
        if not isinstance(read, News):
            return Receipt(read)
        if (source.name, read.key) in self._seen or self._is_outdated(source.name, read):
            return Receipt("duplicate")
        try:
            new = await self._record(source, read)
        except FactError:
            return Receipt("unreadable")
        self._remember(source.name, read)
        if read.poll:
            self._outlet.poll(source.name)
        return Receipt("duplicate") if read.results and not new else Receipt("accepted", new)

    async def _record(self, source: PostingSource, news: News) -> int:
        new = 0
        if news.page is not None:
            new += await self._outlet.take(source.name, news.page)
        if news.results:
            again = self._again(source.name, news)
            new += await self._outlet.record((*news.results, *again))
        return new

    def _again(self, name: str, news: News) -> tuple[Result, ...]:
        """What fails anew, and came after word that an earlier failure was over: that word counts as of when it came,
        which would cover the new failure. So it fails also as of now."""
        told_of, at = self._well.get((name, news.subject), (0, 0))
        if news.gives_way or not told_of < news.told_of:
            return ()
        now = self._clock.now()
        return tuple(each._replace(at=now, id=f"{each.id}/now") for each in news.results if each.at <= at)

    def _is_outdated(self, name: str, news: News) -> bool:
        return news.gives_way and news.told_of < self._newest.get((name, news.subject), news.told_of)

    def _remember(self, name: str, news: News) -> None:
        self._seen[name, news.key] = None
        subject = name, news.subject
        if news.subject:
            self._newest[subject] = max(news.told_of, self._newest.pop(subject, news.told_of))
        if news.gives_way:
            self._well[subject] = news.told_of, self._clock.now()
        for remembered in (self._seen, self._newest, self._well):
            if len(remembered) > MOST_REMEMBERED:
                remembered.popitem(last=False)

    async def _ignore(self, source: PostingSource, delivery: Delivery, event: str) -> None:
        names = {name for whose, name in self._ignored if whose == source.name}
        if event not in names and len(names) >= MOST_NAMES:
            event = "other"
        self._ignored[source.name, event] += 1
        if event not in names:
            await self._keep_aside(self._aside.ignored, source, delivery)

    async def _keep_aside(self, kept: Quarantine, source: PostingSource, delivery: Delivery) -> None:
        try:
            await asyncio.to_thread(kept.keep, source.name, delivery.body, delivery.received_at)
        except OSError as error:
            logger.warning("a delivery of %s becomes nothing, and is not kept aside: %s", source.name, error.strerror)


def _asked(source: PostingSource, delivery: Delivery) -> Asked:
    return Asked(
        source=source.name,
        period=Period(delivery.received_at, delivery.received_at),
        wanted=source.wanted,
        mapped=source.mapped,
        is_provider=source.is_provider,
        announces_maintenance=source.announces_maintenance,
        watched=source.watched,
    )
