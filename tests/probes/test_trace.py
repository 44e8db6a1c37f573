"""A look that is shown: every connection with what was measured and who answered, and nothing hostile in any word."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Phases
from monitor.interfaces import Observation
from monitor.probes import Io, tls_only
from monitor.probes.http import HttpSettings, probe
from monitor.probes.trace import SHOWN, Trace, certificate_of, safe
from monitor.settings import Surroundings
from tests.probes.conftest import TICK
from tests.probes.servers import answer, says, serving, silent


@pytest.fixture
def io(io: Io) -> Io:
    """Patient: what is tried here is no matter of time, and a loaded machine is slow."""
    return replace(io, timeout_ms=20_000)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA(organization_name='Evil\x1b[31m "} 0\nfake 1')
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def traced(io: Io, folder: Path, **given: object) -> tuple[Observation, Trace]:
    trace = Trace()
    settings = HttpSettings.model_validate(given, context=Surroundings(folder, {}))
    return await probe(settings, TICK, replace(io, trace=trace)), trace


async def test_each_connection_is_shown_with_its_certificate(io: Io, authority: trustme.CA, tmp_path: Path) -> None:
    leaf = authority.issue_cert("127.0.0.1", "localhost", common_name="app.example.com")
    async with serving(says(answer()), context_of(leaf)) as last:
        there = b"Location: https://localhost:%d/a?token=s3cret" % last.port
        async with serving(says(answer(b"302 Found", b"", there)), context_of(leaf)) as first:
            seen, trace = await traced(
                io,
                tmp_path,
                url=f"https://127.0.0.1:{first.port}/?key=s3cret",
                tls={"ca_file": "ca.pem"},
                redirects={"hosts": [f"localhost:{last.port}"]},
            )
    assert seen.outcome == "pass"
    assert [(hop.target, hop.address, hop.status, hop.tls) for hop in trace.hops] == [
        (f"https://127.0.0.1:{first.port}/", "127.0.0.1", 302, "TLSv1.3"),
        (f"https://localhost:{last.port}/a", trace.hops[1].address, 200, "TLSv1.3"),
    ]
    for hop in trace.hops:
        assert None not in hop.phases[1:]
        assert hop.certificate is not None
        assert hop.certificate.subject.startswith("CN=app.example.com, ")
        assert 'O=Evil\\x1b[31m "} 0\\nfake 1' in hop.certificate.issuer
        assert hop.certificate.expires is not None
        assert hop.certificate.verified
    assert seen.phases is not None
    totals = [sum(hop.phases[place] or 0 for hop in trace.hops) for place in range(1, 5)]
    assert totals == pytest.approx([*seen.phases[1:]], abs=0.01)


async def test_a_connection_that_did_not_end_is_shown_as_far_as_it_came(io: Io, tmp_path: Path) -> None:
    async with serving(silent) as server:
        seen, trace = await traced(replace(io, timeout_ms=800), tmp_path, url=server.url)
    assert seen.reason == "http_timeout_headers"
    [hop] = trace.hops
    assert (hop.target, hop.status, hop.certificate) == (server.url, None, None)
    assert hop.phases == Phases(connect=hop.phases.connect)
    assert hop.phases.connect is not None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_is_not_verified_is_shown_as_such(
    io: Io, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    """Why a look failed is told by what it was shown, which may be anybody's: it is escaped as well."""
    context = context_of(authority.issue_cert("127.0.0.1", common_name="<b>\x1b[31m"))
    context.maximum_version = version
    async with serving(says(answer()), context) as server:
        for seen, trace in (
            await traced(io, Path(), url=f"https://127.0.0.1:{server.port}/"),
            await traced_tls(io, server.port),
        ):
            assert (seen.reason, seen.certificate_expires) == ("tls_untrusted", None)
            [hop] = trace.hops
            assert hop.certificate is not None
            assert (hop.tls, hop.certificate.verified) == (None, False)
            assert hop.certificate.subject.startswith("CN=<b>\\x1b[31m, ")
            assert hop.certificate.expires is not None


async def traced_tls(io: Io, port: int) -> tuple[Observation, Trace]:
    trace = Trace()
    settings = tls_only.TlsOnlySettings.model_validate({"host": "127.0.0.1", "port": port})
    return await tls_only.probe(settings, TICK, replace(io, trace=trace)), trace


async def test_a_hostile_location_is_escaped(io: Io, tmp_path: Path) -> None:
    async with serving(says(answer(b"302 Found", b"", b"Location: /\xc3\xa9\x7f'\"<b>" + b"x" * 5_000))) as server:
        _, trace = await traced(io, tmp_path, url=server.url, redirects={"limit": 1})
    assert len(trace.hops) == 2
    assert all(hop.target.isascii() and hop.target.isprintable() and len(hop.target) <= SHOWN for hop in trace.hops)


@given(st.text(max_size=300))
def test_what_a_target_said_is_printable_ascii_on_one_short_line(text: str) -> None:
    shown = safe(text)
    assert shown.isascii()
    assert shown == "" or shown.isprintable()
    assert len(shown) <= SHOWN


@given(st.text("abc \\\n", max_size=20), st.text("abc \\\n", max_size=20))
def test_what_differs_is_shown_differently(one: str, other: str) -> None:
    assert (safe(one) == safe(other)) is (one == other)


def test_a_certificate_without_names_is_shown_without() -> None:
    assert certificate_of(None, True) is None
    assert certificate_of({}, True) is None
    made = certificate_of({"notAfter": "Jan  1 00:00:00 2030 GMT"}, True)
    assert made is not None
    assert (made.subject, made.issuer, made.expires) == ("", "", 1_893_456_000_000)
