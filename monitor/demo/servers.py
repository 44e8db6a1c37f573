"""What the demo's daemon looks at: an app that fails for a while in every cycle, and two pages that speak Statuspage's
API v2. Every third cycle is the provider's: its edge fails from its first moment to its last, its page says so, and the
app fails for that reason. Where people log in it is slow while the edge fails. Our own page announces a maintenance
three days ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from aiohttp import web

from monitor.facts import Json
from monitor.interfaces import Clock
from monitor.ledger.period import DAY, HOUR, SECOND, Period, format_instant

CYCLE = 45 * SECOND
FAILS_FOR = 12 * SECOND
PROVIDERS = 3
"""Every so many cycles are the provider's: the second, the fifth and so on."""

SLOW_S = 0.2

CDN, APP = "cdn", "app"
_SHOWN = 50


def site(clock: Clock) -> web.Application:
    """The app under /health, /login and /edge, the provider's page under /cloudflare, our own under /own."""
    started = clock.now()

    def edge_fails() -> bool:
        return _is_providers((clock.now() - started) // CYCLE)

    async def health(_: web.Request) -> web.Response:
        failing = (clock.now() - started) % CYCLE >= CYCLE - FAILS_FOR
        return web.Response(status=503 if failing else 200, text="failing on purpose" if failing else "ok")

    async def login(_: web.Request) -> web.Response:
        if edge_fails():
            await asyncio.sleep(SLOW_S)
        return web.Response(text="ok")

    async def edge(_: web.Request) -> web.Response:
        return web.Response(status=503 if edge_fails() else 200)

    async def page(request: web.Request) -> web.Response:
        whose, what = request.match_info["page"], request.match_info["what"]
        return web.json_response(_said(whose, what, started, clock.now()))

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/login", login)
    app.router.add_get("/edge", edge)
    app.router.add_get("/{page:cloudflare|own}/api/v2/{what:components|incidents|scheduled-maintenances}.json", page)
    return app


def outages(started: int, now: int) -> Iterator[tuple[int, Period]]:
    """Every outage of the provider that has begun: its cycle, from when until when."""
    for cycle in range((now - started) // CYCLE + 1):
        if _is_providers(cycle):
            yield cycle, Period(started + cycle * CYCLE, started + (cycle + 1) * CYCLE)


def _is_providers(cycle: int) -> bool:
    return cycle % PROVIDERS == 1


def _said(whose: str, what: str, started: int, now: int) -> Mapping[str, Json]:
    page: Json = {"id": whose, "name": whose, "url": f"http://127.0.0.1/{whose}", "time_zone": "UTC"}
    if what == "components":
        code, name = (CDN, "CDN") if whose == "cloudflare" else (APP, "App")
        return {"page": page, "components": [{"id": code, "name": name, "status": "operational", "group": False}]}
    if what == "incidents":
        begun = [*outages(started, now)] if whose == "cloudflare" else []
        return {"page": page, "incidents": [_incident(*each, now) for each in reversed(begun[-_SHOWN:])]}
    return {"page": page, "scheduled_maintenances": [_maintenance(started)] if whose == "own" else []}


def _incident(cycle: int, span: Period, now: int) -> Json:
    over = now >= span.end
    updates = [_update(f"{cycle}-1", "investigating", span.start, "operational", "major_outage")]
    if over:
        updates.insert(0, _update(f"{cycle}-2", "resolved", span.end, "major_outage", "operational"))
    return {
        "id": f"demo-{cycle}",
        "name": "Errors at the edge",
        "status": "resolved" if over else "investigating",
        "impact": "critical",
        "created_at": format_instant(span.start),
        "started_at": format_instant(span.start),
        "resolved_at": format_instant(span.end) if over else None,
        "updated_at": format_instant(span.end if over else span.start),
        "components": [{"id": CDN, "name": "CDN", "status": "operational" if over else "major_outage"}],
        "incident_updates": updates,
    }


def _update(name: str, status: str, at: int, old: str, new: str) -> Json:
    moment = format_instant(at)
    return {
        "id": name,
        "status": status,
        "body": "",
        "created_at": moment,
        "updated_at": moment,
        "display_at": moment,
        "affected_components": [{"code": CDN, "name": "CDN", "old_status": old, "new_status": new}],
    }


def _maintenance(started: int) -> Json:
    announced, start = format_instant(started), started + 3 * DAY
    return {
        "id": "upgrade",
        "name": "Database upgrade",
        "status": "scheduled",
        "impact": "maintenance",
        "created_at": announced,
        "updated_at": announced,
        "scheduled_for": format_instant(start),
        "scheduled_until": format_instant(start + HOUR),
        "components": [{"id": APP, "name": "App", "status": "operational"}],
        "incident_updates": [
            {
                "id": "upgrade-1",
                "status": "scheduled",
                "body": "",
                "created_at": announced,
                "updated_at": announced,
                "display_at": announced,
                "affected_components": [],
            }
        ],
    }
