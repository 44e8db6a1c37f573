"""How many events Sentry received of a project, hour by hour, for the summaries and the report of an announced peak.

GET /api/0/projects/{organization}/{project}/stats/ answers points of normalised time (docs.sentry.io, "Retrieve Event
Counts for a Project"): `[[1541455200, 1184], ...]`, seconds and a count. It counts every event that was received, and
its hours are those of UTC. Nothing of it is a fact: it stands beside our own figures, as Sentry's.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlencode

from monitor.ledger.period import HOUR, SECOND, Period
from monitor.sources.kind import Page, Problem, Reply, Request, bearer
from monitor.sources.reading import body_of
from monitor.sources.sentry_uptime import SentryUptimeSettings

MOST_POINTS = 33 * 24
"""Of an answer: an event lasts 31 days at most, and is asked for from an hour before it until an hour after it."""

LARGEST_COUNT = 2**53
"""Of one hour; what is larger is no count."""


class Count(NamedTuple):
    """An hour of Sentry's, by its start (UTC ms), and how many events it received in it."""

    hour: int
    events: int


def counts_request(settings: SentryUptimeSettings, window: Period) -> Request | None:
    """What to ask for; None where the source names no project."""
    if settings.events_project is None:
        return None
    since, until = window.start // HOUR * HOUR, window.end - 1
    query = {"stat": "received", "resolution": "1h", "since": str(since // SECOND), "until": str(until // SECOND)}
    path = f"{quote(settings.organization, safe='')}/{quote(settings.events_project, safe='')}"
    url = f"{settings.url.rstrip('/')}/api/0/projects/{path}/stats/?{urlencode(query)}"
    return Request("events", url, {"Authorization": bearer(settings.auth_token)})


def counts(reply: Reply, window: Period) -> list[Count] | Problem:
    """The hours that touch the window, in order. An answer with one point that is none is not believed at all."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body.failed or "not_json"
    if not isinstance(body, list):
        return "wrong_type"
    if len(body) > MOST_POINTS:
        return "too_long"
    found: dict[int, int] = {}
    for point in body:
        if not isinstance(point, list) or len(point) != 2:
            return "wrong_type"
        second, events = point
        if type(second) is not int or type(events) is not int or not 0 <= events <= LARGEST_COUNT:
            return "wrong_type"
        hour = second * SECOND
        if window.start - HOUR < hour < window.end:
            found[hour] = events
    return [Count(hour, found[hour]) for hour in sorted(found)]
