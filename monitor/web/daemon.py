"""What the web asks of the rest of the daemon: functions, given by the composition root; nothing is global."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from monitor.beacons import Beacons
from monitor.facts import AnyFact, Json
from monitor.interfaces import Report
from monitor.ledger.period import Month
from monitor.ledger.snapshot import Snapshot
from monitor.people import Author, Known, Words
from monitor.people.publishing import Notice, OurPage, Published
from monitor.sources.hooks import Delivery
from monitor.web.tokens import Token

Audience = Literal["public", "all"]
"""Whom a page is for: everybody (`public` services only), or who may read everything."""
Show = Literal["state", "left"]
"""What a badge shows: the state, or what is left of the month's budget."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The renderers of `exporters`, over the newest snapshot.

    `metrics` gives text in slices that each hold the loop for less than 5 ms. `status_page`, `status` (the JSON),
    `feed` (Atom), `mark` (what an event says of the page) and `badge` (None where there is no such service) are for the
    audience given. `report` raises InputError where there is nothing to tell of the month, StoreError, and
    TimeoutError where too many are asked for; it is None where the audience knows no such service.
    """

    metrics: Callable[[], Iterator[str]]
    status_page: Callable[[Audience], Awaitable[str]]
    status: Callable[[Audience], Awaitable[Mapping[str, Json]]]
    feed: Callable[[Audience], Awaitable[bytes]]
    mark: Callable[[Audience], Awaitable[Mapping[str, Json]]]
    badge: Callable[[str, Show, Audience], Awaitable[str | None]]
    stylesheet: Callable[[], str]
    script: Callable[[], str]
    report: Callable[[str, Month, Audience], Awaitable[str | None]]
    report_stylesheet: Callable[[], str]


class TakeReports(Protocol):
    """The heartbeats. `take` answers how many results were new once they are durable, and raises StoreError when they
    could not be kept; only of one of `checks`."""

    @property
    def checks(self) -> frozenset[str]: ...

    async def take(self, check: str, report: Report) -> int: ...


class Received(Protocol):
    """What became of a delivery, and how many facts of it are new."""

    @property
    def outcome(self) -> str: ...
    @property
    def new(self) -> int: ...


class TakeDeliveries(Protocol):
    """What sources post. `takes` says whether there is such a source that posts so; `receive` answers once what it says
    is durable, and raises StoreError when that could not be kept, LookupError when there is no such source."""

    def takes(self, source: str, *, in_path: bool) -> bool: ...

    async def receive(self, name: str, delivery: Delivery) -> Received: ...


View = Literal["standing", "draft", "late"]
"""Of a month: the closed revision, or the draft where there is none; what it would be now; what came since it was
closed."""


class Asked(NamedTuple):
    """What is asked for: of a service and month, as of an instant (UTC ms; None: now), the view."""

    service: str
    month: Month
    as_of: int | None
    view: View = "standing"


class Close(Protocol):
    """Closes or restates: the words are `month`, optional `service`, and `reason` of a restatement. Answers what each
    revision comes to, once it is durable. Raises InputError and its kinds, StatementDiffersError, StoreError."""

    async def __call__(self, words: Words, author: Author, *, restate: bool) -> Sequence[Json]: ...


@dataclass(frozen=True, slots=True)
class Daemon:
    """The seams, one function each.

    `statement` raises InputError where no policy is in force, StatementDiffersError where it is not what was closed;
    of a draft there is nothing late: None.
    `evaluated` returns once there is another snapshot.
    `services` are the configured names. `record` returns how many facts were new, once they are durable, and raises
    StoreError when they could not be kept. `known` is what stands recorded beside results; raises StoreError.
    `longest_hold(check)` is 3 x interval + timeout in ms, None for a check that the configuration does not name.
    `speakers` are our own location and the sources that are asked.
    `our_page` is a source that can be published on; `publish` has it show a notice, and
    raises NotPublishedError. `reload` raises InputError or StoreError, and then nothing has changed. `token` is
    the token of a text if it is in force; raises InputError or StoreError when the tokens cannot be read. `now` in UTC
    ms.
    """

    pages: Pages
    snapshot: Callable[[], Snapshot | None]
    evaluated: Callable[[], Awaitable[object]]
    services: Callable[[], Sequence[str]]
    statement: Callable[[Asked], Awaitable[Mapping[str, Json] | None]]
    close: Close
    record: Callable[[Sequence[AnyFact]], Awaitable[int]]
    known: Callable[[], Awaitable[Known]]
    longest_hold: Callable[[str], int | None]
    speakers: Callable[[], Collection[str]]
    heartbeats: TakeReports
    hooks: TakeDeliveries
    beacons: Beacons
    our_page: Callable[[str], OurPage | None]
    publish: Callable[[str, Notice], Awaitable[Published]]
    reload: Callable[[], Awaitable[None]]
    ready: Callable[[], bool]
    token: Callable[[str], Token | None]
    now: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Access:
    """`server.metrics` and `server.status_page` of the configuration."""

    metrics: Literal["open", "token"] = "open"
    status_page: Literal["public", "token", "off"] = "public"
