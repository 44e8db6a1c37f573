"""Jobs report that they ran: `POST /api/v1/heartbeats/{check}` (contracts/interface.md, "HTTP").

Only POST: GET is safe by RFC 9110 section 9.2.1, so whatever previews a link or fetches ahead may send it, and a job
that died would live on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from monitor.errors import FactError, StoreError
from monitor.facts import Json, parse_json
from monitor.interfaces import Report
from monitor.web.body import read_body
from monitor.web.daemon import Daemon
from monitor.web.guard import CALLER
from monitor.web.problems import Problem, unavailable

JSON = "application/json"

RECORD_SECONDS = 20.0
"""For the report to become durable; after that the job is told to try again, which is safe with a key."""

REASON_LIMIT = 400  # characters; a fact's detail has 500
KEY_LIMIT = 200
LONGEST_MS = 10 * 366 * 86_400_000


class HeartbeatsIn:
    """The handler; what is done with a report is the daemon's."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def post(self, request: web.Request) -> web.Response:
        body = await read_body(request, JSON) if request.body_exists else b""
        check, heartbeats = request.match_info["check"], self._daemon.heartbeats
        if check not in heartbeats.checks:
            if self._daemon.longest_hold(check) is None:
                raise Problem(404, "not_found", "the configuration names no such check")
            raise Problem(422, "bad_parameter", "check: is no heartbeat: it is looked at from here")
        report = report_of(body, request.headers.get("Idempotency-Key"), request[CALLER].vantage)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                new = await heartbeats.take(check, report)
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", "the report could not be kept; send it again") from None
        return web.json_response({"new": new})


def report_of(body: bytes, key: str | None, source: str | None) -> Report:
    """What a job says; an empty body is a pass. Raises Problem."""
    if key is not None and not (0 < len(key) <= KEY_LIMIT and key.isascii() and key.isprintable()):
        raise _wrong(f"Idempotency-Key: expected 1 to {KEY_LIMIT} printable ASCII characters")
    words = _object(body)
    if words.keys() - {"status", "reason", "duration_ms"}:
        raise _wrong("expected no key but status, reason and duration_ms")
    failed = _failed(words)
    return Report(failed, _reason(words, failed), _duration_ms(words), key, source)


def _object(body: bytes) -> Mapping[str, Json]:
    if not body.strip():
        return {}
    try:
        given = parse_json(body)
    except FactError:
        raise _wrong("expected a JSON object, or no body") from None
    if not isinstance(given, dict):
        raise _wrong("expected a JSON object, or no body")
    return given


def _failed(words: Mapping[str, Json]) -> bool:
    status = words.get("status", "pass")
    if status not in ("pass", "fail"):
        raise _wrong("status: expected pass or fail")
    return status == "fail"


def _reason(words: Mapping[str, Json], failed: bool) -> str | None:
    """A job's own words, on one line."""
    if "reason" not in words:
        return None
    reason = words["reason"]
    if not failed:
        raise _wrong("reason: belongs to status fail; leave it out")
    if not isinstance(reason, str) or len(reason) > REASON_LIMIT:
        raise _wrong(f"reason: expected a text of at most {REASON_LIMIT} characters")
    line = " ".join("".join(character if character.isprintable() else " " for character in reason).split())
    return line or None


def _duration_ms(words: Mapping[str, Json]) -> float | None:
    duration = words.get("duration_ms")
    if duration is None:
        return None
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 <= duration <= LONGEST_MS:
        raise _wrong("duration_ms: expected a number of milliseconds, 0 or more")
    return duration


def _wrong(detail: str) -> Problem:
    return Problem(422, "bad_parameter", f"nothing was stored: {detail}")
