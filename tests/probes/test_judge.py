"""The tables that turn errors into reasons, against design/faults.md."""

from __future__ import annotations

import errno
import ssl

import pytest

from monitor.facts import FAIL_REASONS, VOID_REASONS
from monitor.probes import judge
from monitor.probes.address import is_loopback, is_private, literal
from monitor.probes.judge import Phase
from monitor.probes.web import parse_target

PHASES: tuple[Phase, ...] = ("resolve", "connect", "tls", "headers", "body")


@pytest.mark.parametrize(
    ("code", "phase", "outcome", "reason"),
    [
        (errno.EMFILE, "connect", "void", "self_fd"),
        (errno.ENFILE, "connect", "void", "self_fd"),
        (errno.ENOBUFS, "headers", "void", "self_memory"),
        (errno.ENOMEM, "connect", "void", "self_memory"),
        (errno.EADDRNOTAVAIL, "connect", "void", "self_ports"),
        (errno.EACCES, "connect", "void", "self_firewall"),
        (errno.EPERM, "connect", "void", "self_firewall"),
        (errno.ECONNREFUSED, "connect", "fail", "tcp_refused"),
        (errno.EHOSTUNREACH, "connect", "fail", "net_unreachable"),
        (errno.ENETUNREACH, "connect", "fail", "net_unreachable"),
        (errno.ETIMEDOUT, "connect", "fail", "tcp_timeout"),
        (errno.ETIMEDOUT, "body", "fail", "http_timeout_body"),
        (errno.ECONNRESET, "connect", "fail", "tcp_reset"),
        (errno.ECONNRESET, "tls", "fail", "tls_reset"),
        (errno.ECONNRESET, "headers", "fail", "http_reset"),
        (errno.EPIPE, "body", "fail", "http_reset"),
        (errno.EINVAL, "connect", "fail", "other"),
    ],
)
def test_an_errno_is_ours_or_the_targets(code: int, phase: Phase, outcome: str, reason: str) -> None:
    verdict = judge.of_os_error(OSError(code, "words of the system"), phase)
    assert (verdict.outcome, verdict.reason, verdict.detail) == (outcome, reason, errno.errorcode[code])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (9, "tls_not_yet_valid"),
        (10, "tls_expired"),
        (18, "tls_untrusted"),
        (19, "tls_untrusted"),
        (20, "tls_untrusted"),
        (21, "tls_untrusted"),
        (62, "tls_hostname"),
        (66, "tls_weak"),
    ],
)
def test_a_verify_code_has_its_reason(code: int, reason: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "words of OpenSSL"
    assert judge.of_tls_error(error, "tls").reason == reason


def test_every_reason_is_one_of_the_closed_sets() -> None:
    codes = [*errno.errorcode, 999_999]
    verdicts = [judge.of_os_error(OSError(code, ""), phase) for code in codes for phase in PHASES]
    verdicts += [judge.of_deadline(phase, 10) for phase in PHASES]
    verdicts += [judge.of_end(phase) for phase in PHASES]
    for verdict in verdicts:
        assert verdict.reason in (VOID_REASONS if verdict.outcome == "void" else FAIL_REASONS)


def test_only_what_our_network_could_cause_is_put_to_the_canaries() -> None:
    asked = {reason for reason in FAIL_REASONS if judge.needs_canaries(reason)}
    assert {"net_unreachable", "tcp_timeout", "dns_timeout"} <= asked
    assert not asked & {"http_status", "http_content", "tls_expired", "dns_nxdomain", "tcp_refused"}


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 168.63.129.16 100.64.0.1 224.0.0.1
    203.0.113.5 255.255.255.255 :: ::1 fe80::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 ::ffff:127.0.0.1
    ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::""".split(),
)
def test_private_addresses_are_known_in_every_disguise(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "93.184.216.34", "2606:4700::1", "::ffff:9.9.9.9", "64:ff9b::909:909"])
def test_public_addresses_may_be_probed(address: str) -> None:
    assert not is_private(address)


def test_loopback_in_every_disguise() -> None:
    assert is_loopback("127.0.0.5")
    assert is_loopback("::1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("10.0.0.1")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "app.example.com", ""])
def test_only_canonical_spellings_are_addresses(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://app.example.com", "app.example.com", 80, "/", "app.example.com"),
        ("https://App.Example.com:443/a?b=c#d", "app.example.com", 443, "/a?b=c", "app.example.com"),
        ("http://[::1]:8080/x", "::1", 8080, "/x", "[::1]:8080"),
        ("https://bücher.example/straße", "xn--bcher-kva.example", 443, "/stra%C3%9Fe", "xn--bcher-kva.example"),
        ("http://app.example.com./", "app.example.com", 80, "/", "app.example.com"),
    ],
)
def test_a_url_becomes_a_target(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = parse_target(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


@pytest.mark.parametrize("url", ["ftp://a/", "http://", "http://a b/", "http://.a/", "http://a..b/", "http://-\x00/"])
def test_what_is_no_url_of_ours_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|http"):
        parse_target(url)
