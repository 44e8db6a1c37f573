"""What a kind of source is: two pure functions between what the poller asks and what a page or monitor said.

    first(settings, asked)         -> what to ask for, to begin with
    parse(settings, asked, reply)  -> what was seen, and what to ask for next

`monitor.poller` owns sockets, ETags, retries, back-off and time, compares what was seen with what is known, and makes
the facts. Nothing here knows what was seen before: a page says how things stand, and the poller finds what is new.
What a vendor sends is hostile: `parse` never raises for it, counts what it cannot take under one of PROBLEMS, and
makes no excuse out of nothing. Instants are UTC ms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar, get_args

from monitor.facts import Json, Result
from monitor.ledger.period import MINUTE, Period
from monitor.settings import Secret, Settings

S = TypeVar("S", bound=Settings)

MOST_REQUESTS = 60
"""Requests of one poll of most kinds."""

Problem = Literal[
    # of a whole poll, which is then no poll: unknown, never all clear
    "unreachable",  # no connection, or one that broke
    "timeout",
    "status",  # any status but 200 and 304, and those that have their own name
    "forbidden",  # 401 or 403
    "rate_limited",  # 429, 420
    "redirected",
    "too_large",  # over the cap
    "html",
    "not_json",
    "too_many_requests",  # it goes on and on: paging without end
    # of one thing on a page that was read
    "missing_field",
    "wrong_type",
    "unknown_enum",
    "bad_time",  # no instant, before 2005, or in a future that a clock of theirs made up
    "empty_span",  # ends before it begins, or at once
    "unquantified",  # an incident entered afterwards: nobody says how long it was
    "component_gone",  # named in our configuration, and not on the page
    "too_long",  # more text, items or steps than are kept
    "ambiguous",  # two series at once say how the same check fares at the same vantage
    "refused",  # the fact that it would be is none that contracts/facts.md allows
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
"""Why something of a source was not taken, closed: a vendor's words never become a label."""

Problems = Mapping[Problem, int]

Severity = Literal["operational", "maintenance", "degraded", "partial_outage", "major_outage"]
Steps = tuple[tuple[int, Severity], ...]
"""A component's severity from each instant on, in order of time."""

ANY_COMPONENT = "*"
"""The component of an incident that names none (facts.md)."""


# ---------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its system tells it now; `customer` and `priority` are in our words."""

    id: str
    customer: str
    priority: str
    received_at: int
    first_reply_at: int | None = None
    channel: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `purpose` tells `parse` what the reply is about, and together with the URL what it is kept under.

    `about` is what `parse` must know of it beside: what an earlier reply of the same poll said; `ticket` the one whose
    replies are asked for.

    Any `headers` value may be a secret: only the poller reveals it, to the host of `url` alone, and no redirect is
    followed. With a `body` (JSON) or a `form` (whose values may be secret too) it is a POST. When an `optional` one
    fails the poll stays good: the failure is counted, but for a 404 or an HTML page, where the page does not offer it.
    """

    purpose: str
    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    body: Json = None
    form: Mapping[str, str | Secret] | None = None
    optional: bool = False
    about: Mapping[str, Json] = field(default_factory=dict)
    ticket: Ticket | None = None


def bearer(token: Secret) -> Secret:
    """The value of an `Authorization` header (RFC 6750), as secret as the token."""
    return Secret(f"Bearer {token.reveal()}", token.origin)


@dataclass(frozen=True, slots=True)
class Watched:
    """A check of ours that a monitor of somebody else's looks at: its name, and how long a result may hold at most."""

    check: str
    longest_hold_ms: int
    interval_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What one poll is about, the same for all its requests.

    `period` is the time that results are wanted for: from the last good poll (after a start: from the newest result) to
    now; `every_ms` from one poll to the next. `wanted` are the components to keep, as the configuration spells them: an
    id, a name, `Group - Name`, or `*` for all; `kept` those that were kept before. `mapped` are those that are services
    of ours. `watched` is `vantage_of`: a monitor's own id or name of a check, and the check of ours. `answered`
    are tickets, by their ids there, whose first reply is known.
    """

    source: str
    period: Period
    wanted: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    mapped: frozenset[str] = frozenset()
    is_provider: bool = False
    announces_maintenance: bool = False
    watched: Mapping[str, Watched] = field(default_factory=dict)
    every_ms: int = MINUTE
    answered: frozenset[str] = frozenset()

    @property
    def now(self) -> int:
        """When the poll began."""
        return self.period.end

    @property
    def wants_any(self) -> bool:
        """Whether anything of the page's incidents is kept: some service depends on its provider, or once did."""
        return bool(self.wanted or self.kept)

    def keys_of(self, *spellings: str) -> tuple[str, ...]:
        """Under which keys a component is kept that has these spellings (its name first); none: it is not wanted."""
        known = self.wanted | self.kept | self.mapped
        keys = tuple(spelling for spelling in dict.fromkeys(spellings) if spelling in known)
        return keys or (spellings[:1] if ANY_COMPONENT in self.wanted else ())

    def gone(self, offered: Collection[str]) -> tuple[str, ...]:
        """Components that the configuration names and the page does not have, under any spelling."""
        return tuple(sorted((self.wanted | self.mapped) - {ANY_COMPONENT} - set(offered)))

    def unwatched(self, offered: Collection[str]) -> tuple[str, ...]:
        """Checks that `vantage_of` names and the monitor does not have, under any spelling."""
        return tuple(sorted(self.watched.keys() - set(offered)))


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back with status 200, or what came with the last 200 when the status was 304. Header names in lower
    case. `body` is at most the poller's cap; that it is JSON is for `parse` to find out."""

    request: Request
    body: bytes
    received_at: int
    headers: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- what was seen


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as a page tells it now.

    `began` orders the items of a list (what the list is sorted by). `components`: by key (Asked.keys_of, or `*`), each
    with the steps that the page tells; empty excuses nothing. `now`: what holds at this poll, for pages that tell no
    history: the poller makes a step of it when it differs from what was known. `ended`: when the page says that all of
    it was over; steps that came from `now` end there. `wanted` False: it names none of the wanted components, and is
    told only if it once did. `more` are further fields of the fact.
    """

    id: str
    began: int
    components: Mapping[str, Steps]
    now: Mapping[str, Severity] = field(default_factory=dict)
    ended: int | None = None
    wanted: bool = True
    title: str | None = None
    url: str | None = None
    impact: str | None = None
    status: str | None = None
    more: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A planned maintenance as a page tells it now, for sources with `announces_maintenance`.

    `window` None: cancelled, or without a valid window. `announced_at`: when the page says that it was announced first;
    None: it does not say, so when it was seen. `revised_at`: when the page says that it was changed last. `components`:
    every spelling of each one that it names; which services of ours they are the poller finds. `more` are further
    fields of the fact.
    """

    id: str
    began: int
    window: Period | None
    announced_at: int | None = None
    revised_at: int | None = None
    components: tuple[tuple[str, ...], ...] = ()
    title: str | None = None
    url: str | None = None
    emergency: bool = False
    more: Mapping[str, Json] = field(default_factory=dict)


Item = Incident | Maintenance


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of one kind of items, as one reply holds it; several replies of one poll with one name are one list.

    `holds` says what it is a list of: `all` items there are (with `full`, the newest of them up to a cap), only what is
    `active`, or just `some`, as a delivery does, so that it means nothing what is not in it. `held` are all its items
    by id, each with what the list is sorted by (as `began`; None: it does not say), also those that could not be read:
    they are not absent, and are not seen either.
    """

    name: str
    items: tuple[Item, ...]
    held: Mapping[str, int | None]
    holds: Literal["all", "active", "some"] = "all"
    full: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """A component that a page offers, or a check that a monitor has, for the configuration."""

    id: str
    name: str
    group: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What one reply said, and what to ask next (bounded by the poller)."""

    listings: tuple[Listing, ...] = ()
    results: tuple[Result, ...] = ()
    components: tuple[Component, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    problems: Problems = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    """What the configuration names and the page does not have (Asked.gone, Asked.unwatched)."""
    next: tuple[Request, ...] = ()
    failed: Problem | None = None
    """The reply as a whole cannot be used: the poll has failed (an `optional` request is counted)."""


# ---------------------------------------------------------------- the kind


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[S]):
    """One kind: its settings, and its two functions.

    `history` is what to ask for results of a period, however long ago; None where only the present is told. A poll of
    more than `most_requests` pages on without end, and has failed.
    """

    settings: type[S]
    first: Callable[[S, Asked], tuple[Request, ...]]
    parse: Callable[[S, Asked, Reply], Page]
    history: Callable[[S, Asked], tuple[Request, ...]] | None = None
    most_requests: int = MOST_REQUESTS

    def of_history(self) -> SourceKind[S] | None:
        """The kind that asks for a whole period, however long ago; None where there is none."""
        return None if self.history is None else replace(self, first=self.history)

    def begin(self, settings: Settings, asked: Asked) -> tuple[Request, ...]:
        """The first requests; TypeError for another kind's settings."""
        return self.first(self._own(settings), asked)

    def read(self, settings: Settings, asked: Asked, reply: Reply) -> Page:
        """What a reply said; TypeError for another kind's settings."""
        return self.parse(self._own(settings), asked, reply)

    def _own(self, settings: Settings) -> S:
        if not isinstance(settings, self.settings):
            raise TypeError(f"expected {self.settings.__name__}, found {type(settings).__name__}")
        return settings
