"""`/hooks/{source}` and `/hooks/{source}/{secret}`: what sources post (contracts/interface.md, "HTTP")."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from monitor.errors import StoreError
from monitor.facts import Json
from monitor.sources.hooks import Delivery
from monitor.web.body import read_body
from monitor.web.daemon import Daemon
from monitor.web.problems import Problem, unavailable

JSON = "application/json"

LARGEST_BODY = 256 * 1024
"""Bytes of a delivery (design/reliability.md, "4 Bad input")."""

RECORD_SECONDS = 20.0
"""For what it says to become durable; after that the sender is told to try again, which is safe."""


class HooksIn:
    """The handler; what is done with a delivery is the daemon's."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def post(self, request: web.Request) -> web.Response:
        source, path = request.match_info["source"], request.match_info.get("secret")
        hooks = self._daemon.hooks
        if not hooks.takes(source, in_path=path is not None):
            raise Problem(404, "not_found", "no source of that name posts here; it needs a `webhook_secret`")
        body = await read_body(request, JSON, limit=LARGEST_BODY)
        delivery = Delivery(_headers(request), body, self._daemon.now(), path)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                receipt = await hooks.receive(source, delivery)
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", "it could not be kept; send it again") from None
        except LookupError:  # a reload took it out meanwhile
            raise Problem(404, "not_found", "no source of that name posts here any more") from None
        if receipt.outcome == "clock":
            raise unavailable("clock_unsynchronized", "the clock here is not kept right; send it again")
        if receipt.outcome in ("forged", "stale"):
            detail = "nothing proves that this comes from the source, now"
            raise Problem(401, "unauthorized", detail, {"WWW-Authenticate": "Webhook"})
        if receipt.outcome == "unreadable":
            raise Problem(400, "bad_json", "this is no delivery that can be read")
        answers: Mapping[str, Mapping[str, Json]] = {"ignored": {"ignored": True}, "duplicate": {"duplicate": True}}
        return web.json_response(answers.get(receipt.outcome, {"new": receipt.new}))


def _headers(request: web.Request) -> dict[str, tuple[str, ...]]:
    return {name.lower(): tuple(request.headers.getall(name)) for name in request.headers}
