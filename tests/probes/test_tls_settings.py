"""What a check says of TLS: whom it trusts, who it says it is, which name is verified."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from monitor.config import parse
from monitor.errors import InputError
from monitor.interfaces import Observation
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.probes.tls import Tls
from monitor.probes.tls_settings import TlsSettings
from monitor.settings import Surroundings
from monitor.wiring import refuse_what_cannot_be_probed
from tests.probes.conftest import TICK
from tests.probes.servers import answer, refusing_handshakes, says, serving

FINE = says(answer())
Decode = Callable[..., TlsSettings]


@pytest.fixture
def io(io: Io) -> Io:
    """Patient: what is tried here is no matter of time, and a loaded machine is slow."""
    return replace(io, timeout_ms=20_000)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(tmp_path: Path, authority: trustme.CA) -> Decode:
    """The section of a file beside which stand ca.pem, probe.pem with its key, and another key."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("probe", "other"):
        leaf = authority.issue_cert(f"{name}.example.com")
        leaf.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        leaf.private_key_pem.write_to_path(str(tmp_path / f"{name}-key"))

    def decode(reads_secrets: bool = True, **given: object) -> TlsSettings:
        return TlsSettings.model_validate(given, context=Surroundings(tmp_path, {}, reads_secrets))

    return decode


OURS = {"certificate": "probe.pem", "key": {"from_file": "probe-key"}}


def server_context(authority: trustme.CA, *names: str, demanding: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if demanding:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


async def look_at(io: Io, url: str, tls: TlsSettings, **more: object) -> Observation:
    return await probe(HttpSettings.model_validate({"url": url, "tls": tls, **more}), TICK, io)


# ---------------------------------------------------------------- on the wire


async def test_a_ca_file_is_trusted_without_the_system_knowing_of_it(
    io: Io, authority: trustme.CA, tls: Decode
) -> None:
    async with serving(FINE, server_context(authority, "127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}/"
        untrusted = await look_at(io, url, TlsSettings())
        trusted = await look_at(io, url, tls(ca_file="ca.pem"))
    assert (untrusted.reason, trusted.outcome) == ("tls_untrusted", "pass")


async def test_a_ca_file_stands_instead_of_the_systems_authorities(
    io: Io, authority: trustme.CA, tls: Decode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = trustme.CA()
    public.cert_pem.write_to_path(str(tmp_path / "public.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    async with serving(FINE, server_context(public, "127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert (await look_at(io, url, TlsSettings())).outcome == "pass"
        assert (await look_at(io, url, tls(ca_file="ca.pem"))).reason == "tls_untrusted"


async def test_our_certificate_is_shown_to_a_target_that_asks_for_it(
    io: Io, authority: trustme.CA, tls: Decode
) -> None:
    async with serving(FINE, server_context(authority, "127.0.0.1", demanding=True)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        without = await look_at(io, url, tls(ca_file="ca.pem"))
        shown = await look_at(io, url, tls(ca_file="ca.pem", **OURS))
    assert (without.outcome, shown.outcome) == ("fail", "pass")


async def test_our_certificate_is_not_shown_to_another_host(io: Io, authority: trustme.CA, tls: Decode) -> None:
    shown: list[bool] = []
    context = server_context(authority, "localhost")
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(context)

    async def there(reader: object, writer: object) -> None:
        shown.append(bool(writer.get_extra_info("peercert")))  # type: ignore[attr-defined]
        await FINE(reader, writer)  # type: ignore[arg-type]

    async with serving(there, context) as other:
        away = says(answer(b"302 Found", b"", b"Location: https://localhost:%d/" % other.port))
        async with serving(away, server_context(authority, "127.0.0.1", demanding=True)) as first:
            seen = await look_at(
                io,
                f"https://127.0.0.1:{first.port}/",
                tls(ca_file="ca.pem", **OURS),
                redirects={"hosts": [f"localhost:{other.port}"]},
            )
    assert (seen.outcome, shown) == ("pass", [False])


async def test_nothing_of_ours_is_sent_in_the_clear_after_tls(io: Io, authority: trustme.CA, tls: Decode) -> None:
    async with serving(FINE) as plain:
        away = says(answer(b"302 Found", b"", b"Location: http://127.0.0.1:%d/" % plain.port))
        async with serving(away, server_context(authority, "127.0.0.1")) as first:
            url, hosts = f"https://127.0.0.1:{first.port}/", [f"127.0.0.1:{plain.port}"]
            given = {"headers": {"X-Api-Key": "k1"}}
            blocked = await look_at(io, url, tls(ca_file="ca.pem"), redirects={"hosts": hosts}, **given)
            allowed = {"hosts": hosts, "to_http": True}
            followed = await look_at(io, url, tls(ca_file="ca.pem"), redirects=allowed, **given)
    assert (blocked.reason, followed.outcome) == ("http_redirect_blocked", "pass")
    assert followed.attributes is not None
    assert followed.attributes["probe_http_ssl"] == 0  # of the last response
    assert b"X-Api-Key" in first.requests[0]
    assert [b"X-Api-Key" in request for request in plain.requests] == [False]


async def test_the_server_name_is_what_is_sent_and_verified(io: Io, authority: trustme.CA, tls: Decode) -> None:
    asked: list[str | None] = []
    context = server_context(authority, "app.internal")
    context.sni_callback = lambda _session, name, _context: asked.append(name)
    async with serving(FINE, context) as server:
        url = f"https://127.0.0.1:{server.port}/"
        by_host = await look_at(io, url, tls(ca_file="ca.pem"))
        by_name = await look_at(io, url, tls(ca_file="ca.pem", server_name="App.internal"))
        other = await look_at(io, url, tls(ca_file="ca.pem", server_name="other.internal"))
    assert (by_host.reason, by_name.outcome, other.reason) == ("tls_hostname", "pass", "tls_hostname")
    assert asked == [None, "app.internal", "other.internal"]


async def test_versions_are_bounded_on_both_sides(io: Io, authority: trustme.CA, tls: Decode) -> None:
    old = server_context(authority, "127.0.0.1")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with refusing_handshakes(old) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert (await look_at(io, url, tls(ca_file="ca.pem", min_version="TLS13"))).reason == "tls_protocol"
    async with serving(FINE, server_context(authority, "127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}/"
        seen = await look_at(io, url, tls(ca_file="ca.pem", max_version="TLS12"))
    assert seen.attributes is not None
    assert (seen.outcome, seen.attributes["probe_tls_version_info"]) == ("pass", "TLS 1.2")


# ---------------------------------------------------------------- decoded


def test_checks_of_one_policy_share_a_context(tls: Decode) -> None:
    contexts = Tls()
    one, same, other = tls(ca_file="ca.pem", **OURS), tls(ca_file="ca.pem", **OURS), tls(ca_file="ca.pem")
    assert contexts.context(one.policy(())) is contexts.context(same.policy(()))
    assert contexts.context(one.policy(())) is not contexts.context(other.policy(()))


@pytest.mark.parametrize(
    ("given", "place", "words"),
    [
        ({"ca_file": "no.pem"}, "ca_file", "no.pem: No such file or directory; put the certificates there, in PEM"),
        ({"ca_file": "."}, "ca_file", "Is a directory"),
        ({"ca_file": "probe-key"}, "ca_file", "does not hold certificates in PEM; expected -----BEGIN CERTIFICATE"),
        ({"ca_file": "broken.pem"}, "ca_file", "does not hold certificates in PEM"),
        ({"ca_file": 3}, "ca_file", "expected the path of a file with certificates in PEM; found the number 3"),
        ({"certificate": "probe.pem"}, "certificate", "a certificate without its key; write `key: {from_file: path}`"),
        ({"key": {"from_file": "probe-key"}}, "key", "a key without its certificate"),
        ({"certificate": "probe.pem", "key": {"from_file": "other-key"}}, "key", "is not the key of the first"),
        ({"certificate": "probe.pem", "key": {"from_file": "ca.pem"}}, "key", "expected a private key in PEM"),
        ({"certificate": "probe.pem", "key": {"from_file": "locked-key"}}, "key", "has a passphrase; write the key"),
        ({"server_name": "a b"}, "server_name", "expected a host name or an address"),
        ({"min_version": "TLS13", "max_version": "TLS12"}, "max_version", "is below min_version; expected at least"),
    ],
)
def test_what_is_wrong_is_said_at_its_key_with_the_mend(
    tls: Decode, tmp_path: Path, given: dict[str, object], place: str, words: str
) -> None:
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    key = serialization.load_pem_private_key((tmp_path / "probe-key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    )
    (tmp_path / "locked-key").write_bytes(locked)
    with pytest.raises(ValidationError) as caught:
        tls(**given)
    [error] = caught.value.errors()
    [(keys, message)] = [*error["ctx"]["found"]] if error["type"] == "mistakes" else [(error["loc"], error["msg"])]
    assert keys == (place,)
    assert words in message


def test_no_file_is_needed_where_no_secret_is_read(tmp_path: Path) -> None:
    elsewhere = Surroundings(tmp_path / "elsewhere", {}, reads_secrets=False)
    given = {"ca_file": "ca.pem", **OURS}
    assert TlsSettings.model_validate(given, context=elsewhere).certificate is not None


def test_it_is_written_out_by_its_paths_and_shows_no_key(tls: Decode, tmp_path: Path) -> None:
    given = {"ca_file": "ca.pem", **OURS}
    settings = tls(**given)
    assert settings.model_dump(mode="json", exclude_defaults=True) == given
    secret = (tmp_path / "probe-key").read_text().splitlines()[1]
    assert secret not in repr(settings) + str(settings) + repr(settings.policy(()))


def test_a_certificate_that_was_renewed_is_a_change(tls: Decode, tmp_path: Path, authority: trustme.CA) -> None:
    before = tls(ca_file="ca.pem")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert tls(ca_file="ca.pem") != before


def test_a_host_without_authorities_needs_none_where_every_check_names_its_own(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    text = (
        "services: [{name: app, checks: [{name: web, http: {url: 'https://a.example.com/', tls: {ca_file: ca.pem}}}]}]"
    )
    refuse_what_cannot_be_probed(parse(text, "minutebook.yaml", tmp_path, {}))
    with pytest.raises(InputError, match="no certificate authorities"):
        refuse_what_cannot_be_probed(parse(text.replace("ca_file: ca.pem", ""), "minutebook.yaml", tmp_path, {}))
