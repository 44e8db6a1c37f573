"""Rows 80 to 86 of the fault catalogue: what a target does with a connection, and says before it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.faults.conftest import PATIENT_MS, is_down, is_up
from tests.probes.conftest import Look
from tests.probes.servers import Server, Talk, answer, hang_up, repeats, says, serving

BOUND_S = 1
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 that this process trusts."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "authorities.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(made)
    return made


async def test_80_each_look_has_a_connection_of_its_own(look: Look) -> None:
    kept = says(answer(b"200 OK", b"fine", b"Connection: keep-alive", b"Keep-Alive: timeout=0"))
    async with serving(kept) as server:
        for _ in range(20):
            assert is_up(await look(server.url, timeout_ms=PATIENT_MS), BOUND_S)
    assert (server.connections, len(server.requests)) == (20, 20)
    assert all(b"\r\nConnection: close\r\n" in request for request in server.requests)


async def test_81_an_end_without_a_byte_is_a_reset_and_is_not_asked_again(look: Look) -> None:
    async with serving(hang_up) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_reset", BOUND_S)
    assert (server.connections, len(server.requests)) == (1, 1)


async def test_82_cookies_are_ignored(look: Look) -> None:
    cookies = [b"Set-Cookie: name-%d=value" % number for number in range(90)]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = server.connections % 2
        writer.write(answer(b"302 Found", b"", b"Location: /", *cookies) if first else answer(b"200 OK", b"", *cookies))

    async with serving(talk) as server:
        for _ in range(2):
            assert is_up(await look(server.url, timeout_ms=PATIENT_MS), BOUND_S)
    assert len(server.requests) == 4
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_83_an_upgrade_that_nobody_asked_for_is_no_http(look: Look) -> None:
    upgrade = b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    for talk in (says(upgrade), says(upgrade, then_close=False), says(b"HTTP/1.1 101 Switching\r\n\r\n")):
        async with serving(talk) as server:
            assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_protocol", BOUND_S)


async def test_83_an_upgrade_that_is_only_offered_and_trailers_are_up(look: Look) -> None:
    offered = answer(b"200 OK", b"fine", b"Upgrade: h2c", b"Connection: Upgrade")
    trailers = OK + b"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n4\r\nfine\r\n0\r\nX: a\r\nLocation: /\r\n\r\n"
    for sent in (offered, trailers):
        async with serving(says(sent)) as server:
            seen = await look(server.url, timeout_ms=PATIENT_MS, expect={"body_matches": "^fine$"})
            assert is_up(seen, BOUND_S)


async def test_83_a_trailer_is_no_header(look: Look) -> None:
    trailing = b"HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nLocation: /\r\n\r\n"
    async with serving(says(trailing)) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_protocol", BOUND_S)
    assert server.connections == 1


@contextlib.asynccontextmanager
async def answering_the_connection(reply: bytes) -> AsyncIterator[Server]:
    """Answers who connects, does not read, and is gone: what is sent to it then is answered with a reset."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with listening:
        yield Server(listening.sockets[0].getsockname()[1])


async def test_84_an_answer_before_the_request_is_judged_by_its_status(look: Look, context: ssl.SSLContext) -> None:
    early = says(answer(b"400 Bad Request"), then_close=False)
    for tls, scheme in ((None, "http"), (context, "https")):
        async with serving(early, tls, read_request=False) as server:
            seen = await look(f"{scheme}://127.0.0.1:{server.port}/", timeout_ms=PATIENT_MS)
        assert is_down(seen, "http_status", BOUND_S)
        assert seen.status == 400


@pytest.mark.parametrize("length", [0, 500_000])
async def test_84_also_where_the_connection_is_gone_when_the_request_is_sent(look: Look, length: int) -> None:
    async with answering_the_connection(answer(b"413 Too Large")) as server:
        seen = await look(server.url, timeout_ms=PATIENT_MS, method="POST", body="x" * length)
    assert is_down(seen, "http_status", BOUND_S)
    assert seen.status == 413


SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # frames of HTTP/2: RFC 9113 section 4.1
GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8)
RST_STREAM = b"\x00\x00\x04\x03\x00\x00\x00\x00\x01" + bytes(4)
CONTINUATION = b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x88"
HTTP2 = {
    "GOAWAY": says(SETTINGS + GOAWAY),
    "RST_STREAM": says(SETTINGS + RST_STREAM, then_close=False),
    "SETTINGS without end": repeats(b"", SETTINGS * 1_000),
    "CONTINUATION without end": repeats(SETTINGS, CONTINUATION * 1_000),
}


@pytest.mark.parametrize("talk", HTTP2.values(), ids=HTTP2)
async def test_85_http2_which_is_never_offered_is_no_http(look: Look, context: ssl.SSLContext, talk: Talk) -> None:
    for tls, scheme in ((None, "http"), (context, "https")):
        async with serving(talk, tls) as server:
            seen = await look(f"{scheme}://127.0.0.1:{server.port}/", timeout_ms=PATIENT_MS)
        assert is_down(seen, "http_protocol", BOUND_S)


async def test_85_a_target_that_speaks_both_is_asked_for_http_1(look: Look, context: ssl.SSLContext) -> None:
    agreed: list[str | None] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(answer())

    context.set_alpn_protocols(["h2", "http/1.1"])
    async with serving(talk, context) as server:
        assert is_up(await look(f"https://127.0.0.1:{server.port}/", timeout_ms=PATIENT_MS), BOUND_S)
    assert agreed == ["http/1.1"]


@pytest.mark.parametrize("date", [b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 31 Dec 9999 23:59:59 GMT", b"yesterday"])
async def test_86_a_date_far_off_is_up_and_no_clock(look: Look, date: bytes) -> None:
    async with serving(says(answer())) as plain, serving(says(answer(b"200 OK", b"", b"Date: " + date))) as server:
        before = await look(plain.url, timeout_ms=PATIENT_MS)
        seen = await look(server.url, timeout_ms=PATIENT_MS)
    assert is_up(seen, BOUND_S)
    assert 0 <= seen.at - before.at < PATIENT_MS
