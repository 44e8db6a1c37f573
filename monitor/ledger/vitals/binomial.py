"""Exact binomial tails: where a share of good samples can no longer be told from the one that is promised.

The closed 95 % Clopper-Pearson interval of good/n holds p exactly when neither tail of Binomial(n, p) at `good` is
under 1/40; the ranks of the 95 % interval of a percentile are the same two counts. Nothing is rounded: large samples
are summed between bounds, with more digits until the answer is certain.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from math import comb
from typing import NamedTuple

SIDES = 40
"""A tail under 1/40 is outside a two-sided interval of 95 %."""

EXACT = 300
"""Up to so many samples the tails are summed as integers."""

_PRECISIONS = (64, 256, 1024)  # bits; the first is enough unless a tail is within 2^-40 of 1/40
_NEGLIGIBLE = 16  # bits: smaller terms are not summed but bounded


class Cutoffs(NamedTuple):
    """Counts of good samples whose interval leaves the promised share out: up to `low`, and from `high` on.

    -1 and n + 1 where there is none.
    """

    low: int
    high: int


@lru_cache(maxsize=1024)
def cutoffs(samples: int, percentile: int) -> Cutoffs:
    """For a share of so many percent among so many samples."""
    if samples > EXACT:
        for precision in _PRECISIONS:
            found = _bounded(samples, percentile, precision)
            if found is not None:
                return found
    return _summed(samples, percentile)


def is_borderline(good: int, samples: int, percentile: int) -> bool:
    """Whether the interval of good/samples contains the promised share."""
    away = 100 * good - percentile * samples
    if away * away > 18_450 * samples:  # Hoeffding: exp(-2 t^2 / n) < 1/40 once t^2 > 1.845 n
        return False
    low, high = cutoffs(samples, percentile)
    return low < good < high


def _summed(samples: int, percentile: int) -> Cutoffs:
    terms = [comb(samples, k) * percentile**k * (100 - percentile) ** (samples - k) for k in range(samples + 1)]
    whole: int = 100**samples
    low = sum(1 for tail in accumulate(terms) if SIDES * tail < whole) - 1
    high = samples + 1 - sum(1 for tail in accumulate(reversed(terms)) if SIDES * tail < whole)
    return Cutoffs(low, high)


class _Side(NamedTuple):
    """Terms from the mode outwards, each between two bounds; what lies further out is at most `rest`."""

    least: list[int]
    most: list[int]
    rest: int


def _bounded(samples: int, percentile: int, precision: int) -> Cutoffs | None:
    """None where the bounds are too far apart to tell."""
    mode = min(samples, (samples + 1) * percentile // 100)
    unit = 1 << precision
    down = _outwards(mode, samples - mode, (100 - percentile, percentile), unit)
    up = _outwards(samples - mode, mode, (percentile, 100 - percentile), unit)
    whole = (
        sum(down.least) + sum(up.least) - unit,
        sum(down.most) + sum(up.most) - unit + down.rest + up.rest,
    )
    below, above = _reach(down, whole), _reach(up, whole)
    if below is None or above is None:
        return None
    return Cutoffs(mode - below, mode + above)


def _outwards(left: int, gone: int, odds: tuple[int, int], unit: int) -> _Side:
    """Terms relative to the mode's, which is `unit`: each is the one before times left/(gone+1) times the odds."""
    least, most = [unit], [unit]
    while left and most[-1] >> _NEGLIGIBLE:
        times, over = left * odds[0], (gone + 1) * odds[1]
        least.append(least[-1] * times // over)
        most.append(-(-most[-1] * times // over))
        left, gone = left - 1, gone + 1
    times, over = left * odds[0], (gone + 1) * odds[1]
    rest = -(-most[-1] * times // (over - times)) if left else 0  # a geometric series: the factor only falls
    return _Side(least, most, rest)


def _reach(side: _Side, whole: tuple[int, int]) -> int | None:
    """How far from the mode the tail is under 1/40; None where that is not certain."""
    least, most = 0, side.rest
    for distance in reversed(range(len(side.least))):
        least, most = least + side.least[distance], most + side.most[distance]
        if SIDES * most >= whole[0]:
            return distance + 1 if SIDES * least >= whole[1] else None
    return None
