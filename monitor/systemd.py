"""What systemd is told of the daemon: that it is ready, and that its loop turns (sd_notify(3)).

Without `NOTIFY_SOCKET` nobody asked, and nothing is told.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

READY = "READY=1"
ALIVE = "WATCHDOG=1"


def tell(state: str, env: Mapping[str, str]) -> None:
    """Sends it a state without waiting; one that systemd cannot take now is dropped, and the next one is soon due."""
    address = env.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out, suppress(OSError):
        out.setblocking(False)
        out.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


@asynccontextmanager
async def alive(env: Mapping[str, str]) -> AsyncIterator[None]:
    """Tells it that the loop turns, twice in each `WATCHDOG_USEC`, until the block is left."""
    given = env.get("WATCHDOG_USEC", "")
    if not given.isdecimal() or int(given) == 0:
        yield
        return
    telling = asyncio.create_task(_telling(int(given) / 2_000_000, env))
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def _telling(every_s: float, env: Mapping[str, str]) -> None:
    while True:
        tell(ALIVE, env)
        await asyncio.sleep(every_s)
