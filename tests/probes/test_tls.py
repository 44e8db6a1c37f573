"""What a look records of sound TLS; what it records of the other kind is tests/faults/test_tls.py."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from monitor.probes.tls import missing_authorities
from tests.probes.conftest import Look
from tests.probes.servers import answer, says, serving

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


async def test_a_body_larger_than_a_record_arrives_whole(look: Look, authority: trustme.CA) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    async with serving(says(answer(b"200 OK", b"x" * 300_000 + b"end")), context) as server:
        seen = await look(url_of(server.port), expect={"body_matches": "end$"})
    assert seen.outcome == "pass"


def test_missing_authorities_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    missing = missing_authorities()
    assert missing is not None
    assert "nothing.pem" in missing
