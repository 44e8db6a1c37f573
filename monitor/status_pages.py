"""The status page, its JSON, its feed and its badges: made once for each evaluation, in a thread, for whoever asks.

All of them tell the same. A page has a version, which changes with anything that it shows but its instant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from exporters import badge, feed, status_page
from exporters.badge import Show
from exporters.status import Seen, status
from monitor.facts import Json
from monitor.interfaces import Clock
from monitor.web import Audience

RESTS = 10
"""What is told is made anew after ten times as long as it took to make: it may be many services, and many who ask."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was made of one evaluation for one audience."""

    seen: Seen
    told: Mapping[str, Json]
    version: str
    page: str
    made_at_ns: int
    took_ns: int


class StatusPages:
    """`seen` is what there is to tell now; `site` is the address that others reach it at, or a slash."""

    def __init__(self, clock: Clock, seen: Callable[[], Seen], site: Callable[[], str]) -> None:
        self._clock = clock
        self._seen = seen
        self._site = site
        self._made: dict[Audience, Told] = {}
        self._making = {"public": asyncio.Lock(), "all": asyncio.Lock()}

    async def status(self, audience: Audience) -> Mapping[str, Json]:
        """`/status.json`."""
        return (await self._told(audience)).told

    async def page(self, audience: Audience) -> str:
        """The page as HTML."""
        told = await self._told(audience)
        age = self._age(told)
        if age <= status_page.STALE_AFTER:
            return told.page
        return await asyncio.to_thread(status_page.render, told.told, told.version, age)

    async def mark(self, audience: Audience) -> dict[str, Json]:
        """What an event of `/events` says: as of when the page is, and its version."""
        told = await self._told(audience)
        return {"as_of": told.told["as_of"], "version": told.version}

    async def feed(self, audience: Audience) -> bytes:
        """`/feed.atom`."""
        told = await self._told(audience)
        return await asyncio.to_thread(feed.feed, told.told, self._site(), self._clock.now())

    async def badge(self, service: str, show: Show, audience: Audience) -> str | None:
        """None where the audience knows no such service."""
        services = cast("list[Mapping[str, Json]]", (await self._told(audience)).told["services"])
        found = next((each for each in services if each["service"] == service), None)
        return None if found is None else badge.badge(found, show)

    async def _told(self, audience: Audience) -> Told:
        async with self._making[audience]:
            made, now = self._made.get(audience), self._clock.monotonic_ns()
            seen = self._seen()
            if made is None or (not _same(seen, made.seen) and now - made.made_at_ns >= RESTS * made.took_ns):
                made = await asyncio.to_thread(self._make, seen, audience)
                self._made[audience] = made
            return made

    def _make(self, seen: Seen, audience: Audience) -> Told:
        began = self._clock.monotonic_ns()
        told = status(seen, everything=audience == "all")
        page, version = status_page.versioned(told)
        ended = self._clock.monotonic_ns()
        return Told(seen, told, version, page, ended, ended - began)

    def _age(self, told: Told) -> int:
        return 0 if told.seen.snapshot is None else self._clock.now() - told.seen.snapshot.as_of


def _same(one: Seen, other: Seen) -> bool:
    """By identity: to compare a thousand services takes longer than to evaluate them."""
    return one.snapshot is other.snapshot and one.past is other.past and one.chain == other.chain
