"""What the canaries' looks prove about our own network: pure (design/faults.md, "Canaries")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from monitor.interfaces import Observation

Mask = Literal["", "certificate", "content"]
"""How somebody else answered in a canary's place: with a certificate that is not its own, with a body that is not."""


class Round(NamedTuple):
    """One look of every canary that counts: when it began and ended (monotonic ns), and which of them failed.

    `shortage` is what we were short of ourselves when it ended (a void reason). `mask` is set when more than half of
    the web canaries, which say who they are, were answered by somebody else.
    """

    began_ns: int
    ended_ns: int
    asked: int
    failed: tuple[str, ...]
    shortage: str | None = None
    mask: Mask = ""

    @property
    def out(self) -> bool:
        """Whether our own network was out: more than half failed. With nobody to ask, nothing proves the contrary."""
        return not self.asked or 2 * len(self.failed) > self.asked


def mask_of(observation: Observation) -> Mask:
    """Whether a web canary was answered by somebody else: a captive portal, a proxy that answers for all. Its own
    trouble (a 503, a timeout, a certificate that has expired) is none."""
    if observation.reason in ("tls_untrusted", "tls_hostname"):
        return "certificate"
    if observation.reason in ("http_content", "http_redirect_blocked") or observation.status == _PORTAL_STATUS:
        return "content"
    return ""


_PORTAL_STATUS = 511  # RFC 6585 section 6, Network Authentication Required


def masked(masks: Iterable[Mask]) -> Mask:
    """What more than half of the web canaries met; `certificate` where one of those met that."""
    met = list(masks)
    those = [mask for mask in met if mask]
    if 2 * len(those) <= len(met):
        return ""
    return "certificate" if "certificate" in those else "content"


def settles(rounds: Iterable[Round], began_ns: int) -> bool:
    """Whether a round began in or after a probe, so that its failure can be judged."""
    return any(one.began_ns >= began_ns for one in rounds)


def was_out(rounds: Iterable[Round], since_ns: int) -> Round | None:
    """The newest round since an instant in which our own network was out."""
    return next((one for one in reversed(tuple(rounds)) if one.ended_ns >= since_ns and one.out), None)


_FORGED = frozenset({"tls_untrusted", "tls_hostname", "tls_protocol"})
"""How https fails where somebody else takes the connection."""

_SAID = frozenset(
    """
    http_status http_content http_protocol http_redirect_loop http_redirect_blocked tcp_content ws_handshake ws_content
    grpc_status dns_answer
    """.split()
)
"""Fails that rest on what was answered."""


def could_be_masked(observation: Observation) -> bool:
    """Whether somebody else could have given this answer. Not where a certificate was verified, nor where a known body
    was found."""
    if observation.reason in _FORGED:
        return True
    if observation.outcome != "pass" and observation.reason not in _SAID:
        return False
    proved = observation.phases is not None and observation.phases.tls is not None
    known = observation.outcome == "pass" and "probe_failed_due_to_regex" in (observation.attributes or {})
    return not proved and not known


def is_masked(observation: Observation, round_: Round) -> bool:
    """Whether that round makes this answer somebody else's. A body that is not the known one, under the right
    certificate, is no reason for a wrong certificate elsewhere: its page may have been rewritten."""
    if not could_be_masked(observation):
        return False
    return round_.mask == "certificate" or (round_.mask == "content" and observation.reason not in _FORGED)


def without_us(observation: Observation, round_: Round) -> Observation:
    """The same look as a void: it was our own network, or our own resolvers when a name was asked for."""
    reason = round_.shortage or ("self_resolver" if of_a_name(observation) else "self_network")
    proof = f"canaries failed: {', '.join(round_.failed)}" if round_.asked else "no canary to ask"
    detail = f"{observation.reason or 'passed'}; {proof}"
    return voided(observation, reason, detail)


def of_a_name(observation: Observation) -> bool:
    """Whether our own name servers gave no answer that says something of the name; a server that a `dns` check names is
    a target like any other."""
    asked_a_target = observation.ip is not None and "probe_dns_query_succeeded" in (observation.attributes or {})
    return observation.reason in ("dns_timeout", "dns_servfail") and not asked_a_target


def without_a_clock(observation: Observation) -> Observation:
    """The same look as a void: where nothing keeps our own clock right, a certificate of the future may be of today
    (design/faults.md row 37)."""
    return voided(observation, "self_clock", f"{observation.reason}; the clock of this host is not synchronised")


def voided(observation: Observation, reason: str, detail: str) -> Observation:
    """The same look, saying nothing about the target."""
    return observation._replace(outcome="void", reason=reason, detail=detail)


MANY_CHECKS, MANY_HOSTS = 4, 2


def all_refused_together(failing: int, checks: int, hosts: int) -> bool:
    """Whether so many checks fail at once that a refusal may be a firewall's of our own: over half of at least 4
    checks on at least 2 hosts (design/faults.md, order of judgement, 3)."""
    return checks >= MANY_CHECKS and hosts >= MANY_HOSTS and 2 * failing > checks
