"""How much was seen: each vantage's coverage, its gaps and why, and the corroborating checks' own availability."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from monitor.facts import Json
from monitor.ledger.accounts import one_less, segments_within
from monitor.ledger.decimals import decimal
from monitor.ledger.interval import Spans, clip, intersect, normalise, subtract, total
from monitor.ledger.months import MonthBook, ServiceBook
from monitor.ledger.period import Period, format_instant
from monitor.ledger.readings import CheckReadings
from monitor.ledger.seals import looks
from monitor.ledger.terms import corroborators
from monitor.ledger.timeline import DOWN, UP, Look, Segments, Unseen

NEVER_ASKED = "missed"
"""The reason of a gap that not even a void result covers: a slot without a result (faults.md, unknown reasons)."""


def first_measured(of: ServiceBook) -> int | None:
    """The first scheduled result of the service's own checks, an instant; None when there is none."""
    firsts = [t.first_at for check in of.readings.checks for t in check.vantages.values() if t.first_at is not None]
    return min(firsts, default=None)


def vantage_coverage(of: ServiceBook, booked: MonthBook) -> list[Json]:
    """One row a vantage and check of the service, in the order of the configuration and then of the name."""
    return [
        _row(of, check, vantage, _lived(check, booked))
        for check in of.readings.checks
        for vantage in sorted(check.vantages)
    ]


def _lived(check: CheckReadings, booked: MonthBook) -> Period:
    elapsed = booked.books.measured.period
    start = max(elapsed.start, check.life[0])
    return Period(start, max(start, min(elapsed.end, check.life[1])))


def _row(of: ServiceBook, check: CheckReadings, vantage: str, lived: Period) -> dict[str, Json]:
    segments = check.vantages[vantage].measured
    length = lived.end - lived.start
    known = normalise((start, end) for start, end, _ in segments_within(segments, lived))
    unknown = subtract([lived] if length else [], known)
    results = of.entries.results_of(check.terms.name, vantage)
    seen = looks(results, of.entries.under(check.terms.name, vantage)) if unknown else []
    return {
        "vantage": vantage,
        "check": check.terms.name,
        "owner": next((result.source for result in results if result.source is not None), "own"),
        "coverage": decimal(one_less(length - total(known), length)),
        "disagreement_ms": _disagreement(segments, check.measured, lived),
        "gaps": [
            {"start": format_instant(start), "end": format_instant(end), "reason": reason}
            for start, end, reason in _gaps(seen, unknown)
        ],
    }


def _disagreement(one: Segments, all_of_them: Segments, lived: Period) -> int:
    """Ms at which this vantage says UP and the check is DOWN, or the other way round."""
    if one is all_of_them:  # the only vantage
        return 0
    return sum(
        total(clip(intersect(_spans(one, state), _spans(all_of_them, other)), *lived))
        for state, other in ((UP, DOWN), (DOWN, UP))
    )


def _spans(segments: Segments, state: int) -> Spans:
    return [(start, end) for start, end, found in segments if found == state]


def _gaps(seen: Iterable[Look], unknown: Spans) -> list[tuple[int, int, str]]:
    """Unknown time cut where its cause changes: a void's own reason while it covers, else `missed`."""
    scheduled = [look for look in seen if not isinstance(look, Unseen) and not look.confirm]
    gaps: list[tuple[int, int, str]] = []
    for start, end in unknown:
        at = start
        place = bisect_right(scheduled, start, key=lambda result: result.at) - 1
        while at < end:
            following = scheduled[place + 1].at if place + 1 < len(scheduled) else end
            until = min(end, following)
            void = scheduled[place] if place >= 0 and scheduled[place].outcome == "void" else None
            covered = until if void is None or void.hold_ms is None else min(until, void.at + void.hold_ms)
            _join(gaps, at, max(at, covered), (void.reason or NEVER_ASKED) if void is not None else NEVER_ASKED)
            _join(gaps, max(at, covered), until, NEVER_ASKED)
            at, place = until, place + 1
    return gaps


def _join(gaps: list[tuple[int, int, str]], start: int, end: int, reason: str) -> None:
    if start >= end:
        return
    if gaps and gaps[-1][1] == start and gaps[-1][2] == reason:
        gaps[-1] = (gaps[-1][0], end, reason)
    else:
        gaps.append((start, end, reason))


def corroborator_availability(of: ServiceBook, booked: MonthBook) -> list[Json]:
    """Each check named for a provider, and its own availability in the month: one that always fails shows here."""
    shown: list[Json] = []
    for name in corroborators((booked.frame.policy,), of.service):
        check = of.checks.get(name)
        if check is not None:
            lived = _lived(check, booked)
            up, down = (total(clip(_spans(check.measured, state), *lived)) for state in (UP, DOWN))
            shown.append({"check": name, "availability": decimal(one_less(down, up + down))})
    return shown
