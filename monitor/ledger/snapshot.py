"""What one evaluation gives to everything that shows it: immutable, made from facts, for one `as_of`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from monitor.facts import Json, Result
from monitor.ledger.calendar import Class
from monitor.ledger.decimals import Ratio
from monitor.ledger.interval import Spans
from monitor.ledger.peaks import PeakView
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, Period
from monitor.ledger.terms import VitalLimit

Verdict = Literal["met", "met_unproven", "breached", "on_track"]

WINDOWS: Mapping[str, int] = {
    "5m": 5 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "6h": 6 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
}
"""Burn windows, in ms (accounting.md section 7)."""

EXHAUSTION_WINDOWS = ("1h", "6h", "3d")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Milliseconds of one period by account; they add up to its length (section 6). `excused` has all five classes."""

    month: int
    up: int
    down: int
    unknown: int
    pending: int
    excused: Mapping[str, int]

    @property
    def excused_total(self) -> int:
        return sum(self.excused.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """Every figure of section 6 for one service and month.

    Amounts in ms; ratios exact, None where the denominator is 0.
    """

    service: str
    month: Month
    period: Period
    as_of: int
    accounts: Accounts
    third_party_corroborated: int
    third_party_declared: int
    down_shortest: int
    down_longest: int
    excused_shortest: int
    excused_longest: int
    objective: Fraction
    base: int
    budget: int
    budget_bound_by: Literal["objective", "downtime_cap"]
    remaining: int
    burned: Ratio | None
    published: Ratio | None
    gross: Ratio | None
    windows_removed: Ratio | None
    worst: Ratio | None
    best: Ratio | None
    coverage: Ratio | None
    verdict: Verdict
    final: bool = False


@dataclass(frozen=True, slots=True)
class Burn:
    """Section 7 at `as_of`, by window name. `error_ratio` is D_w / max(w - E_w - U_w, w/2); exhaustion in instants."""

    rate: Mapping[str, Ratio | None]
    error_ratio: Mapping[str, Ratio]
    exhaustion: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class NextMaintenance:
    """The next announced window of a service: when it starts, how much notice it had (ms), and who said so."""

    source: str
    start: int
    notice: int


@dataclass(frozen=True, slots=True)
class ActiveExclusion:
    """An exclusion that is granted at `as_of`."""

    exclusion: str
    klass: str
    source: str


class Day(NamedTuple):
    """A local date (`2026-03-07`) of one service, its ms by account."""

    date: str
    down: int = 0
    excused: int = 0
    unknown: int = 0
    up: int = 0
    pending: int = 0

    @property
    def worst(self) -> str:
        """The worst account that the day holds any time of."""
        shown = (("down", self.down), ("excused", self.excused), ("unknown", self.unknown), ("up", self.up))
        return next((account for account, ms in shown if ms), "pending")


@dataclass(frozen=True, slots=True)
class Announced:
    """A maintenance that is announced and not over: what its newest revision says, with the notice (ms) that counts.

    `excuses` is whether any of it would excuse downtime.
    """

    id: str
    start: int
    end: int
    notice: int
    excuses: bool
    source: str
    title: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident of a provider that goes on now: the components that it disturbs with the severity of each, since
    when, and the services that depend on one of them."""

    provider: str
    incident: str
    components: Mapping[str, int]
    since: int
    services: frozenset[str]
    title: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Recent:
    """What lies behind the figures of a service's newest months: its days, its outages (excused or not), and the
    maintenances to come."""

    days: tuple[Day, ...] = ()
    outages: tuple[Period, ...] = ()
    announced: tuple[Announced, ...] = ()


@dataclass(frozen=True, slots=True)
class PastMonth:
    """A month that is over as the page shows it: the closed revision, or the draft of one that is not closed.

    `statement` has the fields of that name in a statement that the page shows, and of each outage `id`, `start`, `end`;
    None: it is closed, and what its facts give now is not what was closed. `closed_at` None: not closed.
    """

    service: str
    month: Month
    statement: Mapping[str, Json] | None
    days: tuple[Day, ...] = ()
    closed_at: int | None = None
    revision: int = 0


def nothing_recent() -> Recent:
    """Of a service of which nothing is known."""
    return Recent()


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service now: the running month first, then the month before it.

    `up` is None when unknown; `since` is when the state that holds now began, None when unknown. `recent` is worked out
    when it is asked for: an evaluation has no time for it. `lately` is when it was DOWN in the last day, excused or
    not.
    """

    service: str
    title: str
    public: bool
    up: bool | None
    months: tuple[Figures, ...]
    burn: Burn
    active: tuple[ActiveExclusion, ...] = ()
    next_maintenance: tuple[NextMaintenance, ...] = ()
    since: int | None = None
    recent: Callable[[], Recent] = field(default=nothing_recent, compare=False, repr=False)
    lately: Spans = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WarnLimits:
    """What a look of a check is warned of and not failed for, ms: a certificate that ends sooner, a longer look."""

    certificate_ms: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest scheduled result of a check at a vantage. Its hold lasts until `covers_until` (an instant)."""

    service: str
    target: str
    result: Result
    covers_until: int
    warn: WarnLimits = WarnLimits()


Used = Literal["0", "50", "80", "100"]
USED: tuple[Used, ...] = get_args(Used)
"""How much of a ticket's time is used, in percent: at least so much, and less than the next; over all of it."""


@dataclass(frozen=True, slots=True)
class Answering:
    """How it stands with response times, by priority and class. `waiting` are tickets without a first reply by how much
    of their time is used; `oldest_due` is when the first of them is due (an instant); `late` are those of the running
    month."""

    waiting: Mapping[tuple[str, Class, Used], int] = field(default_factory=dict)
    oldest_due: Mapping[tuple[str, Class], int] = field(default_factory=dict)
    late: Mapping[tuple[str, Class], int] = field(default_factory=dict)

    @property
    def open(self) -> Mapping[tuple[str, Class], int]:
        """How many wait in all."""
        found: Counter[tuple[str, Class]] = Counter()
        for (priority, klass, _), count in self.waiting.items():
            found[priority, klass] += count
        return found


VitalVerdict = Literal["met", "missed", "insufficient", "no_data"]
Confidence = Literal["clear", "borderline"]


@dataclass(frozen=True, slots=True)
class VitalFigures:
    """A Web Vital over a `window`, month or 28d. `result` is the percentile as it is printed (ms, or a score), None
    without a sample; `confidence` None without a verdict. `percentile` is the promised one, 1 to 99."""

    metric: str
    window: str
    limit: VitalLimit
    samples: int
    good: int
    result: Decimal | None
    verdict: VitalVerdict
    confidence: Confidence | None
    percentile: int


@dataclass(frozen=True, slots=True)
class Obligations:
    """What the running month and the one before come to (commitments.md section 3): breaches by commitment; by customer
    the part of the fee that they are worth, and whether there is a right to terminate. Where nobody knows, there is
    nothing."""

    breaches: Mapping[tuple[str, Month], int] = field(default_factory=dict)
    credit_ratio: Mapping[tuple[str, Month], Ratio] = field(default_factory=dict)
    termination_right: Mapping[tuple[str, Month], bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One evaluation: everything that `/metrics` and the status page show of facts.

    `closed` is the newest revision of each service and month (`2026-02`) that is closed.
    """

    as_of: int
    services: tuple[ServiceView, ...]
    newest: tuple[Newest, ...]
    severities: Mapping[tuple[str, str], int]
    void_ms: Mapping[tuple[str, str], int]
    answering: Answering = Answering()
    vitals: tuple[VitalFigures, ...] = ()
    peaks: tuple[PeakView, ...] = ()
    obligations: Obligations = Obligations()
    incidents: tuple[OpenIncident, ...] = ()
    closed: Mapping[tuple[str, str], int] = field(default_factory=dict)
