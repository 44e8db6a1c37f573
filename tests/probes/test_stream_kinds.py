"""What every kind that speaks over one TCP connection has in common: names, addresses, TLS, the deadline, an end."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.clock import SystemClock
from monitor.prober import Canary
from monitor.prober.canaries import Canaries
from monitor.probes import KINDS, Io
from monitor.probes.resolver import Resolver
from monitor.probes.trace import Trace
from monitor.settings import Surroundings
from tests.probes.kinds import TRUSTED, authority, looks_at, server_tls
from tests.probes.names import naming, records
from tests.probes.servers import Talk, hang_up, refusing_handshakes, says, serving, silent, unused_port
from tests.probes.test_grpc import ANSWER
from tests.probes.test_websocket import agrees

__all__ = ["authority"]

ASKED: dict[str, dict[str, Any]] = {"tcp": {"steps": [{"expect": "^220 "}]}, "tls": {}, "grpc": {}, "websocket": {}}
SOUND: dict[str, Talk] = {
    "tcp": says(b"220 mail\r\n", then_close=False),
    "tls": silent,
    "grpc": says(ANSWER, then_close=False),
    "websocket": agrees(),
}
ALL = pytest.mark.parametrize("kind", list(ASKED))


def at(kind: str, port: int, host: str = "127.0.0.1", secure: bool = False, **more: Any) -> dict[str, Any]:
    """The settings of a look at that place, over TLS where it is `secure`; of `tls` always."""
    if kind == "tls":
        return {"host": host, "port": port, **more, **TRUSTED}
    tls = {"tls": TRUSTED} if secure else {}
    where = {"url": f"ws{'s' * secure}://{host}:{port}/"} if kind == "websocket" else {"host": host, "port": port}
    return {**where, **ASKED[kind], **tls, **more}


def tls_of(kind: str, trusted: trustme.CA, *names: str) -> ssl.SSLContext:
    context = server_tls(trusted, *names)
    if kind == "grpc":
        context.set_alpn_protocols(["h2"])
    return context


@ALL
async def test_a_name_is_looked_up_and_verified_and_the_other_family_tried(
    io: Io, tmp_path: Path, authority: trustme.CA, kind: str
) -> None:
    zone = {"app.test": records((60, "AAAA", "::1"), (60, "A", "127.0.0.1"))}
    async with naming(zone) as names:
        resolver = Resolver((names.address,), io.clock.monotonic_ns)
        through = replace(io, resolver=resolver, trace=Trace())
        look = looks_at(kind, through, tmp_path)
        async with serving(SOUND[kind], tls_of(kind, authority, "app.test"), read_request=False) as server:
            seen = await look(**at(kind, server.port, "app.test", secure=True))
            only = await look(**at(kind, server.port, "app.test", secure=True, ip_version="only_ipv6"))
        await resolver.aclose()
    assert (seen.outcome, seen.reason, seen.ip) == ("pass", None, "127.0.0.1")
    assert seen.attributes is not None
    assert seen.attributes["ipv6_failed"] == 1
    assert (only.reason, only.ip) == ("tcp_refused", "::1")
    assert seen.phases is not None
    assert None not in (seen.phases.resolve, seen.phases.connect, seen.phases.tls)
    assert sum(phase for phase in seen.phases if phase is not None) <= seen.duration_ms
    assert through.trace is not None
    [hop] = through.trace.hops
    assert (hop.target, hop.address, hop.tls) == (f"app.test:{server.port}", "127.0.0.1", "TLSv1.3")
    assert hop.certificate is not None


@ALL
async def test_a_name_that_does_not_exist_is_down(io: Io, tmp_path: Path, kind: str) -> None:
    async with naming({}) as names:
        resolver = Resolver((names.address,), io.clock.monotonic_ns)
        seen = await looks_at(kind, replace(io, resolver=resolver), tmp_path)(**at_untrusted(kind, 9, "app.test"))
        await resolver.aclose()
    assert (seen.outcome, seen.reason) == ("fail", "dns_nxdomain")


def at_untrusted(kind: str, port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    return {key: value for key, value in at(kind, port, host).items() if key != "ca_file"}


@ALL
async def test_a_private_address_is_not_connected_to_where_that_is_refused(io: Io, tmp_path: Path, kind: str) -> None:
    async with serving(silent, read_request=False) as server:
        look = looks_at(kind, replace(io, allow_private_targets=False), tmp_path)
        seen = await look(**at_untrusted(kind, server.port))
        assert server.connections == 0
    assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")


@ALL
async def test_a_closed_port_and_a_silent_target(io: Io, tmp_path: Path, kind: str) -> None:
    look = looks_at(kind, io, tmp_path)
    assert (await look(**at_untrusted(kind, unused_port()))).reason == "tcp_refused"
    async with serving(silent, read_request=False) as server:
        seen = await look(timeout_ms=200, **at_untrusted(kind, server.port))
    expected = {"tcp": "tcp_timeout", "tls": "tls_timeout"}.get(kind, "http_timeout_headers")
    assert (seen.outcome, seen.reason) == ("fail", expected)


@ALL
async def test_a_look_that_is_stopped_lets_go_of_its_connection(io: Io, tmp_path: Path, kind: str) -> None:
    come, gone = asyncio.Event(), asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come.set()
        while await reader.read(4096):
            pass
        gone.set()

    async with serving(waits, read_request=False) as server:
        look = looks_at(kind, io, tmp_path)
        looking = asyncio.ensure_future(look(**at_untrusted(kind, server.port)))
        await come.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        await asyncio.wait_for(gone.wait(), 10)


@pytest.mark.parametrize("kind", ["tcp", "grpc", "websocket"])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_demanded_is_a_fault_of_tls(
    io: Io, tmp_path: Path, authority: trustme.CA, kind: str, newest: ssl.TLSVersion
) -> None:
    context = tls_of(kind, authority)
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    async with refusing_handshakes(context) as server:
        seen = await looks_at(kind, io, tmp_path)(**at(kind, server.port, secure=True))
    assert (seen.outcome, seen.reason) == ("fail", "tls_protocol")


@pytest.mark.parametrize(
    ("kind", "reason"), [("tcp", "tcp_reset"), ("grpc", "http_reset"), ("websocket", "http_reset")]
)
async def test_an_end_of_tls_is_an_end(io: Io, tmp_path: Path, authority: trustme.CA, kind: str, reason: str) -> None:
    async with serving(hang_up, tls_of(kind, authority), read_request=False) as server:
        seen = await looks_at(kind, io, tmp_path)(**at(kind, server.port, secure=True))
    assert (seen.outcome, seen.reason) == ("fail", reason)


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (says(b"HTTP/1.1 200 OK\r\n\r\nall of it"), None),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "http_truncated"),
        (hang_up, "http_reset"),
    ],
)
async def test_an_end_of_tls_ends_a_response_too(
    io: Io, tmp_path: Path, authority: trustme.CA, talk: Talk, reason: str | None
) -> None:
    """asyncio's own servers say that TLS ends, and then wait for the other side to say so too."""
    async with serving(talk, server_tls(authority)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        seen = await looks_at("http", io, tmp_path)(url=url, tls=TRUSTED, expect={"body_matches": "all of it$"})
    assert (seen.outcome == "pass", seen.reason) == (reason is None, reason)


@ALL
async def test_it_can_be_a_canary(io: Io, tmp_path: Path, authority: trustme.CA, kind: str) -> None:
    clock = SystemClock()
    async with serving(SOUND[kind], tls_of(kind, authority), read_request=False) as server:
        given = at(kind, server.port, secure=True)
        settings = KINDS[kind].settings.model_validate(given, context=Surroundings(tmp_path, {}))
        canaries = Canaries(clock, io, [Canary(kind, settings)])
        began = clock.monotonic_ns()
        assert await canaries.own_network_out(began, 1) is None
    out = await canaries.own_network_out(clock.monotonic_ns(), 1)
    await canaries.aclose()
    assert out is not None
