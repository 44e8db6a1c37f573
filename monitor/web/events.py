"""`/events`: server-sent events (HTML Living Standard, section 9.2) that say which status page there is now.

An event carries no figure: who wants them asks for the page. So there is nothing to queue; a client that is slow is
told the newest when it can take it, and one that takes nothing is let go.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_address

from aiohttp import web

from monitor.facts import Json
from monitor.web.daemon import Daemon
from monitor.web.pages import audience_of
from monitor.web.problems import unavailable

CLIENTS = 256
"""Listeners at once; whoever comes then is told to come again, and has the page without events meanwhile."""
FROM_ONE_ADDRESS = 32
"""Of them from one address, unless it is this machine (a proxy): half of the connections that it may have, so that a
page is still to be had from there."""
HEARTBEAT_S = 15.0
"""Without anything new, a comment is sent so often: proxies close what is silent."""
WRITE_S = 10.0
"""For a client to take what it is sent."""
LIFE_S = 3600.0
"""After that a client connects again, and its token is looked at again."""
AGAIN_MS = 5000
"""What a browser is told to wait before it connects again."""


class Events:
    """The listeners of one server. `end` lets all of them go."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._listening: Counter[str] = Counter()
        self._ended = asyncio.Event()

    async def end(self, _: web.Application) -> None:
        """The server stops."""
        self._ended.set()

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Tells of the page at once and whenever it is evaluated. `Last-Event-ID` says nothing here: there is only
        the newest."""
        address = request.remote or ""
        if not self.has_room(address):
            raise unavailable("busy", "too many listen already; look at the page instead")
        self._listening[address] += 1
        try:
            headers = {"Vary": "Authorization", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream"}
            response = web.StreamResponse(headers=headers)
            await response.prepare(request)
            if request.method != "HEAD":
                await self._tell(request, response)
            return response
        finally:
            self._listening[address] -= 1
            self._listening += Counter()  # forgets addresses that nobody listens from

    def has_room(self, address: str) -> bool:
        """Whether one more may listen from there."""
        if self._ended.is_set() or self._listening.total() >= CLIENTS:
            return False
        return self._listening[address] < FROM_ONE_ADDRESS or _is_this_machine(address)

    async def _tell(self, request: web.Request, response: web.StreamResponse) -> None:
        audience, loop = audience_of(request), asyncio.get_running_loop()
        until = loop.time() + LIFE_S
        told: Mapping[str, Json] | None = None
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await _write(response, f"retry: {AGAIN_MS}\n\n")
            while not ended.done() and loop.time() < until:
                turn = asyncio.ensure_future(self._daemon.evaluated())
                try:
                    mark = await self._daemon.pages.mark(audience)
                    await _write(response, ":\n\n" if mark == told else _event(mark))
                    told = mark
                    await asyncio.wait({turn, ended}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    turn.cancel()
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()  # it is gone, or takes nothing
        finally:
            ended.cancel()


def _is_this_machine(address: str) -> bool:
    """Also of the daemon's own socket, which has no address."""
    return not address or ip_address(address.partition("%")[0]).is_loopback


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_S):
        await response.write(text.encode())


def _event(mark: Mapping[str, Json]) -> str:
    return f"event: status\nid: {mark['version']}\ndata: {json.dumps(mark)}\n\n"
