"""Announced peaks: what was announced, what the policy asks of it, and the shape of a service's figures in one
(commitments.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, cast

from monitor.errors import InputError
from monitor.facts import Fact
from monitor.ledger.decimals import Ratio
from monitor.ledger.interval import Spans
from monitor.ledger.period import DAY, HOUR, Period, month_at, parse_instant
from monitor.ledger.terms import PeakTerms, Terms, policy_for

LONGEST_EVENT_MS = 31 * DAY


class TrafficEvent(NamedTuple):
    """A customer's announced peak, as its newest recorded fact has it. Instants in UTC ms."""

    event: str
    customer: str
    start: int
    end: int
    notified_at: int
    factor: Fraction
    recorded_at: int
    author: str

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)

    @property
    def notice_ms(self) -> int:
        """How long before its start the customer gave notice; negative when after."""
        return self.start - self.notified_at


def traffic_events(facts: Iterable[Fact]) -> list[TrafficEvent]:
    """Every event that is to be, in order of start, from `traffic_event` facts in order of recording. The newest of
    each stands; one that ends when it starts is cancelled, and one of over 31 days, which a log of before may hold, is
    none: it would be booked hour by hour."""
    newest = {cast(str, fact.fields["event"]): fact for fact in facts if fact.kind == "traffic_event"}
    events = [_event(fact) for fact in newest.values() if not is_cancelled(fact)]
    bounded = (event for event in events if event.end - event.start <= LONGEST_EVENT_MS)
    return sorted(bounded, key=lambda event: (event.start, event.event))


def is_cancelled(fact: Fact) -> bool:
    """Whether a `traffic_event` says that there is none any more: it takes no time."""
    return fact.fields["end"] == fact.fields["start"]


def _event(fact: Fact) -> TrafficEvent:
    start, end, notified_at = (parse_instant(cast(str, fact.fields[name])) for name in ("start", "end", "notified_at"))
    return TrafficEvent(
        event=cast(str, fact.fields["event"]),
        customer=cast(str, fact.fields["customer"]),
        start=start,
        end=end,
        notified_at=notified_at,
        factor=Fraction(str(fact.fields["expected_factor"])),
        recorded_at=fact.recorded_at,
        author=cast(str, fact.fields.get("author") or (fact.source or "").removeprefix("person:")),
    )


def peak_terms(terms: Terms, event: TrafficEvent) -> PeakTerms:
    """What the policy of the month that the event starts in says of peaks; section 4's own figures where none does."""
    try:
        policy = policy_for(terms.policies, month_at(event.start, terms.zone))
    except InputError:
        return PeakTerms()
    return policy.peaks or PeakTerms()


class Shortfalls(NamedTuple):
    """What of an announcement the policy asks for and it lacks; neither keeps it from being an event."""

    late: bool
    below_factor: bool


def shortfalls(event: TrafficEvent, asked: PeakTerms) -> Shortfalls:
    """Late is notice under the policy's; the expected factor is to be above the policy's, not at it."""
    return Shortfalls(event.notice_ms < asked.notice_ms, event.factor <= asked.factor)


@dataclass(frozen=True, slots=True)
class PeakFigures:
    """One service in a window of an event, by account; amounts in ms. They add up to the window.

    `budget` is the promised part of the time that counts, floored; `down_spans` is when nothing excused it. The error
    rate is downtime as a part of the time until `as_of` that counts; None where there is none.
    """

    service: str
    period: Period
    as_of: int
    up: int
    down: int
    excused: int
    unknown: int
    pending: int
    budget: int
    down_spans: Spans
    outages: Spans

    @property
    def remaining(self) -> int:
        return self.budget - self.down

    @property
    def burned(self) -> Ratio | None:
        """Downtime as a part of the budget; None where the budget is 0."""
        return Ratio(self.down, self.budget) if self.budget else None

    @property
    def error_rate(self) -> Ratio | None:
        counted = self.up + self.down
        return Ratio(self.down, counted) if counted else None


class ErrorCount(NamedTuple):
    """How many events of the app Sentry received from `since` until `until`, UTC ms, which are apart."""

    since: int
    until: int
    events: int


class Errors(NamedTuple):
    """What Sentry counted for a peak, in hours of its own, which are those of UTC: in the last one before that of the
    start, in those that the peak touches, and in the newest of these. None: not known."""

    before: ErrorCount | None = None
    during: ErrorCount | None = None
    newest: ErrorCount | None = None


class PeakView(NamedTuple):
    """An event as one evaluation sees it: what is asked of it, the services it is about, and the figures of each: of
    the whole once it has begun, of the last whole hour once there is one. `errors` None: no Sentry is asked."""

    event: TrafficEvent
    asked: PeakTerms
    services: tuple[str, ...]
    figures: tuple[PeakFigures, ...] = ()
    last_hour: tuple[PeakFigures, ...] = ()
    errors: Errors | None = None

    @property
    def shortfalls(self) -> Shortfalls:
        return shortfalls(self.event, self.asked)


def hours_of(window: Period) -> Iterator[Period]:
    """The window in hours from its start; the last one may be shorter."""
    for start in range(window.start, window.end, HOUR):
        yield Period(start, min(start + HOUR, window.end))
