"""Work that those who ask for it at the same time share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Together:
    """Calls `work` once for all who ask while it is under way; one who stops waiting does not end it for the others."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._running: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._do())
        await asyncio.shield(self._running)

    async def _do(self) -> None:
        await self._work()

    async def aclose(self) -> None:
        """Ends what is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
