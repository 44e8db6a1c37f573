"""The contract's section on Web Vitals by definition: values kept in lists, and counted one by one. No code shared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil, comb
from zoneinfo import ZoneInfo

POOR = {"LCP": Fraction(4000), "INP": Fraction(500), "CLS": Fraction(1, 4)}


@dataclass(frozen=True)
class Said:
    """One report: `value` as it was written, `at` in ms, `country` or nothing."""

    metric: str
    metric_id: str
    value: str
    at: int
    country: str | None = None


Cells = dict[tuple[str, str, str], list[Fraction]]


def cells(reports: list[Said], zone: ZoneInfo) -> Cells:
    """Values by metric, local day and country; reports in order of recording."""
    found: Cells = {}
    for metric, name in dict.fromkeys((report.metric, report.metric_id) for report in reports):
        told = [report for report in reports if (report.metric, report.metric_id) == (metric, name)]
        earliest, latest = min(report.at for report in told), max(report.at for report in told)
        first = next(report for report in told if report.at == earliest)
        last = [report for report in told if report.at == latest][-1]
        day = datetime.fromtimestamp(first.at / 1000, UTC).astimezone(zone).date().isoformat()
        found.setdefault((metric, day, first.country or "ZZ"), []).append(Fraction(last.value))
    return found


def bands(metric: str, values: list[Fraction], limit: Fraction, *, or_equal: bool) -> Counter[str]:
    """How many are good, need improvement, or are poor."""
    found: Counter[str] = Counter()
    for value in values:
        if value < limit or (or_equal and value == limit):
            found["good"] += 1
        else:
            found["poor" if value > POOR[metric] else "needs_improvement"] += 1
    return found


def rank(values: list[Fraction], percentile: int) -> Fraction:
    """Nearest rank."""
    return sorted(values)[ceil(Fraction(percentile, 100) * len(values)) - 1]


def tail_at_most(count: int, samples: int, share: Fraction) -> Fraction:
    """P(X <= count), X binomial."""
    return sum(
        (comb(samples, k) * share**k * (1 - share) ** (samples - k) for k in range(count + 1)), start=Fraction(0)
    )


def tail_at_least(count: int, samples: int, share: Fraction) -> Fraction:
    """P(X >= count), X binomial."""
    return 1 - tail_at_most(count - 1, samples, share)


def is_borderline(good: int, samples: int, share: Fraction) -> bool:
    """Whether the closed 95 % Clopper-Pearson interval of good/samples contains the share."""
    lower, upper = tail_at_least(good, samples, share), tail_at_most(good, samples, share)
    return lower >= Fraction(1, 40) and upper >= Fraction(1, 40)
