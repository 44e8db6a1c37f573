"""Asks CrUX for Chrome's own figures of the configured origin, now and then, and records what is new of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from monitor.config import Config
from monitor.errors import FactError, StoreError
from monitor.facts import AnyFact, decode_fact
from monitor.interfaces import Clock
from monitor.ledger.vitals.published import READER
from monitor.life import Current
from monitor.poller.fetch import Failure, Fetcher
from monitor.sources.crux import Place, history, latest, readings

logger = logging.getLogger(__name__)

EVERY_S = 6 * 3600.0
"""The API has new figures once a day, at about 04:00 UTC, and says so nowhere."""


def crux_of(config: Config) -> Place | None:
    """Where the configuration says that CrUX is asked; None: it is not."""
    crux = None if config.web_vitals is None else config.web_vitals.crux
    return None if crux is None else Place(crux.origin, crux.api_key, crux.url.rstrip("/"))


class Crux:
    """The history once after a start, then the newest window. What was recorded before has the same id, and is not
    recorded again; what cannot be had now is asked for the next time."""

    def __init__(
        self, clock: Clock, fetcher: Fetcher, record: Callable[[Sequence[AnyFact]], Awaitable[int]], current: Current
    ) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._record = record
        self._current = current
        self._asked: Place | None = None
        self._answered: tuple[Place, int] | None = None

    @property
    def last_success(self) -> Mapping[str, int]:
        """When CrUX, as a source by name, last answered with what could be kept, or that it has no figures of the
        origin; UTC ms. Nothing where it never did since the start, or is not asked."""
        if self._answered is None or self._answered[0] != crux_of(self._current.config):
            return {}
        return {READER: self._answered[1]}

    async def ring(self) -> int:
        """Asks once; answers how many figures were new."""
        place = crux_of(self._current.config)
        if place is None:
            return 0
        request = latest(place) if self._asked == place else history(place)
        reply = (await self._fetcher.fetch(request, None)).reply
        if isinstance(reply, Failure):
            if reply.not_offered:
                logger.info("CrUX has no figures of %s", place.origin)
                self._answered = place, self._clock.now()
            else:
                logger.warning("CrUX was not read: %s", reply.words)
            return 0
        try:
            found = readings(reply.body, place)
            facts = [decode_fact({"kind": "vitals_reading", **fields}, self._clock.now()) for fields in found]
            new = await self._record(facts) if facts else 0
        except FactError as error:
            logger.warning("CrUX was not read: its answer %s", error.reason[:200])
            return 0
        except StoreError as error:
            logger.warning("figures of CrUX wait for the store: %s", error)
            return 0
        self._asked = place
        if not facts:
            logger.warning("CrUX was not read: its answer has no figures that are as documented")
            return 0
        self._answered = place, self._clock.now()
        logger.info("CrUX: %d figures of %s, %d of them new", len(facts), place.origin, new)
        return new
