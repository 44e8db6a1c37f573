"""Whatever stands in a target's TLS, at whichever step: a verdict, no exception, and nothing taken for an answer that
the target did not say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts.kinds import FAIL_REASONS
from monitor.probes import Io
from monitor.probes.exchange import Exchange
from monitor.probes.http import HttpSettings, probe
from monitor.probes.response import Response
from monitor.probes.tls import Tls, TlsPolicy
from monitor.probes.trace import Trace
from tests.faults.certificates import Request, authority, issue, served
from tests.faults.conftest import PATIENT_MS, is_down, is_up
from tests.probes.conftest import TICK, Look
from tests.probes.servers import answer, says, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
REPLY = answer(b"200 OK", b"what the target said")

CA = trustme.CA()
POLICY = TlsPolicy(authorities=CA.cert_pem.bytes().decode())
TLS = Tls()


def server_context(newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    CA.issue_cert("127.0.0.1").configure_cert(context)
    return context


CONTEXTS = {version: server_context(version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}


class Sent(asyncio.Transport):
    """The wire to the server: what the look sends."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._bytes += data

    def let_go(self) -> None:
        self._bytes.clear()

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


class Target:
    """A sound TLS server in memory: from what it is sent to what it sends."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._secured = self._answered = False

    def hear(self, data: bytes) -> bytes:
        self._incoming.write(data)
        try:
            if not self._secured:
                self._tls.do_handshake()
                self._secured = True
            if not self._answered and self._tls.read(4096):
                self._tls.write(REPLY)
                self._answered = True
        except ssl.SSLError:
            pass  # it waits for more, or says in an alert what is wrong
        return self._outgoing.read()


def seen_of(newest: ssl.TLSVersion, change: Callable[[int, bytes], list[bytes]]) -> Exchange:
    """What comes of a look at a sound server, each of whose flights is changed on the way into pieces."""
    loop = asyncio.new_event_loop()
    try:
        session = TLS.session(POLICY, "127.0.0.1")
        exchange = Exchange(Response(keep_body=True, bodiless=False), session, _ticks().__next__, loop.create_future())
        sent, target = Sent(), Target(CONTEXTS[newest])
        exchange.connection_made(sent)
        exchange.start(REQUEST)
        for flight in range(6):
            for piece in change(flight, target.hear(sent.take())):
                exchange.data_received(piece)
        exchange.eof_received()
        exchange.connection_lost(None)
        assert exchange.done.result() is None
        return exchange
    finally:
        loop.close()


def _ticks() -> Iterator[int]:
    yield from range(1, 1_000_000)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


VERSIONS = st.sampled_from(sorted(CONTEXTS))
SIZES = st.integers(1, 2_000)


@settings(max_examples=25)
@given(VERSIONS, SIZES)
def test_a_sound_server_is_heard_however_its_records_are_cut(newest: ssl.TLSVersion, size: int) -> None:
    exchange = seen_of(newest, lambda _flight, data: pieces(data, size))
    assert (exchange.fault, exchange.response.fault) == (None, None)
    assert bytes(exchange.response.body) == b"what the target said"


PLACES = st.tuples(st.integers(0, 5), st.integers(0, 5_000))
CHANGES = st.sampled_from(["flip", "insert", "cut", "repeat", "replace"])


@settings(max_examples=200)
@given(VERSIONS, SIZES, PLACES, CHANGES, st.binary(min_size=1, max_size=60))
def test_garbage_at_any_step_is_a_fault_with_a_reason_or_harms_nothing(
    newest: ssl.TLSVersion, size: int, where: tuple[int, int], change: str, garbage: bytes
) -> None:
    step, place = where

    def changed(flight: int, data: bytes) -> list[bytes]:
        if flight != step:
            return pieces(data, size)
        at = place % (len(data) + 1)
        flipped = data[:at] + bytes([data[at] ^ (garbage[0] or 1)]) + data[at + 1 :] if at < len(data) else data
        return pieces(
            {
                "flip": flipped,
                "insert": data[:at] + garbage + data[at:],
                "cut": data[:at],
                "repeat": data[:at] + data,
                "replace": garbage * 20,
            }[change],
            size,
        )

    exchange = seen_of(newest, changed)
    fault = exchange.fault or exchange.response.fault
    if fault is None:
        assert exchange.response.status == 200
        assert bytes(exchange.response.body) == b"what the target said"
    else:
        assert (fault.outcome, fault.reason in FAIL_REASONS) == ("fail", True)
        assert (fault.detail or "").isascii()


@settings(max_examples=100)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
def test_bytes_that_are_no_tls_are_a_fault_with_a_reason(sent: list[bytes]) -> None:
    exchange = seen_of(ssl.TLSVersion.TLSv1_3, lambda flight, _data: sent if flight == 0 else [])
    assert exchange.fault is not None
    assert exchange.fault.reason in {"tls_protocol", "tls_reset"}


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def trust(pem: bytes) -> None:
        (tmp_path / "authorities.pem").write_bytes(pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))

    return trust


async def test_tickets_without_end_are_down(look: Look, trusting: Callable[[bytes], None]) -> None:
    trusting(CA.cert_pem.bytes())
    context = server_context(ssl.TLSVersion.TLSv1_3)
    async with serving(says(answer()), context) as server:
        assert is_up(await look(f"https://127.0.0.1:{server.port}/", timeout_ms=PATIENT_MS), 3)
    context.num_tickets = 2_000
    async with serving(says(answer(), then_close=False), context) as server:
        assert is_down(await look(f"https://127.0.0.1:{server.port}/", timeout_ms=PATIENT_MS), "tls_protocol", 3)


async def test_a_name_in_a_certificate_that_is_no_text_harms_nothing(
    io: Io, look: Look, trusting: Callable[[bytes], None], tmp_path: Path
) -> None:
    root = authority()
    trusting(root.pem)
    alternative = b"\x82\x04\xff\xfe\0<" + b"\x87\x04" + ip_address("127.0.0.1").packed
    names = b"\x30" + bytes([len(alternative)]) + alternative
    leaf = issue(root, Request(names=x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names)))
    async with serving(says(answer()), served(tmp_path, leaf)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert is_up(await look(url, timeout_ms=PATIENT_MS), 3)
        traced = Io(io.clock, io.resolver, io.tls, True, PATIENT_MS, trace=Trace())
        assert is_up(await probe(HttpSettings.model_validate({"url": url}), TICK, traced), 3)
