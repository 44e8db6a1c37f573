"""The seams, on one page: what the shells ask of each other, and nothing of how it is done (design/architecture.md).

That of a kind of probe stands with its settings in monitor/probes/kind.py, that of a kind of source in
monitor/sources/kind.py.

Instants are UTC milliseconds; durations from the monotonic clock are nanoseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple, Protocol

from monitor.facts import AnyFact, Outcome, Phases, Result
from monitor.ledger.period import Period


class Clock(Protocol):
    """The only way to the time; shells hold it, each step reads it once and passes the value on."""

    def now(self) -> int:
        """The wall clock: UTC ms."""
        ...

    def monotonic_ns(self) -> int:
        """Runs evenly, also when the wall clock is set; ns since some moment."""
        ...

    def asleep_ns(self) -> int:
        """How long the machine has been suspended so far, which the monotonic clock does not count; ns."""
        ...

    def synchronized(self) -> bool | None:
        """Whether something keeps the wall clock right; None where nobody knows."""
        ...


class FactStore(Protocol):
    """Append-only facts. Nothing is updated, deleted (but a sealed day's raw results) or computed here."""

    async def append(self, facts: Sequence[AnyFact]) -> int:
        """Commits all or none, durably, in the order given; answers how many were new.

        A fact whose key is known is ignored. Raises StoreError when it could not be kept.
        """
        ...

    def read(self, period: Period, as_of: int, without: Set[str] = frozenset()) -> Iterator[AnyFact]:
        """Facts recorded at or before `as_of`, in order of recording: results with `at` in the period, and every fact
        of another kind than those in `without`. Blocking: from a loop, call it in a thread."""
        ...

    def gone_until(self) -> int | None:
        """The end of the last day of which results have gone under seals, UTC ms; None where none have. Blocking, as
        `read` is."""
        ...

    async def aclose(self) -> None:
        """Commits what is pending and lets go of the store."""
        ...


class Tick(NamedTuple):
    """One turn of a check on the grid: its slot's number and instant, and whether it is a confirming look, or one in a
    further slot of an announced peak, after the slot of that number."""

    check: str
    slot: int
    scheduled_at: int
    confirm: bool = False
    further: bool = False


class Assertion(NamedTuple):
    """One thing that a look was asked to check of what the target sent: its name as the configuration spells it,
    whether it held, and words for a person that hold no byte of the target's."""

    name: str
    passed: bool
    words: str


class Observation(NamedTuple):
    """What one probe saw, judged. `reason` is one of facts.FAIL_REASONS or VOID_REASONS; None on a pass.

    `at` is when the attempt began; `duration_ms` and phases from the monotonic clock. `attributes` are what only the
    live metrics show (HTTP version, redirects, TLS version, content length), by metric name, or `name/phase` where it
    is one of several. `assertions` are those that were come to, in the order of the configuration; one that was not
    reached is absent.
    """

    outcome: Outcome
    at: int
    duration_ms: float
    reason: str | None = None
    detail: str | None = None
    phases: Phases | None = None
    status: int | None = None
    ip: str | None = None
    certificate_expires: int | None = None
    attributes: Mapping[str, float | str] | None = None
    assertions: tuple[Assertion, ...] = ()


class Report(NamedTuple):
    """What a job says of itself: whether it failed, and words for a person; how long it ran, ms; the key that makes a
    second report the same one; and who sent it, None where that is nobody's vantage."""

    failed: bool = False
    detail: str | None = None
    duration_ms: float | None = None
    key: str | None = None
    source: str | None = None


class VitalReport(NamedTuple):
    """One report of a metric by a browser, taken in at `at` (UTC ms): `value` in ms, of CLS without a unit; `country`
    is None where it was not given; `trust` is how the sender showed whose it is.

    `key` stands for the metric and its id, which are forgotten with it after 48 h.
    """

    key: bytes
    metric: str
    value: float
    at: int
    country: str | None
    trust: str


KeepVitals = Callable[[Sequence[VitalReport]], Awaitable[int]]
"""Keeps reports, all or none, durably; answers how many came too late for their day. Raises StoreError."""


class RecordResults(Protocol):
    """What the prober gives its results to: kept in order, committed in groups, buffered while the store is away."""

    def put(self, result: Result) -> None: ...


Commit = Callable[[Sequence[AnyFact]], None]
"""Told of every group of new facts after it is durable."""

Sleep = Callable[[float], Awaitable[None]]
