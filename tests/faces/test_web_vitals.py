"""`/v1/web-vitals` on a real server: every check, in its order, with its documented answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.beacons import Rules
from monitor.beacons.body import LARGEST, Beacon, read
from monitor.beacons.trust import Trust, ticket
from monitor.facts import Json
from tests.beacons.test_body import BODIES
from tests.beacons.test_trust import session
from tests.faces.conftest import Served
from tests.faces.samples import AS_OF

APP = "https://app.example.com"
LCP = {"id": "v6-1-2", "name": "LCP", "value": 2412.5, "country": "DE"}
OPEN = Rules(Trust("open"), frozenset({APP}), 600_000)
PATH = "/v1/web-vitals"


@pytest.fixture
def served(served: Served) -> Served:
    served.book.beacons.replace(OPEN)
    return served


async def post(served: Served, body: object = None, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
    sent = body if isinstance(body, bytes) else json.dumps({"metrics": [LCP]} if body is None else body).encode()
    named = {"Content-Type": "text/plain;charset=UTF-8"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    async with served.ask("POST", PATH, data=sent, headers=named) as response:
        told = await response.read()
        return response.status, json.loads(told) if told else None, response.headers


def answers(served: Served) -> dict[int, int]:
    """What beacons were answered so far."""
    return {status: count for status, count in served.book.beacons.answers.items() if count}


async def test_a_beacon_is_answered_once_its_reports_are_kept(served: Served) -> None:
    status, told, headers = await post(served, Origin=APP)
    assert (status, told) == (204, None)
    [kept] = served.book.kept
    assert kept[1:] == ("LCP", 2412.5, AS_OF, "DE", "open")
    assert headers["Access-Control-Allow-Origin"] == APP
    assert headers["Vary"] == "Origin"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in headers


async def test_who_asks_for_json_is_told_what_became_of_each_metric(served: Served) -> None:
    body = {"metrics": [LCP, {**LCP, "value": "NaN"}, {**LCP, "value": -1}, {**LCP, "name": "FCP"}, 5]}
    status, told, _ = await post(served, body, Accept="application/json", Content_Type="application/json")
    assert (status, told) == (200, {"accepted": 1, "rejected": {"value": 2, "not_promised": 1, "shape": 1}})
    assert {name: count for name, count in served.book.beacons.outcomes.items() if count} == {
        "kept": 1,
        "value": 2,
        "not_promised": 1,
        "shape": 1,
    }


async def test_single_metrics_that_are_wrong_spoil_no_beacon(served: Served) -> None:
    assert (await post(served, {"metrics": [{**LCP, "value": -1}]}))[0] == 204
    assert (await post(served, {"metrics": []}))[0] == 204
    assert served.book.kept == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"{", {}, 400, "bad_json"),
        (b'{"metrics": [{"value": NaN}]}', {}, 400, "bad_json"),
        (b"[" * 1_500, {}, 400, "bad_json"),
        (b"\xff\xfe", {}, 400, "bad_json"),
        (b"", {}, 400, "bad_json"),
        ({"metrics": [LCP] * 33}, {}, 400, "bad_shape"),
        ("LCP", {}, 400, "bad_shape"),
        (b" " * 16_385, {}, 413, "too_large"),
        (None, {"Content_Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (None, {"Content_Type": "text/plain;charset=utf-16"}, 415, "unsupported_media_type"),
        (None, {"Content_Encoding": "gzip"}, 415, "unsupported_media_type"),
        (None, {"Origin": "https://evil.example"}, 403, "forbidden"),
        (None, {"Origin": f"{APP}:443"}, 403, "forbidden"),
        (None, {"Origin": "null"}, 403, "forbidden"),
    ],
)
async def test_what_is_wrong_has_its_status(
    served: Served, body: object, headers: dict[str, str], status: int, error: str
) -> None:
    found, told, answered = await post(served, body, **headers)
    assert (found, told["error"]) == (status, error)
    assert served.book.kept == []
    assert answers(served) == {status: 1}
    assert ("Access-Control-Allow-Origin" in answered) is False


async def test_a_page_may_read_why_its_beacon_was_refused(served: Served) -> None:
    status, _, headers = await post(served, b"{", Origin=APP)
    assert (status, headers["Access-Control-Allow-Origin"]) == (400, APP)


async def test_exactly_the_largest_body_is_taken(served: Served) -> None:
    body = json.dumps({"metrics": [LCP]}).encode()
    assert (await post(served, body + b" " * (16_384 - len(body))))[0] == 204


async def test_a_body_whose_length_nobody_said_is_counted_as_it_comes(served: Served) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 1024

    async with served.ask("POST", PATH, data=endless(), headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 413


async def test_the_checks_stand_in_their_order(served: Served) -> None:
    """Each request is wrong from one check on to the last, and is refused by the first."""
    served.book.beacons.replace(Rules(Trust("relay", ("hush",)), frozenset({APP}), 600_000))
    wrong = {"Origin": "https://evil.example", "Content_Type": "text/html"}
    assert (await post(served, b"{" * 20_000, **wrong))[0] == 403
    assert (await post(served, b"{" * 20_000, Content_Type="text/html"))[0] == 413
    assert (await post(served, b"{", Content_Type="text/html"))[0] == 415
    assert (await post(served, b"{"))[0] == 401
    assert (await post(served, b"{", Authorization="Bearer hush"))[0] == 400


async def test_what_a_browser_asks_first_is_answered_for_its_own_origin(served: Served) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    async with served.ask("OPTIONS", PATH, headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == APP
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        assert response.headers["Access-Control-Allow-Headers"] == "authorization, content-type, x-requested-with"
    async with served.ask("OPTIONS", PATH, headers={**asked, "Origin": "https://evil.example"}) as response:
        assert response.status == 403
        assert not [name for name in response.headers if name.startswith("Access-Control")]


async def test_where_no_pages_are_named_any_may_send_and_none_with_credentials(served: Served) -> None:
    served.book.beacons.replace(Rules(Trust("open"), None, 600_000))
    status, _, headers = await post(served, Origin="https://any.example")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "https://any.example")
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_another_method_is_told_which_there_are(served: Served, method: str) -> None:
    async with served.ask(method, PATH) as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"OPTIONS", "POST"}


async def test_without_the_section_nothing_is_taken_in(served: Served) -> None:
    served.book.beacons.replace(None)
    assert (await post(served))[0] == 404
    async with served.ask("OPTIONS", PATH) as response:
        assert response.status == 404


async def test_too_many_are_told_when_to_come_again(served: Served) -> None:
    served.book.beacons.replace(Rules(Trust("open"), None, 60))
    found = [await post(served) for _ in range(3)]
    assert [status for status, _, _ in found] == [204, 204, 429]
    assert found[2][2]["Retry-After"] == "1"
    served.book.now += 1000
    assert (await post(served))[0] == 204
    assert answers(served) == {204: 3, 429: 1}


async def test_one_browser_behind_the_proxy_cannot_use_up_what_is_there_for_all(served: Served) -> None:
    served.book.beacons.replace(Rules(Trust("open"), None, 600_000, forwarded=True))
    flood = [(await post(served, X_Forwarded_For="10.0.0.1, 192.0.2.1"))[0] for _ in range(25)]
    assert (flood.count(204), flood.count(429)) == (20, 5)
    assert (await post(served, X_Forwarded_For="192.0.2.1, 192.0.2.2"))[0] == 204
    assert (await post(served, X_Forwarded_For="no address"))[0] == 204
    served.book.beacons.replace(Rules(Trust("open"), None, 600_000))
    assert [(await post(served, X_Forwarded_For="192.0.2.1"))[0] for _ in range(25)] == [204] * 25


async def test_what_cannot_be_kept_is_never_taken(served: Served) -> None:
    served.book.full = True
    status, told, headers = await post(served)
    assert (status, told["error"], headers["Retry-After"]) == (503, "store_unavailable", "5")
    assert served.book.beacons.outcomes["unkept"] == 1
    served.book.full = False
    assert (await post(served))[0] == 204


async def test_many_beacons_at_once_are_all_kept(served: Served) -> None:
    bodies = [{"metrics": [{**LCP, "id": f"v6-{n}-{k}"} for k in range(10)]} for n in range(40)]
    found = await asyncio.gather(*(post(served, body) for body in bodies))
    assert [status for status, _, _ in found] == [204] * 40
    assert len({report.key for report in served.book.kept}) == 400


# ---------------------------------------------------------------- the four ways of trust

NOW_S = AS_OF // 1000
WAYS: list[tuple[Trust, dict[str, str], dict[str, Json]]] = [
    (Trust("relay", ("hush",)), {"Authorization": "Bearer hush"}, {}),
    (
        Trust("session_token", ("hush",), client_id="client"),
        {"Authorization": f"Bearer {session(exp=NOW_S + 30, nbf=NOW_S - 30)}"},
        {},
    ),
    (Trust("ticket", ("hush",), app="kit"), {}, {"ticket": ticket("kit", NOW_S + 60, "hush")}),
]


@pytest.mark.parametrize(("trust", "headers", "members"), WAYS, ids=lambda value: getattr(value, "auth", ""))
async def test_only_who_shows_whose_it_is_is_taken(
    served: Served, trust: Trust, headers: dict[str, str], members: dict[str, Json], caplog: pytest.LogCaptureFixture
) -> None:
    served.book.beacons.replace(Rules(trust, None, 600_000))
    body = {"metrics": [LCP], **members}
    assert (await post(served, body, **headers))[0] == 204
    assert [report.trust for report in served.book.kept] == [trust.auth]
    status, _, answered = await post(served, {"metrics": [LCP], "ticket": "x"}, Authorization="Bearer x.y.z")
    assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    assert (await post(served))[0] == 401
    assert len(served.book.kept) == 1
    assert not [record for record in caplog.records if "x.y.z" in record.getMessage()]


@pytest.mark.parametrize("field", ["app", "appId"])
async def test_a_beacon_of_another_app_is_refused(served: Served, field: str) -> None:
    served.book.beacons.replace(Rules(Trust("open"), None, 600_000, app="gid://shopify/App/1"))
    assert (await post(served, {field: "gid://shopify/App/2", "metrics": [LCP]}))[0] == 403
    assert (await post(served, {field: 1, "metrics": [LCP]}))[0] == 403
    assert (await post(served, {field: "gid://shopify/App/1", "metrics": [LCP]}))[0] == 204
    assert (await post(served, {"metrics": [LCP]}))[0] == 204


# ---------------------------------------------------------------- whatever is sent


GOOD_TYPES = ("text/plain", "text/plain;charset=UTF-8", "application/json", 'application/json; charset="utf-8"')
BAD_TYPES = (
    "text/html",
    "application/x-www-form-urlencoded",
    "text/plain;charset=utf-16",
    "application/json, text/html",
)
HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


def expected(body: bytes, content_type: str, origin: str, encoding: str) -> int:
    """The documented answer, by the order of README's table."""
    if origin != APP:
        return 403
    if len(body) > 16_384:
        return 413
    if encoding != "identity" or content_type not in GOOD_TYPES:
        return 415
    return 204 if isinstance(read(body), Beacon) else 400


def send_many(served: Served, examples: int, loop: asyncio.AbstractEventLoop) -> None:
    """So many beacons, each wrong in what its body is, in how it is sent, or not at all."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.builds(lambda body, more: body + b" " * more, BODIES, st.sampled_from((0, 0, 0, 0, 16_300, 16_400))),
        st.sampled_from((*GOOD_TYPES, *GOOD_TYPES, *BAD_TYPES)) | HEADER,
        st.sampled_from((APP, APP, APP, "null", "https://evil.example")) | HEADER,
        st.sampled_from(("identity", "identity", "identity", "gzip", "br")),
    )
    def send(body: bytes, content_type: str, origin: str, encoding: str) -> None:
        sent = post(served, body, Content_Type=content_type, Origin=origin, Content_Encoding=encoding)
        status, told, _ = asyncio.run_coroutine_threadsafe(sent, loop).result(60)
        assert status == expected(body, content_type, origin, encoding)
        assert told is None or told["error"]

    send()


def check_kept(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that could poison a sum, every metric accounted for, and no exception on the way."""
    kept = served.book.kept
    assert all(0 <= report.value <= LARGEST[report.metric] for report in kept)
    assert (served.book.beacons.outcomes["kept"], served.book.beacons.outcomes["unkept"]) == (len(kept), 0)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.timeout(300)
async def test_whatever_is_sent_over_http_has_its_documented_answer(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(send_many, served, 40, asyncio.get_running_loop())
    check_kept(served, caplog)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_ten_thousand_beacons_over_http_have_their_documented_answers(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(send_many, served, 10_000, asyncio.get_running_loop())
    check_kept(served, caplog)
    assert {200, 401, 429, 503}.isdisjoint(answers(served))
    assert answers(served).keys() == {204, 400, 403, 413, 415}
