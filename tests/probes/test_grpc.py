"""What a gRPC look records: of a real gRPC server, and of servers that break HTTP/2, HPACK or gRPC on purpose."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import trustme
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from monitor.probes import Io
from monitor.probes.grpc import GrpcSettings
from monitor.probes.health_call import STATUS_NAMES, HealthCall
from monitor.probes.judge import ProbeError
from tests.probes.kinds import TRUSTED, LookAt, authority, looks_at, server_tls
from tests.probes.servers import Talk, hang_up, repeats, reset, says, serving, silent, unused_port

__all__ = ["authority"]

SHORT_MS = 300
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"
Handle = Callable[[bytes, grpc.ServicerContext], bytes]


@pytest.fixture
def look(io: Io, tmp_path: Path) -> LookAt:
    return looks_at("grpc", io, tmp_path)


# ---------------------------------------------------------------- a real server


@contextlib.contextmanager
def health(handle: Handle, leaf: trustme.LeafCert | None = None) -> Iterator[int]:
    """grpcio's own server with a health service that answers as it is told; its port."""
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        check = {"Check": grpc.unary_unary_rpc_method_handler(handle)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", check),))
        if leaf is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
            credentials = grpc.ssl_server_credentials([(leaf.private_key_pem.bytes(), chain)])
            port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait()


async def test_a_service_that_serves_is_up(look: LookAt) -> None:
    asked: list[tuple[bytes, float | None]] = []

    def serves(message: bytes, context: grpc.ServicerContext) -> bytes:
        asked.append((message, context.time_remaining()))
        return SERVING

    with health(serves) as port:
        seen = await look(port=port, service="shop.Cart")
        whole = await look(port=port)
    assert (seen.outcome, whole.outcome) == ("pass", "pass")
    assert [message for message, _ in asked] == [b"\x0a\x09shop.Cart", b""]
    assert all(remaining is not None and 0 < remaining <= 5 for _, remaining in asked)
    assert seen.attributes == {
        "probe_ip_protocol": 4,
        "probe_grpc_ssl": 0,
        "probe_grpc_status_code": 0,
        "probe_grpc_healthcheck_response": "SERVING",
    }
    assert [(each.name, each.passed, each.words) for each in seen.assertions] == [("service", True, "SERVING")]
    assert seen.phases is not None
    assert None not in (seen.phases.connect, seen.phases.processing, seen.phases.transfer)
    assert sum(phase for phase in seen.phases if phase is not None) <= seen.duration_ms


async def test_over_tls_it_is_verified_and_http_2_agreed_on(look: LookAt, authority: trustme.CA) -> None:
    with health(lambda message, context: SERVING, authority.issue_cert("127.0.0.1")) as port:
        seen = await look(port=port, tls=TRUSTED)
        untrusted = await look(port=port, tls={})
    assert (seen.outcome, untrusted.reason) == ("pass", "tls_untrusted")
    assert seen.attributes is not None
    assert (seen.attributes["probe_grpc_ssl"], seen.attributes["probe_tls_version_info"]) == (1, "TLS 1.3")
    assert seen.certificate_expires is not None
    assert seen.phases is not None
    assert seen.phases.tls is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"", "UNKNOWN"), (NOT_SERVING, "NOT_SERVING"), (SERVICE_UNKNOWN, "SERVICE_UNKNOWN"), (b"\x08\x63", "UNKNOWN")],
)
async def test_a_service_that_does_not_serve_is_down(look: LookAt, answer: bytes, words: str) -> None:
    with health(lambda message, context: answer) as port:
        seen = await look(port=port)
    assert (seen.outcome, seen.reason, seen.detail) == ("fail", "grpc_not_serving", words)
    assert seen.attributes is not None
    assert seen.attributes["probe_grpc_healthcheck_response"] == words


async def test_a_call_that_does_not_end_with_ok_is_down_with_its_status(look: LookAt) -> None:
    def refuses(message: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.NOT_FOUND, '"} 0\nfake <script>')
        raise AssertionError

    with health(refuses) as port:
        seen = await look(port=port, service="nobody")
    assert (seen.outcome, seen.reason, seen.detail) == ("fail", "grpc_status", "5 NOT_FOUND")
    assert seen.attributes is not None
    assert seen.attributes["probe_grpc_status_code"] == 5
    assert "script" not in repr(seen)


async def test_a_server_without_the_health_service_is_down(look: LookAt) -> None:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        seen = await look(port=port)
        server.stop(None).wait()
    assert (seen.reason, seen.detail) == ("grpc_status", "12 UNIMPLEMENTED")


def test_a_call_is_for_the_host_as_dns_spells_it_or_the_name_that_is_verified() -> None:
    given_ = {"host": "Bücher.example", "port": 443}
    assert GrpcSettings.model_validate(given_).authority == "xn--bcher-kva.example:443"
    assert GrpcSettings.model_validate({**given_, "host": "::1"}).authority == "[::1]:443"
    named = GrpcSettings.model_validate({**given_, "tls": {"server_name": "grpc.internal"}})
    assert named.authority == "grpc.internal"


def test_the_names_of_the_statuses_are_grpcs() -> None:
    assert {code.value[0]: code.name for code in grpc.StatusCode} == dict(enumerate(STATUS_NAMES))


# ---------------------------------------------------------------- servers that misbehave

OK_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
SETTINGS = SettingsFrame(0).serialize()


def framed(message: bytes, compressed: int = 0) -> bytes:
    return bytes([compressed]) + len(message).to_bytes(4, "big") + message


def head(fields: list[tuple[str, str]], *flags: str) -> bytes:
    return HeadersFrame(1, Encoder().encode(fields), flags=["END_HEADERS", *flags]).serialize()


def data(payload: bytes, *flags: str) -> bytes:
    return DataFrame(1, payload, flags=list(flags)).serialize()


OK = SETTINGS + head(OK_HEADERS)
ANSWER = OK + data(framed(SERVING)) + head([("grpc-status", "0")], "END_STREAM")


def trailers_only(*fields: tuple[str, str]) -> bytes:
    return SETTINGS + head([*OK_HEADERS, *fields], "END_STREAM")


def ended(payload: bytes) -> bytes:
    return OK + data(payload) + head([("grpc-status", "0")], "END_STREAM")


def block(fields: bytes) -> bytes:
    return SETTINGS + HeadersFrame(1, fields, flags=["END_HEADERS"]).serialize()


def waits(*parts: bytes) -> Talk:
    return says(*parts, then_close=False)


def reads_then(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(DataFrame(1, framed(b""), flags=["END_STREAM"]).serialize())
        writer.write(answer)

    return talk


def flood(frame: Frame, start: bytes = SETTINGS) -> Talk:
    return repeats(start, frame.serialize() * 2_000)


CONTINUED = HeadersFrame(1, b"", flags=[]).serialize()
PUSH = PushPromiseFrame(1, 2, Encoder().encode([(":path", "/")]), flags=["END_HEADERS"]).serialize()
HTML = [(":status", "200"), ("content-type", "text/html")]
BOMB = b"\x40\x01a\x7f\x81\x1e" + b"x" * 4_000 + b"\xbe" * 12_000
"""One entry of 4,000 bytes in the dynamic table, and 12,000 references to it: 48 MB of headers."""

FAULTS: list[tuple[str, Talk, str]] = [
    ("silence", silent, "http_timeout_headers"),
    ("settings and silence", waits(SETTINGS), "http_timeout_headers"),
    ("headers and silence", waits(OK), "http_timeout_body"),
    ("a drip of pings", repeats(SETTINGS, PingFrame(0, bytes(8)).serialize(), 0.02), "http_timeout_headers"),
    ("a drip of bytes", repeats(SETTINGS + b"\x00\x40\x00\xee" + bytes(5), b"x", 0.02), "http_timeout_headers"),
    ("a reset", reset, "http_reset"),
    ("an end", hang_up, "http_reset"),
    ("an end after settings", reads_then(SETTINGS), "http_truncated"),
    ("an end after headers", reads_then(OK), "http_truncated"),
    ("HTTP/1.1", waits(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), "http_protocol"),
    ("a banner", waits(b"220 mail\r\n" * 10), "http_protocol"),
    ("garbage", waits(bytes(range(256)) * 8), "http_protocol"),
    ("a frame that is too large", waits(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"), "http_protocol"),
    ("RST_STREAM", waits(SETTINGS + RstStreamFrame(1, 7).serialize()), "http_protocol"),
    ("GOAWAY", waits(SETTINGS + GoAwayFrame(0, 0, 11).serialize()), "http_protocol"),
    ("a flood of settings", flood(SettingsFrame(0, {3: 100})), "http_protocol"),
    ("a flood of pings", flood(PingFrame(0, bytes(8))), "http_protocol"),
    ("a flood of window updates", flood(WindowUpdateFrame(0, 1)), "http_protocol"),
    ("a flood of unknown frames", repeats(SETTINGS, b"\x00\x00\x01\xee\x00\x00\x00\x00\x00x" * 2_000), "http_protocol"),
    ("a flood of empty data", flood(DataFrame(1, b""), OK), "http_protocol"),
    ("a flood of continuations", flood(ContinuationFrame(1, b""), SETTINGS + CONTINUED), "http_protocol"),
    (
        "a flood of full continuations",
        repeats(SETTINGS + CONTINUED, ContinuationFrame(1, b"\x00" * 16_384).serialize()),
        "http_protocol",
    ),
    ("an HPACK bomb", waits(block(BOMB)), "http_protocol"),
    ("an unknown index", waits(block(b"\xff\xff\x7f")), "http_protocol"),
    ("an endless integer", waits(block(b"\xff" * 16_000)), "http_protocol"),
    ("a push", waits(SETTINGS + PUSH), "http_protocol"),
    ("another stream", waits(SETTINGS + DataFrame(3, b"x").serialize()), "http_protocol"),
    ("data before headers", waits(SETTINGS + data(framed(SERVING))), "http_protocol"),
    ("endless interim responses", repeats(SETTINGS, head([(":status", "103")]) * 100), "http_protocol"),
    ("a status of HTTP", waits(SETTINGS + head([(":status", "503")], "END_STREAM")), "http_status"),
    ("a status that is none", waits(SETTINGS + head([(":status", "abc")], "END_STREAM")), "http_protocol"),
    ("another content", waits(SETTINGS + head(HTML, "END_STREAM")), "http_protocol"),
    ("no status of gRPC", waits(trailers_only()), "http_protocol"),
    ("a status that is no number", waits(trailers_only(("grpc-status", "-1"))), "http_protocol"),
    ("a status that is too long", waits(trailers_only(("grpc-status", "9" * 5_000))), "http_protocol"),
    ("a status that is not in use", waits(trailers_only(("grpc-status", "99"))), "grpc_status"),
    ("OK without a message", waits(trailers_only(("grpc-status", "0"))), "http_protocol"),
    ("two messages", waits(ended(framed(SERVING) * 2)), "http_protocol"),
    ("a message that is cut", waits(ended(framed(SERVING)[:-1])), "http_protocol"),
    ("a compressed message", waits(ended(framed(b"\x1f\x8b", 1))), "http_decompress"),
    ("a message of no protobuf", waits(ended(framed(b"\xff" * 20))), "http_protocol"),
    ("a message of 4 GiB", waits(ended(b"\x00\xff\xff\xff\xff")), "http_protocol"),
    ("an endless message", repeats(OK + data(b"\x00\xff\xff\xff\xff"), data(bytes(16_000))), "http_too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "reason"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_call_that_goes_wrong_is_down_for_its_reason(look: LookAt, talk: Talk, reason: str) -> None:
    async with serving(talk, read_request=False) as server:
        seen = await look(SHORT_MS if "timeout" in reason else 10_000, port=server.port)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert server.connections == 1


async def test_the_answer_of_those_servers_would_do(look: LookAt) -> None:
    async with serving(waits(ANSWER), read_request=False) as server:
        assert (await look(port=server.port)).outcome == "pass"
    known = framed(b"\x12\x02hi\x1d1234\x21" + bytes(8) + SERVING)
    async with serving(waits(ended(known)), read_request=False) as server:
        assert (await look(port=server.port)).outcome == "pass"


async def test_http_1_alone_behind_tls_is_a_fault_of_tls(look: LookAt, authority: trustme.CA) -> None:
    context = server_tls(authority)
    context.set_alpn_protocols(["http/1.1"])
    async with serving(silent, context, read_request=False) as server:
        seen = await look(port=server.port, tls=TRUSTED)
    assert seen.reason == "tls_protocol"


async def test_a_closed_port_is_refused(look: LookAt) -> None:
    assert (await look(port=unused_port())).reason == "tcp_refused"


async def test_the_answer_may_come_in_any_pieces(look: LookAt) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for place in range(len(ANSWER)):
            writer.write(ANSWER[place : place + 1])
            await writer.drain()
        await reader.read()

    async with serving(slowly, read_request=False) as server:
        assert (await look(port=server.port)).outcome == "pass"


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([SETTINGS, OK, ANSWER, CONTINUED])), max_size=8),
    st.data(),
)
def test_no_bytes_at_all_raise_anything_but_a_verdict(pieces: list[bytes], more: st.DataObject) -> None:
    sent = bytearray(b"".join(pieces))
    for place in more.draw(st.lists(st.integers(0, max(len(sent) - 1, 0)), max_size=3)):
        if sent:
            sent[place] = more.draw(st.integers(0, 255))
    call = HealthCall()
    call.begin("app.example.com", False, "", 1_000)
    with contextlib.suppress(ProbeError):
        call.feed(bytes(sent))
        if call.ended:
            assert call.answer().code in range(100)
