"""Looks through an HTTP proxy: a tunnel for https, absolute URLs for http, and whose fault it is when neither works."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.interfaces import Observation
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.settings import Surroundings
from tests.faults.test_memory import of_two_letters
from tests.probes.conftest import TICK
from tests.probes.servers import answer, hang_up, reset, says, serving, silent, unused_port

FINE = says(answer())


@dataclass
class RealProxy:
    """A proxy that connects where it is asked to, by CONNECT or an absolute URL."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@contextlib.asynccontextmanager
async def proxying() -> AsyncIterator[RealProxy]:
    proxy = RealProxy()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.asked.append(head)
        method, url, _ = head.split(b" ", 2)
        place = url if method == b"CONNECT" else url.removeprefix(b"http://").partition(b"/")[0]
        host, _, port = place.rpartition(b":")
        there_reader, there = await asyncio.open_connection(host.decode().strip("[]"), int(port))
        try:
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there.write(head)
            await asyncio.gather(_pass_on(reader, there), _pass_on(there_reader, writer))
        finally:
            there.close()

    async with serving(talk, read_request=False) as server:
        proxy.port = server.port
        yield proxy


@pytest.fixture
def io(io: Io) -> Io:
    """Patient: what is tried here is no matter of time, and a loaded machine is slow."""
    return replace(io, timeout_ms=20_000)


@pytest.fixture
def secure(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS for 127.0.0.1 and localhost; whom to trust stands in ca.pem, and a password beside it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "password").write_text("s3cret\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def folder(tmp_path: Path, secure: ssl.SSLContext) -> Surroundings:
    return Surroundings(tmp_path, {})


async def look_through(io: Io, folder: Surroundings, url: str, proxy: dict[str, Any], **more: object) -> Observation:
    given = {"url": url, "proxy": proxy, **more}
    if url.startswith("https") or "redirects" in more:
        given["tls"] = {"ca_file": "ca.pem"}
    return await probe(HttpSettings.model_validate(given, context=folder), TICK, io)


AUTH = {"user": "probe", "password": {"from_file": "password"}}
SAID = b"Proxy-Authorization: Basic cHJvYmU6czNjcmV0"


async def test_https_goes_through_a_tunnel_verified_end_to_end(
    io: Io, folder: Surroundings, secure: ssl.SSLContext
) -> None:
    async with serving(FINE, secure) as server, proxying() as proxy:
        through = {"url": proxy.url, "auth": AUTH, "headers": {"X-Via": "us"}}
        seen = await look_through(io, folder, f"https://localhost:{server.port}/", through, headers={"X-Own": "1"})
    assert seen.outcome == "pass"
    assert proxy.asked[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:" % server.port)
    assert SAID in proxy.asked[0]
    assert b"X-Via: us" in proxy.asked[0]
    assert b"X-Own" not in proxy.asked[0]
    assert server.requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert b"X-Own: 1" in server.requests[0]
    assert b"Proxy-Auth" not in server.requests[0]
    assert b"X-Via" not in server.requests[0]
    assert seen.phases is not None
    assert None not in (seen.phases.connect, seen.phases.tls, seen.phases.processing)
    assert seen.ip is None  # to which address the proxy connects is not known


async def test_http_is_asked_for_by_its_whole_url(io: Io, folder: Surroundings) -> None:
    async with serving(FINE) as server, proxying() as proxy:
        through = {"url": proxy.url, "auth": AUTH, "headers": {"X-Via": "us"}}
        seen = await look_through(io, folder, server.url, through)
    assert seen.outcome == "pass"
    assert b"X-Via" not in proxy.asked[0]  # the proxy would pass it on
    assert proxy.asked[0].startswith(b"GET http://127.0.0.1:%d/health HTTP/1.1\r\n" % server.port)
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % server.port in proxy.asked[0]
    assert SAID in proxy.asked[0]


async def test_every_hop_goes_through_the_proxy(io: Io, folder: Surroundings, secure: ssl.SSLContext) -> None:
    async with serving(FINE, secure) as last, proxying() as proxy:
        away = says(answer(b"302 Found", b"", b"Location: https://localhost:%d/" % last.port))
        async with serving(away) as first:
            seen = await look_through(
                io,
                folder,
                first.url,
                {"url": proxy.url},
                redirects={"hosts": [f"localhost:{last.port}"]},
                headers={"X-Own": "1"},
            )
    assert seen.outcome == "pass"
    assert [asked.split(b" ")[0] for asked in proxy.asked] == [b"GET", b"CONNECT"]
    assert b"X-Own" not in proxy.asked[1]


async def test_a_certificate_that_does_not_hold_is_the_targets_through_a_proxy_too(
    io: Io, folder: Surroundings
) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(stranger)
    async with serving(FINE, stranger) as server, proxying() as proxy:
        seen = await look_through(io, folder, f"https://127.0.0.1:{server.port}/", {"url": proxy.url})
    assert (seen.outcome, seen.reason) == ("fail", "tls_untrusted")


# ---------------------------------------------------------------- whose fault it is

OURS = ("void", "self_network")
REFUSED_BY_PROXY = [
    (hang_up, OURS, "the proxy: tcp_reset: closed by the target"),
    (reset, OURS, "the proxy: tcp_reset"),
    (says(b"SSH-2.0-OpenSSH\r\n"), OURS, "the proxy: http_protocol"),
    (says(answer(b"407 Who")), ("void", "self_config"), "the proxy asks for other credentials (status 407)"),
    (says(answer(b"403 No")), ("void", "self_config"), "the proxy refuses the tunnel (status 403)"),
    (says(answer(b"302 Found")), ("void", "self_config"), "the proxy refuses the tunnel (status 302)"),
    (says(answer(b"502 Bad Gateway")), ("fail", "net_unreachable"), "the proxy could not reach the target"),
    (says(answer(b"503 Later")), ("fail", "net_unreachable"), "the proxy could not reach the target (status 503)"),
    (says(answer(b"504 Late")), ("fail", "tcp_timeout"), "the proxy did not reach the target in time (status 504)"),
]


@pytest.mark.parametrize(("talk", "verdict", "words"), REFUSED_BY_PROXY, ids=[row[2] for row in REFUSED_BY_PROXY])
async def test_what_a_proxy_says_is_told_from_what_the_target_does(
    io: Io, folder: Surroundings, talk: Any, verdict: tuple[str, str], words: str
) -> None:
    async with serving(talk) as proxy:
        seen = await look_through(io, folder, "https://app.example.com/", {"url": f"http://127.0.0.1:{proxy.port}"})
    assert (seen.outcome, seen.reason) == verdict
    assert (seen.detail or "").startswith(words)
    assert seen.status is None
    assert proxy.connections == 1


async def test_a_proxy_that_cannot_be_reached_is_our_own_side(io: Io, folder: Surroundings) -> None:
    closed = {"url": f"http://127.0.0.1:{unused_port()}"}
    for url in ("http://app.example.com/", "https://app.example.com/"):
        seen = await look_through(io, folder, url, closed)
        assert (seen.outcome, seen.reason, seen.detail) == (*OURS, "the proxy: tcp_refused: ECONNREFUSED")


async def test_a_proxy_that_wants_credentials_for_http_is_our_own_side(io: Io, folder: Surroundings) -> None:
    async with serving(says(answer(b"407 Who"))) as proxy:
        seen = await look_through(io, folder, "http://app.example.com/", {"url": f"http://127.0.0.1:{proxy.port}"})
    assert (seen.outcome, seen.reason) == ("void", "self_config")


async def test_a_proxy_that_does_not_come_through_in_time_has_not_reached_the_target(
    io: Io, folder: Surroundings
) -> None:
    async with serving(silent) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        seen = await look_through(replace(io, timeout_ms=800), folder, "https://app.example.com/", {"url": url})
    assert (seen.outcome, seen.reason) == ("fail", "tcp_timeout")


# ---------------------------------------------------------------- where one may go

PRIVATE = ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "https://[::1]/", "http://[::ffff:10.0.0.1]/"]


@pytest.mark.parametrize("url", PRIVATE)
async def test_a_private_address_is_not_asked_of_a_proxy_either(io: Io, folder: Surroundings, url: str) -> None:
    async with proxying() as proxy:
        public_only = replace(io, allow_private_targets=False)
        seen = await look_through(public_only, folder, url, {"url": proxy.url})
    assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")
    assert proxy.asked == []


async def test_the_policy_of_addresses_applies_to_the_proxy(io: Io, folder: Surroundings) -> None:
    async with proxying() as proxy:
        public_only = replace(io, allow_private_targets=False)
        seen = await look_through(public_only, folder, "http://app.example.com/", {"url": proxy.url})
    assert (seen.outcome, seen.reason, seen.detail) == ("void", "self_config", "address_denied")
    assert proxy.asked == []


async def test_a_redirect_to_a_private_address_is_blocked_behind_a_proxy(io: Io, folder: Surroundings) -> None:
    away = says(answer(b"302 Found", b"", b"Location: http://127.0.0.1:22/"))
    async with serving(away) as first:
        proxy = {"url": f"http://127.0.0.1:{first.port}"}
        seen = await look_through(io, folder, "http://app.example.com/", proxy)
    assert (seen.outcome, seen.reason) == ("fail", "http_redirect_blocked")
    assert first.connections == 1


async def test_a_deadline_while_a_body_is_judged_is_not_the_proxys(io: Io, tmp_path: Path) -> None:
    slow = [f"a[ab]{{{number}}}c" for number in range(100, 120)]
    async with proxying() as proxy, serving(says(answer(b"200 OK", of_two_letters(990_000)))) as server:
        given = {"url": server.url, "proxy": {"url": proxy.url}, "expect": {"body_lacks": slow}}
        settings = HttpSettings.model_validate(given, context=Surroundings(tmp_path, {}))
        seen = await probe(settings, TICK, replace(io, timeout_ms=600))
    assert (seen.outcome, seen.reason) == ("fail", "http_timeout_body")
