"""What the canaries' looks prove about our own network: pure (design/faults.md, "Canaries")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from monitor.facts import Outcome
from monitor.interfaces import Observation


class Round(NamedTuple):
    """One look of every canary that counts: when it began and ended (monotonic ns), and which of them failed."""

    began_ns: int
    ended_ns: int
    asked: int
    failed: tuple[str, ...]

    @property
    def out(self) -> bool:
        """Whether our own network was out: more than half failed. With nobody to ask, nothing proves the contrary."""
        return not self.asked or 2 * len(self.failed) > self.asked


def settles(rounds: Iterable[Round], began_ns: int) -> bool:
    """Whether a round began in or after a probe, so that its failure can be judged."""
    return any(one.began_ns >= began_ns for one in rounds)


def was_out(rounds: Iterable[Round], since_ns: int) -> Round | None:
    """The newest round since an instant in which our own network was out."""
    return next((one for one in reversed(tuple(rounds)) if one.ended_ns >= since_ns and one.out), None)


def without_us(observation: Observation, round_: Round) -> Observation:
    """The same look as a void: it was our own network, or our own resolvers when a name was asked for."""
    reason = "self_resolver" if observation.reason in ("dns_timeout", "dns_servfail") else "self_network"
    proof = f"canaries failed: {', '.join(round_.failed)}" if round_.asked else "no canary to ask"
    detail = f"{observation.reason}; {proof}"
    return voided(observation, reason, detail)


def voided(observation: Observation, reason: str, detail: str) -> Observation:
    """The same look, saying nothing about the target."""
    outcome: Outcome = "void"
    return Observation(
        outcome,
        observation.at,
        observation.duration_ms,
        reason,
        detail,
        observation.phases,
        observation.status,
        observation.ip,
        observation.certificate_expires,
        observation.attributes,
    )


MANY_CHECKS, MANY_HOSTS = 4, 2


def all_refused_together(failing: int, checks: int, hosts: int) -> bool:
    """Whether so many checks fail at once that a refusal may be a firewall's of our own: over half of at least 4
    checks on at least 2 hosts (design/faults.md, order of judgement, 3)."""
    return checks >= MANY_CHECKS and hosts >= MANY_HOSTS and 2 * failing > checks
