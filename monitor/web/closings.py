"""Closing and restating over HTTP: by the token's name, or by one that is typed and shown as unauthenticated."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from monitor.errors import FactError, InputError, StatementDiffersError, StoreError
from monitor.facts import Json
from monitor.people import ConflictError, UnknownSubjectError
from monitor.web.batch import without_input
from monitor.web.body import read_body
from monitor.web.by_hand import JSON, author_of, object_of
from monitor.web.daemon import Daemon
from monitor.web.guard import CALLER
from monitor.web.problems import Handler, Problem, unavailable

log = logging.getLogger(__name__)

CLOSE_SECONDS = 55.0
"""For a month of every service to be computed and kept; who asks waits 60 s. After that nothing was recorded."""


class Closings:
    """The handlers; what they do is the daemon's."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def does(self, *, restate: bool) -> Handler:
        """Closes, or restates, the month that the body names."""

        async def handle(request: web.Request) -> web.Response:
            words = object_of(await read_body(request, JSON))
            author = author_of(words, request[CALLER])
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    closed = await self._daemon.close(words, author, restate=restate)
            except UnknownSubjectError as error:
                raise Problem(404, "not_found", without_input(str(error))) from None
            except (ConflictError, StatementDiffersError) as error:
                raise Problem(409, "conflict", f"nothing was stored: {without_input(str(error))}") from None
            except (FactError, InputError) as error:
                raise Problem(422, "bad_fact", f"nothing was stored: {without_input(str(error))}") from None
            except (StoreError, TimeoutError):
                raise unavailable("store_unavailable", "nothing was closed; send it again") from None
            log.info("token %s: %d statements %s", request[CALLER].id, len(closed), "restated" if restate else "closed")
            return web.json_response(closings_answer(str(words["month"]), [*closed], author.name, author.token))

        return handle


def closings_answer(month: str, closed: list[Json], author: str, token: str | None) -> dict[str, Json]:
    """What is told at once: whose word it is, and each revision."""
    return {"month": month, "closed": closed, "author": author, "authenticated": token is not None}
