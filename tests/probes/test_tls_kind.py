"""What a TLS look, a handshake and nothing else, records."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from monitor.probes import Io
from tests.probes.kinds import TRUSTED, LookAt, authority, looks_at, server_tls
from tests.probes.servers import Talk, hang_up, refusing_handshakes, repeats, reset, says, serving, silent

__all__ = ["authority"]

SHORT_MS = 300


@pytest.fixture
def look(io: Io, tmp_path: Path) -> LookAt:
    return looks_at("tls", io, tmp_path)


async def test_a_handshake_is_enough_and_nothing_is_said(look: LookAt, authority: trustme.CA) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=ends).configure_cert(context)
    async with serving(silent, context) as server:
        seen = await look(port=server.port, **TRUSTED)
    assert (seen.outcome, seen.certificate_expires) == ("pass", int(ends.timestamp()) * 1000)
    assert seen.attributes == {"probe_ip_protocol": 4, "probe_tls_version_info": "TLS 1.3"}
    assert seen.phases is not None
    assert seen.phases.tls is not None
    assert seen.phases.processing is seen.phases.transfer is None
    assert server.requests == []


async def test_one_of_the_protocols_of_alpn_must_be_agreed_on(look: LookAt, authority: trustme.CA) -> None:
    context = server_tls(authority)
    context.set_alpn_protocols(["h2"])
    async with serving(silent, context) as server:
        agreed = await look(port=server.port, alpn=["http/1.1", "h2"], **TRUSTED)
        other = await look(port=server.port, alpn=["imap"], **TRUSTED)
    assert (agreed.outcome, [each.words for each in agreed.assertions]) == ("pass", ["agreed on h2"])
    assert (other.outcome, other.reason) == ("fail", "tls_protocol")
    async with serving(silent, server_tls(authority)) as server:
        without = await look(port=server.port, alpn=["h2"], **TRUSTED)
    assert (without.reason, without.assertions[0].passed) == ("tls_protocol", False)


@pytest.mark.parametrize(
    ("newest", "asked", "reason"),
    [
        (ssl.TLSVersion.TLSv1_2, {}, None),
        (ssl.TLSVersion.TLSv1_2, {"min_version": "TLS13"}, "tls_protocol"),
        (ssl.TLSVersion.TLSv1_3, {"min_version": "TLS13"}, None),
    ],
)
async def test_an_older_version_than_the_least_is_down(
    look: LookAt, authority: trustme.CA, newest: ssl.TLSVersion, asked: dict[str, str], reason: str | None
) -> None:
    context = server_tls(authority)
    context.maximum_version = newest
    async with refusing_handshakes(context) as server:
        seen = await look(port=server.port, **asked, **TRUSTED)
    assert seen.reason == reason


async def test_certificates_that_do_not_hold_are_down_each_for_its_reason(look: LookAt, authority: trustme.CA) -> None:
    for reason, context in {
        "tls_hostname": server_tls(authority, "other.example.com"),
        "tls_untrusted": server_tls(trustme.CA()),
    }.items():
        async with serving(silent, context) as server:
            seen = await look(port=server.port, **TRUSTED)
        assert (seen.outcome, seen.reason) == ("fail", reason)


async def test_the_name_that_is_verified_can_be_another(look: LookAt, authority: trustme.CA) -> None:
    async with serving(silent, server_tls(authority, "other.example.com")) as server:
        seen = await look(port=server.port, server_name="other.example.com", **TRUSTED)
    assert seen.outcome == "pass"


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (silent, "tls_timeout"),
        (repeats(b"\x16\x03\x03\x00\xc8", b"\x02", 0.02), "tls_timeout"),
        (reset, "tls_reset"),
        (hang_up, "tls_reset"),
        (says(b"220 mail\r\n", then_close=False), "tls_protocol"),
        (repeats(b"", b"\x16\x03\x03\x40\x00" + b"\x00" * 16_384), "tls_protocol"),
        (repeats(b"", b"\x16\x03\x03\x00\x01\x02"), "tls_protocol"),
    ],
    ids=["silence", "a drip", "a reset", "an end", "a banner", "a flood of records", "a flood of small records"],
)
async def test_a_handshake_that_does_not_come_about(look: LookAt, talk: Talk, reason: str) -> None:
    async with serving(talk, read_request=False) as server:
        seen = await look(SHORT_MS if reason == "tls_timeout" else 10_000, port=server.port)
    assert (seen.outcome, seen.reason) == ("fail", reason)
    assert "mail" not in (seen.detail or "")
