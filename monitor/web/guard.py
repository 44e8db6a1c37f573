"""The door: every request is let through by its route's row of the table of roles, or refused."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from monitor.errors import InputError, StoreError
from monitor.web.control import is_local
from monitor.web.problems import Handler, Problem, unavailable
from monitor.web.roles import RouteKey, Who, key_of
from monitor.web.tokens import LOCAL, Token

log = logging.getLogger(__name__)

CALLER = web.RequestKey("caller", Token)
"""The token that the request came with, where it has one that is in force."""

ATTEMPTS = 10
ATTEMPTS_WITHIN = 60_000
"""Bad tokens from one address that are answered 401 within so many ms; after that 429 (reliability.md, 4)."""

ADDRESSES = 10_000
"""Addresses remembered at once: the oldest is forgotten first."""

_WITHOUT_A_TOKEN: frozenset[Who] = frozenset({"anyone", "signature"})
_NO_TOKEN = "this needs a token that is in force: Authorization: Bearer mb_..., made by `minutebook token add`"  # noqa: S105


class Attempts:
    """Counts bad tokens by address. A good token is never counted, so nobody can lock another out."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Counts one more, and says whether it was one too many."""
        now = self._now()
        since, count = self._seen.pop(address, (now, 0))
        if not 0 <= now - since < ATTEMPTS_WITHIN:
            since, count = now, 0
        self._seen[address] = (since, count + 1)
        if len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
        return count >= ATTEMPTS


def guard(
    table: Mapping[RouteKey, frozenset[Who]], token: Callable[[str], Token | None], attempts: Attempts
) -> Middleware:
    """The middleware that holds the table. What has no row is refused."""

    @web.middleware
    async def let_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await handler(request)
        allowed = table.get(key_of(request.match_info.route), frozenset())
        given = bearer_of(request)
        caller = _identify(given, token) if given is not None else _local(request)
        if caller is not None:
            request[CALLER] = caller
        if not allowed & _WITHOUT_A_TOKEN:
            _refuse_cross_site(request)
            _check(request, allowed, caller, attempts)
        return await handler(request)

    return let_through


def _local(request: web.Request) -> Token | None:
    return LOCAL if is_local(request.transport) else None


def bearer_of(request: web.Request) -> str | None:
    """The bearer token of a request (RFC 6750 section 2.1)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _identify(given: str, token: Callable[[str], Token | None]) -> Token | None:
    try:
        return token(given)
    except (InputError, StoreError) as error:
        log.error("%s", error)  # noqa: TRY400 - the message is the whole of it
        raise unavailable("tokens_unreadable", "the file of tokens cannot be read; the daemon's log says why") from None


def _check(request: web.Request, allowed: frozenset[Who], caller: Token | None, attempts: Attempts) -> None:
    if caller is None:
        if bearer_of(request) is not None and attempts.too_many(request.remote or ""):
            raise Problem(
                429, "too_many_attempts", "too many bad tokens from this address; wait a minute", {"Retry-After": "60"}
            )
        raise Problem(401, "unauthorized", _NO_TOKEN, {"WWW-Authenticate": "Bearer"})
    if caller.role not in allowed:
        log.warning("token %s (%s) was refused %s", caller.id, caller.role, key_of(request.match_info.route))
        raise Problem(
            403, "forbidden", f"the role of this token may not do this; it needs: {' or '.join(sorted(allowed))}"
        )


def _refuse_cross_site(request: web.Request) -> None:
    """What changes something is never done for another site's page."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Problem(403, "cross_site", "a page of another site may not do this")
