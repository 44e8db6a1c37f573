"""The daemon's own life as facts: its start, its stop, and what its watchdogs saw in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from monitor import __version__
from monitor.config import Config, WrittenTerms
from monitor.errors import StoreError
from monitor.facts import Fact
from monitor.interfaces import Clock
from monitor.ledger.terms import Terms
from monitor.recorder import Recorder
from monitor.wiring import Event, lifecycle_fact, terms_fact

logger = logging.getLogger(__name__)

VERSION = f"minutebook {__version__}"

LAST_WORD_S = 1.0
"""For the fact of the stop; the drain of the results and the web's clients have 5 s each, SIGTERM 10 s for all."""

RETRY_S = 5.0
"""Pause before a lifecycle fact is tried again while the store is away."""


@dataclass(slots=True)
class Current:
    """What a reload changes, how the last one went, and whether the daemon is on its way out."""

    config: Config
    terms: Terms
    reload_succeeded: bool = True
    leaving: bool = False


class Life:
    """Records the life of one daemon. `realign` is called after the wall clock was stepped."""

    def __init__(self, clock: Clock, recorder: Recorder, current: Current, realign: Callable[[], None]) -> None:
        self._clock = clock
        self._recorder = recorder
        self._current = current
        self._realign = realign
        self._notices: asyncio.Queue[Fact] = asyncio.Queue()

    async def begin(self, promised: WrittenTerms) -> None:
        """Records the start and its terms."""
        now, location = self._clock.now(), self._current.config.location
        await self._recorder.record([terms_fact(location, promised, now), self._lifecycle("started", VERSION, now)])

    async def end(self) -> None:
        """Records the stop and what was noticed before; where the store is away, the gap says so itself."""
        noticed = [self._notices.get_nowait() for _ in range(self._notices.qsize())]
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._recorder.record([*noticed, self._lifecycle("stopped", VERSION, self._clock.now())])
        except (StoreError, TimeoutError) as error:
            logger.warning("the stop is not recorded: %s", str(error) or "the store takes too long")

    def notice(self, event: str, at: int, detail: str) -> None:
        """What a watchdog saw, to be recorded soon."""
        self._notices.put_nowait(self._lifecycle(event, detail, at))
        if event == "clock_stepped":
            self._realign()

    async def tell_notices(self) -> None:
        """Records what the watchdogs saw."""
        while True:
            notice = await self._notices.get()
            try:
                await self._tell(notice)
            except asyncio.CancelledError:
                self._notices.put_nowait(notice)  # for the end; its id keeps it from being recorded twice
                raise

    async def _tell(self, notice: Fact) -> None:
        """What the store cannot take now waits and is tried again."""
        while True:
            try:
                await self._recorder.record([notice])
            except StoreError as error:
                logger.warning("a lifecycle fact waits for the store: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _lifecycle(self, event: str, detail: str, at: int) -> Fact:
        return lifecycle_fact(self._current.config.location, Event(event, detail, at, self._current.terms.digest))
