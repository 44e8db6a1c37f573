"""The verdict on a window of samples (commitments.md section 1): from exact counts, never from the histogram.

The printed percentile comes from the histogram and is cut to the side of the limit on which the counts have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from monitor.ledger.snapshot import Confidence, VitalVerdict
from monitor.ledger.terms import VitalLimit, VitalsPromise
from monitor.ledger.vitals.binomial import cutoffs, is_borderline
from monitor.ledger.vitals.histogram import estimate
from monitor.ledger.vitals.tally import Tally

STEPS: Mapping[str, Decimal] = {"LCP": Decimal("0.1"), "INP": Decimal("0.1"), "CLS": Decimal("0.0001")}
"""What a value is printed to: finer than any browser reports, coarser than the histogram knows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric over some days. `days` is how many of them have a sample."""

    metric: str
    promise: VitalsPromise
    tally: Tally
    days: int

    @property
    def limit(self) -> VitalLimit:
        return self.promise.limits[self.metric]

    @property
    def samples(self) -> int:
        return self.tally.samples

    @property
    def good(self) -> int:
        return self.tally.good

    @property
    def rank(self) -> int:
        """That of the percentile: so many samples must be good."""
        return -(-self.promise.percentile * self.samples // 100)

    @property
    def verdict(self) -> VitalVerdict:
        if not self.samples:
            return "no_data"
        if self.samples < self.promise.min_samples:
            return "insufficient"
        return "met" if self.good >= self.rank else "missed"

    @property
    def confidence(self) -> Confidence | None:
        """Whether the 95 % interval of the good share leaves the promised one out; None without a verdict."""
        if self.verdict not in ("met", "missed"):
            return None
        return "borderline" if is_borderline(self.good, self.samples, self.promise.percentile) else "clear"

    def result(self) -> Decimal | None:
        """The percentile by nearest rank, as it is printed; None without a sample."""
        return self._at(self.rank) if self.samples else None

    def interval(self) -> tuple[Decimal, Decimal] | None:
        """The order statistics that hold the percentile in 95 of 100; None for so few samples that none do."""
        low, high = cutoffs(self.samples, self.promise.percentile) if self.samples else (-1, 1)
        return (self._at(low + 1), self._at(high)) if low >= 0 and high <= self.samples else None

    def _at(self, rank: int) -> Decimal:
        """The value at a rank: as the histogram has it, but on the side of the limit where the counts have it."""
        step = STEPS[self.metric]
        found = _printed(self._estimate(rank), step)
        edge = _printed(self.limit.value, step)
        if rank <= self.good:
            while not self.limit.holds(edge) and edge > 0:
                edge -= step
            return min(found, edge)
        while self.limit.holds(edge):
            edge += step
        return max(found, edge)

    def _estimate(self, rank: int) -> Fraction:
        reached = self.tally.zero
        index = None
        for index in sorted(self.tally.buckets) if reached < rank else ():
            reached += self.tally.buckets[index]
            if reached >= rank:
                break
        return estimate(index)


def _printed(value: Fraction, step: Decimal) -> Decimal:
    places = -int(step.as_tuple().exponent)
    scaled = (value.numerator * 10**places * 2 + value.denominator) // (value.denominator * 2)  # half up
    return Decimal(scaled).scaleb(-places)
