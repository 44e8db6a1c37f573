"""What a job may report, what is refused and how, and that 200 means durable."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Json, Result
from monitor.ledger.period import SECOND
from monitor.web.heartbeats import report_of
from monitor.web.problems import Problem
from tests.faces.conftest import HELD, Served
from tests.faces.samples import AS_OF

PATH = "/api/v1/heartbeats/nightly"
JSON = {"Content-Type": "application/json"}


async def post(
    served: Served, role: str = "operator", path: str = PATH, body: Json = None, **headers: str
) -> tuple[int, dict[str, Json]]:
    token = served.book.token("agent", "jobs-host") if role == "agent" else served.book.token("operator")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    async with served.ask("POST", path, token, data=data, headers=sent if data is None else {**JSON, **sent}) as answer:
        return answer.status, await answer.json(content_type=None)


def results(served: Served) -> list[Result]:
    return [fact for fact in served.book.facts.values() if isinstance(fact, Result)]


@pytest.mark.parametrize(("role", "source"), [("operator", None), ("agent", "jobs-host")])
async def test_a_report_without_a_body_is_a_pass_that_holds_every_and_grace(
    served: Served, role: str, source: str | None
) -> None:
    assert await post(served, role) == (200, {"new": 1})
    [kept] = results(served)
    assert (kept.check, kept.vantage, kept.outcome, kept.hold_ms) == ("nightly", "london", "pass", HELD)
    assert (kept.at, kept.confirm, kept.reason, kept.source) == (AS_OF, False, None, source)


async def test_a_job_may_say_that_it_failed_and_how_long_it_ran(served: Served) -> None:
    body: Json = {"status": "fail", "reason": "exit status 3\n\tno space\u202e left", "duration_ms": 61_500.5}
    assert await post(served, body=body) == (200, {"new": 1})
    [kept] = results(served)
    assert (kept.outcome, kept.reason, kept.duration_ms) == ("fail", "failed", 61_500.5)
    assert kept.detail == "exit status 3 no space left"


async def test_a_report_that_is_sent_again_counts_once(served: Served) -> None:
    assert await post(served, Idempotency_Key="2026-03-01") == (200, {"new": 1})
    served.book.now += 60 * SECOND
    assert await post(served, Idempotency_Key="2026-03-01") == (200, {"new": 0})
    assert await post(served, Idempotency_Key="2026-03-02") == (200, {"new": 1})
    assert [kept.at - AS_OF for kept in results(served)] == [0, 60 * SECOND]


async def test_two_reports_of_one_instant_are_two(served: Served) -> None:
    assert await post(served) == (200, {"new": 1})
    assert await post(served, body={"status": "fail"}) == (200, {"new": 1})
    assert [kept.at - AS_OF for kept in results(served)] == [0, 1]


async def test_what_could_not_be_kept_is_not_taken(served: Served) -> None:
    served.book.full = True
    status, problem = await post(served)
    assert (status, problem["error"]) == (503, "store_unavailable")
    assert results(served) == []
    served.book.full = False
    assert await post(served) == (200, {"new": 1})


async def test_a_check_that_is_not_there_and_one_that_is_no_heartbeat_are_told_apart(served: Served) -> None:
    status, problem = await post(served, path="/api/v1/heartbeats/nobody")
    assert (status, problem["error"]) == (404, "not_found")
    status, problem = await post(served, path="/api/v1/heartbeats/admin")
    assert (status, problem["error"], problem["detail"]) == (
        422,
        "bad_parameter",
        "check: is no heartbeat: it is looked at from here",
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_only_a_post_is_a_report(served: Served, method: str) -> None:
    async with served.ask(method, PATH, served.book.token("operator")) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert results(served) == []


async def test_nobody_and_a_viewer_report_nothing(served: Served) -> None:
    async with served.ask("POST", PATH, None) as answer:
        assert answer.status == HTTPStatus.UNAUTHORIZED
    async with served.ask("POST", PATH, served.book.token("viewer")) as answer:
        assert answer.status == HTTPStatus.FORBIDDEN
    assert results(served) == []


async def test_another_type_and_a_large_body_are_refused(served: Served) -> None:
    token = served.book.token("operator")
    async with served.ask("POST", PATH, token, data=b"status=fail") as answer:
        assert answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    async with served.ask("POST", PATH, token, data=BytesIO(b" " * (2 << 20)), headers=JSON) as answer:
        assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert results(served) == []


WRONG: list[tuple[Json, str]] = [
    ([], "expected a JSON object, or no body"),
    ({"state": "pass"}, "expected no key but status, reason and duration_ms"),
    ({"status": "ok"}, "status: expected pass or fail"),
    ({"status": None}, "status: expected pass or fail"),
    ({"reason": "why"}, "reason: belongs to status fail; leave it out"),
    ({"status": "fail", "reason": 3}, "reason: expected a text of at most 400 characters"),
    ({"status": "fail", "reason": "x" * 401}, "reason: expected a text of at most 400 characters"),
    ({"duration_ms": -1}, "duration_ms: expected a number of milliseconds, 0 or more"),
    ({"duration_ms": True}, "duration_ms: expected a number of milliseconds, 0 or more"),
    ({"duration_ms": "3s"}, "duration_ms: expected a number of milliseconds, 0 or more"),
    ({"duration_ms": 1e300}, "duration_ms: expected a number of milliseconds, 0 or more"),
]


@pytest.mark.parametrize(("body", "detail"), WRONG)
async def test_a_wrong_body_is_refused_with_its_place(served: Served, body: Json, detail: str) -> None:
    status, problem = await post(served, body=body)
    assert (status, problem["error"], problem["detail"]) == (422, "bad_parameter", f"nothing was stored: {detail}")
    assert results(served) == []


@pytest.mark.parametrize("key", ["", "x" * 201, "ü"])
async def test_a_wrong_key_is_refused(served: Served, key: str) -> None:
    status, problem = await post(served, Idempotency_Key=key)
    assert (status, problem["error"]) == (422, "bad_parameter")


@given(st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_whatever_is_sent_is_a_report_or_refused(body: bytes, key: str | None) -> None:
    with suppress(Problem):
        report = report_of(body, key, None)
        assert report.detail is None or report.detail.isprintable()
