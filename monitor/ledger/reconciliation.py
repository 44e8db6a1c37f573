"""Where the witnesses of a service disagree: own vantages, monitors of others, and the service's own status page. Pure.

A vantage says of a service what the checks that it looks at say together (accounting.md section 4). A page says down
where a component that is the service has a partial or a major outage, and up otherwise: a page that says nothing tells
its readers that all is well. The statement does not rest on any of this; it shows who would say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from monitor.facts import Fact, Json
from monitor.ledger.entries import Entries
from monitor.ledger.interval import Span, Spans, clip, intersect, normalise, subtract, total
from monitor.ledger.months import ServiceBook
from monitor.ledger.period import Period, format_instant
from monitor.ledger.quorum import clip_segments, service_segments
from monitor.ledger.third_party import component_steps, severity_spans
from monitor.ledger.timeline import DOWN, UP, Segments

DEGRADED, PARTIAL_OUTAGE = 2, 3
"""Indices of facts.SEVERITIES: from the first on a page admits trouble, from the second on it says down."""


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The service's own status page: the provider that its incidents are recorded under, and its components as
    services of ours."""

    provider: str
    components: Mapping[str, tuple[str, ...]]


class Witness(NamedTuple):
    """Who says what of the service: a name, `vantage` or `page`, and the segments in which it knows."""

    name: str
    kind: str
    segments: Segments


class Says(NamedTuple):
    """Who says that the service is down, and who that it is up."""

    down: tuple[str, ...]
    up: tuple[str, ...]


def reconcile(of: ServiceBook, pages: Sequence[OwnPage], elapsed: Period) -> dict[str, Json]:
    """What each witness saw of the service within `elapsed`, where they disagree, and what was published when."""
    witnesses = [*_vantages(of, elapsed), *_pages(of, pages, elapsed)]
    measured = clip(_spans(of.readings.measured.segments, DOWN), *elapsed)
    return {
        "service": of.service.name,
        "start": format_instant(elapsed.start),
        "end": format_instant(elapsed.end),
        "measured_down_ms": total(measured),
        "witnesses": [_said(witness, elapsed) for witness in witnesses],
        "disagreements": list(_disagreements(witnesses)),
        "published": [_published(of, pages, outage) for outage in measured] if pages else [],
        "published_only": _only_published(witnesses, measured),
    }


def _vantages(of: ServiceBook, elapsed: Period) -> Iterator[Witness]:
    checks = of.readings.checks
    for vantage in sorted({name for check in checks for name in check.vantages}):
        seen = [(check.vantages[vantage].measured, check.life) for check in checks if vantage in check.vantages]
        segments = service_segments(seen, min(of.service.at_least, len(seen)))
        yield Witness(vantage, "vantage", clip_segments(segments, *elapsed))


def _pages(of: ServiceBook, pages: Sequence[OwnPage], elapsed: Period) -> Iterator[Witness]:
    for page in pages:
        newest = {fact.fields["incident"]: fact for fact in _incidents(of.entries, page)}
        down = clip(_severe(of, page, newest.values(), PARTIAL_OUTAGE), *elapsed)
        up = subtract([(elapsed.start, elapsed.end)], down) if elapsed.start < elapsed.end else []
        segments = sorted([*((*span, DOWN) for span in down), *((*span, UP) for span in up)])
        yield Witness(page.provider, "page", segments)


def _incidents(entries: Entries, page: OwnPage) -> Iterator[Fact]:
    return (fact for fact in entries.of("incident") if fact.fields["provider"] == page.provider)


def _severe(of: ServiceBook, page: OwnPage, facts: Iterable[Fact], least: int) -> Spans:
    """When the page says of a component that is the service that it is as bad as that."""
    return normalise(
        span
        for fact in facts
        for component, steps in component_steps(fact).items()
        if of.service.name in page.components.get(component, ())
        for span in severity_spans(steps, least)
    )


def _spans(segments: Segments, state: int) -> Spans:
    return [(start, end) for start, end, found in segments if found == state]


def _said(witness: Witness, elapsed: Period) -> Json:
    up, down = total(_spans(witness.segments, UP)), total(_spans(witness.segments, DOWN))
    return {
        "witness": witness.name,
        "kind": witness.kind,
        "up_ms": up,
        "down_ms": down,
        "unknown_ms": elapsed.end - elapsed.start - up - down,
    }


def _disagreements(witnesses: Sequence[Witness]) -> Iterator[Json]:
    """Maximal intervals in which the same witnesses say down while the same others say up."""
    edges = sorted({edge for witness in witnesses for start, end, _ in witness.segments for edge in (start, end)})
    places = [0] * len(witnesses)
    since, standing = 0, Says((), ())
    for instant in edges:  # after the last one nobody says anything
        says = _at(witnesses, places, instant)
        if says != standing:
            if standing.down and standing.up:
                yield _disagreement(since, instant, standing)
            since, standing = instant, says


def _at(witnesses: Sequence[Witness], places: list[int], instant: int) -> Says:
    """Who says what at an instant; `places` go on with it."""
    said: dict[int, list[str]] = {DOWN: [], UP: []}
    for index, witness in enumerate(witnesses):
        segments = witness.segments
        while places[index] < len(segments) and segments[places[index]][1] <= instant:
            places[index] += 1
        if places[index] < len(segments) and segments[places[index]][0] <= instant:
            said[segments[places[index]][2]].append(witness.name)
    return Says(tuple(said[DOWN]), tuple(said[UP]))


def _disagreement(start: int, end: int, says: Says) -> Json:
    return {
        "start": format_instant(start),
        "end": format_instant(end),
        "ms": end - start,
        "down": list(says.down),
        "up": list(says.up),
    }


def _published(of: ServiceBook, pages: Sequence[OwnPage], outage: Span) -> Json:
    """When an outage was first on a page, as it was recorded here: never, where no incident as it stands admits any of
    it. What an incident said of a time to come before its next revision is no word about this outage."""
    admitted = [
        (fact.recorded_at, page.provider, cast(str, fact.fields["incident"]))
        for page in pages
        for revisions in _by_incident(_incidents(of.entries, page))
        if _admits(of, page, revisions[-1], outage)
        for fact in revisions
        if _admits(of, page, fact, outage)
    ]
    first = min(admitted, default=None)
    return {
        "start": format_instant(outage[0]),
        "end": format_instant(outage[1]),
        "ms": outage[1] - outage[0],
        "published_at": None if first is None else format_instant(first[0]),
        "late_ms": None if first is None else first[0] - outage[0],
        "page": None if first is None else first[1],
        "incident": None if first is None else first[2],
    }


def _by_incident(facts: Iterable[Fact]) -> Iterable[list[Fact]]:
    """The revisions of each incident, in order of recording."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(cast(str, fact.fields["incident"]), []).append(fact)
    return found.values()


def _admits(of: ServiceBook, page: OwnPage, fact: Fact, outage: Span) -> bool:
    return bool(intersect(_severe(of, page, [fact], DEGRADED), [outage]))


def _only_published(witnesses: Sequence[Witness], measured: Spans) -> list[Json]:
    """What a page says was down, and no measurement of ours does."""
    return [
        {"page": witness.name, "start": format_instant(start), "end": format_instant(end), "ms": end - start}
        for witness in witnesses
        if witness.kind == "page"
        for start, end in subtract(_spans(witness.segments, DOWN), measured)
    ]
