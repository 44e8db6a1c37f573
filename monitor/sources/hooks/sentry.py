"""What Sentry's integration platform posts (design/upstreams.md, E): issues of uptime monitors become results.

The signature covers the body alone, so when it happened is read from there, and the headers beside it are believed only
as far as the body agrees. A monitor is spelled in `vantage_of` as its id, as its name, or as the address that it looks
at. What such an issue's body holds is documented nowhere: where none of these is found the source is asked instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.facts import Json, Result
from monitor.sources.hooks.kind import Delivery, Ignored, News, Refusal, digest_of, json_of
from monitor.sources.kind import Asked, Watched
from monitor.sources.reading import Object, Reading
from monitor.sources.sentry_uptime import SentryUptimeSettings

HEADER = "sentry-hook-signature"
RESOURCE = "sentry-hook-resource"

UPTIME = "uptime_domain_failure"
DOWN, UP = frozenset({"created", "unresolved"}), frozenset({"resolved"})
_TITLE = "Downtime detected for "
_IDS = ("detectorId", "detector_id", "uptimeRuleId", "uptime_rule_id", "uptimeSubscriptionId", "monitorId")


def parse(settings: SentryUptimeSettings, asked: Asked, delivery: Delivery) -> News | Refusal | Ignored:
    """A result of the check that the monitor is a vantage of: a fail as of the issue's last event; a pass as of the
    delivery, since no body says when an issue was resolved."""
    del settings
    resources = delivery.headers.get(RESOURCE, ())
    if len(resources) != 1:
        return "forged"
    if resources[0] != "issue":
        return Ignored.called(resources[0])
    body = json_of(delivery)
    if body is None:
        return "unreadable"
    data, action = body.get("data"), body.get("action")
    issue = data.get("issue") if isinstance(data, dict) else None
    if not isinstance(issue, dict) or not isinstance(action, str):
        return "forged"  # it is signed, and is not what the header beside it says
    if issue.get("issueType") != UPTIME or action not in DOWN | UP:
        return Ignored.called("issue", action, issue.get("issueType"))
    return _news(asked, delivery, issue, is_down=action in DOWN)


def _news(asked: Asked, delivery: Delivery, issue: Object, *, is_down: bool) -> News | Refusal:
    reading = Reading(delivery.received_at)
    item = reading.id(issue)
    seen = reading.past(issue, "lastSeen") or reading.past(issue, "firstSeen")
    if item is None or seen is None:
        return "unreadable"
    watched = next((asked.watched[each] for each in _spellings(reading, issue) if each in asked.watched), None)
    results = () if watched is None else (_result(asked, delivery, watched, seen if is_down else None),)
    return News(digest_of(delivery), results=results, poll=True, subject=item, told_of=seen, gives_way=not is_down)


def _result(asked: Asked, delivery: Delivery, watched: Watched, failed_at: int | None) -> Result:
    return Result(
        0,
        watched.check,
        asked.source,
        delivery.received_at if failed_at is None else min(failed_at, delivery.received_at),
        "pass" if failed_at is None else "fail",
        hold_ms=watched.longest_hold_ms,
        reason=None if failed_at is None else "other",
        detail=None if failed_at is None else "Sentry says that it is down",
        id=f"{asked.source}/delivery/{digest_of(delivery)}",
        source=asked.source,
    )


def _spellings(reading: Reading, issue: Object) -> Iterator[str]:
    """What may name the monitor."""
    metadata = issue.get("metadata")
    for given in (issue, metadata if isinstance(metadata, dict) else {}):
        for key in _IDS:
            if given.get(key) is not None and (text := _text(given[key])):
                yield text
        title = reading.text(given, "title", 500)
        if title is not None:
            yield title
            yield title.removeprefix(_TITLE)


def _text(given: Json) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return given if isinstance(given, str) else None
