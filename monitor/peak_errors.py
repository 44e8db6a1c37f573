"""Asks Sentry how many events of the app it received, around an announced peak, for its summaries and its metric.

Nothing waits for it: what is shown is the newest answer, with the instant that it is of. Nothing of it is a fact.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from monitor.config import Config
from monitor.interfaces import Clock
from monitor.ledger.peaks import ErrorCount, Errors, TrafficEvent
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period
from monitor.ledger.snapshot import Snapshot
from monitor.life import Current
from monitor.poller.fetch import Failure, Fetcher
from monitor.sources.sentry_events import counts, counts_request
from monitor.sources.sentry_uptime import SentryUptimeSettings

logger = logging.getLogger(__name__)

EVERY_S = 30.0
STANDS = 5 * MINUTE
"""How long an answer stands where the next ones fail, in ms; after that nothing is known."""

LONGEST = 32 * DAY
"""How far back is asked, in ms: an event that was imported may be longer, and is then not known."""


def events_source(config: Config) -> SentryUptimeSettings | None:
    """The first source with an `events_project`; None: no Sentry is asked."""
    settings = (source.settings for source in config.sources)
    named = (each for each in settings if isinstance(each, SentryUptimeSettings))
    return next((each for each in named if each.events_project is not None), None)


class _Told(NamedTuple):
    """An answer: who gave it, when it was asked for (UTC ms), and the events by hour of Sentry's."""

    by: SentryUptimeSettings
    at: int
    counts: Mapping[int, int]


class PeakErrors:
    """One request for all peaks that run, begin within the hour, or ended in the last one."""

    def __init__(
        self, clock: Clock, fetcher: Fetcher, current: Current, snapshot: Callable[[], Snapshot | None]
    ) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._current = current
        self._snapshot = snapshot
        self._told: _Told | None = None
        self._wait_ns = 0
        self._said = ""

    def of(self, event: TrafficEvent, as_of: int) -> Errors | None:
        """What is known of a peak at an instant, UTC ms; None: no Sentry is asked."""
        source, told = events_source(self._current.config), self._told
        if source is None:
            return None
        if told is None or told.by != source or not 0 <= as_of - told.at <= STANDS:
            return Errors()
        first, last = event.start // HOUR * HOUR, (event.end - 1) // HOUR * HOUR
        during = _counted(told, Period(first, last + HOUR))
        if during is None:
            return Errors(_counted(told, Period(first - HOUR, first)))
        newest = max(first, (during.until - HOUR // 2) // HOUR * HOUR)
        return Errors(
            _counted(told, Period(first - HOUR, first)), during, _counted(told, Period(newest, newest + HOUR))
        )

    async def ring(self) -> None:
        """Asks once, where there is a peak to ask for and Sentry did not ask for peace."""
        source, snapshot = events_source(self._current.config), self._snapshot()
        now = self._clock.now() // SECOND * SECOND
        window = None if snapshot is None else _window((view.event for view in snapshot.peaks), now)
        request = None if source is None or window is None else counts_request(source, window)
        if source is None or window is None or request is None or self._clock.monotonic_ns() < self._wait_ns:
            return
        reply = (await self._fetcher.fetch(request, None)).reply
        if isinstance(reply, Failure):
            self._wait_ns = self._clock.monotonic_ns() + (reply.retry_after_s or 0) * 1_000_000_000
            self._say(reply.words)
            return
        told = await asyncio.to_thread(counts, reply, window)  # a large answer takes longer to read than a look may
        if isinstance(told, str):
            self._say(told)
            return
        self._told = _Told(source, now, dict(told))
        self._say("")

    def _say(self, words: str) -> None:
        """Each state of affairs once."""
        if words != self._said:
            self._said = words
            if words:
                logger.warning("Sentry did not tell how many events it received in an announced peak: %s", words)
            else:
                logger.info("Sentry tells again how many events it received in an announced peak")


def _window(events: Iterable[TrafficEvent], now: int) -> Period | None:
    """From an hour before the first of the peaks that are asked for, or `LONGEST` ago, until now."""
    starts = [event.start for event in events if event.start - HOUR <= now < event.end + HOUR]
    return Period(max(min(starts) - HOUR, now - LONGEST), now) if starts else None


def _counted(told: _Told, hours: Period) -> ErrorCount | None:
    """What was received in these hours of Sentry's, as far as the answer reaches; None where it has nothing of the
    first."""
    events, until = 0, hours.start
    while until < min(hours.end, told.at) and until in told.counts:
        events += told.counts[until]
        until += HOUR
    until = min(until, told.at)
    return ErrorCount(hours.start, until, events) if until > hours.start else None
