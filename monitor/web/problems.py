"""Errors as RFC 9457 problem details: a fixed set of codes, and never a byte of what was sent (reliability.md, 4).

`error` is the code, `detail` at most 200 characters that name the place, what was expected and the mend.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from monitor.facts import Json

Code = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "cross_site",
    "not_found",
    "conflict",
    "method_not_allowed",
    "timeout",
    "too_large",
    "unsupported_media_type",
    "bad_fact",
    "bad_json",
    "bad_shape",
    "bad_configuration",
    "bad_parameter",
    "too_many_attempts",
    "too_many_requests",
    "internal",
    "not_ready",
    "not_published",
    "statement_differs",
    "store_unavailable",
    "clock_unsynchronized",
    "tokens_unreadable",
    "busy",
]

DETAIL_LIMIT = 200
"""Characters of a detail (design/reliability.md, "4 Bad input")."""

CONTENT_TYPE = "application/problem+json"

_CLOSING = frozenset({400, 408, 413, 431})
"""After these the connection is closed: what the client sends next cannot be told from the rest of what it sent."""

_CODES: Mapping[int, Code] = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_DETAILS: Mapping[int, str] = {
    400: "the request is not HTTP/1.1 as RFC 9112 has it",
    404: "there is no such page; /openapi.json lists what there is",
    405: "this page does not take that method; the Allow header lists those it takes",
    417: "only 100-continue may be expected",
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """A request that is refused. `members` are extension members of the problem (RFC 9457 section 3.2)."""

    def __init__(
        self, status: int, code: Code, detail: str, headers: Mapping[str, str] | None = None, **members: Json
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.members = members

    def response(self) -> web.Response:
        shown = {
            "type": f"urn:minutebook:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "error": self.code,
            "detail": self.detail[:DETAIL_LIMIT],
            **self.members,
        }
        response = web.Response(
            status=self.status,
            body=json.dumps(shown).encode(),
            headers=self.headers,
            content_type=CONTENT_TYPE,
        )
        if self.status in _CLOSING:
            response.force_close()
        return response


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals, ours and aiohttp's, as problem details; anything else is a bug and goes on up."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as refused:
        return of_status(refused.status, refused.headers.get("Allow"))


def of_status(status: int, allow: str | None = None) -> web.Response:
    """The problem of a status that aiohttp itself answers with."""
    headers = {"Allow": allow} if allow else {}
    detail = _DETAILS.get(status, HTTPStatus(status).phrase)
    return Problem(status, _CODES.get(status, "bad_request"), detail, headers).response()


def unavailable(code: Code, detail: str) -> Problem:
    """503: try again, nothing was kept."""
    return Problem(503, code, detail, {"Retry-After": "5"})
