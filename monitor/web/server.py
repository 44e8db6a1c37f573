"""The HTTP server: its routes, and how long and how much a client may take (design/reliability.md, "4 Bad input")."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import cast

from aiohttp import web

from monitor.errors import InputError
from monitor.web.api import Api
from monitor.web.beacons import BeaconsIn
from monitor.web.by_hand import ByHand
from monitor.web.closings import Closings
from monitor.web.daemon import Access, Daemon
from monitor.web.events import Events
from monitor.web.guard import Attempts, guard
from monitor.web.heartbeats import HeartbeatsIn
from monitor.web.hooks import HooksIn
from monitor.web.pages import Pages
from monitor.web.problems import Handler, Problem, as_problems, of_status
from monitor.web.roles import RouteKey, roles_under, without_a_row
from monitor.web.takeover import TakesOver

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""For the headers of a request to arrive, and for a kept connection to be used again."""

HEADER_LINES, LINE_BYTES = 64, 8190
LINGER_SECONDS = 1.0
"""For a client that is still sending to read why it was refused."""
STOP_SECONDS = 5.0
"""For requests that are being answered when the daemon stops."""

CONNECTIONS = 64
"""Connections of one address, unless it is this machine (a proxy)."""

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)


@dataclass(frozen=True, slots=True)
class Listen:
    """`server.listen`: an address and a port; port 0 takes a free one."""

    host: str
    port: int


def build(daemon: Daemon, access: Access) -> web.Application:
    """The application, not started. It refuses to start with a route that the table of roles does not name."""
    table = roles_under(access)
    app = web.Application(middlewares=[as_problems, guard(table, daemon.token, Attempts(daemon.now))])
    events = Events(daemon)
    app.on_shutdown.append(events.end)
    for key, handler in {**_handlers(daemon), ("GET", "/events"): events.listen}.items():
        if key in table:
            app.router.add_route(key[0], key[1], handler)
            if key[0] == "GET":
                app.router.add_route("HEAD", key[1], handler)

    async def every_route_has_its_row(app: web.Application) -> None:
        nobodys = without_a_row(app, table)
        if nobodys:
            raise RuntimeError(f"routes without a row in monitor/web/roles.py: {nobodys}")

    app.on_startup.append(every_route_has_its_row)
    app.on_response_prepare.append(with_security_headers)
    return app


def _handlers(daemon: Daemon) -> dict[RouteKey, Handler]:
    pages, api, by_hand, hooks = Pages(daemon), Api(daemon), ByHand(daemon), HooksIn(daemon)
    beacons = BeaconsIn(daemon.beacons)
    return {
        ("GET", "/"): pages.status_page,
        ("GET", "/status.json"): pages.status,
        ("GET", "/status.css"): pages.stylesheet,
        ("GET", "/status.js"): pages.script,
        ("GET", "/feed.atom"): pages.feed,
        ("GET", "/badge/{service}.svg"): pages.badge,
        ("GET", "/services/{service}/{month}"): pages.report,
        ("GET", "/report.css"): pages.report_stylesheet,
        ("GET", "/metrics"): pages.metrics,
        ("GET", "/openapi.json"): api.openapi,
        ("GET", "/-/healthy"): pages.healthy,
        ("GET", "/-/ready"): pages.ready,
        ("POST", "/-/reload"): pages.reload,
        ("POST", "/api/v1/facts"): api.post_facts,
        ("POST", "/api/v1/heartbeats/{check}"): HeartbeatsIn(daemon).post,
        ("POST", "/api/v1/exclusions"): by_hand.does("exclude"),
        ("POST", "/api/v1/exclusions/{subject}/decisions"): by_hand.does("decide", "exclusion"),
        ("POST", "/api/v1/maintenance"): by_hand.does("announce"),
        ("POST", "/api/v1/maintenance/{subject}/cancellation"): by_hand.does("cancel", "maintenance"),
        ("POST", "/api/v1/maintenance/{subject}/completion"): by_hand.does("complete", "maintenance"),
        ("POST", "/api/v1/tickets"): by_hand.does("ticket"),
        ("POST", "/api/v1/readings"): by_hand.does("reading"),
        ("POST", "/api/v1/events"): by_hand.does("traffic_event"),
        ("POST", "/api/v1/events/{subject}/cancellation"): by_hand.does("cancel_event", "event"),
        ("POST", "/api/v1/claims"): by_hand.does("claim"),
        ("POST", "/api/v1/claims/{subject}/decisions"): by_hand.does("decide_claim", "claim"),
        ("POST", "/api/v1/vital-reports"): TakesOver(daemon.beacons).post,
        ("POST", "/v1/web-vitals"): beacons.post,
        ("OPTIONS", "/v1/web-vitals"): beacons.preflight,
        ("POST", "/hooks/{source}"): hooks.post,
        ("POST", "/hooks/{source}/{secret}"): hooks.post,
        ("POST", "/api/v1/closings"): Closings(daemon).does(restate=False),
        ("POST", "/api/v1/restatements"): Closings(daemon).does(restate=True),
        ("GET", "/api/v1/statements"): api.list_statements,
        ("GET", "/api/v1/statements/{service}/{month}"): api.get_statement,
    }


async def with_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, whoever made it."""
    if isinstance(response, web.HTTPExpectationFailed):  # by aiohttp, before any middleware, with what was sent in it
        told = of_status(response.status)
        response.body = told.body
        response.content_type = told.content_type
        response.headers["Content-Length"] = str(told.content_length)
    response.headers.popall("Server", None)
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)


@asynccontextmanager
async def serving(app: web.Application, listen: Listen, control: socket.socket | None = None) -> AsyncIterator[int]:
    """Serves until left, over the daemon's own socket too; gives the port. Raises InputError when the address cannot be
    listened on."""
    runner = web.AppRunner(app, handle_signals=False)
    await runner.setup()
    server = cast(web.Server, runner.server)
    loop = asyncio.get_running_loop()
    try:
        listener = await loop.create_server(lambda: _Connection(server, loop), listen.host, listen.port)
    except OSError as error:
        await runner.cleanup()
        raise InputError(
            f"server.listen: {listen.host}:{listen.port} cannot be listened on: {error.strerror or error};"
            " stop what listens there, or choose another port"
        ) from None
    listeners = [listener]
    if control is not None:
        listeners.append(await loop.create_unix_server(lambda: _Connection(server, loop), sock=control))
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        for each in listeners:
            each.close()
        await runner.shutdown()  # whoever listens for events is let go first
        server.pre_shutdown()
        await server.shutdown(STOP_SECONDS)
        await runner.cleanup()


class _Connection(web.RequestHandler):
    """One connection with our limits. It never inflates a body, and answers what is no HTTP without an echo."""

    __slots__ = ("_server",)

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=IDLE_SECONDS,
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp is told to keep none
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=HEADER_LINES,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        address = _address(self)
        if address is not None and sum(_address(each) == address for each in self._server.connections) > CONNECTIONS:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp could not parse (400, no log: anybody can send it), or a bug of ours (500, logged)."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if status < 500:
            return _bare(of_status(status))
        log.error("%s %s failed", request.method, type(exc).__name__, exc_info=exc)
        return _bare(Problem(500, "internal", "this is a bug; the daemon's log has it").response())


def _bare(response: web.Response) -> web.Response:
    """Without the library's name and version, which it would write itself."""
    response.headers["Server"] = "minutebook"
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(SECURITY_HEADERS)
    response.force_close()
    return response


def _address(connection: web.RequestHandler) -> str | None:
    """Where it comes from; None where it may have as many as it likes."""
    peer = connection.peername
    if not isinstance(peer, tuple) or ip_address(peer[0].partition("%")[0]).is_loopback:
        return None
    return str(peer[0])
