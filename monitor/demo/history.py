"""Two months of history, as facts like any others: a maintenance that was announced in time, a provider's incident
that a check of our own corroborates, outages that nothing excuses, the last of them half an hour ago, a blip, and an
hour in which the monitor was away; what pages measured of their visitors, and tickets, two of them without a reply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from zoneinfo import ZoneInfo

from monitor.config import WrittenTerms
from monitor.facts import AnyFact, Fact, Json, Result
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period, format_instant, month_at
from monitor.wiring import terms_fact

EVERY = 2 * MINUTE
HOLD = 2 * EVERY + 10_000
LOCATION = "demo"

MEASURED_EVERY = 2 * HOUR
VITALS = {"LCP": (2500, 86, 0), "INP": (200, 76, 0), "CLS": (0.1, 62, 3)}
"""Each limit, how many of 100 samples are within it, and the digits of a value: one is met, one is close, one is
missed."""
_SPREAD = 37
"""Of samples in a row each is so far from the one before, in 100: prime to it, so that all are had in turn."""

TICKETS_EVERY = 9 * HOUR


def history(now: int, promised: WrittenTerms) -> list[AnyFact]:
    """Facts from the first of last month to a second ago, in order of recording, under terms that have not changed."""
    first = month_at(now, ZoneInfo("UTC")).shifted(-1).period(ZoneInfo("UTC")).start
    days = (now - first) // DAY
    maintained = _hours(first, days // 6, 3, 30 * MINUTE)
    provider = _hours(first, days // 3, 9, 14 * MINUTE)
    unexcused = _hours(first, days // 2, 15, 6 * MINUTE)
    blip = _hours(first, 2 * days // 3, 20, EVERY)
    away = _hours(first, 3 * days // 4, 5, HOUR)
    latest = Period(now - 50 * MINUTE, now - 30 * MINUTE)
    facts: Iterator[AnyFact] = chain(
        [replace(terms_fact(LOCATION, promised, first), recorded_at=first)],
        _results("web", Period(first, now), away, (maintained, provider, unexcused, blip, latest)),
        _results("edge", Period(first, now), away, (provider,)),
        _announced(maintained),
        _incident(provider),
        _measured(Period(first, now)),
        _tickets(Period(first, now)),
    )
    return sorted((fact for fact in facts if fact.recorded_at < now), key=lambda fact: fact.recorded_at)


def _hours(first: int, day: int, hour: int, length: int) -> Period:
    start = first + day * DAY + hour * HOUR
    return Period(start, start + length)


def _results(check: str, period: Period, away: Period, failing: tuple[Period, ...]) -> Iterator[Result]:
    for at in (*range(period.start, period.end - MINUTE, EVERY), period.end - SECOND):
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


def _measured(period: Period) -> Iterator[Fact]:
    """A sample of each Web Vital every two hours, and one just now: a month that has just begun has one as well."""
    moments = [*range(period.start, period.end - MINUTE, MEASURED_EVERY), period.end - MINUTE]
    for number, at in enumerate(moments):
        for metric, (limit, good, digits) in VITALS.items():
            place = number * _SPREAD % 100
            value = limit * (40 + 60 * place // good if place < good else 100 + 2 * (place - good + 1)) / 100
            yield Fact(
                "vital",
                at,
                {
                    "metric": metric,
                    "metric_id": f"v6-{metric}-{number}",
                    "value": round(value, digits) if digits else round(value),
                    "at": format_instant(at),
                },
            )


def _tickets(period: Period) -> Iterator[Fact]:
    """Every seventh is answered after three hours and so, if it is critical, too late; of the two that wait, one is."""
    for number, at in enumerate(range(period.start, period.end - DAY, TICKETS_EVERY)):
        replied = at + (3 * HOUR if number % 7 == 6 else 12 * MINUTE)
        yield from _ticket(f"{1001 + number}", "critical" if number % 3 == 0 else "normal", at, replied)
    yield from _ticket("2001", "critical", period.end - 40 * MINUTE, None)
    yield from _ticket("2002", "normal", period.end - 20 * MINUTE, None)


def _ticket(name: str, priority: str, received: int, replied: int | None) -> Iterator[Fact]:
    for recorded in (received, *(() if replied is None else (replied,))):
        said: dict[str, Json] = {
            "ticket": name,
            "customer": "acme",
            "priority": priority,
            "received_at": format_instant(received),
            "first_reply_at": None if recorded == received else format_instant(recorded),
        }
        yield Fact("ticket", recorded + MINUTE, said)
