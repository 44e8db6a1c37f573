"""What a look records of a target's TLS: design/faults.md rows 36 to 51, as far as loopback can make them."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from monitor.probes.tls import missing_authorities
from tests.probes.conftest import Look
from tests.probes.servers import Talk, answer, hang_up, refusing_handshakes, repeats, reset, says, serving, silent

SHORT_MS = 300
DAY = timedelta(days=1)
FINE = says(answer())


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts, as SSL_CERT_FILE names it."""
    made = trustme.CA()
    bundle = tmp_path / "authorities.pem"
    made.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return made


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def url_of(port: int, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{port}/health"


async def test_a_verified_target_is_up_with_its_certificate_and_version(look: Look, authority: trustme.CA) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + 3 * DAY
    context = server_context(authority.issue_cert("127.0.0.1", not_after=ends))
    async with serving(FINE, context) as server:
        seen = await look(url_of(server.port))
    assert (seen.outcome, seen.certificate_expires) == ("pass", int(ends.timestamp()) * 1000)
    assert seen.phases is not None
    assert seen.phases.tls is not None
    assert seen.attributes is not None
    assert seen.attributes["probe_tls_version_info"] == "TLS 1.3"
    assert seen.attributes["probe_http_ssl"] == 1


async def test_tls_1_2_is_enough(look: Look, authority: trustme.CA) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(FINE, context) as server:
        seen = await look(url_of(server.port))
    assert seen.attributes is not None
    assert (seen.outcome, seen.attributes["probe_tls_version_info"]) == ("pass", "TLS 1.2")


async def test_certificates_that_do_not_hold_are_down_each_for_its_reason(look: Look, authority: trustme.CA) -> None:
    now = datetime.now(UTC)
    stranger = trustme.CA()
    certificates = {
        "tls_expired": authority.issue_cert("127.0.0.1", not_before=now - 2 * DAY, not_after=now - DAY),
        "tls_not_yet_valid": authority.issue_cert("127.0.0.1", not_before=now + DAY, not_after=now + 2 * DAY),
        "tls_hostname": authority.issue_cert("other.example.com"),
        "tls_untrusted": stranger.issue_cert("127.0.0.1"),
    }
    for reason, certificate in certificates.items():
        async with serving(FINE, server_context(certificate)) as server:
            seen = await look(url_of(server.port))
        assert (seen.outcome, seen.reason) == ("fail", reason)
        assert server.requests == []


async def test_a_weak_key_is_down_as_weak(look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(65_537, 1024)  # noqa: S505  weak on purpose
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - DAY, now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "weak.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(pem)
    async with serving(FINE, context) as server:
        seen = await look(url_of(server.port))
    assert (seen.outcome, seen.reason) == ("fail", "tls_weak")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_demanded_is_a_protocol_fault(
    look: Look, authority: trustme.CA, newest: ssl.TLSVersion
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    async with refusing_handshakes(context) as server:
        seen = await look(url_of(server.port))
    assert (seen.outcome, seen.reason) == ("fail", "tls_protocol")


def drip_of_a_handshake() -> Talk:
    """A TLS record that announces 200 bytes and brings one at a time."""
    return repeats(b"\x16\x03\x03\x00\xc8", b"\x02", 0.02)


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (silent, "tls_timeout"),
        (drip_of_a_handshake(), "tls_timeout"),
        (reset, "tls_reset"),
        (hang_up, "tls_reset"),
        (says(b"\x15\x03\x01\x00\x02\x02\x46"), "tls_protocol"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP on the TLS port"), "tls_protocol"),
    ],
    ids=["44 silence", "45 a byte at a time", "46 reset", "46 end", "42 old TLS alone", "47 plain HTTP"],
)
async def test_a_handshake_that_does_not_come_about(look: Look, authority: trustme.CA, talk: Talk, reason: str) -> None:
    async def after_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        await talk(reader, writer)

    async with serving(after_hello, read_request=False) as server:
        seen = await look(url_of(server.port), timeout_ms=SHORT_MS)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert seen.phases is None or seen.phases.tls is None


async def test_a_body_larger_than_a_record_arrives_whole(look: Look, authority: trustme.CA) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    async with serving(says(answer(b"200 OK", b"x" * 300_000 + b"end")), context) as server:
        seen = await look(url_of(server.port), expect={"body_matches": "end$"})
    assert seen.outcome == "pass"


async def test_the_earliest_certificate_of_all_hops_is_reported(look: Look, authority: trustme.CA) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    context = server_context(authority.issue_cert("127.0.0.1", "localhost", not_after=now + 9 * DAY))
    async with serving(FINE, context) as last:
        soon = server_context(authority.issue_cert("127.0.0.1", not_after=now + DAY))
        there = says(answer(b"302 Found", b"", b"Location: https://localhost:%d/" % last.port))
        async with serving(there, soon) as first:
            blocked = await look(url_of(first.port))
            followed = await look(url_of(first.port), redirects={"hosts": [f"localhost:{last.port}"]})
    assert blocked.reason == "http_redirect_blocked"
    assert followed.outcome == "pass"
    assert followed.certificate_expires == int((now + DAY).timestamp()) * 1000


def test_missing_authorities_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    missing = missing_authorities()
    assert missing is not None
    assert "nothing.pem" in missing
