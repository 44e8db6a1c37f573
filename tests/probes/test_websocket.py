"""What a WebSocket look records: of aiohttp's own server, and of servers that break HTTP or RFC 6455 on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha1
from pathlib import Path

import pytest
import trustme
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.probes import Io
from monitor.probes.frames import BINARY, CLOSE, PING, TEXT, Frames, Message, Opening, written
from monitor.probes.judge import ProbeError
from monitor.probes.websocket import WebSocketSettings
from tests.probes.kinds import TRUSTED, LookAt, authority, looks_at, server_tls
from tests.probes.servers import Talk, hang_up, repeats, request_of, reset, says, serving, silent

__all__ = ["authority"]

SHORT_MS = 300
HOSTILE = b'"} 0\nfake 1 <script> =cmd()'
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def look(io: Io, tmp_path: Path) -> LookAt:
    return looks_at("websocket", io, tmp_path)


# ---------------------------------------------------------------- a real server


@contextlib.asynccontextmanager
async def sockets(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """aiohttp's server with one route; its URL."""
    app = web.Application()
    app.router.add_get("/live", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{runner.addresses[0][1]}/live"
    finally:
        await runner.cleanup()


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("chat.v2",))
    await socket.prepare(request)
    await socket.send_str("welcome")
    await socket.ping(b"are you there")
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_bytes(b"echo " + message.data.encode())
    return socket


async def test_an_upgrade_is_enough_where_nothing_else_is_asked_for(look: LookAt) -> None:
    closed: asyncio.Queue[int | None] = asyncio.Queue()

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await closed.put(socket.close_code)
        return socket

    async with sockets(serve) as url:
        seen = await look(url=url)
        assert await closed.get() == 1000
    assert (seen.outcome, seen.reason, seen.status) == ("pass", None, None)
    assert seen.attributes == {
        "probe_ip_protocol": 4,
        "probe_websocket_connection_upgraded": 1,
        "probe_websocket_status_code": 101,
    }
    assert seen.phases is not None
    assert None not in (seen.phases.connect, seen.phases.processing, seen.phases.transfer)


@pytest.mark.parametrize("size", [4, 200, 60_000])
async def test_messages_are_sent_and_expected_and_pings_answered(look: LookAt, size: int) -> None:
    steps = [{"expect": "^welcome$", "send": "x" * size}, {"expect": f"^echo x{{{min(size, 1000)}}}"}]
    async with sockets(echo) as url:
        seen = await look(url=url, steps=steps, subprotocols=["chat.v1", "chat.v2"])
    assert (seen.outcome, seen.reason, seen.detail) == ("pass", None, None)
    names = [each.name for each in seen.assertions if each.passed]
    assert names == ["upgrade", "steps[0].expect", "steps[1].expect"]


async def test_over_tls_the_certificate_is_verified(look: LookAt, authority: trustme.CA) -> None:
    async with sockets(echo, server_tls(authority)) as url:
        seen = await look(url=url, tls=TRUSTED, steps=[{"expect": "welcome"}])
        untrusted = await look(url=url)
    assert (seen.outcome, untrusted.reason) == ("pass", "tls_untrusted")
    assert seen.certificate_expires is not None


async def test_headers_and_who_we_are_go_along(look: LookAt, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    asked: list[tuple[str | None, str | None]] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("Origin"), request.headers.get("Authorization")))
        return await echo(request)

    async with sockets(serve) as url:
        headers = {"Origin": "https://app.example.com"}
        seen = await look(url=url, headers=headers, auth={"bearer": {"from_file": "token"}})
    assert seen.outcome == "pass"
    assert asked == [("https://app.example.com", "Bearer t0ken")]


async def test_a_server_that_refuses_is_down_with_its_status(look: LookAt) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, body=HOSTILE)

    async with sockets(serve) as url:
        seen = await look(url=url)
        elsewhere = await look(url=url.replace("live", "nobody"))
    assert (seen.outcome, seen.reason, seen.detail, seen.status) == ("fail", "ws_handshake", "status 503", 503)
    assert (elsewhere.reason, elsewhere.status) == ("ws_handshake", 404)
    assert seen.attributes is not None
    assert seen.attributes["probe_websocket_connection_upgraded"] == 0


async def test_a_subprotocol_that_the_server_does_not_speak_is_down(look: LookAt) -> None:
    async with sockets(echo) as url:
        seen = await look(url=url, subprotocols=["chat.v1"])
    assert (seen.reason, seen.detail) == ("ws_handshake", "no subprotocol was agreed on")


# ---------------------------------------------------------------- servers that misbehave


def agrees(*frames: bytes, then_close: bool = False, extra: bytes = b"") -> Talk:
    """Agrees to the handshake as it should, then sends these bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_of(reader)
        key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        writer.write(head + extra + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        for frame in frames:
            writer.write(frame)
            await writer.drain()
        if not then_close:
            await reader.read()

    return talk


def floods(frame: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await agrees(then_close=True)(reader, writer)
        while True:
            writer.write(frame * (65_536 // len(frame) + 1))
            await writer.drain()

    return talk


def plain(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return bytes([0x80 * final | opcode]) + size + payload


UPGRADE = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
OTHER_PROOF = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
EARLY = b"HTTP/1.1 103 x\r\n\r\n"

FAULTS: list[tuple[str, Talk, str]] = [
    ("silence", silent, "http_timeout_headers"),
    ("a drip of a head", repeats(b"HTTP/1.1 101 x\r\nA: ", b"x", 0.02), "http_timeout_headers"),
    ("a reset", reset, "http_reset"),
    ("an end", hang_up, "http_reset"),
    ("an end in the head", says(UPGRADE), "http_truncated"),
    ("a banner", says(b"220 mail\r\n\r\n"), "http_protocol"),
    ("HTTP/2", says(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), "http_protocol"),
    ("an endless head", repeats(UPGRADE + b"A: ", b"x" * 4_096), "http_protocol"),
    ("a flood of headers", says(UPGRADE + b"A: b\r\n" * 101 + b"\r\n"), "http_protocol"),
    ("endless interim responses", repeats(b"", EARLY * 100), "http_protocol"),
    ("a status that is none", says(b"HTTP/1.1 000 x\r\n\r\n"), "http_protocol"),
    ("a header without a name", says(UPGRADE + b": x\r\n\r\n"), "http_protocol"),
    ("NUL in the status line", says(b"HTTP/1.1 101 \x00\r\n\r\n"), "http_protocol"),
    ("200", says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"), "ws_handshake"),
    ("HTTP/1.0", says(b"HTTP/1.0 503 x\r\n\r\n"), "ws_handshake"),
    ("a redirect", says(b"HTTP/1.1 302 x\r\nLocation: ws://127.0.0.1:1/\r\n\r\n"), "ws_handshake"),
    ("no proof of the key", says(UPGRADE + b"\r\n"), "ws_handshake"),
    ("another key's proof", says(UPGRADE + OTHER_PROOF), "ws_handshake"),
    ("an extension", agrees(extra=b"Sec-WebSocket-Extensions: permessage-deflate\r\n"), "ws_handshake"),
    ("a subprotocol", agrees(extra=b"Sec-WebSocket-Protocol: chat\r\n"), "ws_handshake"),
    ("two upgrades", agrees(extra=b"Upgrade: h2c\r\n"), "ws_handshake"),
    ("an upgrade and silence", agrees(), "http_timeout_body"),
    ("half a frame", agrees(b"\x81\x05he"), "http_timeout_body"),
    ("an upgrade and an end", agrees(then_close=True), "ws_content"),
    ("other messages and a close", agrees(plain(TEXT, b"no"), plain(CLOSE, b"\x03\xf0bye")), "ws_content"),
    ("a refusal", agrees(plain(TEXT, b"denied")), "ws_content"),
    ("hostile bytes and a close", agrees(plain(TEXT, HOSTILE), plain(CLOSE, HOSTILE[:2])), "ws_content"),
    ("a masked frame", agrees(b"\x81\x82abcdxy"), "ws_content"),
    ("a reserved bit", agrees(b"\xc1\x02hi"), "ws_content"),
    ("an unknown opcode", agrees(b"\x83\x02hi"), "ws_content"),
    ("a ping in pieces", agrees(b"\x09\x00"), "ws_content"),
    ("a ping that is too long", agrees(b"\x89\x7e\x00\x7e" + bytes(126)), "ws_content"),
    ("a rest without a start", agrees(plain(0, b"x")), "ws_content"),
    ("a start within a message", agrees(plain(TEXT, b"x", final=False), plain(TEXT, b"x")), "ws_content"),
    ("a text that is no UTF-8", agrees(plain(TEXT, b"\xff\xfe")), "ws_content"),
    ("a message of 2^63 bytes", agrees(b"\x82\x7f\x7f" + b"\xff" * 7), "ws_content"),
    ("a message of 64 KiB and one", agrees(b"\x82\x7f" + (65_537).to_bytes(8, "big")), "ws_content"),
    ("a message in endless pieces", floods(plain(0, bytes(60_000), final=False)), "ws_content"),
    ("endless empty pieces", floods(plain(0, b"", final=False)), "ws_content"),
    ("endless pings", floods(plain(PING, b"x" * 125)), "ws_content"),
    ("endless empty messages", floods(plain(TEXT, b"")), "ws_content"),
    ("endless messages", floods(plain(BINARY, bytes(60_000))), "ws_content"),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "reason"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_talk_that_goes_wrong_is_down_for_its_reason(look: LookAt, talk: Talk, reason: str) -> None:
    reads = talk.__qualname__.startswith(("says", "repeats"))
    async with serving(talk, read_request=reads) as server:
        steps = [{"expect": "^hello$", "refuse": "denied"}]
        timeout = SHORT_MS if "timeout" in reason else 10_000
        seen = await look(timeout, url=f"ws://127.0.0.1:{server.port}/live", steps=steps)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert server.connections == 1
    agreed = reason in ("ws_content", "http_timeout_body")
    failed = [each.name for each in seen.assertions if not each.passed]
    assert failed == ["steps[0].expect" if agreed else "upgrade"]
    said = f"{seen.detail} {seen.assertions}"
    assert not [word for word in ("script", "bye", "denied", "chat", "mail") if word in said]


async def test_a_message_in_pieces_is_one(look: LookAt) -> None:
    pieces = (plain(TEXT, b"he", final=False), plain(PING, b"x"), plain(0, b"l", final=False), plain(0, b"lo"))
    async with serving(agrees(*pieces), read_request=False) as server:
        seen = await look(url=f"ws://127.0.0.1:{server.port}/", steps=[{"expect": "^hello$"}])
    assert seen.outcome == "pass"


async def test_frames_may_come_with_the_handshake(look: LookAt) -> None:
    async with serving(agrees(plain(TEXT, b"hello")), read_request=False) as server:
        seen = await look(url=f"ws://127.0.0.1:{server.port}/", steps=[{"expect": "^hello$"}])
    assert seen.outcome == "pass"


# ---------------------------------------------------------------- frames


@given(st.binary(max_size=300) | st.just(bytes(70_000)), st.binary(min_size=4, max_size=4))
def test_what_is_written_can_be_read(payload: bytes, mask: bytes) -> None:
    frame = written(BINARY, payload, mask)
    start = 2 if len(payload) < 126 else 4 if len(payload) < 65_536 else 10
    assert frame[1] & 0x80
    assert frame[start : start + 4] == mask
    unmasked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(frame[start + 4 :]))
    assert unmasked == payload


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING]), st.text(max_size=30))), st.data())
def test_however_they_are_cut_frames_are_the_same(sent: list[tuple[int, str]], more: st.DataObject) -> None:
    stream = b"".join(plain(opcode, text.encode()) for opcode, text in sent)
    frames = Frames(bytearray())
    found: list[Message] = []
    while stream:
        cut = more.draw(st.integers(1, len(stream)))
        frames.received += stream[:cut]
        stream = stream[cut:]
        while (message := frames.frame()) is not None:
            found.append(message)
    assert found == [(opcode, text.encode()) for opcode, text in sent]


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_at_all_raise_anything_but_a_verdict(data: bytes, as_head: bool) -> None:
    opening = Opening()
    opening.received += b"HTTP/1.1 101 x\r\n" * as_head + data + b"\r\n\r\n" * as_head
    with contextlib.suppress(ProbeError):
        if as_head:
            head = opening.head()
            assert head is None or 100 <= head.status <= 999
        frames = Frames(opening.received)
        while frames.frame() is not None:
            pass


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "given_",
    [
        {"url": "https://app.example.com/"},
        {"url": "ws://user:hunter2@app.example.com/"},
        {"url": "ws:///live"},
        {"headers": {"Upgrade": "h2c"}},
        {"headers": {"sec-websocket-key": "x"}},
        {"headers": {"A": "b\r\nC: d"}},
        {"subprotocols": ["a, b"]},
        {"steps": [{}]},
        {"steps": [{"refuse": "x"}]},
        {"steps": [{"expect": "("}]},
        {"steps": [{"send": "x" * 65_537}]},
        {"url": "ws://app.example.com/", "tls": {"min_version": "TLS13"}},
    ],
)
def test_settings_that_can_mean_nothing_are_refused(given_: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        WebSocketSettings.model_validate({"url": "wss://app.example.com/live", **given_})
    assert "hunter2" not in str(caught.value)
