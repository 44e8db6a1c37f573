"""Worlds worked out by hand for coincidences that no random world meets: UTC, June 2026, one check without gaps."""

from __future__ import annotations

from tests.strategies.log import Fact
from tests.strategies.months import World
from tests.strategies.terms import Config

JUNE = "2026-06"
CHECK = {"name": "web", "http": {"url": "https://web.example.com/"}, "fall": 1}


def config(availability: dict[str, str]) -> Config:
    """One service under one policy."""
    return {
        "timezone": "UTC",
        "services": [{"name": "app", "checks": [CHECK]}],
        "policies": [{"effective_from": "2025-07-22", "availability": availability}],
    }


def look(at: str, outcome: str) -> Fact:
    """A result whose hold reaches beyond the month, recorded as it began."""
    return {
        "kind": "result",
        "recorded_at": at,
        "check": "web",
        "vantage": "london",
        "at": at,
        "outcome": outcome,
        "hold_ms": 40 * 86_400_000,
    }


# A thousandth of 720 h is 2,592 s: the cap is not strictly smaller, so the objective binds.
CAP_THAT_EQUALS_THE_PROMISE = World(
    config({"objective": "99.9%", "downtime_cap": "2592s"}),
    [look("2026-06-01T00:00:00.000Z", "pass")],
    JUNE,
    "2026-07-02T00:00:00.000Z",
)

# A hundredth of 720 h is 7 h 12 min. Down since 16:48 on the 30th, read at 23:00: 6 h 12 min gone, one hour left, and
# the rate of the last hour and of the last six is 1: gone at the month's end, which is not after it.
EXHAUSTED_AT_THE_VERY_END = World(
    config({"objective": "99%"}),
    [look("2026-06-01T00:00:00.000Z", "pass"), look("2026-06-30T16:48:00.000Z", "fail")],
    JUNE,
    "2026-06-30T23:00:00.000Z",
)

# The same, read at the month's end: the budget is spent to the last ms, nothing is overspent, and the outage goes on.
SPENT_TO_THE_LAST = World(
    EXHAUSTED_AT_THE_VERY_END.config, EXHAUSTED_AT_THE_VERY_END.facts, JUNE, "2026-07-01T00:00:00.000Z"
)

# A budget overspent days ago, with nothing down in any window: exhausted, though the rate is 0.
OVERSPENT_AND_QUIET = World(
    config({"objective": "99.9%"}),
    [
        look("2026-06-01T00:00:00.000Z", "pass"),
        look("2026-06-02T00:00:00.000Z", "fail"),
        look("2026-06-02T01:00:00.000Z", "pass"),
    ],
    JUNE,
    "2026-06-20T00:00:00.000Z",
)

ALL = (CAP_THAT_EQUALS_THE_PROMISE, EXHAUSTED_AT_THE_VERY_END, SPENT_TO_THE_LAST, OVERSPENT_AND_QUIET)
