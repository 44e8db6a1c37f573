"""Servers that speak the dialects of Slack and of a webhook, and snapshots to tell of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction

from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.facts import Json
from monitor.ledger.peaks import PeakFigures, PeakView, TrafficEvent
from monitor.ledger.period import HOUR, MINUTE, parse_instant
from monitor.ledger.snapshot import Burn, ServiceView, Snapshot
from monitor.ledger.terms import PeakTerms

NOW = parse_instant("2026-06-15T12:00:00Z")
CALM = Burn({}, {}, {})


def view(up: bool | None, since: int | None, service: str = "app", **more: object) -> ServiceView:
    return ServiceView(service, f"{service} <!channel>", True, up, (), CALM, since=since, **more)  # type: ignore[arg-type]


def seen(at: int, *views: ServiceView, peaks: tuple[PeakView, ...] = ()) -> Snapshot:
    return Snapshot(at, views, (), {}, {}, peaks=peaks)


def peak(start: int, end: int, as_of: int, down: int = 0) -> PeakView:
    event = TrafficEvent("sale", "acme", start, end, start - HOUR, Fraction(8), start - HOUR, "alice")
    elapsed = max(0, min(as_of, end) - start)
    figures = PeakFigures(
        "app", event.period, as_of, elapsed - down, down, 0, 0, end - start - elapsed, 4 * MINUTE, [], []
    )
    begun = (figures,) if as_of >= start else ()
    return PeakView(event, PeakTerms(), ("app",), begun, begun if elapsed >= HOUR else ())


@dataclass
class Slack:
    """What was posted, by method; `answers` are given first, then everything is taken. Nothing is answered before
    `answering`, where there is one."""

    posted: list[tuple[str, dict[str, Json], dict[str, str]]] = field(default_factory=list)
    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    taken: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event | None = None

    async def take(self, request: web.Request) -> web.Response:
        method = request.path.rsplit("/", 1)[-1]
        self.posted.append((method, json.loads(await request.read()), dict(request.headers)))
        self.asked.set()
        if self.answering is not None:
            await self.answering.wait()
        if self.answers:
            return self.answers.pop(0)()
        if method == "hook":
            return web.Response(text="ok")
        self.taken += 1
        return web.json_response({"ok": True, "channel": "C1", "ts": f"171.{self.taken}"})

    def methods(self) -> list[str]:
        return [method for method, _, _ in self.posted]


def refusing(error: str) -> Callable[[], web.Response]:
    return lambda: web.json_response({"ok": False, "error": error})


def limited(seconds: int) -> Callable[[], web.Response]:
    return lambda: web.Response(status=429, headers={"Retry-After": str(seconds)}, text="rate limited")


@asynccontextmanager
async def slack() -> AsyncIterator[tuple[Slack, str]]:
    """A server and its address."""
    spoken = Slack()
    app = web.Application()
    app.router.add_post("/{path:.*}", spoken.take)
    async with TestServer(app) as server:
        yield spoken, str(server.make_url("")).rstrip("/")
