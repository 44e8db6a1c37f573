"""What an error means: pure tables from errno, OpenSSL's codes and the phase to an outcome and a reason.

The order of judgement is design/faults.md's: our own shortages (2) are void here already; what only canaries can settle
(3) is named by `needs_canaries`; everything else (4) is the target's. Stalls and steps (1) are the prober's matter.
"""

from __future__ import annotations

import errno
import ssl
from typing import Literal, NamedTuple

from monitor.facts import Outcome

Phase = Literal["resolve", "connect", "tls", "dialogue", "headers", "body"]


class Verdict(NamedTuple):
    """An outcome with its reason (faults.md, closed sets) and words for a person that hold no byte of the target's."""

    outcome: Outcome
    reason: str | None = None
    detail: str | None = None


class ProbeError(Exception):
    """Raised inside a probe to end it with a verdict; no probe lets it out."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


PASS = Verdict("pass")


def fail(reason: str, detail: str | None = None) -> ProbeError:
    return ProbeError(Verdict("fail", reason, detail))


def void(reason: str, detail: str | None = None) -> ProbeError:
    return ProbeError(Verdict("void", reason, detail))


SELF_ERRNOS = {
    errno.EMFILE: "self_fd",
    errno.ENFILE: "self_fd",
    errno.ENOBUFS: "self_memory",
    errno.ENOMEM: "self_memory",
    errno.EADDRNOTAVAIL: "self_ports",
    errno.EACCES: "self_firewall",
    errno.EPERM: "self_firewall",
}
"""Errors of our own side, whatever the target does (faults.md, order of judgement, 2)."""

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN})
_RESET_REASONS = {"connect": "tcp_reset", "tls": "tls_reset", "headers": "http_reset", "body": "http_reset"}
_TIMEOUT_REASONS = {
    "resolve": "dns_timeout",
    "connect": "tcp_timeout",
    "tls": "tls_timeout",
    "dialogue": "tcp_timeout",
    "headers": "http_timeout_headers",
    "body": "http_timeout_body",
}


def of_os_error(error: OSError, phase: Phase) -> Verdict:
    """Which side an operating system's error is on, and its reason in this phase."""
    code = error.errno
    words = errno.errorcode.get(code, str(code)) if code is not None else type(error).__name__
    if code in SELF_ERRNOS:
        return Verdict("void", SELF_ERRNOS[code], words)
    if code == errno.ECONNREFUSED:
        return Verdict("fail", "tcp_refused", words)
    if code in _UNREACHABLE:
        return Verdict("fail", "net_unreachable", words)
    if code == errno.ETIMEDOUT:
        return Verdict("fail", _TIMEOUT_REASONS[phase], words)
    if code in _RESET or isinstance(error, ConnectionError):
        return Verdict("fail", _RESET_REASONS.get(phase, "tcp_reset"), words)
    return Verdict("fail", "other", words)


def of_deadline(phase: Phase, timeout_ms: int) -> Verdict:
    """The one deadline ran out in this phase."""
    return Verdict("fail", _TIMEOUT_REASONS[phase], f"no end after {timeout_ms} ms")


def of_end(phase: Phase) -> Verdict:
    """The target closed the connection before it had said anything in this phase."""
    return Verdict("fail", _RESET_REASONS.get(phase, "tcp_reset"), "closed by the target")


_VERIFY_REASONS = {
    9: "tls_not_yet_valid",  # X509_V_ERR_CERT_NOT_YET_VALID
    10: "tls_expired",  # X509_V_ERR_CERT_HAS_EXPIRED
    62: "tls_hostname",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "tls_hostname",  # X509_V_ERR_IP_ADDRESS_MISMATCH
    66: "tls_weak",  # X509_V_ERR_EE_KEY_TOO_SMALL
    67: "tls_weak",  # X509_V_ERR_CA_KEY_TOO_SMALL
    68: "tls_weak",  # X509_V_ERR_CA_MD_TOO_WEAK
}
"""OpenSSL's x509_vfy.h; any other code of a failed verification is `tls_untrusted`."""

_WEAK = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "DH_KEY_TOO_SMALL"})
_CLIENT_CERTIFICATE = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE"})


def of_tls_error(error: ssl.SSLError, phase: Phase) -> Verdict:
    """What OpenSSL said about the target's handshake, certificate or records."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _VERIFY_REASONS.get(error.verify_code, "tls_untrusted")
        return Verdict("fail", reason, f"{error.verify_message} (verify code {error.verify_code})")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return of_end(phase)
    if error.reason in _WEAK:
        return Verdict("fail", "tls_weak", error.reason)
    if error.reason in _CLIENT_CERTIFICATE:
        return Verdict("fail", "tls_protocol", "the target asks for a client certificate")
    if error.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":  # what TLS 1.2 says for both
        return Verdict("fail", "tls_protocol", f"{error.reason}: no common cipher, or no client certificate of ours")
    return Verdict("fail", "tls_protocol", error.reason)


_DOUBTFUL = frozenset(
    """
    net_unreachable tcp_timeout dns_timeout dns_servfail tls_timeout http_timeout_headers http_timeout_body icmp_timeout
    icmp_unreachable
    """.split()
)


def needs_canaries(reason: str | None) -> bool:
    """Whether a fail could be our own network's (faults.md, order of judgement, 3). Timeouts after the connection
    stand here too: a network that goes away in the middle of a probe ends it so."""
    return reason in _DOUBTFUL


def milliseconds(ns: int) -> float:
    """Whole microseconds as ms; an integer where it is one, which canonical JSON spells alike and faster."""
    microseconds = ns // 1000
    return microseconds / 1000 if microseconds % 1000 else microseconds // 1000
