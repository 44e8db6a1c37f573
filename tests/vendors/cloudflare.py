"""Cloudflare's API for the health checks of one zone: REST by pages, and GraphQL's events where the plan has them."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from monitor.ledger.period import moment, parse_instant

ZONE, TOKEN = "023e105f4ecef8ad9ca31a8372d0c353", "cloudflare-token"
Object = dict[str, Any]
_FILTER = re.compile(r'datetime_geq:"([^"]+)",datetime_lt:"([^"]+)"')


class Cloudflare:
    """The state of one zone. Instants in UTC ms. `has_events`: whether the plan has the events."""

    def __init__(self, *, has_events: bool = True, per_page: int = 25) -> None:
        self.checks: dict[str, Object] = {}
        self.events: list[tuple[int, Object]] = []
        self.has_events = has_events
        self._per_page = per_page

    # -- what happens there

    def watch(self, check: str, name: str, interval_s: int = 60) -> None:
        """A new health check, of which nothing is known yet."""
        self.checks[check] = {
            "id": check,
            "name": name,
            "description": "",
            "address": "app.example.com",
            "type": "HTTPS",
            "status": "unknown",
            "failure_reason": "",
            "check_regions": None,
            "interval": interval_s,
            "retries": 2,
            "timeout": 5,
            "consecutive_fails": 1,
            "consecutive_successes": 1,
            "suspended": False,
        }

    def stand(self, check: str, status: str, reason: str = "", *, suspended: bool = False) -> None:
        """How the check stands from now on."""
        self.checks[check].update(status=status, failure_reason=reason, suspended=suspended)

    def event(self, check: str, at: int, status: str, region: str | None = "WEU", reason: str = "") -> None:
        """What a region found at an instant."""
        shown = {
            "datetime": moment(at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "healthCheckId": check,
            "healthStatus": status,
            "region": region or "",
            "failureReason": reason,
            "originResponseStatus": 0 if reason else 200,
        }
        self.events.append((at, shown))

    # -- what it answers

    async def answer(self, request: web.Request) -> object | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"success": False, "errors": [{"code": 10000}], "result": None}, status=403)
        if request.path == f"/zones/{ZONE}/healthchecks":
            return self._listed(int(request.query["page"]))
        if request.path == "/graphql" and request.method == "POST":
            return self._happened((await request.json())["query"])
        return None

    def _listed(self, page: int) -> Object:
        found = list(self.checks.values())
        shown = found[(page - 1) * self._per_page : page * self._per_page]
        pages = -(-len(found) // self._per_page)
        info = {"page": page, "per_page": self._per_page, "count": len(shown), "total_pages": pages}
        return {"success": True, "errors": [], "messages": [], "result": shown, "result_info": info}

    def _happened(self, query: str) -> Object:
        if not self.has_events:
            return {"data": None, "errors": [{"message": "not authorized for that zone", "extensions": {}}]}
        assert ZONE in query
        found = _FILTER.search(query)
        assert found is not None
        start, end = map(parse_instant, found.groups())
        newest = sorted(self.events, key=lambda event: event[0], reverse=True)
        events = [shown for at, shown in newest if start <= at < end]
        return {"data": {"viewer": {"zones": [{"healthCheckEventsAdaptive": events}]}}, "errors": None}
