"""What providers say now: the severity of every component, and the incidents that go on (accounting.md section 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from monitor.facts import Fact
from monitor.ledger.exclusion import text_of
from monitor.ledger.snapshot import OpenIncident
from monitor.ledger.terms import ServiceTerms
from monitor.ledger.third_party import ANY_COMPONENT, component_steps


class Told(NamedTuple):
    """By provider and component its severity, the worst where several incidents speak; and the incidents that go on."""

    severities: Mapping[tuple[str, str], int]
    going_on: tuple[OpenIncident, ...]


def incidents_at(incidents: Iterable[Fact], services: Sequence[ServiceTerms], as_of: int) -> Told:
    """From all facts of incidents in order of recording: of those about one incident the newest stands."""
    newest: dict[tuple[str, str], Fact] = {}
    for fact in incidents:
        newest[cast(str, fact.fields["provider"]), cast(str, fact.fields["incident"])] = fact
    severities: dict[tuple[str, str], int] = {}
    going_on: list[OpenIncident] = []
    for (provider, incident), fact in newest.items():
        disturbed: dict[str, tuple[int, int]] = {}
        for component, steps in component_steps(fact).items():
            severity, since = _now(steps, as_of)
            if component != ANY_COMPONENT:
                place = (provider, component)
                severities[place] = max(severities.get(place, 0), severity)
            if severity:
                disturbed[component] = (severity, since)
        if disturbed:
            going_on.append(
                OpenIncident(
                    provider=provider,
                    incident=incident,
                    components={component: severity for component, (severity, _) in disturbed.items()},
                    since=min(since for _, since in disturbed.values()),
                    services=frozenset(_hit(provider, disturbed.keys(), services)),
                    title=text_of(fact, "title"),
                    url=text_of(fact, "url"),
                )
            )
    return Told(severities, tuple(going_on))


def _now(steps: Sequence[tuple[int, int]], as_of: int) -> tuple[int, int]:
    """The severity that holds, and since when it is not operational."""
    severity, since = 0, as_of
    for instant, step in sorted(steps, key=lambda step: step[0]):
        if instant > as_of:
            break
        if step and not severity:
            since = instant
        severity = step
    return severity, since


def _hit(provider: str, components: Iterable[str], services: Sequence[ServiceTerms]) -> Iterable[str]:
    """The services that depend on one of the components, or on the provider where the incident names none."""
    named = {*components}
    for service in services:
        for dependency in service.depends_on:
            if dependency.provider == provider and (
                dependency.component in named or ANY_COMPONENT in (dependency.component, *named)
            ):
                yield service.name
                break
