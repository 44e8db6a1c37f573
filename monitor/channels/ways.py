"""The ways out: one post of JSON, bounded in time, bytes and trust, and blocking work in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from monitor.channels.kind import Answer, Refused, Reply, Work
from monitor.facts import Json
from monitor.settings import Secret

POST_S = 15.0
"""For one request, from the look-up of the name to the last byte of the answer."""

LARGEST_ANSWER = 64 * 1024  # bytes; Slack repeats the message
LONGEST_WAIT_S = 3600
"""Of what a Retry-After asks for, as much is heeded."""


@dataclass(frozen=True, slots=True)
class WebPost:
    """Posts through one session. No redirect is followed: it could take our secrets elsewhere."""

    session: aiohttp.ClientSession
    timeout_s: float = POST_S

    async def __call__(self, url: str, body: Json, headers: Mapping[str, str | Secret]) -> Reply | Refused:
        sent = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                self.session.post(url, json=body, headers=sent, allow_redirects=False) as response,
            ):
                return Reply(response.status, await _start_of(response.content), _wait(response.headers))
        except TimeoutError:
            return Refused("timeout")
        except (aiohttp.ClientError, OSError, ValueError):  # ValueError: an address that cannot be sent to
            return Refused("unreachable")


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            break
    return bytes(body[:LARGEST_ANSWER])


def _wait(headers: Mapping[str, str]) -> int | None:
    given = headers.get("Retry-After", "")
    return min(int(given), LONGEST_WAIT_S) if given.isascii() and given.isdigit() and len(given) < 10 else None


async def in_its_own_thread(work: Work) -> Answer:
    """Does blocking work without holding up the loop, the threads that read the store, or the way out of the process:
    a thread that hangs is left behind."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | BaseException) -> None:
        if done.done():
            return
        if isinstance(answer, BaseException):
            done.set_exception(answer)
        else:
            done.set_result(answer)

    def run() -> None:
        try:
            answer: Answer | BaseException = work()
        except BaseException as error:  # raised again where it is waited for
            answer = error
        with suppress(RuntimeError):  # the loop is gone: nobody waits
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=run, name="channel", daemon=True).start()
    return await done
