"""The server of `minutebook ingest`: the endpoint of beacons, and what tells how the process is. Nothing else."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from monitor.beacons import Beacons
from monitor.web.beacons import BeaconsIn
from monitor.web.problems import as_problems
from monitor.web.server import with_security_headers


def build_ingest(beacons: Beacons, metrics: Callable[[], str]) -> web.Application:
    """The application, not started. `metrics` is the page of that name."""
    app = web.Application(middlewares=[as_problems])
    beacons_in = BeaconsIn(beacons)

    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def shown(_request: web.Request) -> web.Response:
        return web.Response(text=metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_post("/v1/web-vitals", beacons_in.post)
    app.router.add_route("OPTIONS", "/v1/web-vitals", beacons_in.preflight)
    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/metrics", shown)
    app.on_response_prepare.append(with_security_headers)
    return app
