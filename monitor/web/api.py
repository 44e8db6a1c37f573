"""The API: facts in, statements out (contracts/interface.md, "HTTP")."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from monitor.errors import FactError, InputError, StatementDiffersError, StoreError
from monitor.ledger.period import Month, parse_instant, parse_month
from monitor.web.batch import JSON_ARRAY, JSON_LINES, NotYoursError, Sender, decode_batch
from monitor.web.body import read_body
from monitor.web.daemon import Asked, Daemon, View
from monitor.web.guard import CALLER
from monitor.web.openapi import DOCUMENT
from monitor.web.problems import Problem, unavailable

RECORD_SECONDS = 20.0
"""For a batch to become durable; after that the sender is told to try again, which is safe."""


class Api:
    """The handlers; what they do is the daemon's."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def post_facts(self, request: web.Request) -> web.Response:
        body = await read_body(request, JSON_LINES, JSON_ARRAY)
        caller, daemon = request[CALLER], self._daemon
        sender = Sender(daemon.now(), caller.vantage, daemon.longest_hold, caller.author, daemon.speakers())
        try:
            # A megabyte of facts takes a tenth of a second: in a thread, so that no probe waits for it.
            facts = await asyncio.to_thread(decode_batch, body, request.content_type, sender)
        except NotYoursError as error:
            raise Problem(403, "forbidden", str(error), line=error.line) from None
        except FactError as error:
            raise Problem(422, "bad_fact", f"nothing was stored: {error}", line=error.line) from None
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                new = await self._daemon.record(facts)
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", "the facts could not be kept; send them again") from None
        return web.json_response({"new": new})

    async def list_statements(self, request: web.Request) -> web.Response:
        snapshot = self._daemon.snapshot()
        if snapshot is None:
            raise unavailable("not_ready", "nothing is evaluated yet")
        shown = [
            {
                "service": view.service,
                "month": str(figures.month),
                "verdict": figures.verdict,
                "status": "final" if figures.final else "draft",
                "url": f"/api/v1/statements/{view.service}/{figures.month}",
            }
            for view in snapshot.services
            for figures in view.months
        ]
        return web.json_response({"statements": shown})

    async def get_statement(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        month = month_of(request)
        if service not in self._daemon.services() and not self._is_closed(service, month):
            raise Problem(404, "not_found", "there is no such service; /api/v1/statements lists them")
        asked = Asked(service, month, _as_of(request, self._daemon.now()), _view(request))
        try:
            statement = await self._daemon.statement(asked)
        except InputError:
            if service not in self._daemon.services():
                raise Problem(404, "not_found", "there is no such service now, and it was not closed then") from None
            raise Problem(422, "bad_parameter", "month: no policy is in force in it; ask for a later month") from None
        except StatementDiffersError:
            detail = "what the facts give now is not what was closed; the daemon's log says more, `draft=true` shows it"
            raise Problem(500, "statement_differs", detail) from None
        except StoreError:
            raise unavailable("store_unavailable", "the facts cannot be read now; try again") from None
        if statement is None:
            raise Problem(404, "not_found", "the month is not closed, so nothing is late for it")
        return web.Response(body=json.dumps(statement).encode(), content_type="application/json")

    def _is_closed(self, service: str, month: Month) -> bool:
        """A month that was closed is told also where the configuration names its service no more."""
        snapshot = self._daemon.snapshot()
        return snapshot is not None and (service, str(month)) in snapshot.closed

    async def openapi(self, request: web.Request) -> web.Response:
        return web.json_response(DOCUMENT)


def month_of(request: web.Request) -> Month:
    """The month that a path names."""
    try:
        return parse_month(request.match_info["month"])
    except InputError:
        raise Problem(422, "bad_parameter", "month: expected YYYY-MM, for example 2026-03") from None


EARLIEST = parse_instant("1900-01-01T00:00:00Z")
"""Of a statement: calendars are made for no year before it."""
_VIEWS: tuple[View, ...] = ("draft", "late")


def _view(request: web.Request) -> View:
    asked = [view for view in _VIEWS if view in request.query]
    if len(asked) > 1 or any(request.query[view] != "true" for view in asked):
        raise Problem(422, "bad_parameter", "expected draft=true or late=true, one of the two")
    return asked[0] if asked else "standing"


def _as_of(request: web.Request, now: int) -> int | None:
    unknown = set(request.query) - {"as_of", *_VIEWS}
    if unknown or len(set(request.query)) < len(request.query):
        raise Problem(422, "bad_parameter", "expected no parameter but as_of, and draft=true or late=true")
    text = request.query.get("as_of")
    if text is None:
        return None
    try:
        as_of = parse_instant(text)
    except InputError:
        raise Problem(
            422, "bad_parameter", "as_of: expected RFC 3339 with an offset, for example 2026-03-01T00:00:00Z"
        ) from None
    if as_of < EARLIEST:
        raise Problem(422, "bad_parameter", "as_of: expected an instant of 1900 or later")
    if as_of > now:
        raise Problem(422, "bad_parameter", "as_of: is in the future; nothing is known of it yet")
    return as_of
