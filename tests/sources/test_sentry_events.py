"""What Sentry received of a project, hour by hour: in the shape that its documentation records, and nothing made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.ledger.period import HOUR, MINUTE, Period
from monitor.poller import Fetcher, session
from monitor.settings import Secret
from monitor.sources.kind import Reply, Request
from monitor.sources.sentry_events import Count, counts, counts_request
from monitor.sources.sentry_uptime import SentryUptimeSettings

RECORDED = json.loads((Path(__file__).parent / "recorded" / "sentry_project_stats.json").read_text())
FIRST = RECORDED[0][0] * 1000
WINDOW = Period(FIRST + 90 * MINUTE, FIRST + 4 * HOUR + 30 * MINUTE)


def of(project: str | None, url: str = "https://de.sentry.io/") -> SentryUptimeSettings:
    return SentryUptimeSettings.model_construct(
        organization="acme inc", events_project=project, url=url, auth_token=Secret("very-secret")
    )


def reply(body: bytes) -> Reply:
    return Reply(Request("events", "https://sentry.io/"), body, WINDOW.end)


def test_the_hours_that_touch_a_peak_are_taken_from_a_recorded_answer() -> None:
    found = counts(reply(json.dumps(RECORDED).encode()), WINDOW)
    assert found == [Count(point[0] * 1000, point[1]) for point in RECORDED[1:5]]


def test_what_is_asked_for_begins_with_the_hour_of_the_peak_and_names_the_project() -> None:
    asked = counts_request(of("web/shop"), WINDOW)
    assert asked is not None
    assert asked.url == (
        "https://de.sentry.io/api/0/projects/acme%20inc/web%2Fshop/stats/?stat=received&resolution=1h"
        f"&since={(FIRST + HOUR) // 1000}&until={(WINDOW.end - 1) // 1000}"
    )
    assert "very-secret" not in repr(asked)
    assert counts_request(of(None), WINDOW) is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>", "html"),
        (b"{", "not_json"),
        (b"{}", "wrong_type"),
        (b"[[1541455200, -1]]", "wrong_type"),
        (b"[[1541455200, 1.5]]", "wrong_type"),
        (b"[[1541455200, 1" + b"0" * 400 + b"]]", "wrong_type"),
        (b"[[1541455200, 1" + b"0" * 9000 + b"]]", "not_json"),
        (b"[[1541455200, true]]", "wrong_type"),
        (b'[["1541455200", 1]]', "wrong_type"),
        (b"[[1541455200]]", "wrong_type"),
        (json.dumps([[0, 1]] * 1000).encode(), "too_long"),
    ],
)
def test_an_answer_that_is_not_as_recorded_says_why_and_gives_no_figure(body: bytes, problem: str) -> None:
    assert counts(reply(body), WINDOW) == problem


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_nothing_that_is_sent_raises(body: bytes | str) -> None:
    found = counts(reply(body.encode() if isinstance(body, str) else body), WINDOW)
    assert isinstance(found, str | list)


async def test_a_server_that_speaks_so_is_asked_with_the_token_and_understood() -> None:
    async def stats(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer very-secret"
        assert request.query["resolution"] == "1h"
        return web.json_response(RECORDED)

    app = web.Application()
    app.router.add_get("/api/0/projects/{organization}/{project}/stats/", stats)
    async with TestServer(app) as server, session() as client:
        asked = counts_request(of("shop", str(server.make_url(""))), WINDOW)
        assert asked is not None
        answered = (await Fetcher(client, SystemClock()).fetch(asked, None)).reply
    assert isinstance(answered, Reply)
    assert len(counts(answered, WINDOW)) == 4
