"""One request to somebody else's server: bounded in time, bytes and trust. A failure is a value with its reason."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import aiohttp

from monitor import __version__
from monitor.interfaces import Clock
from monitor.settings import Secret
from monitor.sources.kind import Problem, Reply, Request
from monitor.sources.reading import cleaned

LARGEST_BODY = 5 * 2**20
"""Bytes of a body, unpacked (upstreams.md: the largest recorded one has 332 KB; allow 5 MB)."""

KEPT_BODY = 2**20
"""Bytes of a body that is kept for the next 304; a larger one is asked for anew each time."""

REQUEST_S = 30.0
"""For one request, from the look-up of the name to the last byte."""

CONNECTIONS = 8
"""At the same time, of all sources."""

LONGEST_WAIT_S = 3600
"""Of what a Retry-After asks for, as much is heeded."""

_RATE_LIMITED = (420, 429)
_FORBIDDEN = (401, 403)


class Failure(NamedTuple):
    """Why a request has no reply: words for the log hold nothing but a status or the name of an error."""

    problem: Problem
    words: str
    retry_after_s: int | None = None
    not_offered: bool = False


class Kept(NamedTuple):
    """A body, the headers that came with it, and what the server calls it."""

    body: bytes
    headers: Mapping[str, str]
    validators: Mapping[str, str]


Place = tuple[str, str, str]
"""What a body is kept under: what was asked, the URL, and the body that was sent."""

Bodies = Mapping[Place, Kept]


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The one client session of the daemon: no proxies from the environment, no cookies, own name look-ups."""
    # The default resolver looks names up in the threads that read the store: dead names would hold those up.
    resolver = aiohttp.AsyncResolver()
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, resolver=resolver, ssl=_trust()),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"minutebook/{__version__}", "Accept": "application/json"},
        ) as opened:
            yield opened
    finally:
        await resolver.close()


class _Trust(ssl.SSLContext):
    """Reads the system's certificate authorities when it is first used, which takes 20 ms and a megabyte: most daemons
    ask nobody."""

    has_read = False

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if not self.has_read:
            self.load_default_certs(ssl.Purpose.SERVER_AUTH)
            self.has_read = True
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def _trust() -> ssl.SSLContext:
    """As ssl.create_default_context of this Python has it, but for TLS before 1.2."""
    context = _Trust(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context


class Answer(NamedTuple):
    """A reply, or why there is none, and what to keep for the next time."""

    reply: Reply | Failure
    kept: Kept | None = None


def place_of(request: Request) -> Place:
    """What the body of a request's reply is kept under."""
    return request.purpose, request.url, json.dumps(request.body)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks through one session; `timeout_s` for one request."""

    session: aiohttp.ClientSession
    clock: Clock
    timeout_s: float = REQUEST_S

    async def fetch(self, request: Request, kept: Kept | None) -> Answer:
        """Asks once. `kept` is what a 304 would mean. Never raises for what a server does."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._exchange(request, kept)
        except TimeoutError:
            return Answer(Failure("timeout", f"no whole answer within {self.timeout_s:g} s"))
        except (
            aiohttp.ClientError,
            OSError,
            ValueError,
        ) as error:  # ValueError: a header or a host that cannot be sent
            return Answer(Failure("unreachable", type(error).__name__))

    async def _exchange(self, request: Request, kept: Kept | None) -> Answer:
        sent = {name: _revealed(value) for name, value in request.headers.items()}
        asking = self.session.request(
            "GET" if request.body is None and request.form is None else "POST",
            request.url,
            headers={**(kept.validators if kept else {}), **sent},
            json=request.body,
            data=None if request.form is None else {name: _revealed(value) for name, value in request.form.items()},
            allow_redirects=False,  # a redirect could take our secrets elsewhere, or us to where we should not be
        )
        async with asking as response:
            if response.status == 304 and kept is not None:
                return Answer(Reply(request, kept.body, self.clock.now(), kept.headers), kept)
            if response.status != 200 and (response.status != 201 or request.body is None):
                return Answer(_refused(response, self.clock.now()))
            body = await _body(response.content)
            if body is None:
                return Answer(Failure("too_large", f"over {LARGEST_BODY} bytes"))
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(Reply(request, body, self.clock.now(), headers), _to_keep(request, body, headers))


def _revealed(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


async def _body(content: aiohttp.StreamReader) -> bytes | None:
    """All of it, as it comes unpacked; None when it is too large."""
    body = bytearray()
    async for chunk in content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _to_keep(request: Request, body: bytes, headers: Mapping[str, str]) -> Kept | None:
    named = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    validators = {sent: headers[came] for came, sent in named.items() if came in headers}
    is_read = request.body is None and request.form is None
    return Kept(body, headers, validators) if validators and is_read and len(body) <= KEPT_BODY else None


def _refused(response: aiohttp.ClientResponse, now: int) -> Failure:
    status = response.status
    wait = _retry_after(response.headers.get("Retry-After"), now)
    if status in _RATE_LIMITED:
        return Failure("rate_limited", f"status {status}", wait)
    if status in _FORBIDDEN:
        return Failure("forbidden", f"status {status}", wait)
    if 300 <= status < 400:
        to = cleaned(response.headers.get("Location", ""), 100).partition("?")[0]
        return Failure("redirected", f"status {status} to {to!r}: name that address in the configuration")
    return Failure("status", f"status {status}", wait, not_offered=status == 404)


def _retry_after(given: str | None, now: int) -> int | None:
    """Seconds to wait, at most LONGEST_WAIT_S; of a number or an HTTP date (RFC 9110, 10.2.3)."""
    if given is None:
        return None
    try:
        seconds = int(given) if given.isascii() and given.isdigit() else _until(given, now)
    except (ValueError, OverflowError):
        return None
    return max(0, min(seconds, LONGEST_WAIT_S))


def _until(date: str, now: int) -> int:
    return int(parsedate_to_datetime(date).timestamp()) - now // 1000
