"""What is to be told now, from a snapshot and what was told before. Pure.

Everything is derived from committed facts again and again; a message's key makes it one. So nothing is lost by a stop
or a kill, and what was told stays told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple, cast

from exporters import channel_words as words
from exporters.stated import Statement, Wall
from monitor.channels import Message, Tone
from monitor.ledger.peaks import PeakView
from monitor.ledger.period import DAY, HOUR, MINUTE, format_instant, parse_instant
from monitor.ledger.snapshot import ServiceView, Snapshot

UPDATE_EVERY = 30 * MINUTE
"""How often an outage that goes on is told again, in ms."""

TOLD_FOR = 7 * DAY
"""How long after it was recorded a closing is still told where it was not, in ms."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told: the name of the channel, the services, the customer (None: our own people) and the topics."""

    name: str
    services: frozenset[str]
    customer: str | None
    topics: Set[str]


class Closed(NamedTuple):
    """A month that was closed or restated: when that was recorded (UTC ms), and the statement that stands."""

    recorded_at: int
    stated: Statement


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to tell of, and the zone that instants are told in."""

    snapshot: Snapshot
    closed: Sequence[Closed]
    zone: str


class Kept(NamedTuple):
    """A message that was told, or waits to be: its thread, and since when it is kept, UTC ms."""

    thread: str
    at: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told: since when it is known (UTC ms), and every message by its key."""

    since: int
    kept: Mapping[str, Kept]


def due(recipient: Recipient, seen: Seen, told: Told) -> list[Message]:
    """The messages that were not told yet, in the order to tell them."""
    found: list[Message] = []
    if "outages" in recipient.topics:
        for view in seen.snapshot.services:
            if view.service in recipient.services:
                found += _outage(view, seen, told)
    if "events" in recipient.topics:
        for peak in seen.snapshot.peaks:
            if recipient.customer in (None, peak.event.customer):
                found += _peak(peak, seen, told)
    if "months" in recipient.topics:
        found += _months(recipient, seen, told)
    return [message for message in found if message.key not in told.kept]


# ---------------------------------------------------------------- outages


def _outage(view: ServiceView, seen: Seen, told: Told) -> Iterator[Message]:
    as_of, wall = seen.snapshot.as_of, Wall(seen.zone)
    prefix = f"outage/{view.service}/"
    threads = {kept.thread for kept in told.kept.values() if kept.thread.startswith(prefix)}
    ended = {thread: told.kept[f"{thread}/end"].at for thread in threads if f"{thread}/end" in told.kept}
    thread = max(threads - ended.keys(), default=None)
    if view.up is None or view.since is None:
        return
    if thread is not None:
        start = parse_instant(thread.removeprefix(prefix))
        if view.up:
            yield _message(
                f"{thread}/end", thread, words.outage_over(words.Outage(view, start, view.since, wall), as_of)
            )
        elif (turn := (as_of - start) // UPDATE_EVERY) > 0:
            said = words.outage_goes_on(words.Outage(view, start, None, wall), as_of)
            yield _message(f"{thread}/update/{turn}", thread, said)
    elif not view.up:
        thread = f"{prefix}{format_instant(view.since)}"
        yield _message(f"{thread}/start", thread, words.outage_begun(words.Outage(view, view.since, None, wall), as_of))
    else:
        told_until = max(ended.values(), default=told.since)
        for start, end in view.lately:
            if start > max(told_until, told.since) and end <= as_of:
                thread = f"{prefix}{format_instant(start)}"
                said = words.outage_over(words.Outage(view, start, end, wall), as_of)
                yield _message(f"{thread}/end", thread, said)


# ---------------------------------------------------------------- peaks and months


def _peak(view: PeakView, seen: Seen, told: Told) -> Iterator[Message]:
    event, as_of, wall = view.event, seen.snapshot.as_of, Wall(seen.zone)
    if as_of < event.start or event.end <= told.since:
        return
    thread = f"event/{event.event}/{format_instant(event.start)}"  # one that is moved after it began is told anew
    if as_of >= event.end:
        yield _message(f"{thread}/end", thread, words.peak_over(view, wall))
        return
    yield _message(f"{thread}/start", thread, words.peak_begun(view, wall))
    hours = (as_of - event.start) // HOUR
    if hours and view.last_hour:
        yield _message(f"{thread}/hour/{hours}", thread, words.peak_goes_on(view, hours, wall))


def _months(recipient: Recipient, seen: Seen, told: Told) -> Iterator[Message]:
    titles = {view.service: view.title for view in seen.snapshot.services}
    for closed in seen.closed:
        service = cast(str, closed.stated["service"])
        is_new = closed.recorded_at > max(told.since, seen.snapshot.as_of - TOLD_FOR)
        if service in recipient.services and is_new:
            thread = f"month/{service}/{closed.stated['month']}"
            said = words.month_closed(closed.stated, titles.get(service, service))
            yield _message(f"{thread}/{closed.stated['revision']}", thread, said)


def _message(key: str, thread: str, said: words.Words) -> Message:
    return Message(key, thread, said.title, said.lines, cast(Tone, said.tone))
