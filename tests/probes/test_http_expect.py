"""What a response is held to: each expectation holds, or fails the look for its own reason, in words of ours."""

from __future__ import annotations

import gzip
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.facts import FAIL_REASONS
from monitor.interfaces import Observation
from monitor.probes.http import HttpSettings
from monitor.probes.http.judging import Seen, judge_response
from monitor.probes.response import Response
from tests.probes.conftest import Look
from tests.probes.servers import answer, says, serving

JSON = b'{"status": "ok", "shops": [{"id": 7}], "hidden": "<script>"}'
PAGE = answer(b"200 OK", JSON, b"Content-Type: application/json", b"Via: one", b"Via: two")


async def look_with(look: Look, response: bytes, **expect: object) -> Observation:
    async with serving(says(response)) as server:
        return await look(server.url, expect=expect)


HELD: list[tuple[dict[str, Any], str]] = [
    ({"http_version": ["HTTP/1.1"]}, "HTTP/1.1"),
    ({"tls": "forbidden"}, "the last response came without TLS"),
    ({"ip": ["192.0.2.1", "127.0.0.0/8"]}, "connected to 127.0.0.1"),
    ({"headers": [{"name": "content-type", "matches": "^application/json"}]}, "content-type is as expected"),
    ({"headers": [{"name": "Via", "matches": "two", "lacks": "three"}]}, "Via is as expected"),
    ({"headers": [{"name": "X-Debug", "lacks": "x", "presence": "optional"}]}, "X-Debug is not there"),
    ({"headers": [{"name": "X-Debug", "presence": "forbidden"}]}, "X-Debug is not there"),
    ({"size": {"at_least": len(JSON), "at_most": len(JSON)}}, f"{len(JSON)} bytes of body"),
    ({"body_matches": "ok"}, "the body matches body_matches"),
    ({"body_lacks": "down"}, "the body does not match body_lacks"),
    ({"json": ["$.shops[0].id == 7"]}, "$.shops[0].id == 7 is true"),
]


@pytest.mark.parametrize(("expect", "words"), HELD, ids=[str(row[0]) for row in HELD])
async def test_what_holds_is_said_to_hold(look: Look, expect: dict[str, Any], words: str) -> None:
    seen = await look_with(look, PAGE, **expect)
    assert (seen.outcome, seen.reason, seen.detail) == ("pass", None, None)
    first, second = seen.assertions
    assert tuple(first) == ("status", True, "status 200")
    assert (second.passed, second.words) == (True, words)


FAILED: list[tuple[dict[str, Any], str, str]] = [
    ({"status": [204]}, "http_status", "status 200"),
    ({"http_version": ["HTTP/1.0"]}, "http_protocol", "HTTP/1.1"),
    ({"tls": "required"}, "tls_protocol", "the last response came without TLS"),
    ({"ip": ["192.0.2.0/24", "::1"]}, "dns_answer", "connected to 127.0.0.1"),
    ({"headers": [{"name": "X-Id"}]}, "http_content", "X-Id is not there"),
    ({"headers": [{"name": "X-Id", "lacks": "x"}]}, "http_content", "X-Id is not there"),
    ({"headers": [{"name": "Via", "matches": "three"}]}, "http_content", "Via does not match"),
    ({"headers": [{"name": "Via", "lacks": "two"}]}, "http_content", "Via matches what it must lack"),
    ({"headers": [{"name": "Via", "presence": "forbidden"}]}, "http_content", "Via is there"),
    ({"size": {"at_least": 1000}}, "http_content", f"{len(JSON)} bytes of body, at least 1000 are expected"),
    ({"size": {"at_most": 10}}, "http_too_large", "over 10 bytes of body"),
    ({"body_matches": ["ok", "down"]}, "http_content", "the body does not match body_matches[1]"),
    ({"body_lacks": ["down", "script"]}, "http_content", "the body matches body_lacks[1]"),
    ({"json": ["$.status", "$.status == 1"]}, "http_content", "$.status == 1 is false"),
]


@pytest.mark.parametrize(("expect", "reason", "words"), FAILED, ids=[str(row[0]) for row in FAILED])
async def test_what_does_not_hold_is_the_reason(look: Look, expect: dict[str, Any], reason: str, words: str) -> None:
    seen = await look_with(look, PAGE, **expect)
    assert (seen.outcome, seen.reason, seen.detail) == ("fail", reason, words)
    assert [each.words for each in seen.assertions if not each.passed] == [words]
    assert not any("script" in each.words for each in seen.assertions)


async def test_every_assertion_is_told_in_order_and_the_first_that_fails_is_the_reason(look: Look) -> None:
    seen = await look_with(
        look,
        answer(b"500 No", b"no json"),
        json=["$.status"],
        body_matches=["json", "yes"],
        headers=[{"name": "X-Id"}],
        http_version=["HTTP/1.1"],
        duration="10m",
    )
    assert (seen.reason, seen.detail) == ("http_status", "status 500")
    assert [(each.name, each.passed) for each in seen.assertions] == [
        ("status", False),
        ("http_version", True),
        ("headers[0]", False),
        ("body_matches[0]", True),
        ("body_matches[1]", False),
        ("json", False),
        ("duration", True),
    ]


async def test_a_look_that_ends_before_a_response_comes_to_no_assertion(look: Look) -> None:
    assert (await look_with(look, b"SSH-2.0\r\n", body_matches="x")).assertions == ()


@pytest.mark.parametrize("status", [b"429 Too Many", b"503 Later"])
async def test_a_refusal_that_names_a_time_is_maybe_for_us_alone(look: Look, status: bytes) -> None:
    limited = await look_with(look, answer(status, b"", b"Retry-After: 30"))
    plain = await look_with(look, answer(status, b""))
    code = status[:3].decode()
    assert (limited.reason, limited.detail) == ("http_status", f"status {code}, maybe rate limited")
    assert (plain.reason, plain.detail) == ("http_status", f"status {code}")


def test_nothing_more_is_asked_of_a_body_once_the_look_is_over() -> None:
    """A thread cannot be ended, and each expression may take it half a second."""
    response = Response(keep_body=True, bodiless=False)
    response.feed(PAGE)
    expected = {"body_lacks": ["one", "two", "three"]}
    expect = HttpSettings.model_validate({"url": "https://a.example.com/", "expect": expected}).expect
    over = iter([False, False, True])
    judged = judge_response(expect, Seen(response, False, "127.0.0.1", 1), lambda: next(over))
    assert [each.name for each in judged.assertions] == ["status", "body_lacks[0]"]


@pytest.mark.parametrize(("elapsed", "reason"), [(2000, None), (2000.5, "slow")])
def test_slower_than_the_promise_counts_is_slow(elapsed: float, reason: str | None) -> None:
    response = Response(keep_body=False, bodiless=False)
    response.feed(PAGE)
    expect = HttpSettings.model_validate({"url": "https://a.example.com/", "expect": {"duration": "2s"}}).expect
    judged = judge_response(expect, Seen(response, False, "127.0.0.1", elapsed))
    assert judged.verdict.reason == reason
    assert judged.assertions[-1].words.endswith("ms, at most 2s is expected")


async def test_tls_can_be_required_of_the_last_response(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(says(PAGE), context) as server:
        url = f"https://127.0.0.1:{server.port}/"
        required = await look(url, expect={"tls": "required"})
        forbidden = await look(url, expect={"tls": "forbidden"})
    assert required.outcome == "pass"
    assert (forbidden.reason, forbidden.detail) == ("tls_protocol", "the last response came over TLS")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "http_content"),
        (b"[" * 3_000, "http_content"),
        (b"NaN", "http_content"),
        (b'"\xff"', "http_content"),
        (b'{"a": 1e99999999999999999999}', "http_content"),
        (b"[" + b"1," * 20_000 + b"1]", "http_too_large"),
        (b'"' + b"a" * 500_000 + b'"', "http_too_large"),
    ],
)
async def test_a_hostile_json_body_is_a_verdict(look: Look, body: bytes, reason: str) -> None:
    seen = await look_with(look, answer(b"200 OK", body), json=["$.a == 1"])
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert seen.assertions[-1].name == "json"


async def test_a_bounded_size_is_judged_without_keeping_the_body(look: Look) -> None:
    honest = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"
    seen = await look_with(look, honest + b"x" * 2_000_000, size={"at_most": 500_000})
    assert (seen.reason, seen.detail) == ("http_too_large", "over 500000 bytes of body")


async def test_what_is_compressed_is_judged_decompressed(look: Look) -> None:
    packed = answer(b"200 OK", gzip.compress(JSON), b"Content-Encoding: gzip")
    async with serving(says(packed)) as server:
        seen = await look(
            server.url,
            compression=["gzip", "deflate"],
            expect={"json": ["$.status == 'ok'"], "size": {"at_least": len(JSON)}},
        )
    assert seen.outcome == "pass"
    assert b"\r\nAccept-Encoding: gzip, deflate\r\n" in server.requests[0]


EVERYTHING = {
    "status": [200, "300-499"],
    "http_version": ["HTTP/1.1"],
    "tls": "forbidden",
    "ip": ["::1"],
    "headers": [{"name": "X", "matches": "a", "lacks": "b", "presence": "optional"}, {"name": "Y"}],
    "size": {"at_least": 1, "at_most": 9},
    "body_matches": ["a", "(a|b)*c"],
    "body_lacks": "d",
    "json": ["$.a == $[0]", "search($, 'x')"],
    "duration": "1s",
}
LINES = st.lists(st.sampled_from([b"X", b"y", b"Content-Type", b"Retry-After"]), max_size=4)


@given(
    st.sampled_from([b"200 OK", b"503 No", b"429", b"999 X"]),
    LINES,
    st.binary(max_size=20).map(lambda text: re.sub(rb"[\x00-\x1f]", b"", text)),
    st.binary(max_size=60) | st.sampled_from([b'{"a": NaN}', b"[1, 1e400]", b'"\xff"', b"[" * 2_000]),
)
def test_any_response_is_a_verdict_in_words_of_ours(
    status: bytes, names: list[bytes], value: bytes, body: bytes
) -> None:
    response = Response(keep_body=True, bodiless=False)
    response.feed(answer(status, body, *(name + b": " + value for name in names)))
    if not response.complete:
        return
    expect = HttpSettings.model_validate({"url": "https://a.example.com/", "expect": EVERYTHING}).expect
    judged = judge_response(expect, Seen(response, False, "192.0.2.1", 12.5))
    assert judged.verdict.outcome == "fail"  # of the address at least
    assert judged.verdict.reason in FAIL_REASONS
    allowed = re.compile(r"status \d+(, maybe rate limited)?|HTTP/1\.1|[XY] [a-z ]+|[a-zA-Z0-9 .$\[\]='(),_]+")
    assert all(allowed.fullmatch(each.words) for each in judged.assertions), judged.assertions


# ---------------------------------------------------------------- decoded


@pytest.mark.parametrize(
    ("given", "keys", "words"),
    [
        ({"expect": {"status": ["2xx"]}}, ("expect", "status", 0), "expected a status such as 200"),
        ({"expect": {"body_matches": "("}}, ("expect", "body_matches"), "expected a regular expression; missing )"),
        ({"expect": {"body_lacks": []}}, ("expect", "body_lacks"), "expected 1 to 20 in the list; found 0"),
        ({"expect": {"ip": ["example.com"]}}, ("expect", "ip", 0), "expected an address or a network such as"),
        ({"expect": {"ip": ["192.0.2.1/8"]}}, ("expect", "ip", 0), "found '192.0.2.1/8'; write 192.0.0.0/8"),
        ({"expect": {"json": ["$.a = 1"]}}, ("expect", "json", 0), "; at character 5: expected an operator"),
        ({"expect": {"headers": [{"name": "a b"}]}}, ("expect", "headers", 0, "name"), "expected a header's name"),
        (
            {"expect": {"headers": [{"name": "a", "presence": "optional"}]}},
            ("expect", "headers", 0, "presence"),
            "asks for nothing; add `matches` or `lacks`",
        ),
        (
            {"expect": {"headers": [{"name": "a", "presence": "forbidden", "matches": "x"}]}},
            ("expect", "headers", 0, "presence"),
            "has nothing to match",
        ),
        ({"expect": {"size": {}}}, ("expect", "size"), "expected `at_least`, `at_most`, or both"),
        ({"expect": {"size": {"at_least": 2, "at_most": 1}}}, ("expect", "size", "at_least"), "is over at_most"),
        ({"expect": {"size": {"at_least": 2_000_000}}}, ("expect", "size", "at_least"), "is over 1000000 bytes"),
        ({"method": "HEAD", "expect": {"json": ["$"]}}, ("expect", "json"), "a HEAD request has no body"),
        ({"method": "HEAD", "expect": {"size": {"at_most": 1}}}, ("expect", "size"), "a HEAD request has no body"),
    ],
)
def test_an_expectation_that_cannot_be_meant_is_refused(
    given: dict[str, Any], keys: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpSettings.model_validate({"url": "https://app.example.com/", **given})
    [error] = caught.value.errors()
    inner = error["ctx"]["found"][0] if error["type"] == "mistakes" else ((), error["msg"])
    assert (*error["loc"], *inner[0]) == keys
    assert words in inner[1]


def test_one_expression_and_a_list_of_one_are_written_alike() -> None:
    one, many = ({"url": "https://a.example.com/", "expect": {"body_lacks": each}} for each in ("x", ["x"]))
    as_json = [HttpSettings.model_validate(each).model_dump(mode="json") for each in (one, many)]
    assert as_json[0] == as_json[1]
    assert as_json[0]["expect"]["body_lacks"] == "x"
