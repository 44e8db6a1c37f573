"""The three readings of a service: measured, all shortest, all longest (accounting.md sections 2 to 4 and 6).

A reading is the service's timeline and, for each provider, when a check named for it was DOWN. A corroborating check
enters the longest with its own shortest timeline and the shortest with its own longest: the worst case excuses least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from monitor.ledger.interval import Span, Spans, normalise
from monitor.ledger.quorum import check_segments, clip_segments, service_segments
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms
from monitor.ledger.timeline import DOWN, Segments, Timelines

FOREVER = 2**62
NO_LIFE: Span = (0, 0)


class CheckReadings(NamedTuple):
    """One check over all vantages; `life` is when it exists, `vantages` what each of them says."""

    terms: CheckTerms
    life: Span
    measured: Segments
    shortest: Segments
    longest: Segments
    vantages: Mapping[str, Timelines]


class Reading(NamedTuple):
    """One of the three: the service's timeline, and the DOWN time of checks by name, for corroboration."""

    segments: Segments
    corroborating: Mapping[str, Spans]

    def corroborated(self, policy: Policy, provider: str) -> Spans:
        """When at least one of the checks named for the provider is DOWN."""
        named = [self.corroborating.get(check, []) for check in policy.corroborated_by.get(provider, ())]
        return named[0] if len(named) == 1 else normalise(span for spans in named for span in spans)


class Readings(NamedTuple):
    """All three, and the service's own checks behind them (no corroborating ones)."""

    measured: Reading
    shortest: Reading
    longest: Reading
    checks: tuple[CheckReadings, ...]


def check_readings(check: CheckTerms, vantages: Mapping[str, Timelines]) -> CheckReadings:
    """A check exists from its `since`, or else its first scheduled result, until its `until`."""
    firsts = [timelines.first_at for timelines in vantages.values() if timelines.first_at is not None]
    since = check.since if check.since is not None else min(firsts, default=None)
    life = NO_LIFE if since is None else (since, FOREVER if check.until is None else check.until)
    measured = check_segments([timelines.measured for timelines in vantages.values()], check.quorum)
    if all(timelines.measured == timelines.shortest == timelines.longest for timelines in vantages.values()):
        return CheckReadings(check, life, measured, measured, measured, vantages)
    shortest = check_segments([timelines.shortest for timelines in vantages.values()], check.quorum)
    longest = check_segments([timelines.longest for timelines in vantages.values()], check.quorum)
    return CheckReadings(check, life, measured, shortest, longest, vantages)


def service_readings(service: ServiceTerms, checks: Mapping[str, CheckReadings], named: Iterable[str]) -> Readings:
    """`checks` holds every check of the service, and every one in `named`: those that corroborate for it."""
    own = tuple(checks[check.name] for check in service.checks if not check.corroboration)
    others = [checks[name] for name in sorted(set(named)) if name in checks]
    measured = service_segments([(check.measured, check.life) for check in own], service.at_least)
    shortest = longest = measured
    if any(check.shortest is not check.measured for check in own):
        shortest = service_segments([(check.shortest, check.life) for check in own], service.at_least)
        longest = service_segments([(check.longest, check.life) for check in own], service.at_least)
    return Readings(
        Reading(measured, {check.terms.name: down(check.measured, check.life) for check in others}),
        Reading(shortest, {check.terms.name: down(check.longest, check.life) for check in others}),
        Reading(longest, {check.terms.name: down(check.shortest, check.life) for check in others}),
        own,
    )


def down(segments: Segments, life: Span) -> Spans:
    """When it is DOWN within its life."""
    return [(start, end) for start, end, state in clip_segments(segments, *life) if state == DOWN]
