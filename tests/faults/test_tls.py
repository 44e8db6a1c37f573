"""Rows 36 to 51 of the fault catalogue: what a look records of a target's TLS."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from monitor.facts import Result
from monitor.interfaces import Clock, Observation, Tick
from monitor.prober import Outlets, Prober, ProbingOptions, probe_once
from monitor.probes import ProbedCheck
from monitor.probes.http import HttpSettings
from tests.daemon.programs import Minutebook
from tests.faults.certificates import (
    DAY,
    Issued,
    Request,
    authority,
    issue,
    revocation_list,
    rsa_key,
    served,
    signed_with_sha1,
    weak_key,
)
from tests.faults.conftest import PATIENT_MS, SHORT_MS, STALLS, Weigh, ended_by_its_deadline, is_down, is_up, is_weighed
from tests.probes.clocks import JumpClock
from tests.probes.conftest import Look
from tests.probes.servers import Talk, answer, hang_up, refusing_handshakes, repeats, reset, says, serving, silent

BOUND_S = 2
FINE = says(answer())

Trust = Callable[[bytes], None]


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trust:
    """Makes certificates, PEM, the only authorities of this process."""

    def trust_these(pem: bytes) -> None:
        bundle = tmp_path / "authorities.pem"
        bundle.write_bytes(pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    return trust_these


@pytest.fixture
def ca(trust: Trust) -> trustme.CA:
    made = trustme.CA()
    trust(made.cert_pem.bytes())
    return made


class Told(NamedTuple):
    """The recorder's place."""

    results: asyncio.Queue[Result]

    def put(self, result: Result) -> None:
        self.results.put_nowait(result)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def url_of(port: int) -> str:
    return f"https://127.0.0.1:{port}/health"


async def seen_of(look: Look, context: ssl.SSLContext) -> Observation:
    """What a look sees of a server that answers well once a handshake is done; it must not be asked otherwise."""
    async with serving(FINE, context) as server:
        seen = await look(url_of(server.port), timeout_ms=PATIENT_MS)
    assert len(server.requests) == (seen.outcome == "pass")
    return seen


async def test_36_an_expired_certificate_is_down(look: Look, ca: trustme.CA) -> None:
    now = datetime.now(UTC)
    certificate = ca.issue_cert("127.0.0.1", not_before=now - 2 * DAY, not_after=now - DAY)
    assert is_down(await seen_of(look, context_of(certificate)), "tls_expired", BOUND_S)


async def test_37_a_certificate_of_tomorrow_is_down(look: Look, ca: trustme.CA) -> None:
    now = datetime.now(UTC)
    certificate = ca.issue_cert("127.0.0.1", not_before=now + DAY, not_after=now + 2 * DAY)
    assert is_down(await seen_of(look, context_of(certificate)), "tls_not_yet_valid", BOUND_S)


async def first_not_stalled(prober: Prober, told: asyncio.Queue[Result], clock: Clock) -> Result:
    """The first result that no stall of this machine made void; the prober looks again after one by itself."""
    for slot in range(STALLS):
        prober.take(Tick("web", slot, clock.now()))
        result = await told.get()
        if result.reason == "self_loop":
            result = await told.get()
        if result.reason != "self_loop":
            return result
    raise AssertionError("this machine stalls all the time")


@pytest.mark.parametrize(
    ("synchronized", "recorded"),
    [(True, ("fail", "tls_not_yet_valid")), (None, ("fail", "tls_not_yet_valid")), (False, ("void", "self_clock"))],
)
async def test_37_where_nothing_keeps_our_clock_right_it_is_unknown(
    ca: trustme.CA, synchronized: bool | None, recorded: tuple[str, str]
) -> None:
    now = datetime.now(UTC)
    context = context_of(ca.issue_cert("127.0.0.1", not_before=now + DAY, not_after=now + 2 * DAY))
    told: asyncio.Queue[Result] = asyncio.Queue()
    clock = JumpClock(synchronized)
    async with serving(FINE, context) as server:
        settings = HttpSettings(url=url_of(server.port))
        check = ProbedCheck("app", "web", "http", settings, 30_000, PATIENT_MS, 90_000, fall=2, rise=1)
        options = ProbingOptions(confirm_after_ms=0)
        prober = Prober(clock, Outlets(Told(told), lambda event, at, detail: None), [check], options)
        running = asyncio.create_task(prober.run())
        result = await first_not_stalled(prober, told, clock)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        once = await probe_once(check, clock, options)
    assert (result.outcome, result.reason) == (once.outcome, once.reason) == recorded
    assert ("clock of this host" in (result.detail or "")) is (synchronized is False)


async def test_38_a_certificate_of_another_host_is_down(look: Look, ca: trustme.CA) -> None:
    for other in (ca.issue_cert("other.example.com"), ca.issue_cert("127.0.0.2")):
        assert is_down(await seen_of(look, context_of(other)), "tls_hostname", BOUND_S)


async def test_39_a_certificate_that_nobody_vouches_for_is_down(look: Look, ca: trustme.CA, tmp_path: Path) -> None:
    self_signed = served(tmp_path, issue(None, Request()))
    unknown = context_of(trustme.CA().issue_cert("127.0.0.1"))
    for context in (self_signed, unknown):
        assert is_down(await seen_of(look, context), "tls_untrusted", BOUND_S)


async def test_39_without_its_intermediate_a_certificate_is_down_and_with_it_up(
    look: Look, trust: Trust, tmp_path: Path
) -> None:
    root = authority()
    trust(root.pem)
    between = issue(root, Request("between", authority=True))
    leaf = issue(between, Request())
    assert is_down(await seen_of(look, served(tmp_path, leaf)), "tls_untrusted", BOUND_S)
    assert (await seen_of(look, served(tmp_path, leaf, between))).outcome == "pass"


async def test_40_weak_keys_and_digests_are_down_as_weak(look: Look, trust: Trust, tmp_path: Path) -> None:
    key = rsa_key()
    root, weak_root = authority(key=key), authority("weak", weak_key())
    trust(root.pem + weak_root.pem)
    between = signed_with_sha1(issue(root, Request("between", authority=True)), key)
    chains: list[tuple[Issued, ...]] = [
        (issue(root, Request(), weak_key()),),
        (issue(weak_root, Request()),),
        (signed_with_sha1(issue(root, Request()), key),),
        (issue(between, Request()), between),
    ]
    for chain in chains:
        assert is_down(await seen_of(look, served(tmp_path, *chain)), "tls_weak", BOUND_S)


async def test_40_a_weak_digest_of_a_certificate_that_is_its_own_anchor_is_no_fault(
    look: Look, trust: Trust, tmp_path: Path
) -> None:
    key = rsa_key()
    anchor = signed_with_sha1(issue(None, Request(), key), key)
    trust(anchor.pem)
    assert (await seen_of(look, served(tmp_path, anchor))).outcome == "pass"


async def test_41_a_revoked_certificate_is_up_and_its_revocations_are_not_asked_for(
    look: Look, trust: Trust, tmp_path: Path
) -> None:
    root = authority()
    trust(root.pem)
    revoked: list[Issued] = []

    async def publish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"200 OK", revocation_list(root, *revoked)))

    async with serving(publish) as revocations:
        leaf = issue(root, Request(revocations=f"http://127.0.0.1:{revocations.port}/revoked.crl"))
        revoked.append(leaf)
        seen = await seen_of(look, served(tmp_path, leaf))
    assert seen.outcome == "pass"
    assert revocations.connections == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_42_only_old_versions_are_down(look: Look, ca: trustme.CA) -> None:
    for newest in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = context_of(ca.issue_cert("127.0.0.1"))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
        async with refusing_handshakes(context) as server:
            assert is_down(await look(url_of(server.port), timeout_ms=PATIENT_MS), "tls_protocol", BOUND_S)


NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"  # a fatal alert, 120: RFC 7301 section 3.2


async def test_43_a_target_that_insists_on_h2_is_down_and_one_that_does_not_is_up(look: Look, ca: trustme.CA) -> None:
    context = context_of(ca.issue_cert("127.0.0.1"))
    context.set_alpn_protocols(["h2"])
    assert (await seen_of(look, context)).outcome == "pass"
    assert is_down(await handshake_with(look, says(NO_APPLICATION_PROTOCOL)), "tls_protocol", BOUND_S)


async def handshake_with(look: Look, talk: Talk, timeout_ms: int = PATIENT_MS) -> Observation:
    """What a look sees of a server that talks so as soon as it has the client's hello."""

    async def after_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        await talk(reader, writer)

    async with serving(after_hello, read_request=False) as server:
        seen = await look(url_of(server.port), timeout_ms=timeout_ms)
    assert server.connections == 1
    assert seen.phases is None or seen.phases.tls is None
    return seen


@pytest.mark.parametrize("talk", [silent, says(b"\x16\x03\x03", then_close=False)], ids=["nothing", "half a header"])
async def test_44_silence_after_the_hello_ends_at_the_deadline(look: Look, ca: trustme.CA, talk: Talk) -> None:
    seen = await handshake_with(look, talk, SHORT_MS)
    assert ended_by_its_deadline(seen, "tls_timeout")


async def test_45_a_handshake_of_a_byte_at_a_time_ends_at_the_deadline(look: Look, ca: trustme.CA) -> None:
    drip = repeats(b"\x16\x03\x03\x00\xc8", b"\x02", 0.02)
    assert ended_by_its_deadline(await handshake_with(look, drip, SHORT_MS), "tls_timeout")


@pytest.mark.parametrize(
    "talk", [reset, hang_up, says(b"\x16\x03\x03\x40\x00half")], ids=["reset", "end", "in a record"]
)
async def test_46_a_connection_that_ends_in_the_handshake_is_down(look: Look, ca: trustme.CA, talk: Talk) -> None:
    assert is_down(await handshake_with(look, talk), "tls_reset", BOUND_S)


@pytest.mark.parametrize(
    "talk", [says(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP"), says(b"SSH-2.0-OpenSSH_9.2\r\n", then_close=False)]
)
async def test_47_another_protocol_on_the_tls_port_is_down(look: Look, ca: trustme.CA, talk: Talk) -> None:
    assert is_down(await handshake_with(look, talk), "tls_protocol", BOUND_S)


def large(root: Issued, total: int) -> tuple[Issued, ...]:
    """A leaf with a thousand names, and certificates behind it that bring the chain to so many bytes."""
    names = [x509.DNSName(f"host-{number}.of-a-tenant.example.com") for number in range(1000)]
    here = x509.IPAddress(ip_address("127.0.0.1"))
    leaf = issue(root, Request(names=x509.SubjectAlternativeName([here, *names])))
    left = total - len(leaf.certificate.public_bytes(serialization.Encoding.DER))
    return leaf, issue(root, Request("padding", authority=True, padding=left - 500))


async def test_48_a_large_chain_is_judged_as_any_other(look: Look, trust: Trust, tmp_path: Path) -> None:
    root = authority()
    trust(root.pem)
    for total in (100_000, 115_000, 130_000):
        assert is_up(await seen_of(look, served(tmp_path, *large(root, total))), 3)


async def test_48_beyond_the_bound_a_chain_is_down(look: Look, trust: Trust, tmp_path: Path) -> None:
    root = authority()
    trust(root.pem)
    async with refusing_handshakes(served(tmp_path, *large(root, 135_000))) as server:
        assert is_down(await look(url_of(server.port), timeout_ms=PATIENT_MS), "tls_protocol", 3)


HELLO_REQUEST = b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"  # to be ignored in a handshake: RFC 5246 section 7.4.1.1


async def test_48_a_handshake_without_end_is_down(look: Look, ca: trustme.CA) -> None:
    endless = repeats(HELLO_REQUEST, HELLO_REQUEST * 1_000)
    assert is_down(await handshake_with(look, endless), "tls_protocol", 3)


async def test_48_neither_takes_more_memory_than_a_look_may(weigh: Weigh, trust: Trust, tmp_path: Path) -> None:
    root = authority()
    trust(root.pem)
    endless = repeats(HELLO_REQUEST, HELLO_REQUEST * 1_000)
    async with (
        serving(FINE, served(tmp_path, issue(root, Request()))) as sound,
        serving(FINE, served(tmp_path, *large(root, 130_000))) as huge,
        serving(endless, read_request=False) as server,
    ):
        judged = await weigh(url_of(huge.port), timeout_ms=PATIENT_MS, warm=url_of(sound.port))
        ended = await weigh(url_of(server.port), timeout_ms=PATIENT_MS, warm=url_of(sound.port))
    assert is_weighed(judged, None)
    assert is_weighed(ended, "tls_protocol")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_49_a_client_certificate_that_is_demanded_is_down_in_these_words(
    look: Look, ca: trustme.CA, newest: ssl.TLSVersion
) -> None:
    context = context_of(ca.issue_cert("127.0.0.1"))
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    async with refusing_handshakes(context) as server:
        seen = await look(url_of(server.port), timeout_ms=PATIENT_MS)
    assert is_down(seen, "tls_protocol", BOUND_S)
    assert "client certificate" in (seen.detail or "")


async def test_49_also_where_the_target_is_gone_as_soon_as_it_has_said_so(look: Look, ca: trustme.CA) -> None:
    context = context_of(ca.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    for _ in range(10):
        async with refusing_handshakes(context, lingers=False) as server:
            assert is_down(await look(url_of(server.port), timeout_ms=PATIENT_MS), "tls_protocol", BOUND_S)


def test_50_no_daemon_starts_without_authorities(minutebook: Minutebook) -> None:
    empty = minutebook.folder / "empty"
    empty.mkdir()
    garbled = minutebook.folder / "garbled.pem"
    garbled.write_text("not a certificate")
    for check, bundle in (
        ("http: {url: 'https://127.0.0.1:1/'}", garbled),
        ("tls: {host: 127.0.0.1, port: 1}", empty / "missing.pem"),
    ):
        (minutebook.folder / "minutebook.yaml").write_text(
            f"services: [{{name: app, checks: [{{name: web, {check}}}]}}]\n"
        )
        done = minutebook("run", env={"SSL_CERT_FILE": str(bundle), "SSL_CERT_DIR": str(empty)})
        assert done.status == 2
        assert f"no certificate authorities at {bundle}" in done.err


async def test_50_authorities_that_go_away_later_make_no_downtime(
    look: Look, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = os.environ["SSL_CERT_FILE"]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "gone"))
    async with serving(FINE, context_of(ca.issue_cert("127.0.0.1"))) as server:
        blind = await look(url_of(server.port))
        monkeypatch.setenv("SSL_CERT_FILE", bundle)
        mended = await look(url_of(server.port))
    assert (blind.outcome, blind.reason) == ("void", "self_ca")
    assert server.connections == 1
    assert mended.outcome == "pass"


async def test_51_the_first_certificate_of_the_chain_to_end_is_recorded(
    look: Look, trust: Trust, tmp_path: Path
) -> None:
    root = issue(None, Request("root", authority=True, days=30))
    trust(root.pem)
    between = issue(root, Request("between", authority=True, days=5))
    leaf = issue(between, Request(days=9))
    seen = await seen_of(look, served(tmp_path, leaf, between))
    assert is_up(seen, BOUND_S)
    assert seen.certificate_expires == int(between.certificate.not_valid_after_utc.timestamp()) * 1000


async def test_51_a_certificate_that_ends_soon_is_up_and_the_earliest_of_all_hops_is_recorded(
    look: Look, ca: trustme.CA
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    late, soon = (context_of(ca.issue_cert("127.0.0.1", not_after=now + days * DAY)) for days in (9, 1))
    for first_context, last_context in ((soon, late), (late, soon)):
        async with serving(FINE, last_context) as last:
            there = says(answer(b"302 Found", b"", b"Location: https://127.0.0.1:%d/" % last.port))
            async with serving(there, first_context) as first:
                seen = await look(url_of(first.port), redirects={"hosts": [f"127.0.0.1:{last.port}"]})
        assert (seen.outcome, seen.certificate_expires) == ("pass", int((now + DAY).timestamp()) * 1000)
