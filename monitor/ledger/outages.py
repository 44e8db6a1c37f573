"""The outages of a service in a month, as the statement shows them (statement.md, below the example)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from monitor.facts import Json, Result
from monitor.facts.canonical import phases_object
from monitor.ledger.accounts import Slice, book, cut, segments_touching
from monitor.ledger.interval import Span, Spans, clip, total
from monitor.ledger.months import MonthBook, ServiceBook
from monitor.ledger.period import Period, format_instant
from monitor.ledger.timeline import DOWN, Segments


def outages(of: ServiceBook, booked: MonthBook) -> list[Json]:
    """Every maximal DOWN interval of the measured timeline, excused time included, clipped to the month and `as_of`."""
    return [_outage(of, booked, begun, within) for begun, within in outage_spans(of, booked)]


def outage_spans(of: ServiceBook, booked: MonthBook) -> Iterator[tuple[Span, Period]]:
    """Each outage as it is, and what of it lies in the month before `as_of`."""
    elapsed = booked.books.measured.period
    if elapsed.start >= elapsed.end:
        return
    for start, end, state in segments_touching(of.readings.measured.segments, elapsed):
        if state == DOWN:
            yield (start, end), Period(max(start, elapsed.start), min(end, elapsed.end))


def _outage(of: ServiceBook, booked: MonthBook, span: Span, within: Period) -> dict[str, Json]:
    elapsed = booked.books.measured.period
    failing = sorted(_failing(of, within), key=lambda result: (result.at, result.vantage, result.check))
    longest = [(a, b) for a, b, state in segments_touching(of.readings.longest.segments, within) if state == DOWN]
    as_of = booked.frame.as_of
    return {
        "id": f"{of.service.name}/{format_instant(span[0])}",
        "start": format_instant(within.start),
        "end": format_instant(within.end),
        "ms": within.end - within.start,
        "ongoing": within.end == as_of and span[1] > as_of,
        "shortest_ms": book(of.readings.shortest.segments, [], within).down,
        "longest_ms": total(clip(longest, elapsed.start, elapsed.end)),
        "reasons": dict(sorted(Counter(result.reason or "other" for result in failing).items())),
        "vantages": [*sorted({result.vantage for result in failing})],
        "first_fail": _fail(failing[0]) if failing else None,
        "last_fail": _fail(failing[-1]) if failing else None,
        "slices": [_slice(piece) for piece in _joined(cut(within.start, within.end, booked.books.measured.cover))],
    }


def _failing(of: ServiceBook, within: Period) -> Iterable[Result]:
    for check in of.readings.checks:
        for vantage in check.vantages:
            results = of.entries.results_of(check.terms.name, vantage)
            first = bisect_left(results, within.start, key=lambda result: result.at)
            last = bisect_left(results, within.end, key=lambda result: result.at)
            yield from (result for result in results[first:last] if result.outcome == "fail")


def _fail(result: Result) -> dict[str, Json]:
    return {
        "at": format_instant(result.at),
        "vantage": result.vantage,
        "check": result.check,
        "ip": result.ip,
        "status": result.status,
        "reason": result.reason,
        "phases_ms": phases_object(result.phases_ms) if result.phases_ms is not None else {},
    }


def _joined(pieces: Sequence[Slice]) -> list[Slice]:
    """Neighbours with the same exclusions joined: a slice is maximal."""
    joined: list[Slice] = []
    for piece in pieces:
        if joined and joined[-1].end == piece.start and joined[-1].exclusions == piece.exclusions:
            joined[-1] = Slice(joined[-1].start, piece.end, piece.exclusions)
        else:
            joined.append(piece)
    return joined


def _slice(piece: Slice) -> dict[str, Json]:
    first = piece.exclusions[0] if piece.exclusions else None
    return {
        "start": format_instant(piece.start),
        "end": format_instant(piece.end),
        "account": "excused" if first is not None else "down",
        "class": first.klass if first is not None else None,
        "exclusion": first.id if first is not None else None,
        "also": [exclusion.id for exclusion in piece.exclusions[1:]],
    }


def unknown_inside(segments: Segments, elapsed: Period, as_of: int) -> int:
    """UNKNOWN ms between two DOWN pieces with no UP between: what would have been downtime had we looked.

    Either piece may lie outside the month, but begins before `as_of`.
    """
    hidden: Spans = []
    begun = [segment for segment in segments if segment[0] < as_of]
    for (_, end, state), (start, _, next_state) in pairwise(begun):
        if state == DOWN and next_state == DOWN and end < start:
            hidden.append((end, start))
    return total(clip(hidden, elapsed.start, elapsed.end))
