"""From vantages to a check, and from checks to a service (accounting.md sections 3 and 4).

Both are sweeps over the instants at which anything changes: the counts of UP, DOWN and UNKNOWN members stand between
two of them. Segments are those of `timeline`; UNKNOWN time is in none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.ledger.interval import Span
from monitor.ledger.terms import Quorum
from monitor.ledger.timeline import DOWN, UP, Segments, append

_Change = tuple[int, int, int, int]


def check_segments(vantages: Sequence[Segments], quorum: Quorum) -> Segments:
    """DOWN where at least q of the vantages that know are DOWN, UP where fewer are, nothing where none knows."""
    if len(vantages) == 1:
        return vantages[0]  # K is that one, and every quorum of one is 1
    changes = [change for segments in vantages for change in _changes(segments)]
    return _sweep(changes, lambda up, down, _: _vote(up + down, down, quorum))


def _vote(known: int, down: int, quorum: Quorum) -> int | None:
    if known == 0:
        return None
    return DOWN if down >= quorum_size(known, quorum) else UP


def quorum_size(known: int, quorum: Quorum) -> int:
    """How many of `known` vantages must be DOWN (section 3)."""
    if quorum == "any":
        return 1
    if quorum == "majority":
        return known // 2 + 1
    if quorum == "all":
        return known
    return min(quorum, known)


def service_segments(checks: Sequence[tuple[Segments, Span]], at_least: int) -> Segments:
    """`checks` are (segments, life); outside its life a check does not exist (section 4)."""
    if len(checks) == 1 and at_least == 1:
        return clip_segments(checks[0][0], *checks[0][1])
    changes: list[_Change] = []
    for segments, (start, end) in checks:
        if start < end:
            changes += [(start, 0, 0, 1), (end, 0, 0, -1)]
            changes += (
                (instant, up, down, -up - down)
                for instant, up, down, _ in _changes(clip_segments(segments, start, end))
            )
    return _sweep(changes, lambda up, down, unknown: _judge(up, down, unknown, at_least))


def _judge(up: int, down: int, unknown: int, at_least: int) -> int | None:
    if down >= at_least:
        return DOWN
    if down + unknown >= at_least or up + down + unknown == 0:
        return None
    return UP


def clip_segments(segments: Segments, start: int, end: int) -> Segments:
    """What of them lies in `[start, end)`."""
    if not segments or (start <= segments[0][0] and segments[-1][1] <= end):
        return segments if start < end else []
    return [(max(a, start), min(b, end), state) for a, b, state in segments if a < end and start < b and start < end]


def _changes(segments: Segments) -> list[_Change]:
    changes: list[_Change] = []
    for start, end, state in segments:
        up, down = (1, 0) if state == UP else (0, 1)
        changes += [(start, up, down, 0), (end, -up, -down, 0)]
    return changes


def _sweep(changes: list[_Change], decide: Callable[[int, int, int], int | None]) -> Segments:
    changes.sort()
    decided: Segments = []
    up = down = unknown = 0
    since, state = 0, None
    for instant, up_change, down_change, unknown_change in changes:
        if instant != since:
            if state is not None:
                append(decided, since, instant, state)
            since = instant
        up, down, unknown = up + up_change, down + down_change, unknown + unknown_change
        state = decide(up, down, unknown)
    return decided
