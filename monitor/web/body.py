"""Reading what was sent: bounded in size and time, never inflated (design/reliability.md, "4 Bad input")."""

from __future__ import annotations

import asyncio

from aiohttp import web

from monitor.web.problems import Problem

BODY_LIMIT = 1 << 20
"""Bytes of a body of the API."""

BODY_SECONDS = 10.0
"""For the whole body to arrive."""


async def read_body(request: web.Request, *types: str, limit: int = BODY_LIMIT) -> bytes:
    """The body, if its type is one of these and it has at most so many bytes. Raises Problem: 415, 413, 408, 400."""
    check_type(request, *types)
    return await read_limited(request, limit)


def check_type(request: web.Request, *types: str) -> None:
    """Raises Problem (415) for a body that is compressed or of another type."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_media_type", "send the body as it is: a Content-Encoding is not undone here")
    if request.content_type not in types:
        raise Problem(415, "unsupported_media_type", f"send the body as {' or '.join(types)}")


async def read_limited(request: web.Request, limit: int) -> bytes:
    """The body, if it has at most so many bytes, counted as they come. Raises Problem: 413, 408, 400."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, limit)
    except TimeoutError:
        raise Problem(408, "timeout", f"the body did not arrive within {BODY_SECONDS:g} s") from None
    except web.RequestPayloadError:
        raise Problem(400, "bad_request", "the body is not framed as its headers say") from None


async def _read(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"a body has at most {limit} bytes here; send facts in several batches")
