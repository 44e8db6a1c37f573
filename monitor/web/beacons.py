"""`/v1/web-vitals`: what browsers post of their pages' Web Vitals (commitments.md, section 1).

The checks stand in the order of design/vitals.md, section 7. A beacon of a page needs no preflight when it is sent as
text; one with a header of its own does, and so does one that is sent as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address

from aiohttp import web

from monitor.beacons import Beacons, Refusal, Rules, Taken
from monitor.beacons.body import LARGEST_BODY
from monitor.errors import StoreError
from monitor.web.body import check_type, read_limited
from monitor.web.guard import bearer_of
from monitor.web.problems import Code, Problem, unavailable

JSON, TEXT = "application/json", "text/plain"
"""How a browser's fetch and its sendBeacon send a text."""

RECORD_SECONDS = 20.0
"""For the reports to become durable; after that the sender is told that they are not."""

PREFLIGHT_SECONDS = 7200
"""How long a browser need not ask again; Chromium remembers no longer."""

_REFUSALS: Mapping[Refusal, tuple[int, Code, str]] = {
    "bad_json": (400, "bad_json", "this is no JSON as RFC 8259 has it: UTF-8, no NaN, no name twice"),
    "bad_shape": (400, "bad_shape", 'expected {"metrics": [...]}, an array of metrics or one metric; at most 32'),
    "unauthorized": (401, "unauthorized", "nothing that is in force shows whose this is"),
    "another_app": (403, "forbidden", "this is of another app"),
}


class BeaconsIn:
    """The handler; what is done with a beacon is the daemon's."""

    def __init__(self, beacons: Beacons) -> None:
        self._beacons = beacons

    async def post(self, request: web.Request) -> web.Response:
        rules = self._rules()
        try:
            self._let_in(request, rules)
            try:
                taken = await self._take(request, rules)
            except Problem as problem:
                problem.headers = {**(problem.headers or {}), **_cors(request, rules)}
                raise
        except Problem as problem:
            self._beacons.answered(problem.status)
            raise
        headers = _cors(request, rules)
        wants_json = JSON in request.headers.get("Accept", "")
        self._beacons.answered(200 if wants_json else 204)
        if wants_json:
            return web.json_response({"accepted": taken.accepted, "rejected": dict(taken.rejected)}, headers=headers)
        return web.Response(status=204, headers=headers)

    async def preflight(self, request: web.Request) -> web.Response:
        """What a browser asks first (fetch.spec.whatwg.org, "CORS-preflight request")."""
        rules = self._rules()
        self._let_in(request, rules)
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "authorization, content-type, x-requested-with",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            "Allow": "OPTIONS, POST",
        }
        return web.Response(status=204, headers={**allowed, **_cors(request, rules)})

    def _rules(self) -> Rules:
        rules = self._beacons.rules
        if rules is None:
            raise Problem(404, "not_found", "no beacons are taken in here; the section `web_vitals` switches it on")
        return rules

    def _let_in(self, request: web.Request, rules: Rules) -> None:
        wait_s = self._beacons.wait_s(_sender(request, rules))
        if wait_s is not None:
            raise Problem(429, "too_many_requests", "too many beacons; come later", {"Retry-After": str(wait_s)})
        origins = request.headers.getall("Origin", [])
        if len(origins) > 1 or (rules.origins is not None and not rules.origins.issuperset(origins)):
            raise Problem(403, "forbidden", "pages of this origin may not send here")

    async def _take(self, request: web.Request, rules: Rules) -> Taken:
        body = await read_limited(request, LARGEST_BODY)
        check_type(request, TEXT, JSON)
        if (request.charset or "utf-8").lower().replace("-", "") != "utf8":
            raise Problem(415, "unsupported_media_type", "send the body as UTF-8")
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                taken = await self._beacons.take(rules, body, bearer_of(request))
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", "it could not be kept; send it again") from None
        if isinstance(taken, Taken):
            return taken
        status, code, detail = _REFUSALS[taken]
        raise Problem(status, code, detail, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


def _sender(request: web.Request, rules: Rules) -> str | None:
    """The address whose bucket the beacon is taken from; None where it stands for many: the app's own server, or a
    proxy on this machine that does not say for whom it asks."""
    address = request.remote
    if rules.trust.auth == "relay" or not address:
        return None
    if not ip_address(address.partition("%")[0]).is_loopback:
        return address
    if not rules.forwarded:
        return None
    told = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return None


def _cors(request: web.Request, rules: Rules) -> dict[str, str]:
    """What lets the page read the answer: its own origin, never `*`. Where pages are named, with credentials, which
    sendBeacon always asks for; nothing here looks at a cookie."""
    headers = {"Vary": "Origin", "Cross-Origin-Resource-Policy": "cross-origin"}
    origin = request.headers.get("Origin")
    if origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        if rules.origins is not None:
            headers["Access-Control-Allow-Credentials"] = "true"
    return headers
