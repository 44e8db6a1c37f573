"""Reports as pages of the daemon: made one at a time, kept for a minute, and never for so many that probing waits.

A report reads the whole log. Whoever may read the status page may ask for one, so what making them may take is bounded
here and not by whoever asks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from monitor.errors import InputError
from monitor.interfaces import Clock
from monitor.ledger.period import Month

KEPT_NS = 60 * 10**9
"""How long a page is given again as it is; it says itself as of when it is."""
NOTHING_NS = 5 * 10**9
"""How long it is remembered that there is nothing to tell: the first look may come any moment."""
PAGES = 64
"""Pages kept at once: the oldest is forgotten first."""
WAIT_S = 10.0
"""For others' reports to be made; after that whoever waits is told to ask again."""
RESTS = 3
"""Pages for everybody take a quarter of the time at most: after one, none is made for three times as long."""
WAITING = 32
"""Who may wait for pages for everybody at once; the next is told to ask again, since each holds an open connection."""


class Wanted(NamedTuple):
    """A page: of which service and month, and whether for whoever may read everything."""

    service: str
    month: Month
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Made:
    """A page, or why there is none."""

    at_ns: int
    terms: str
    text: str
    is_page: bool


class ReportPages:
    """`make` gives the page and blocks; it raises InputError where there is nothing to tell, or StoreError.
    `terms` is the digest of the terms in force: after a reload no page is given again. `sleep` takes seconds."""

    def __init__(
        self,
        clock: Clock,
        make: Callable[[Wanted], str],
        terms: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._make = make
        self._terms = terms
        self._kept: OrderedDict[Wanted, _Made] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._rests_until_ns = 0
        self._waiting = 0

    async def page(self, wanted: Wanted) -> str:
        """The page. Raises InputError where there is nothing to tell, StoreError, and TimeoutError where too many are
        asked for."""
        found = self._still_kept(wanted)
        if found is None:
            await self._turn(wanted)
            try:
                found = self._still_kept(wanted) or await self._anew(wanted)
            finally:
                self._one_at_a_time.release()
        if not found.is_page:
            raise InputError(found.text)
        return found.text

    async def _turn(self, wanted: Wanted) -> None:
        """Returns with the lock held, once the page may be made or stands made."""
        if not wanted.is_whole and self._waiting >= WAITING:
            raise TimeoutError
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self._one_at_a_time.acquire()
                while (rest_ns := self._rest_ns(wanted)) > 0:
                    self._one_at_a_time.release()
                    if rest_ns > WAIT_S * 10**9:
                        raise TimeoutError
                    await self._sleep(rest_ns / 10**9)
                    await self._one_at_a_time.acquire()
        finally:
            self._waiting -= 1

    def _rest_ns(self, wanted: Wanted) -> int:
        """How long no page like this is made yet; 0 for one that stands."""
        if wanted.is_whole or self._still_kept(wanted) is not None:
            return 0
        return self._rests_until_ns - self._clock.monotonic_ns()

    def _still_kept(self, wanted: Wanted) -> _Made | None:
        found = self._kept.get(wanted)
        if found is None or found.terms != self._terms():
            return None
        kept_ns = KEPT_NS if found.is_page else NOTHING_NS
        return found if self._clock.monotonic_ns() - found.at_ns < kept_ns else None

    async def _anew(self, wanted: Wanted) -> _Made:
        started, terms = self._clock.monotonic_ns(), self._terms()
        try:
            text, is_page = await asyncio.to_thread(self._make, wanted), True
        except InputError as error:
            text, is_page = str(error), False
        ended = self._clock.monotonic_ns()
        self._rests_until_ns = max(self._rests_until_ns, ended + RESTS * (ended - started))
        self._kept.pop(wanted, None)
        self._kept[wanted] = made = _Made(ended, terms, text, is_page)
        if len(self._kept) > PAGES:
            self._kept.popitem(last=False)
        return made
