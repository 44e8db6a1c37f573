"""Outages of third parties: what a provider declared, and what a check of our own corroborated (accounting.md 5.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from monitor.facts import SEVERITIES, Fact
from monitor.ledger.entries import Entries
from monitor.ledger.exclusion import Exclusion, Why, text_of
from monitor.ledger.interval import Spans, intersect, normalise, subtract, union
from monitor.ledger.period import parse_instant
from monitor.ledger.terms import Dependency, Policy, ServiceTerms

FOREVER = 2**62
"""The end of what has no end yet: an incident stays as its last fact says until another comes."""

ANY_COMPONENT = "*"

Corroboration = Callable[[str], Spans]
"""When at least one of the checks named for a provider is DOWN."""


@dataclass(frozen=True, slots=True)
class _Declared:
    """What an incident says of the components that the service depends on: at or above the policy's severity (`named`
    components, or the component `*`), and above operational but below it."""

    named: Spans
    unnamed: Spans
    below: Spans


def third_parties(
    entries: Entries, service: ServiceTerms, policy: Policy, corroborated: Corroboration
) -> list[Exclusion]:
    """Every incident of a component that the service depends on, or of an unnamed one of such a provider."""
    newest: dict[tuple[str, str], Fact] = {}
    for fact in entries.of("incident"):
        newest[cast(str, fact.fields["provider"]), cast(str, fact.fields["incident"])] = fact
    found: list[Exclusion] = []
    for (provider, incident), fact in newest.items():
        declared = _declared(fact, provider, service.depends_on, policy.min_severity)
        if declared.named or declared.unnamed or declared.below:
            found.append(_exclusion(f"{provider}/{incident}", fact, declared, policy, corroborated(provider)))
    return found


def severity_spans(steps: Sequence[tuple[int, int]], least: int) -> Spans:
    """When a component has at least that severity; `steps` are (instant, severity) in any order."""
    ordered = sorted(steps, key=lambda step: step[0])
    ends = [instant for instant, _ in ordered[1:]] + [FOREVER]
    return normalise((start, end) for (start, severity), end in zip(ordered, ends, strict=True) if severity >= least)


def component_steps(fact: Fact) -> dict[str, list[tuple[int, int]]]:
    """An incident's components, each with its (instant, severity) steps."""
    components = cast("dict[str, list[list[str]]]", fact.fields["components"])
    return {
        component: [(parse_instant(instant), SEVERITIES.index(severity)) for instant, severity in steps]
        for component, steps in components.items()
    }


def _declared(fact: Fact, provider: str, depends_on: Sequence[Dependency], least: int) -> _Declared:
    wanted = {dependency.component for dependency in depends_on if dependency.provider == provider}
    named: Spans = []
    unnamed: Spans = []
    disturbed: Spans = []
    if wanted:
        for component, steps in component_steps(fact).items():
            if component == ANY_COMPONENT:
                unnamed = severity_spans(steps, least)
            elif component in wanted or ANY_COMPONENT in wanted:
                named = union(named, severity_spans(steps, least))
            else:
                continue
            disturbed = union(disturbed, severity_spans(steps, 1))
    return _Declared(named, unnamed, subtract(disturbed, union(named, unnamed)))


def _exclusion(name: str, fact: Fact, declared: _Declared, policy: Policy, corroborated: Spans) -> Exclusion:
    provider = cast(str, fact.fields["provider"])
    is_corroborated = policy.evidence == "corroborated"
    claimed = union(declared.named, declared.unnamed)
    if is_corroborated:
        claimed = normalise((start - policy.lead_ms, end + policy.lag_ms) for start, end in claimed)
    granted = intersect(claimed, corroborated) if is_corroborated else declared.named
    refused: dict[Why, Spans]
    if policy.providers is not None and provider not in policy.providers:
        granted = []
        refused = {"not_in_policy": union(claimed, declared.below)}
    else:
        refused = {
            "not_corroborated": subtract(claimed, granted),
            "below_severity": subtract(declared.below, claimed),
        }
    return Exclusion(
        name,
        "third_party",
        granted,
        refused,
        claimed,
        provider,
        {
            "source": fact.source,
            "url": text_of(fact, "url"),
            "announced": fact.recorded_at,
            "notice_ms": None,
            "revisions": [],
            "author": text_of(fact, "sent_by"),
            "author_authenticated": text_of(fact, "sent_by") is not None,
        },
    )
