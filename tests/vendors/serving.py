"""A vendor's server on a free port of this machine, and the ways in which one goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aiohttp import web

Trouble = Literal["html", "forbidden", "rate limited", "slow", "huge", "bomb", "garbage", "reset", "error", "redirect"]

HUGE = 6 * 2**20
"""Bytes: over the 5 MiB that a client of ours takes."""


@dataclass
class Vendor:
    """What a server answers: `answer` gives the JSON of a path, or a whole response; None where there is no such path.

    While `trouble` is set it answers that instead. `asked` are the requests so far, `unchanged` how many of them were
    answered with 304. `retry_after` is sent with 429.
    """

    answer: Callable[[web.Request], Awaitable[object | None]]
    trouble: Trouble | None = None
    retry_after: str | None = None
    redirect_to: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    unchanged: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        if self.trouble is not None:
            return await self._in_trouble(request, self.trouble)
        found = await self.answer(request)
        if isinstance(found, web.StreamResponse):
            return found
        if found is None:
            return web.Response(status=404, text="<html>not here</html>", content_type="text/html")
        body = json.dumps(found).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        response = web.Response(body=body, content_type="application/json", headers={"ETag": tag})
        response.enable_compression()
        return response

    async def _in_trouble(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble == "slow":
            return await self._drip(request)
        if trouble == "reset":
            assert request.transport is not None
            request.transport.abort()
        if trouble == "bomb":
            response = web.Response(body=b"[" + b" " * 50 * 2**20 + b"]", content_type="application/json")
            response.enable_compression(web.ContentCoding.gzip)
            return response
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        simple: dict[str, web.Response] = {
            "html": web.Response(text="<!DOCTYPE html><html>Bad gateway</html>", content_type="text/html"),
            "forbidden": web.Response(status=403, text="error code: 1020"),
            "rate limited": web.Response(status=429, headers=headers),
            "huge": web.Response(body=b" " * HUGE, content_type="application/json"),
            "garbage": web.Response(body=b'{"incidents": [', content_type="application/json"),
            "error": web.Response(status=503, headers=headers),
            "redirect": web.Response(status=302, headers={"Location": self.redirect_to}),
        }
        return simple.get(trouble, web.Response(status=500))

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        """A byte, and then nothing until the test is over."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"{")
        await self.released.wait()
        return response


@asynccontextmanager
async def serving(vendor: Vendor, tls: ssl.SSLContext | None = None) -> AsyncIterator[Vendor]:
    """The vendor at `vendor.url` until the block is left; over TLS where its side of it is given."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        vendor.url = f"{'https' if tls else 'http'}://{host}:{port}"
        yield vendor
    finally:
        vendor.released.set()
        await runner.cleanup()


class Answering(Protocol):
    """A page, as its vendor's tests play it."""

    async def answer(self, request: web.Request) -> object | None: ...


@contextmanager
def served(page: Answering) -> Iterator[Vendor]:
    """The page in a thread of its own, until the block is left."""
    loop = asyncio.new_event_loop()
    begun, over = threading.Event(), asyncio.Event()
    vendor = Vendor(page.answer)

    async def serve() -> None:
        async with serving(vendor):
            begun.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert begun.wait(10)
    try:
        yield vendor
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
