"""`/api/v1/vital-reports`: what a process of ours that takes beacons in hands over to the daemon.

Each report is checked as strictly as if a browser had sent it: what is kept never depends on who wrote the sender.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from aiohttp import web

from monitor.beacons import Beacons
from monitor.beacons.body import KEY_BYTES, is_country, is_value
from monitor.errors import FactError, StoreError
from monitor.facts import Json, parse_json
from monitor.interfaces import VitalReport
from monitor.ledger.vitals.ways import AUTHS
from monitor.web.body import read_body
from monitor.web.problems import Problem, unavailable

JSON = "application/json"

AHEAD_MS = 2_000
"""How far ahead of our clock a report may be, as with facts of agents."""

_KEY = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", re.ASCII)


class TakesOver:
    """The handler: answers once all are durable, and how many were too late for their day."""

    def __init__(self, beacons: Beacons) -> None:
        self._beacons = beacons

    async def post(self, request: web.Request) -> web.Response:
        body = await read_body(request, JSON)
        try:
            given = parse_json(body)
        except FactError:
            raise _wrong("expected a JSON array of reports") from None
        if not isinstance(given, list):
            raise _wrong("expected a JSON array of reports")
        reports = [_report(each, self._beacons.now() + AHEAD_MS) for each in given]
        try:
            late = await self._beacons.take_over(reports)
        except StoreError:
            raise unavailable("store_unavailable", "they could not be kept; send them again") from None
        return web.json_response({"late": late})


def spelled(reports: Sequence[VitalReport]) -> bytes:
    """The body of a request that hands these over."""
    return json.dumps([[report.key.hex(), *report[1:]] for report in reports]).encode()


def _report(given: Json, latest: int) -> VitalReport:
    match given:
        case [str(key), str(metric), int() | float() as value, int(at), str() | None as country, str(trust)] if (
            _KEY.fullmatch(key)
            and not isinstance(value, bool)
            and is_value(metric, value)
            and not isinstance(at, bool)
            and 0 < at <= latest
            and (country is None or is_country(country))
            and trust in AUTHS
        ):
            return VitalReport(bytes.fromhex(key), metric, float(value), at, country, trust)
    raise _wrong("a report is not [key, metric, value, at, country, auth]")


def _wrong(detail: str) -> Problem:
    return Problem(422, "bad_parameter", f"nothing was kept: {detail}")
