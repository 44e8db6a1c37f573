"""`minutebook demo`: two months of history and an app that fails on purpose, on this machine alone.

The history is facts like any others: a maintenance that was announced in time, a provider's incident that a check of
our own corroborates, an outage that nothing excuses, a blip, and an hour in which the monitor was away.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from monitor.facts import AnyFact, Fact, Result
from monitor.interfaces import Clock
from monitor.ledger.period import DAY, HOUR, MINUTE, Period, format_instant, month_at

EVERY = MINUTE
HOLD = 2 * EVERY + 10_000
FAILS_FOR_S = 12
FAILS_EVERY_S = 45
LOCATION = "demo"

CONFIGURATION = """\
timezone: UTC
location: demo
storage: sqlite:///demo.db
server: {{listen: "127.0.0.1:{port}"}}
probing: {{confirm_after: 500ms}}
services:
  - name: app
    title: An app that fails on purpose
    public: true
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:{app_port}/health"}}, interval: 2s, timeout: 1s}}
      - name: edge
        http: {{url: "http://127.0.0.1:{app_port}/edge"}}
        interval: 10s
        timeout: 1s
        role: corroboration
policies:
  - effective_from: 2020-01-01
    availability: {{objective: 99.9%, downtime_cap: 43m}}
    third_party: {{providers: [cloudflare], corroborated_by: {{cloudflare: [edge]}}}}
"""


def write_configuration(folder: Path, port: int, app_port: int) -> Path:
    """The demo's configuration in a folder, for a daemon and an app on these ports of 127.0.0.1."""
    path = folder / "minutebook.yaml"
    path.write_text(CONFIGURATION.format(port=port, app_port=app_port), encoding="utf-8")
    return path


def failing_app(clock: Clock) -> web.Application:
    """Answers 503 for FAILS_FOR_S seconds of every FAILS_EVERY_S on /health, and is always well on /edge."""
    started_ns = clock.monotonic_ns()

    async def health(_: web.Request) -> web.Response:
        second = (clock.monotonic_ns() - started_ns) // 1_000_000_000 % FAILS_EVERY_S
        failing = second >= FAILS_EVERY_S - FAILS_FOR_S
        return web.Response(status=503 if failing else 200, text="failing on purpose" if failing else "ok")

    async def edge(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/edge", edge)
    return app


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
