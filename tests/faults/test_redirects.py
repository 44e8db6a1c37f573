"""Rows 74 to 79 of the fault catalogue: where a redirect leads, and what travels along."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.probes.web import may_follow, parse_target, redirected, request_bytes
from tests.faults.conftest import PATIENT_MS, is_down, is_up, words_of
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.faults.networks import FAR4, PUBLIC4, Wire
from tests.probes.conftest import Look
from tests.probes.names import naming, records
from tests.probes.servers import Talk, answer, says, serving

BOUND_S = 1


def to(location: bytes, status: bytes = b"302 Found") -> Talk:
    return says(answer(status, b"", b"Location: " + location))


def countdown(hops: int) -> Talk:
    """A redirect on the same host, as many times as `hops`; then an answer."""
    left = hops

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        writer.write(answer(b"302 Found", b"", b"Location: /%d" % left) if left else answer())
        left -= 1

    return talk


async def test_74_a_loop_ends_after_five_redirects_and_six_are_too_many(look: Look) -> None:
    async with serving(to(b"/health")) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_redirect_loop", BOUND_S)
    assert server.connections == 6
    async with serving(countdown(6)) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_redirect_loop", BOUND_S)
    assert server.connections == 6
    async with serving(countdown(5)) as server:
        assert is_up(await look(server.url, timeout_ms=PATIENT_MS), BOUND_S)
    assert server.connections == 6


@pytest.mark.parametrize(
    "location",
    [
        b"file:///etc/passwd",
        b"gopher://127.0.0.1/",
        b"ftp://127.0.0.1/",
        b"javascript:alert(1)",
        b"data:,x",
        b"ws://a/",
    ],
)
async def test_75_another_scheme_is_blocked(look: Look, location: bytes) -> None:
    async with serving(to(location)) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_redirect_blocked", BOUND_S)
    assert server.connections == 1


@pytest.mark.parametrize(
    "host",
    [
        b"127.0.0.2",
        b"[::ffff:127.0.0.2]",
        b"2130706434",
        b"0x7f.2",
        b"0177.0.0.2",
        b"127.2",
        b"localhost",
        b"a@127.0.0.2",
    ],
)
async def test_76_no_other_address_of_this_host_is_connected_to(look: Look, host: bytes) -> None:
    async with (
        serving(says(answer()), host="127.0.0.2") as trap,
        serving(to(b"http://%s:%d/" % (host, trap.port))) as server,
    ):
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_redirect_blocked", BOUND_S)
    assert (server.connections, trap.connections) == (1, 0)


async def test_76_another_port_of_the_same_host_is_blocked(look: Look) -> None:
    async with serving(says(answer())) as trap, serving(to(b"http://127.0.0.1:%d/" % trap.port)) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_redirect_blocked", BOUND_S)
    assert (server.connections, trap.connections) == (1, 0)


METADATA = "169.254.169.254"


@pytest.mark.parametrize(
    "host", [METADATA, "[::ffff:169.254.169.254]", "127.0.0.1", "metadata.example.com", "10.0.0.1"]
)
async def test_76_where_private_targets_are_denied_not_one_packet_goes_to_them(wire: Wire, host: str) -> None:
    """Though the host is one that may be followed to, and stands at the end of the very wire."""
    for address in (PUBLIC4, METADATA):
        wire.ip_far("addr", "add", f"{address}/32", "dev", "wire")
    wire.rules_near("""
        counter private {}
        chain output { ip daddr { 169.254.0.0/16, 127.0.0.0/8, 10.0.0.0/8 } counter name private; }
    """)
    zone = {"metadata.example.com": records((60, "A", METADATA))}
    async with (
        serving(to(b"http://%s/latest/meta-data" % host.encode()), at=wire.listening(PUBLIC4)) as server,
        serving(says(answer()), at=wire.listening(METADATA)) as trap,
        naming(zone, wire.naming()),
    ):
        check = ("http", {"url": f"http://{PUBLIC4}/", "redirects": {"hosts": [host.strip("[]")]}})
        seen = await run_elsewhere(Errand((check,), resolvers=(FAR4,), allow_private_targets=False), wire.near)
    assert is_down(seen.only, "http_redirect_blocked", BOUND_S)
    assert words_of(seen.only) == "address_denied"
    assert (server.connections, trap.connections, wire.counted("private")) == (seen.made, 0, 0)


SECRETS = {"X-Api-Key": "k1", "Authorization": "Bearer k2", "Cookie": "session=k3"}


async def test_77_another_host_is_followed_to_only_where_it_is_named_and_gets_nothing_of_ours(look: Look) -> None:
    async with (
        serving(says(answer())) as other,
        serving(to(b"http://localhost:%d/" % other.port)) as first,
    ):
        blocked = await look(first.url, timeout_ms=PATIENT_MS, headers=SECRETS)
        assert is_down(blocked, "http_redirect_blocked", BOUND_S)
        assert other.connections == 0
        named = {"hosts": [f"localhost:{other.port}"]}
        assert is_up(await look(first.url, timeout_ms=PATIENT_MS, headers=SECRETS, redirects=named), BOUND_S)
    for name, secret in SECRETS.items():
        assert f"{name}: {secret}".encode() in first.requests[0]
        assert secret.encode() not in other.requests[0]


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authorities.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    return made


async def test_78_from_https_to_http_is_blocked_unless_it_is_allowed(look: Look, ca: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(says(answer())) as plain, serving(to(b"http://127.0.0.1:%d/" % plain.port), context) as server:
        url, named = f"https://127.0.0.1:{server.port}/", [f"127.0.0.1:{plain.port}"]
        blocked = await look(url, timeout_ms=PATIENT_MS, redirects={"hosts": named})
        assert is_down(blocked, "http_redirect_blocked", BOUND_S)
        assert plain.connections == 0
        allowed = await look(url, timeout_ms=PATIENT_MS, redirects={"hosts": named, "to_http": True})
    assert is_up(allowed, BOUND_S)


@pytest.mark.parametrize(
    "talk",
    [
        says(answer(b"302 Found")),
        to(b""),
        to(b"  "),
        to(b"http://"),
        to(b"http://[bad/"),
        to(b"http://a:99999/"),
        to(b"http://a:port/"),
        to(b"http://a b/"),
        to(b"\xff\xfe"),
        to(b"http://" + b"a" * 300 + b"/"),
        to(b"/" + b"a" * 1_000_000),
    ],
    ids=["none", "empty", "blank", "no host", "bracket", "port", "no port", "space", "no UTF-8", "long host", "1 MB"],
)
async def test_79_a_redirect_to_nowhere_is_no_http(look: Look, talk: Talk) -> None:
    async with serving(talk) as server:
        assert is_down(await look(server.url, timeout_ms=PATIENT_MS), "http_protocol", BOUND_S)
    assert server.connections == 1


HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            """
            http https : / // /// \\ @ ? # % %0d%0aX:y [ ] [::1] [::ffff:127.0.0.1] [fe80::1%25lo] 127.0.0.1 0x7f.1
            2130706433 127.1 localhost evil.example.com . .. ../ user:password@ :80 :443 :0 :-1 :99999 ;x xn--
            """.split()
        ),
        st.characters(),
        st.sampled_from(["\t", "\r\n", "\0", " ", "\u2028", "\uff0e", "\u2044", "\u0130", "\uff45", "\ud800"]),
    ),
    max_size=12,
).map(lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass"))
FIRST = parse_target("https://app.example.com/health")
LINE = re.compile(rb"GET /[!-~]* HTTP/1\.1")
HOST = re.compile(rb"Host: (\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]+)?")


@settings(max_examples=1_000)
@given(HOSTILE | st.binary(max_size=200))
@example(b"http://[fe80::1%25 x]/")
@example(b"http://[fe80::1%25a%0d%0aX: y]/")
def test_79_any_location_is_a_sound_request_a_refusal_or_no_url(location: bytes) -> None:
    try:
        found = redirected(FIRST, location)
    except ValueError:
        return
    if found is None:
        return
    line, host, *_ = request_bytes("GET", found, {}).split(b"\r\n")
    assert LINE.fullmatch(line), line
    assert HOST.fullmatch(host), host
    assert 0 < found.port < 65_536
    assert found.host == FIRST.host or not may_follow(FIRST, FIRST, found, frozenset())
