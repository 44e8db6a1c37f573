"""What an HTTP look records of servers that misbehave: the rows of design/faults.md that loopback can make."""

from __future__ import annotations

import gzip
import socket

import pytest

from tests.probes.conftest import Look
from tests.probes.servers import (
    Talk,
    answer,
    hang_up,
    repeats,
    reset,
    says,
    serving,
    silent,
    unused_port,
)

SHORT_MS = 300  # a deadline for those that never end
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def compressed(encoding: bytes, body: bytes) -> bytes:
    return answer(b"200 OK", body, b"Content-Encoding: " + encoding)


BOMB = gzip.compress(bytes(20_000_000))

ENDED: list[tuple[str, Talk, str]] = [
    ("4 reset after the request", reset, "http_reset"),
    ("53 a 5xx", says(answer(b"500 Internal Server Error")), "http_status"),
    ("53 a 4xx", says(answer(b"404 Not Found")), "http_status"),
    ("54 a rate limit", says(answer(b"429 Too Many", b"", b"Retry-After: 3")), "http_status"),
    ("59 an endless body", repeats(OK + b"\r\n", bytes(65_536)), "http_too_large"),
    ("59 endless chunks", repeats(CHUNKED, b"10000\r\n" + bytes(65_536) + b"\r\n"), "http_too_large"),
    ("61 a body cut short", says(OK + b"Content-Length: 100\r\n\r\nabc"), "http_truncated"),
    ("63 two lengths", says(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "http_protocol"),
    (
        "64 a length and chunks",
        says(OK + b"Content-Length: 3\r\n" + CHUNKED[len(OK) :] + b"0\r\n\r\n"),
        "http_protocol",
    ),
    ("65 a bad chunk size", says(CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n"), "http_protocol"),
    ("65 no last chunk", says(CHUNKED + b"3\r\nabc\r\n"), "http_truncated"),
    ("65 endless chunk extensions", repeats(CHUNKED + b"1;", b"x" * 4096), "http_protocol"),
    ("66 a gzip bomb", says(compressed(b"gzip", BOMB)), "http_too_large"),
    ("67 broken gzip", says(compressed(b"gzip", b"not gzip at all")), "http_decompress"),
    ("67 truncated gzip", says(compressed(b"gzip", gzip.compress(b"hello" * 100)[:-12])), "http_decompress"),
    ("67 an unknown encoding", says(compressed(b"br", b"abc")), "http_decompress"),
    ("67 nested encodings", says(compressed(b"gzip, gzip", b"abc")), "http_decompress"),
    ("68 cut in the headers", says(OK + b"Content-Le"), "http_truncated"),
    ("69 HTTP/0.9", says(b"<html>hello</html>"), "http_protocol"),
    ("69 an SSH banner", says(b"SSH-2.0-OpenSSH_9.2\r\n"), "http_protocol"),
    ("69 binary garbage", says(bytes(range(256))), "http_protocol"),
    *[
        (
            f"70 status {status.decode()}",
            says(b"HTTP/1.1 " + status + b" OK\r\nContent-Length: 0\r\n\r\n"),
            "http_protocol",
        )
        for status in (b"99999", b"000", b"-20", b"abc", b"99")
    ],
    ("71 a 2 MB header", says(OK + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n"), "http_protocol"),
    ("71 100,000 headers", says(OK + b"X: a\r\n" * 100_000 + b"\r\n"), "http_protocol"),
    ("71 endless trailers", repeats(CHUNKED + b"0\r\n", b"X: a\r\n"), "http_protocol"),
    ("72 endless 103", repeats(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "http_protocol"),
    ("81 closed without a byte", hang_up, "http_reset"),
    ("83 an upgrade", says(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), "http_protocol"),
]


@pytest.mark.parametrize(("talk", "reason"), [row[1:] for row in ENDED], ids=[row[0] for row in ENDED])
async def test_a_misbehaving_server_is_down_for_its_own_reason(look: Look, talk: Talk, reason: str) -> None:
    async with serving(talk) as server:
        seen = await look(server.url)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert server.connections == 1
    assert len(server.requests) == 1


ENDLESS: list[tuple[str, Talk, str]] = [
    ("56 silence after the connection", silent, "http_timeout_headers"),
    ("57 a header at a time", repeats(OK, b"X: a\r\n", 0.02), "http_timeout_headers"),
    ("58 a byte at a time", repeats(OK + b"Content-Length: 100000\r\n\r\n", b"a", 0.02), "http_timeout_body"),
    ("58 a body that stops", says(OK + b"Content-Length: 9\r\n\r\nabc", then_close=False), "http_timeout_body"),
]


@pytest.mark.parametrize(("talk", "reason"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
async def test_one_deadline_ends_every_look(look: Look, talk: Talk, reason: str) -> None:
    async with serving(talk) as server:
        seen = await look(server.url, timeout_ms=SHORT_MS)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert SHORT_MS - 5 < seen.duration_ms < SHORT_MS + 500  # faults.md: hard end T + 0.5 s; timers count whole ms
    assert len(server.requests) == 1


UP: list[tuple[str, Talk]] = [
    ("52 as specified", says(answer())),
    ("60 1 GB of honest length", repeats(OK + b"Content-Length: 1000000000\r\n\r\n", bytes(65_536))),
    ("62 more body than its length", says(OK + b"Content-Length: 3\r\n\r\nabcdefgh")),
    ("65 chunks", says(CHUNKED + b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n")),
    ("67 gzip that was not asked for", says(compressed(b"gzip", gzip.compress(b"hello")))),
    ("72 a few interim responses", says(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 8, answer())),
    ("73 duplicate and folded headers", says(OK + b"X: a\r\nX: b\r\n folded\r\nContent-Length: 0\r\n\r\n")),
    ("73 NUL and invalid UTF-8", says(b"HTTP/1.1 200 \xff\xfe\r\nX: \xff\0\xfe\r\nContent-Length: 1\r\n\r\n\xff")),
    ("82 ninety cookies", says(answer(b"200 OK", b"", *[b"Set-Cookie: a=b"] * 90))),
    ("86 a Date far off", says(answer(b"200 OK", b"", b"Date: Thu, 01 Jan 1970 00:00:00 GMT"))),
    ("HTTP/1.0 until it closes", says(b"HTTP/1.0 200 OK\r\n\r\nabc")),
    ("204 without a body", says(b"HTTP/1.1 204 No Content\r\n\r\n", then_close=False)),
]


@pytest.mark.parametrize("talk", [row[1] for row in UP], ids=[row[0] for row in UP])
async def test_what_is_only_odd_is_up(look: Look, talk: Talk) -> None:
    async with serving(talk) as server:
        seen = await look(server.url)
    assert (seen.outcome, seen.reason) == ("pass", None)


async def test_an_answer_before_the_request_is_judged_by_its_status(look: Look) -> None:
    async with serving(says(answer(b"400 Bad Request"), then_close=False), read_request=False) as server:
        seen = await look(server.url)
    assert (seen.reason, seen.status) == ("http_status", 400)


async def test_a_closed_port_is_refused(look: Look) -> None:
    seen = await look(f"http://127.0.0.1:{unused_port()}/")
    assert (seen.outcome, seen.reason, seen.ip) == ("fail", "tcp_refused", "127.0.0.1")


async def test_a_reset_instead_of_an_accept_is_a_reset(look: Look) -> None:
    async with serving(reset, read_request=False) as server:
        seen = await look(server.url)
    assert seen.reason in {"tcp_reset", "http_reset"}


async def test_a_full_backlog_ends_at_the_deadline(look: Look) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        seen = await look(f"http://127.0.0.1:{port}/", timeout_ms=SHORT_MS)
    assert seen.reason in {"tcp_timeout", "http_timeout_headers"}


async def test_the_body_must_match(look: Look) -> None:
    async with serving(says(answer(b"200 OK", b'{"status": "ok"}'))) as server:
        good = await look(server.url, expect={"body_matches": r'"status":\s*"ok"'})
        bad = await look(server.url, expect={"body_matches": "down"})
    assert (good.outcome, bad.outcome, bad.reason) == ("pass", "fail", "http_content")
    assert good.attributes is not None
    assert good.attributes["probe_failed_due_to_regex"] == 0
    assert bad.attributes is not None
    assert bad.attributes["probe_failed_due_to_regex"] == 1


async def test_a_body_that_must_match_is_read_no_further_than_the_limit(look: Look) -> None:
    async with serving(repeats(OK + b"Content-Length: 1000000000\r\n\r\n", bytes(65_536))) as server:
        seen = await look(server.url, expect={"body_matches": "x"})
    assert seen.reason == "http_too_large"


async def test_other_statuses_can_be_expected(look: Look) -> None:
    async with serving(says(answer(b"404 Not Found"))) as server:
        assert (await look(server.url, expect={"status": [200, "400-404"]})).outcome == "pass"


async def test_a_head_has_no_body(look: Look) -> None:
    async with serving(says(OK + b"Content-Length: 1000\r\n\r\n", then_close=False)) as server:
        seen = await look(server.url, method="HEAD")
    assert seen.outcome == "pass"
    assert server.requests[0].startswith(b"HEAD /health HTTP/1.1\r\n")


async def test_every_phase_is_measured_and_what_was_not_is_absent(look: Look) -> None:
    async with serving(says(answer())) as server:
        seen = await look(server.url)
    assert seen.phases is not None
    assert seen.phases.resolve is None
    assert seen.phases.tls is None
    measured = [seen.phases.connect, seen.phases.processing, seen.phases.transfer]
    assert all(phase is not None and phase >= 0 for phase in measured)
    assert sum(phase for phase in measured if phase) <= seen.duration_ms
    assert (seen.status, seen.ip) == (200, "127.0.0.1")
    assert seen.attributes == {
        "probe_http_redirects": 0,
        "probe_http_ssl": 0,
        "probe_ip_protocol": 4,
        "probe_http_version": 1.1,
        "probe_http_content_length": 4,
    }


async def test_hostile_bytes_reach_no_word_of_ours(look: Look) -> None:
    hostile = b'"} 0\nfake 1 <script> =cmd()'
    for talk in (
        says(answer(b"500 " + hostile.replace(b"\n", b""), hostile)),
        says(hostile),
        says(answer(b"200 OK", hostile)),
    ):
        async with serving(talk) as server:
            seen = await look(server.url, expect={"body_matches": "nothing of the kind"})
        assert seen.outcome == "fail"
        assert "script" not in (seen.detail or "")
        assert "\n" not in (seen.detail or "")


async def test_configured_headers_are_sent_once(look: Look) -> None:
    async with serving(says(answer())) as server:
        await look(server.url, headers={"User-Agent": "ours", "X-Api-Key": "k1"})
    lines = server.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /health HTTP/1.1"
    assert [line for line in lines if line.lower().startswith("user-agent")] == ["User-Agent: ours"]
    assert {"X-Api-Key: k1", f"Host: 127.0.0.1:{server.port}", "Accept-Encoding: identity"} <= set(lines)
