"""What Cloudflare Health Checks and Sentry Uptime say, in the documented shapes and in odder ones."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import FAIL_REASONS, VOID_REASONS, canonical_line
from monitor.ledger.period import MINUTE, Period, parse_instant
from monitor.settings import Secret
from monitor.sources import cloudflare_health_checks as cloudflare
from monitor.sources import sentry_uptime as sentry
from monitor.sources.kind import PROBLEMS, Asked, Page, Reply, Request, Watched
from tests.sources.mutations import Payload, mutated

NOW = parse_instant("2026-06-10T12:00:00Z")
WEB = Watched("web", longest_hold_ms=190_000, interval_ms=60_000, timeout_ms=10_000)
ASKED = Asked("them", Period(NOW - MINUTE, NOW), watched={"42": WEB, "edge": WEB})
ALIVE: Any = {"alive": {"hc1": {"watched": "edge", "hold": 125_000}}}
ABOUT: Any = {"watched": "42", "interval": 60_000, "timeout": 10_000}
TOKEN = Secret("token", ("from_env", "TOKEN"))
CLOUDFLARE = cloudflare.CloudflareHealthChecksSettings.model_construct(
    zone='z"1', api_token=TOKEN, api_url="https://api.example.com/v4/"
)
SENTRY = sentry.SentryUptimeSettings.model_construct(organization="o/1", auth_token=TOKEN, url="https://de.sentry.io/")


def cf(purpose: str, payload: Payload, about: Any = None) -> Page:
    request = Request(purpose, "https://api.example.com/v4/x?page=1", about={"page": 1} if about is None else about)
    return cloudflare.parse(CLOUDFLARE, ASKED, Reply(request, json.dumps(payload).encode(), NOW))


def se(purpose: str, payload: Payload, link: str = "", about: Any = None) -> Page:
    request = Request(purpose, "https://de.sentry.io/api/0/x?per_page=100", about=ABOUT if about is None else about)
    return sentry.parse(SENTRY, ASKED, Reply(request, json.dumps(payload).encode(), NOW, {"link": link}))


def listed(*checks: Any, **info: Any) -> Payload:
    return {"success": True, "result": [{"id": "hc1", "name": "edge", **each} for each in checks], "result_info": info}


def happened(*events: Any) -> Payload:
    given = [
        {
            "datetime": "2026-06-10T11:59:30Z",
            "healthCheckId": "hc1",
            "healthStatus": "Unhealthy",
            "region": "WEU",
            **each,
        }
        for each in events
    ]
    return {"data": {"viewer": {"zones": [{"healthCheckEventsAdaptive": given}]}}}


def look(**fields: Any) -> Payload:
    return {
        "uptimeCheckId": "u1",
        "timestamp": "2026-06-10T11:59:30Z",
        "scheduledCheckTime": "2026-06-10T11:59:29Z",
        "checkStatus": "success",
        "region": "us-east",
        **fields,
    }


def told(page: Page) -> list[tuple[str, int, str]]:
    return [(each.vantage, NOW - each.at, each.outcome) for each in page.results]


# ---------------------------------------------------------------- Cloudflare


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        ({"status": "healthy"}, "pass"),
        ({"status": "unhealthy"}, "fail"),
        ({"status": "unknown"}, "void"),
        ({"status": "suspended"}, "void"),
        ({"status": "healthy", "suspended": True}, "void"),
    ],
)
def test_how_a_check_stands_is_a_look_at_the_poll(check: Payload, outcome: str) -> None:
    page = cf(cloudflare.HEALTH_CHECKS, listed(check))
    assert told(page) == [("them", 0, outcome)]
    assert [each.purpose for each in page.next] == ([cloudflare.EVENTS] if outcome != "void" else [])


@pytest.mark.parametrize(
    ("check", "problem"),
    [({"status": "wobbly"}, "unknown_enum"), ({"status": None}, "missing_field"), ({}, "missing_field")],
)
def test_a_status_that_nobody_knows_is_counted_and_no_look(check: Payload, problem: str) -> None:
    page = cf(cloudflare.HEALTH_CHECKS, listed(check))
    assert (page.results, Counter(page.problems)) == ((), {problem: 1})


def test_events_are_asked_for_in_one_query_that_a_zone_cannot_break_out_of() -> None:
    [request] = cf(cloudflare.HEALTH_CHECKS, listed({"status": "healthy"})).next
    assert isinstance(request.body, dict)
    assert 'zoneTag:"z\\"1"' in str(request.body["query"])
    assert request.optional
    assert request.url == "https://api.example.com/v4/graphql"


def test_the_list_is_read_by_pages_that_are_bounded() -> None:
    assert cf(cloudflare.HEALTH_CHECKS, listed(total_pages=2)).next[0].url.endswith("/healthchecks?page=2")
    assert cf(cloudflare.HEALTH_CHECKS, listed(total_pages=2), {"page": 2}).next == ()
    assert cf(cloudflare.HEALTH_CHECKS, listed(total_pages=10**9), {"page": cloudflare.MOST_PAGES}).next == ()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Response code mismatch error", "http_status"),
        ("Response body mismatch error", "http_content"),
        ("HTTP timeout occurred", "timeout"),
        ("TCP connection failed", "other"),
        ("", "failed"),
        (7, "failed"),
    ],
)
def test_cloudflares_words_are_kept_beside_a_reason_of_ours(words: object, reason: str) -> None:
    [result] = cf(cloudflare.HEALTH_CHECKS, listed({"status": "unhealthy", "failure_reason": words})).results
    assert result.reason == reason
    assert result.detail == (words if isinstance(words, str) and words else None)


def test_an_event_is_a_look_of_its_region_which_stands_so_at_the_poll() -> None:
    older = {"datetime": "2026-06-10T10:00:00Z", "healthStatus": "Healthy"}
    page = cf(cloudflare.EVENTS, happened({"originResponseStatus": 503}, older), ALIVE)
    assert told(page) == [("them/WEU", 30_000, "fail"), ("them/WEU", 0, "fail")]
    assert page.results[0].status == 503


def test_an_event_without_a_region_is_one_of_the_check_which_the_list_speaks_for_at_the_poll() -> None:
    assert told(cf(cloudflare.EVENTS, happened({"region": ""}), ALIVE)) == [("them", 30_000, "fail")]


@pytest.mark.parametrize(
    "event",
    [
        {"healthCheckId": "dead"},
        {"healthStatus": "Wobbly"},
        {"datetime": "yesterday"},
        {"datetime": "2026-06-10T12:10:00Z"},
        {"healthCheckId": None},
    ],
)
def test_an_event_that_says_nothing_of_a_living_check_is_no_look(event: Payload) -> None:
    assert cf(cloudflare.EVENTS, happened(event), ALIVE).results == ()


@pytest.mark.parametrize(
    ("purpose", "payload", "failed"),
    [
        (cloudflare.HEALTH_CHECKS, {"success": False, "result": None}, "wrong_type"),
        (cloudflare.HEALTH_CHECKS, [], "wrong_type"),
        (cloudflare.EVENTS, {"data": None, "errors": [{"message": "no"}]}, "forbidden"),
        (cloudflare.EVENTS, {"data": {"viewer": {"zones": []}}}, "wrong_type"),
    ],
)
def test_what_is_no_answer_of_cloudflares_is_none(purpose: str, payload: Payload, failed: str) -> None:
    assert cf(purpose, payload).failed == failed


# ---------------------------------------------------------------- Sentry


@pytest.mark.parametrize(
    ("status", "why", "outcome", "reason"),
    [
        ("success", None, "pass", None),
        ("failure", None, "fail", "failed"),
        ("failure", "failure", "fail", "http_status"),
        ("failure_incident", "timeout", "fail", "timeout"),
        ("failure", "dns_error", "fail", "other"),
        ("failure", "redirect_error", "fail", "http_redirect_loop"),
        ("failure", "assertion_evaluation_error", "fail", "http_content"),
        ("missed_window", "miss_produced", "void", "missed"),
        ("disallowed_by_robots", None, "void", "missed"),
    ],
)
def test_a_check_is_a_look_of_its_region(status: str, why: str | None, outcome: str, reason: str | None) -> None:
    page = se(sentry.CHECKS, [look(checkStatus=status, checkStatusReason=why)])
    [result] = page.results
    assert (result.vantage, result.outcome, result.reason) == ("them/us-east", outcome, reason)
    assert result.at == NOW - (31_000 if outcome == "void" else 30_000)  # a missed window is missed when it was due
    assert result.hold_ms == 130_000
    assert not +Counter(page.problems)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"checkStatus": "wobbly"}, "unknown_enum"),
        ({"checkStatus": None}, "missing_field"),
        ({"timestamp": None}, "missing_field"),
        ({"timestamp": "2026-06-10T12:10:00Z"}, "bad_time"),
        ({"timestamp": 7}, "wrong_type"),
        ({"uptimeCheckId": None}, "missing_field"),
        ({"uptimeCheckId": "x" * 101}, "too_long"),
    ],
)
def test_a_check_that_is_not_as_it_should_be_is_counted_and_no_look(fields: Payload, problem: str) -> None:
    page = se(sentry.CHECKS, [look(**fields)])
    assert (page.results, dict(+Counter(page.problems))) == ((), {problem: 1})


def test_a_detector_is_found_by_its_id_or_its_name_and_its_checks_asked_for() -> None:
    detectors = [
        {"id": "42", "projectId": 7, "name": "a"},
        {"id": 9, "projectId": "p", "name": "edge", "dataSources": [{"queryObj": {"intervalSeconds": -1}}]},
        {"id": "10", "projectId": "p", "name": "not ours"},
        {"id": None},
    ]
    page = se(sentry.DETECTORS, detectors)
    assert [(each.id, each.name) for each in page.components] == [("42", "a"), ("9", "edge"), ("10", "not ours")]
    assert [each.url.partition("?")[0] for each in page.next] == [
        "https://de.sentry.io/api/0/projects/o%2F1/7/uptime/42/checks/",
        "https://de.sentry.io/api/0/projects/o%2F1/p/uptime/9/checks/",
    ]
    assert "start=2026-06-10T11%3A54%3A00&end=2026-06-10T12%3A00%3A01" in page.next[0].url
    assert [each.about for each in page.next] == [{"watched": "42"}, {"watched": "edge"}]


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ('<https://evil.example/?cursor=1>; rel="next"; results="true"; cursor="0:100:0"', "0:100:0"),
        ('<https://x/>; rel="next"; results="false"; cursor="0:100:0"', None),
        ('<https://x/>; rel="previous"; results="true"; cursor="0:0:1"', None),
        ('<https://x/>; rel="next"; results="true"; cursor="0&start=x"', None),
        ("", None),
    ],
)
def test_of_paging_only_the_cursor_is_taken(link: str, cursor: str | None) -> None:
    following = se(sentry.CHECKS, [], link).next
    expected = [] if cursor is None else ["https://de.sentry.io/api/0/x?per_page=100&cursor=0%3A100%3A0"]
    assert [each.url for each in following] == expected
    assert all(each.about == ABOUT for each in following)


# ---------------------------------------------------------------- both


def test_a_check_that_is_named_and_is_on_no_page_is_told() -> None:
    assert cf(cloudflare.HEALTH_CHECKS, listed({"status": "healthy"})).gone == ("42",)
    page = cf(cloudflare.HEALTH_CHECKS, listed({"status": "healthy"}, total_pages=2))
    assert page.gone == ()
    assert cf(cloudflare.HEALTH_CHECKS, listed(), page.next[0].about).gone == ("42",)
    more = '<https://x/>; rel="next"; results="true"; cursor="0:1:0"'
    page = se(sentry.DETECTORS, [{"id": "42", "projectId": 7, "name": "a"}], more, {})
    assert page.gone == ()
    assert se(sentry.DETECTORS, [], "", page.next[-1].about).gone == ("edge",)


BAD_STAND = listed({"status": "unhealthy", "failure_reason": "x", "interval": 60, "timeout": 5}, total_pages=2)
BAD_EVENTS = happened({}, {"region": "ENAM", "originResponseStatus": 500}, {"region": ""})
BAD_LOOKS = [look(checkStatus="failure"), look(uptimeCheckId="u2", checkStatus="failure_incident", httpStatusCode=500)]


@given(payload=st.one_of(mutated(BAD_STAND), mutated(BAD_EVENTS), mutated(BAD_LOOKS)))
@settings(max_examples=400)
def test_a_payload_that_was_not_meant_is_read_without_an_exception_and_never_passes(payload: Payload) -> None:
    pages = [
        cf(cloudflare.HEALTH_CHECKS, payload),
        cf(cloudflare.EVENTS, payload, ALIVE),
        se(sentry.DETECTORS, payload),
        se(sentry.CHECKS, payload),
    ]
    for page in pages:
        assert set(page.problems) <= set(PROBLEMS)
        for result in page.results:
            assert result.outcome != "pass"
            assert result.reason in FAIL_REASONS | VOID_REASONS
            assert len(canonical_line(result)) < 2_000
