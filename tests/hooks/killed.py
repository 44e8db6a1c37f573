"""A daemon's way from a delivery to its answer, over a real store and a real server, in a process that kills itself
before the nth line of ours that runs after the delivery came."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from monitor.hooks import Hooks, Outlet
from monitor.wiring import aside, posting
from tests.faces.conftest import Book, serve
from tests.hooks.posted import NOW, configured
from tests.poller.polled import Polled, polling

NEVER = 2**31


@asynccontextmanager
async def taking(folder: Path) -> AsyncIterator[tuple[Hooks, Polled]]:
    """What takes deliveries, over the store in this folder."""
    config = configured(folder)
    async with polling(folder, config, NOW) as polled:
        outlet = Outlet(polled.recording.record, polled.poller.take, polled.poller.hurry)
        hooks = Hooks(polled.clock, outlet, aside(folder / "minutebook.db"))
        hooks.replace(posting(config))
        yield hooks, polled


def die_at(nth: int, told: Connection) -> None:
    """Runs in a process of its own: from the call that takes a delivery on counts our lines, in every thread, and dies
    by SIGKILL before the nth. Where it lives on, it tells their number so far when it gets SIGUSR1."""
    lines = 0
    begun = False

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal lines, begun
        name = frame.f_code.co_filename
        if "/monitor/" not in name:
            return None
        begun = begun or (name.endswith("/web/hooks.py") and frame.f_code.co_name == "post")
        if event == "line" and begun:
            lines += 1
            if lines == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    signal.signal(signal.SIGUSR1, lambda *_: told.send(lines))
    threading.settrace(trace)
    sys.settrace(trace)


def serve_until_killed(folder: Path, nth: int, told: Connection) -> None:
    """The process: tells the port, takes deliveries, and dies."""
    die_at(nth, told)
    asyncio.run(_serve(folder, told))


async def _serve(folder: Path, told: Connection) -> None:
    async with taking(folder) as (hooks, _):
        book = Book(folder / "tokens", now=NOW)
        book.hooks = hooks
        async with serve(book) as served:
            told.send(served.port)
            await asyncio.Event().wait()
