"""Tells channels what is to be told: derived from committed facts, kept before it is sent, tried until it is taken.

Nothing here holds up a probe: the table is written in a thread, a channel has one message under way at a time, and
each attempt is bounded. A channel that fails holds up no other.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from exporters.stated import Statement
from monitor.channels import KINDS, Message, Refused, Tone, WaysOut
from monitor.errors import MinutebookError, StoreError
from monitor.facts import AnyFact, Fact, Json
from monitor.interfaces import Clock
from monitor.ledger.period import Month, parse_month
from monitor.ledger.snapshot import Snapshot
from monitor.outbox.courier import APART, after
from monitor.outbox.due import TOLD_FOR, Closed, Kept, Recipient, Seen, Told, due
from monitor.settings import Secret, Settings
from monitor.store.deliveries import Deliveries, Delivery, open_deliveries

logger = logging.getLogger(__name__)

ATTEMPT_S = 40.0
"""For one attempt, whatever the channel does in it."""

MOST_WAITING = 200
"""Messages that wait for one channel; what is beyond is derived again once there is room."""

LONGEST_REST_S = 60.0

OUTCOMES = ("sent", "refused", "given_up")


@dataclass(frozen=True, slots=True)
class Line:
    """A channel of the configuration: who is told over it, its kind and its settings."""

    recipient: Recipient
    kind: str
    settings: Settings | Secret


Statements = Callable[[Month, Sequence[str]], Awaitable[Sequence[Statement]]]
"""The statements of services for a month as they stand. Raises MinutebookError."""


@dataclass(frozen=True, slots=True)
class Means:
    """What an outbox works with: where its table is, the ways out, chance from 0 until 1, the statements of months that
    are closed, and the facts that are no results, which blocks."""

    table: Path
    ways: WaysOut
    chance: Callable[[], float]
    statements: Statements
    recorded: Callable[[], Iterable[AnyFact]]
    apart_ms: int = APART


class Outbox:
    """Construct it, tell it of snapshots and facts, and `run` it. `zone` is what instants are told in."""

    def __init__(self, clock: Clock, means: Means, lines: Sequence[Line], zone: str) -> None:
        self._clock = clock
        self._means = means
        self._lines = {line.recipient.name: line for line in lines}
        self._zone = zone
        self._snapshot: Snapshot | None = None
        self._closings: list[Fact] = []
        self._closed: list[Closed] = []
        self._since: dict[str, int] = {}
        self._kept: dict[str, dict[str, Delivery]] = {}
        self._free_at: dict[str, int] = {}
        self._under_way: set[str] = set()
        self._news = asyncio.Event()
        self._table = asyncio.Lock()
        self._deliveries: Deliveries
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.failing_since: dict[str, int] = {}

    # -- what it is told

    def evaluated(self, snapshot: Snapshot) -> None:
        """A new snapshot."""
        self._snapshot = snapshot
        self._news.set()

    def committed(self, facts: Iterable[AnyFact]) -> None:
        """New facts, durable by now."""
        closings = [fact for fact in facts if isinstance(fact, Fact) and fact.kind == "closing"]
        if closings:
            self._closings += closings
            self._news.set()

    def reload(self, lines: Sequence[Line], zone: str) -> None:
        """Other channels from now on. What waits for one that is gone stays in the table."""
        self._lines, self._zone = {line.recipient.name: line for line in lines}, zone
        for name in self.failing_since.keys() - self._lines.keys():
            del self.failing_since[name]
        self._news.set()

    # -- what the metrics ask

    @property
    def channels(self) -> Sequence[str]:
        return [*self._lines]

    def waiting(self) -> Mapping[str, int]:
        """How many messages wait for each channel."""
        return {name: len(self._waiting(name)) for name in self._lines}

    # -- life

    async def run(self) -> None:
        """Tells until it is cancelled. Where there is no channel it waits for one."""
        while not self._lines:
            self._news.clear()
            await self._news.wait()
        async with AsyncExitStack() as stack:
            self._deliveries = await self._begin(stack)
            async with asyncio.TaskGroup() as group:
                while True:
                    self._news.clear()
                    await self._queue()
                    self._send_what_is_due(group)
                    await self._rest()

    async def _begin(self, stack: AsyncExitStack) -> Deliveries:
        """Opens the table and reads it, as soon as that can be."""
        now = self._clock.now()
        while True:
            try:
                deliveries = await asyncio.to_thread(stack.enter_context, open_deliveries(self._means.table))
                self._since, rows = await asyncio.to_thread(deliveries.read, now)
                closings = await asyncio.to_thread(lambda: _recent_closings(self._means.recorded(), now))
            except StoreError as error:
                logger.warning("channels wait for the table of what was told: %s", error)
                await asyncio.sleep(LONGEST_REST_S)
                continue
            self._closings = [*closings, *self._closings]
            for row in rows:
                self._kept.setdefault(row.channel, {})[row.key] = row
            return deliveries

    async def _rest(self) -> None:
        """Until there are news, or the next message is due."""
        now = self._clock.now()
        waits = [
            max(waiting[0].next_at, self._free_at.get(name, 0)) - now
            for name in self._lines
            if name not in self._under_way and (waiting := self._waiting(name))
        ]
        rest = max(0.05, min([LONGEST_REST_S, *(wait / 1000 for wait in waits)]))
        try:
            async with asyncio.timeout(rest):
                await self._news.wait()
        except TimeoutError:
            return

    # -- from facts to messages that wait

    async def _queue(self) -> None:
        """Keeps what is due and was not told; what the table cannot take now is derived again."""
        snapshot = self._snapshot
        if snapshot is None or not self._lines:
            return
        try:
            await self._know_channels()
            await self._read_closed()
            seen = Seen(snapshot, self._closed, self._zone)
            for name, line in self._lines.items():
                messages = due(line.recipient, seen, self._told(name))
                room = MOST_WAITING - len(self._waiting(name))
                if messages and room > 0:
                    await self._keep(self._new(name, messages[:room]))
        except StoreError as error:
            logger.warning("channels wait for the table of what was told: %s", error)

    def _told(self, name: str) -> Told:
        kept = {key: Kept(row.thread, row.queued_at) for key, row in self._kept.get(name, {}).items()}
        return Told(self._since[name], kept)

    def _new(self, name: str, messages: Sequence[Message]) -> list[Delivery]:
        """The messages as they wait, 1 ms apart: their order is that of `queued_at`."""
        now = self._clock.now()
        return [
            Delivery(name, each.key, each.thread, json.dumps(each._asdict()), now + place)
            for place, each in enumerate(messages)
        ]

    async def _know_channels(self) -> None:
        unknown = {name: self._clock.now() for name in self._lines if name not in self._since}
        if unknown:
            async with self._table:
                await asyncio.to_thread(self._deliveries.know, unknown)
            self._since |= unknown

    async def _read_closed(self) -> None:
        """The statements of months that were closed since, as they stand; a month is read once for all services."""
        waiting, self._closings = self._closings, []
        told = {service for line in self._lines.values() for service in line.recipient.services}
        months: dict[Month, dict[str, int]] = {}
        for fact in waiting:
            service, month = cast(str, fact.fields["service"]), parse_month(cast(str, fact.fields["month"]))
            if service in told:
                months.setdefault(month, {})[service] = fact.recorded_at
        for month, services in months.items():
            try:
                stated = await self._means.statements(month, [*services])
            except MinutebookError as error:
                logger.warning("channels are not told that %s is closed: %s", month, error)
            else:
                self._closed += [Closed(services[cast(str, each["service"])], each) for each in stated]

    async def _keep(self, rows: Sequence[Delivery]) -> None:
        async with self._table:
            await asyncio.to_thread(self._deliveries.keep, [*rows])
        for row in rows:
            self._kept.setdefault(row.channel, {})[row.key] = row

    # -- from waiting to sent

    def _waiting(self, name: str) -> list[Delivery]:
        """In the order to tell them; of a thread only the newest, which says all that those before it would."""
        rows = [row for row in self._kept.get(name, {}).values() if row.state == "waiting"]
        newest = {row.thread: row for row in rows}
        return [row for row in rows if newest[row.thread] is row]

    def _old_news(self, sent: Delivery) -> list[Delivery]:
        """What still waits of a thread of which something later was told."""
        return [
            replace(row, state="superseded")
            for row in self._kept[sent.channel].values()
            if (row.state, row.thread) == ("waiting", sent.thread) and row.queued_at < sent.queued_at
        ]

    def _send_what_is_due(self, group: asyncio.TaskGroup) -> None:
        now = self._clock.now()
        for name, line in self._lines.items():
            waiting = self._waiting(name)
            if name in self._under_way or not waiting:
                continue
            if max(waiting[0].next_at, self._free_at.get(name, 0)) <= now:
                self._under_way.add(name)
                group.create_task(self._send(line, waiting[0]))

    async def _send(self, line: Line, row: Delivery) -> None:
        name = line.recipient.name
        message = message_of(row)
        try:
            async with asyncio.timeout(ATTEMPT_S):
                answer = await KINDS[line.kind].send(
                    line.settings, message, self._root(name, message), self._means.ways
                )
        except TimeoutError:
            answer = Refused("timeout")
        now = self._clock.now()
        tried = after(row, answer, now, self._means.chance())
        self._free_at[name] = now + self._means.apart_ms
        self._kept[name][row.key] = tried
        try:
            await self._keep([tried, *(self._old_news(tried) if tried.state == "sent" else ())])
        except StoreError as error:
            logger.warning("%s may be told again after a restart: %s", name, error)
        self._under_way.discard(name)
        self._count(name, tried, now)
        self._news.set()

    def _root(self, name: str, message: Message) -> str | None:
        rows = self._kept[name].values()
        return next((row.ref for row in rows if row.ref and row.thread == message.thread), None)

    def _count(self, name: str, tried: Delivery, now: int) -> None:
        outcome = "refused" if tried.state == "waiting" else tried.state
        self.outcomes[name, outcome] += 1
        if outcome == "sent":
            self.failing_since.pop(name, None)
            return
        self.failing_since.setdefault(name, now)
        logger.warning("channel %s: %s after attempt %d: %s", name, outcome, tried.attempts, tried.reason)


def message_of(row: Delivery) -> Message:
    """The message that a row keeps."""
    fields: dict[str, Json] = json.loads(row.body)
    lines = tuple(cast("list[str]", fields["lines"]))
    return Message(row.key, row.thread, cast(str, fields["title"]), lines, cast(Tone, fields["tone"]))


def _recent_closings(facts: Iterable[AnyFact], now: int) -> list[Fact]:
    return [
        fact
        for fact in facts
        if isinstance(fact, Fact) and fact.kind == "closing" and fact.recorded_at > now - TOLD_FOR
    ]
