"""Sentry's API as its uptime checker fills it: detectors, and the checks of each, newest first and by pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from monitor.ledger.period import moment, parse_instant

ORGANIZATION, TOKEN = "optizio", "sentry-token"
Object = dict[str, Any]


def written(instant: int) -> str:
    """As Sentry's serializer writes it."""
    return moment(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


class Sentry:
    """The state of one organization. Instants in UTC ms."""

    def __init__(self, per_page: int = 100) -> None:
        self.detectors: dict[str, Object] = {}
        self.checks: dict[str, list[tuple[int, Object]]] = {}
        self.stats: dict[int, int] = {}  # events of the project `web`, by hour (UTC ms)
        self.stats_asked = 0
        self.refusal: Callable[[], web.Response] | None = None  # what is answered instead of the stats
        self._per_page = per_page
        self._count = 0

    # -- what happens there

    def watch(self, detector: str, name: str, interval_s: int = 60) -> None:
        """A new uptime monitor."""
        self.checks[detector] = []
        self.detectors[detector] = {
            "id": detector,
            "projectId": "7",
            "name": name,
            "type": "uptime_domain_failure",
            "enabled": True,
            "config": {"mode": 1, "environment": "prod", "downtimeThreshold": 3, "recoveryThreshold": 1},
            "dataSources": [
                {"type": "uptime_subscription", "queryObj": {"intervalSeconds": interval_s, "timeoutMs": 10_000}}
            ],
        }

    def check(self, detector: str, at: int, status: str = "success", region: str = "us-east", **more: object) -> None:
        """One look; `more` are further fields of it."""
        self._count += 1
        look = {
            "uptimeCheckId": f"{self._count:032x}",
            "timestamp": written(at),
            "scheduledCheckTime": written(at),
            "checkStatus": status,
            "checkStatusReason": None,
            "httpStatusCode": 200 if status == "success" else None,
            "durationMs": 120,
            "traceId": "t",
            "environment": "prod",
            "region": region,
            "regionName": region.title(),
            "incidentStatus": int(status == "failure_incident"),
            **more,
        }
        self.checks[detector].append((at, look))

    # -- what it answers

    async def answer(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        match request.path.removeprefix("/api/0/").strip("/").split("/"):
            case ["organizations", organization, "detectors"] if organization == ORGANIZATION:
                assert request.query["query"] == "type:uptime_domain_failure"
                return self._page(request, list(self.detectors.values()))
            case ["projects", organization, "7", "uptime", detector, "checks"] if organization == ORGANIZATION:
                assert request.query["useDetectorId"] == "1"
                start, end = (parse_instant(f"{request.query[name]}Z") for name in ("start", "end"))
                looks = sorted(self.checks[detector], key=lambda look: look[0], reverse=True)
                return self._page(request, [look for at, look in looks if start <= at < end])
            case ["projects", organization, "web", "stats"] if organization == ORGANIZATION:
                self.stats_asked += 1
                return self._stats(request) if self.refusal is None else self.refusal()
            case _:
                return None

    def _stats(self, request: web.Request) -> web.Response:
        """A point for every hour that is asked for, also where nothing came (docs.sentry.io)."""
        assert (request.query["stat"], request.query["resolution"]) == ("received", "1h")
        since, until = (int(request.query[name]) for name in ("since", "until"))
        hours = range(since // 3600 * 3600, until + 1, 3600)
        return web.json_response([[hour, self.stats.get(hour * 1000, 0)] for hour in hours])

    def _page(self, request: web.Request, found: list[Object]) -> web.Response:
        offset = int(request.query.get("cursor", "0:0:0").split(":")[1])
        most = min(self._per_page, int(request.query["per_page"]))
        shown, more = found[offset : offset + most], offset + most < len(found)
        links = (
            f'<https://elsewhere.example/?cursor=0:{at}:{before}>; rel="{rel}"; results="{results}";'
            f' cursor="0:{at}:{before}"'
            for rel, at, before, results in (
                ("previous", max(0, offset - most), 1, "true" if offset else "false"),
                ("next", offset + most, 0, "true" if more else "false"),
            )
        )
        body = json.dumps(shown).encode()
        return web.Response(body=body, content_type="application/json", headers={"Link": ", ".join(links)})
