"""What Cloudflare's notifications post (design/upstreams.md, D): changes of health checks become results.

Nothing is signed: the secret comes along, and `ts` says when it was sent, so one that is over 15 minutes old, or ahead,
is not taken. The test that is sent when an address is entered gets its 2xx and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from monitor.facts import Json, Outcome, Result
from monitor.ledger.period import MINUTE
from monitor.sources.cloudflare_health_checks import CloudflareHealthChecksSettings
from monitor.sources.hooks.kind import Delivery, Ignored, News, Refusal, digest_of, json_of
from monitor.sources.kind import Asked, Watched
from monitor.sources.reading import AHEAD, EARLIEST, Object, Reading, parse_iso

HEADER = "cf-webhook-auth"
HEALTH = "health_check_status_notification"
STALE = 15 * MINUTE
OUTCOMES: Mapping[str, Outcome] = {"healthy": "pass", "unhealthy": "fail"}

_GO_TIME = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\.\d{1,9})? ([+-]\d{4}) [A-Z0-9+-]{1,6}")
"""Go's time.Time.String(): `2023-08-12 05:16:49 +0000 UTC`."""


def parse(settings: CloudflareHealthChecksSettings, asked: Asked, delivery: Delivery) -> News | Refusal | Ignored:
    """A result of the check that the health check is a vantage of, as of when it changed."""
    del settings
    body = json_of(delivery)
    if body is None:
        return "unreadable"
    sent = body.get("ts")
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        return "unreadable"
    if abs(delivery.received_at - sent * 1000) > STALE:
        return "stale"
    if body.get("alert_type") != HEALTH:
        return Ignored.called(body.get("alert_type"))
    data = body.get("data")
    at = None if not isinstance(data, dict) else _instant(data.get("time"), int(sent * 1000))
    if not isinstance(data, dict) or at is None or not EARLIEST <= at <= delivery.received_at + AHEAD:
        return "unreadable"
    status = data.get("status")
    outcome = OUTCOMES.get(status.casefold()) if isinstance(status, str) else None
    if outcome is None:
        return "unreadable"
    named = [data.get(key) for key in ("health_check_id", "name")]
    watched = next((asked.watched[each] for each in named if isinstance(each, str) and each in asked.watched), None)
    change = _Change(min(at, delivery.received_at), outcome, data)
    results = () if watched is None else (_result(asked, delivery, watched, change),)
    return News(_key(body, delivery), results=results, poll=True)


def _key(body: Object, delivery: Delivery) -> str:
    """What is the same for one that is sent again; older deliveries have no correlation."""
    named = [body.get(key) for key in ("alert_correlation_id", "alert_event", "ts")]
    return sha256(repr(named).encode()).hexdigest() if isinstance(named[0], str) else digest_of(delivery)


def _instant(given: Json, otherwise: int) -> int | None:
    """An instant as Go writes it, or in ISO 8601; absent, that of the sending."""
    if given is None:
        return otherwise
    if not isinstance(given, str):
        return None
    found = _GO_TIME.fullmatch(given)
    if found is None or not given.isascii():
        return parse_iso(given)
    try:
        return int(datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S %z").timestamp()) * 1000
    except (ValueError, OverflowError):
        return None


class _Change(NamedTuple):
    """A health check's change: when, to what, and everything that is told of it."""

    at: int
    outcome: Outcome
    told: Object


def _result(asked: Asked, delivery: Delivery, watched: Watched, change: _Change) -> Result:
    reading = Reading(delivery.received_at)
    code = change.told.get("actual_code")
    has_failed = change.outcome == "fail"
    return Result(
        0,
        watched.check,
        asked.source,
        change.at,
        change.outcome,
        hold_ms=watched.longest_hold_ms,
        reason="other" if has_failed else None,
        detail=reading.text(change.told, "reason") if has_failed else None,
        status=code if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 599 else None,
        id=f"{asked.source}/delivery/{digest_of(delivery)}",
        source=asked.source,
    )
