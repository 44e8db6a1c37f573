"""What is counted of the samples of one metric, day and country, and the `vitals_day` fact that keeps it.

A day is a date of the SLA's calendar: that of the terms' zone when its first report came. Its fact is recorded 48 h
after it; counts are exact, under the limit that was promised for its month, and the fact says which that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

from monitor.errors import InputError
from monitor.facts import Fact, Json
from monitor.ledger.period import HOUR, Month, midnight
from monitor.ledger.terms import SHOPIFYS, Terms, VitalLimit, VitalsPromise, policy_for
from monitor.ledger.vitals.histogram import bucket, is_within

METRICS = ("LCP", "INP", "CLS")
"""What is promised, in the order of the statement."""

POOR: Mapping[str, Fraction] = {"LCP": Fraction(4000), "INP": Fraction(500), "CLS": Fraction(1, 4)}
"""Above these a sample is poor (web-vitals 6.2.3: `LCPThresholds` and its like); it needs improvement up to them."""

NOWHERE = "ZZ"
"""The country of a sample that came without one (ISO 3166: user-assigned)."""

OPEN_MS = 48 * HOUR
"""How long after a day its fact is recorded; until then a sample of it may still get its last report."""

COUNTRIES = 4
"""Countries of a day and metric that keep a tally of their own, those with the most samples; the others are counted
together as `ZZ`. Each adds a histogram to what a day takes for ever."""

Band = Literal["good", "needs_improvement", "poor"]


class Cell(NamedTuple):
    """What a tally is of. `day` is spelled as a date: 2026-06-03."""

    metric: str
    day: str
    country: str


class Placed(NamedTuple):
    """Where a value counts: its band, and its bucket (None is that of zero)."""

    band: Band
    bucket: int | None


def place(metric: str, value: Decimal, limit: VitalLimit) -> Placed:
    """Exact: the value as it was reported against the limit as it was promised."""
    if limit.holds(value):
        return Placed("good", bucket(value))
    return Placed("poor" if value > POOR[metric] else "needs_improvement", bucket(value))


@dataclass(slots=True)
class Tally:
    """Exact counts, and a histogram: how many values are in each bucket, and how many are zero."""

    good: int = 0
    needs_improvement: int = 0
    poor: int = 0
    zero: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return self.good + self.needs_improvement + self.poor

    def add(self, placed: Placed, count: int = 1) -> None:
        """Counts so many samples more; a negative count takes back what was counted."""
        match placed.band:
            case "good":
                self.good += count
            case "needs_improvement":
                self.needs_improvement += count
            case "poor":
                self.poor += count
        self._add_to_bucket(placed.bucket, count)

    def merge(self, other: Tally) -> None:
        """Counts all that the other counts."""
        self.good += other.good
        self.needs_improvement += other.needs_improvement
        self.poor += other.poor
        self._add_to_bucket(None, other.zero)
        for index, count in other.buckets.items():
            self._add_to_bucket(index, count)

    def _add_to_bucket(self, index: int | None, count: int) -> None:
        if index is None:
            self.zero += count
            return
        now = self.buckets.get(index, 0) + count
        if now:
            self.buckets[index] = now
        else:
            self.buckets.pop(index, None)


Tallies = Mapping[Cell, Tally]


def merged(tallies: Iterable[Tally]) -> Tally:
    """One tally of all of them; they stay as they are."""
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total


def promise_on(terms: Terms, day: str) -> VitalsPromise:
    """What the policy of the day's month promises; where none does, what Shopify asks: samples are kept anyhow."""
    on = date.fromisoformat(day)
    try:
        policy = policy_for(terms.policies, Month(on.year, on.month))
    except InputError:
        return SHOPIFYS
    return policy.vitals or SHOPIFYS


def due(day: str, zone: ZoneInfo) -> int:
    """The instant from which the day's facts are recorded: 48 h after its last local midnight."""
    return midnight(date.fromisoformat(day) + timedelta(days=1), zone) + OPEN_MS


def day_fields(tallies: Tallies, terms: Terms) -> list[dict[str, Json]]:
    """The fields of the `vitals_day` facts of these cells, in order of metric, day and country.

    A cell is recorded once: its `id` is made of nothing else. Give all countries of a metric and day together, and
    with them the `vital` facts of that day that the log holds: once a day is recorded, no `vital` of it counts.
    """
    kept = _largest(tallies)
    return [_fields(cell, kept[cell], promise_on(terms, cell.day).limits[cell.metric]) for cell in sorted(kept)]


def _fields(cell: Cell, tally: Tally, limit: VitalLimit) -> dict[str, Json]:
    return {
        "metric": cell.metric,
        "day": cell.day,
        "country": cell.country,
        "good": tally.good,
        "needs_improvement": tally.needs_improvement,
        "poor": tally.poor,
        "buckets": {str(index): tally.buckets[index] for index in sorted(tally.buckets)},
        "zero": tally.zero,
        "limit": str(limit),
        "id": day_id(cell),
    }


def day_id(cell: Cell) -> str:
    """The `id` of the fact that is made of a cell's samples."""
    return f"vitals/{cell.metric}/{cell.day}/{cell.country}"


def _largest(tallies: Tallies) -> Tallies:
    """The same, with the smaller countries of a day and metric in one where there are too many."""
    days: dict[tuple[str, str], list[Cell]] = {}
    for cell in tallies:
        days.setdefault((cell.metric, cell.day), []).append(cell)
    kept: dict[Cell, Tally] = {}
    for (metric, day), cells in days.items():
        named = sorted((cell for cell in cells if cell.country != NOWHERE), key=lambda c: (-tallies[c].samples, c))
        kept.update((cell, tallies[cell]) for cell in named[:COUNTRIES])
        others = [*named[COUNTRIES:], *(cell for cell in cells if cell.country == NOWHERE)]
        if others:
            kept[Cell(metric, day, NOWHERE)] = merged(tallies[cell] for cell in others)
    return kept


def cell_of(fact: Fact) -> Cell:
    """What a `vitals_day` fact is about."""
    metric, day, country = (cast(str, fact.fields[name]) for name in ("metric", "day", "country"))
    return Cell(metric, day, country)


def tally_of(fact: Fact, limit: VitalLimit) -> Tally:
    """What a `vitals_day` fact counts, under this limit.

    One that was counted under another limit is counted again from its buckets: the bucket that the limit lies in holds
    no good sample, since nobody can say how many of it were.
    """
    fields = cast("Mapping[str, int]", fact.fields)
    buckets = {int(index): count for index, count in cast("dict[str, int]", fact.fields["buckets"]).items() if count}
    tally = Tally(fields["good"], fields["needs_improvement"], fields["poor"], fields["zero"], buckets)
    told = fact.fields.get("limit")
    if isinstance(told, str) and told != str(limit):
        _count_again(tally, limit)
    return tally


def _count_again(tally: Tally, limit: VitalLimit) -> None:
    or_equal = limit.comparison == "<="
    good = sum(count for index, count in tally.buckets.items() if is_within(index, limit.value, or_equal=or_equal))
    good += tally.zero if is_within(None, limit.value, or_equal=or_equal) else 0
    poor = min(tally.poor, tally.samples - good)
    tally.good, tally.needs_improvement, tally.poor = good, tally.samples - good - poor, poor
