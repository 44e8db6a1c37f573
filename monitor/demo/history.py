"""Two months of history, as facts like any others: a maintenance that was announced in time, a provider's incident
that a check of our own corroborates, an outage that nothing excuses, a blip, and an hour in which the monitor was away.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from zoneinfo import ZoneInfo

from monitor.facts import AnyFact, Fact, Result
from monitor.ledger.period import DAY, HOUR, MINUTE, Period, format_instant, month_at

EVERY = 2 * MINUTE
HOLD = 2 * EVERY + 10_000
LOCATION = "demo"


def history(now: int) -> list[AnyFact]:
    """Facts from the first of last month to a minute ago, in order of recording."""
    first = month_at(now, ZoneInfo("UTC")).shifted(-1).period(ZoneInfo("UTC")).start
    days = (now - first) // DAY
    end = now - EVERY
    maintained = _hours(first, days // 6, 3, 30 * MINUTE)
    provider = _hours(first, days // 3, 9, 14 * MINUTE)
    unexcused = _hours(first, days // 2, 15, 6 * MINUTE)
    blip = _hours(first, 2 * days // 3, 20, EVERY)
    away = _hours(first, 3 * days // 4, 5, HOUR)
    facts: Iterator[AnyFact] = chain(
        _results("web", Period(first, end), away, (maintained, provider, unexcused, blip)),
        _results("edge", Period(first, end), away, (provider,)),
        _announced(maintained),
        _incident(provider),
    )
    return sorted((fact for fact in facts if fact.recorded_at < now), key=lambda fact: fact.recorded_at)


def _hours(first: int, day: int, hour: int, length: int) -> Period:
    start = first + day * DAY + hour * HOUR
    return Period(start, start + length)


def _results(check: str, period: Period, away: Period, failing: tuple[Period, ...]) -> Iterator[Result]:
    for at in range(period.start, period.end, EVERY):
        if away.start <= at < away.end:
            if at == away.start:
                yield Result(away.end, check, LOCATION, at, "void", hold_ms=away.end - at, reason="self_down")
            continue
        if any(start <= at < end for start, end in failing):
            yield Result(at + 120, check, LOCATION, at, "fail", hold_ms=HOLD, reason="http_status", status=503)
        else:
            yield Result(at + 120, check, LOCATION, at, "pass", hold_ms=HOLD, duration_ms=12, status=200)


def _announced(window: Period) -> Iterator[Fact]:
    announced = window.start - 3 * DAY
    yield Fact(
        "maintenance",
        announced + MINUTE,
        {
            "maintenance": "database-upgrade",
            "announced_at": format_instant(announced),
            "start": format_instant(window.start),
            "end": format_instant(window.end),
            "title": "Database upgrade",
            "url": "https://status.example.com/maintenance/database-upgrade",
            "source": "own-page",
        },
    )


def _incident(window: Period) -> Iterator[Fact]:
    yield Fact(
        "incident",
        window.start + 5 * MINUTE,
        {
            "provider": "cloudflare",
            "incident": "edge-errors",
            "components": {
                "CDN": [
                    [format_instant(window.start), "major_outage"],
                    [format_instant(window.end), "operational"],
                ]
            },
            "title": "Elevated errors at the edge",
            "url": "https://www.cloudflarestatus.com/incidents/edge-errors",
            "source": "cloudflare-status",
        },
    )
