"""Whose fault a look is: what our own troubles and the canaries make of what a probe saw (design/faults.md, order of
judgement; README, "Whose fault")."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from monitor.interfaces import Clock, Observation
from monitor.prober.canaries import Canaries
from monitor.prober.evidence import could_be_masked, is_masked, of_a_name, voided, without_a_clock, without_us
from monitor.prober.network import is_local, shortage
from monitor.prober.results import marked_unreliable
from monitor.prober.watch import Watch
from monitor.probes import ProbedCheck
from monitor.probes.judge import needs_canaries

MILLISECOND = 1_000_000  # ns

TIMEOUTS = frozenset("dns_timeout tcp_timeout tls_timeout http_timeout_headers http_timeout_body".split())
"""Fails that may be ours alone where the loop was late for half of the time that the target was given."""

_SHORT_OF_WORDS = ("dns_", "tls_", "self_resolver")
"""What c-ares and OpenSSL come to when they cannot open what they need: they say no more than that they cannot."""

MUCH_LATE_MS = 500
"""Less is no starvation, however short a timeout is."""


class Subject(NamedTuple):
    """What was looked at, and whether it was up before."""

    check: ProbedCheck
    host: str
    up: bool


class Review:
    """Judges looks. `refused_together` says whether so many checks fail now that a refusal may be our firewall's."""

    def __init__(self, clock: Clock, watch: Watch, canaries: Canaries, refused_together: Callable[[], bool]) -> None:
        self._clock = clock
        self._watch = watch
        self._canaries = canaries
        self._refused_together = refused_together

    def too_late(self, late_ms: int) -> Observation:
        """A look that would begin over an interval late is not made."""
        trouble = self._watch.during(self._clock.monotonic_ns() - late_ms * MILLISECOND)
        reason = trouble.reason if trouble is not None and trouble.reason != "self_loop" else "self_overload"
        return Observation("void", self._clock.now(), 0, reason, f"started {late_ms} ms late")

    async def of(self, seen: Observation, subject: Subject, began_ns: int) -> Observation:
        """What is recorded of a look that began at a monotonic instant."""
        trouble = self._watch.during(began_ns)
        if trouble is not None and (trouble.reason != "self_loop" or seen.outcome == "fail"):
            return voided(seen, trouble.reason, trouble.detail)
        late_ms = self._watch.late_ns(began_ns) // MILLISECOND
        if seen.reason in TIMEOUTS and late_ms >= max(subject.check.timeout_ms // 2, MUCH_LATE_MS):
            return voided(seen, "self_overload", f"{seen.reason}; the loop was late for {late_ms} ms of it")
        settled = await self._settled(by_the_clock(seen, self._clock), subject, began_ns)
        return marked_unreliable(settled, late_ms) if late_ms and settled.outcome != "void" else settled

    async def _settled(self, seen: Observation, subject: Subject, began_ns: int) -> Observation:
        """What the canaries make of it (order of judgement 3, and row 20)."""
        if seen.reason is not None and seen.reason.startswith(_SHORT_OF_WORDS):
            short = shortage()
            if short is not None:
                return voided(seen, short, f"{seen.reason}; no socket can be opened")
        as_known = seen.outcome == "pass" and subject.up and self._canaries.looked
        if seen.outcome == "void" or (as_known and self._canaries.masking is None):
            return seen
        doubtful, maskable = self._could_be_ours(seen), could_be_masked(seen)
        if not (doubtful or maskable) or is_local(seen.ip or subject.host):
            return seen
        if doubtful:
            out = await self._canaries.own_network_out(began_ns, subject.check.interval_ms * MILLISECOND)
            if out is not None:
                return without_us(seen, out)
            if of_a_name(seen) and await self._canaries.resolvers_deaf(began_ns, subject.host):
                return voided(seen, "self_resolver", f"{seen.reason}; our name servers answer for no other name either")
        elif not as_known:
            await self._canaries.settle(began_ns)
        masking = self._canaries.masking
        if maskable and masking is not None and is_masked(seen, masking):
            return voided(seen, "self_network", f"{seen.reason or 'passed'}; somebody else answers for web canaries")
        return seen

    def _could_be_ours(self, seen: Observation) -> bool:
        return self._refused_together() if seen.reason == "tcp_refused" else needs_canaries(seen.reason)


def by_the_clock(seen: Observation, clock: Clock) -> Observation:
    """A certificate that is not valid yet may be so by our own clock, where nothing keeps that right (row 37)."""
    doubtful = seen.reason == "tls_not_yet_valid" and clock.synchronized() is False
    return without_a_clock(seen) if doubtful else seen
