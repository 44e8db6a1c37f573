"""A long page to a client in pieces, between which the loop runs on (design/performance.md, line 10)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web

PIECE = 1 << 15
"""Bytes gathered before they are sent: a system call costs more than gathering."""

SEND_SECONDS = 30.0
"""For the whole page: a client that reads slower is let go."""

_GZIP_WINDOW = 31  # zlib's largest window, with a gzip header


async def send(request: web.Request, slices: Iterable[str], headers: Mapping[str, str]) -> web.StreamResponse:
    """Answers with the slices, compressed where the client takes gzip. No slice may hold the loop for long."""
    squeeze = takes_gzip(request.headers.get("Accept-Encoding", ""))
    response = web.StreamResponse(headers={**headers, "Vary": "Accept-Encoding"})
    if squeeze:
        response.headers["Content-Encoding"] = "gzip"
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    async with asyncio.timeout(SEND_SECONDS):
        for piece in gzipped(slices) if squeeze else pieces(slices):
            await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
    return response


def pieces(slices: Iterable[str]) -> Iterator[bytes]:
    """The slices as UTF-8, several small ones together."""
    gathered: list[bytes] = []
    size = 0
    for text in slices:
        gathered.append(text.encode())
        size += len(gathered[-1])
        if size >= PIECE:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


def gzipped(slices: Iterable[str]) -> Iterator[bytes]:
    """The same, as one gzip member. A piece may be empty while the compressor gathers."""
    squeezer = zlib.compressobj(1, wbits=_GZIP_WINDOW)
    for piece in pieces(slices):
        yield squeezer.compress(piece)
    yield squeezer.flush()


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the header names gzip and does not refuse it (RFC 9110 section 12.5.3)."""
    for offered in accept_encoding.lower().split(","):
        coding, _, weight = offered.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
