"""What is read without the API: the status page, /metrics, and whether the daemon lives."""

from __future__ import annotations

import json
from typing import cast

from aiohttp import web

from monitor.errors import ConfigError, InputError, StatementDiffersError, StoreError
from monitor.web import paging
from monitor.web.api import month_of
from monitor.web.daemon import Audience, Daemon, Show
from monitor.web.guard import CALLER
from monitor.web.problems import Problem, unavailable

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LIVE_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the status page alone: its script is a file of ours, and asks nobody but us."""
SHOWS = ("state", "left")
BADGE_KEPT_S = 60
FEED_KEPT_S = 60
STATEMENT_PARAMETERS = frozenset({"as_of", "draft", "late"})
"""What a statement takes; a page that ignored one would show other figures than were asked for."""
PROBLEMS_SHOWN = 50
"""Mistakes of a configuration that one answer lists; the log has them all."""


class Pages:
    """The handlers; what they show comes from the daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def status_page(self, request: web.Request) -> web.Response:
        text = await self._daemon.pages.status_page(audience_of(request))
        headers = {"Vary": "Authorization", "Content-Security-Policy": LIVE_POLICY}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def status(self, request: web.Request) -> web.Response:
        shown = await self._daemon.pages.status(audience_of(request))
        return web.Response(
            body=json.dumps(shown).encode(), content_type="application/json", headers={"Vary": "Authorization"}
        )

    async def feed(self, request: web.Request) -> web.Response:
        body = await self._daemon.pages.feed(audience_of(request))
        headers = {"Vary": "Authorization", "Cache-Control": _kept_for(request, FEED_KEPT_S)}
        return web.Response(body=body, content_type="application/atom+xml", charset="utf-8", headers=headers)

    async def badge(self, request: web.Request) -> web.Response:
        show = request.query.get("show", "state")
        if show not in SHOWS or set(request.query) - {"show"}:
            raise Problem(422, "bad_parameter", "show: expected state or left")
        text = await self._daemon.pages.badge(request.match_info["service"], cast(Show, show), audience_of(request))
        if text is None:
            raise Problem(404, "not_found", "there is no such service")
        headers = {
            "Vary": "Authorization",
            "Cache-Control": _kept_for(request, BADGE_KEPT_S),
            "Cross-Origin-Resource-Policy": "cross-origin",  # it is for others' pages
        }
        return web.Response(text=text, content_type="image/svg+xml", headers=headers)

    async def stylesheet(self, request: web.Request) -> web.Response:
        return _looks(self._daemon.pages.stylesheet())

    async def script(self, request: web.Request) -> web.Response:
        return _looks(self._daemon.pages.script(), "text/javascript")

    async def report(self, request: web.Request) -> web.Response:
        month = month_of(request)
        if not STATEMENT_PARAMETERS.isdisjoint(request.query):
            raise Problem(
                422, "bad_parameter", "the page shows the month as it stands; ask /api/v1/statements for that"
            )
        try:
            text = await self._daemon.pages.report(request.match_info["service"], month, audience_of(request))
        except InputError as error:
            raise Problem(404, "not_found", str(error)) from None
        except StatementDiffersError:
            detail = "what the facts give now is not what was closed; `report` on the daemon's machine says more"
            raise Problem(500, "statement_differs", detail) from None
        except StoreError:
            raise unavailable("store_unavailable", "the facts cannot be read now; try again") from None
        except TimeoutError:
            raise unavailable("busy", "other reports are being made; try again") from None
        if text is None:
            raise Problem(404, "not_found", "there is no such service")
        return web.Response(text=text, content_type="text/html", headers={"Vary": "Authorization"})

    async def report_stylesheet(self, request: web.Request) -> web.Response:
        return _looks(self._daemon.pages.report_stylesheet())

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        return await paging.send(request, self._daemon.pages.metrics(), {"Content-Type": METRICS_TYPE})

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(self, request: web.Request) -> web.Response:
        if not self._daemon.ready():
            raise unavailable("not_ready", "not probing and evaluating yet")
        return web.Response(text="ready\n")

    async def reload(self, request: web.Request) -> web.Response:
        try:
            await self._daemon.reload()
        except ConfigError as error:
            shown = [str(problem) for problem in error.problems[:PROBLEMS_SHOWN]]
            raise Problem(
                422, "bad_configuration", "the configuration is refused and the old one stays", problems=[*shown]
            ) from None
        except InputError:
            raise Problem(
                422, "bad_configuration", "the configuration is refused and the old one stays; the log says why"
            ) from None
        except StoreError:
            raise unavailable("store_unavailable", "the new terms cannot be recorded, so the old ones stay") from None
        return web.json_response({"reloaded": True})


def _looks(text: str, content_type: str = "text/css") -> web.Response:
    return web.Response(text=text, content_type=content_type, headers={"Cache-Control": "public, max-age=3600"})


def _kept_for(request: web.Request, seconds: int) -> str:
    """What a token was needed for is nobody else's."""
    return f"public, max-age={seconds}" if audience_of(request) == "public" else "private, no-store"


def audience_of(request: web.Request) -> Audience:
    caller = request.get(CALLER)
    return "all" if caller is not None and caller.role in ("viewer", "operator") else "public"
