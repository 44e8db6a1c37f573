"""A monitor's look at one of our checks, as a result of a vantage of its own (accounting.md section 2).

The vantage is the source's name, and behind a slash the place that the monitor looked from where it tells one: a
region, or a label's value. Every result has an id that says which look it is, so a look that is read twice (by the next
poll, after a restart, by `backfill`) is one fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from statistics import median_low

from monitor.ledger.period import SECOND, format_instant
from monitor.sources.kind import Watched


def vantage(source: str, place: str | None) -> str:
    """The vantage of a source, and of a place that it looks from."""
    return f"{source}/{place}" if place else source


def look_id(check: str, seen_from: str, at: int) -> str:
    """The id of a look that its monitor gives none: the vantage begins with the source's name."""
    return f"{seen_from}/{check}/{format_instant(at)}"


def between(instants: Iterable[int]) -> int | None:
    """From one look to the next, as the instants of looks show it, in ms; None where there are not two. In whole
    seconds: a monitor's own lateness is no part of its interval."""
    gaps = [later - earlier for earlier, later in pairwise(sorted(set(instants)))]
    return max(round(median_low(gaps), -3), SECOND) if gaps else None


def hold_ms(watched: Watched, between_ms: int | None, timeout_ms: int | None = None) -> int | None:
    """How long a look of a monitor holds: 2 x the time between two of them + the timeout, theirs or else the check's,
    and at most what the check allows. None: nobody knows how often it looks, so the check's own hold counts."""
    if between_ms is None:
        return None
    timeout = watched.timeout_ms if timeout_ms is None else timeout_ms
    return min(2 * between_ms + timeout, watched.longest_hold_ms)
