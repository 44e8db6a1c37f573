"""Severities over time, as several statements of a page make them. Instants are UTC ms."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.facts import SEVERITIES
from monitor.ledger.period import MINUTE, Period
from monitor.sources.kind import Severity, Steps

TOLERANCE = MINUTE
"""How far from the planned minute a transition may be that a clock made (upstreams.md H(2))."""


def steps_of(said: Iterable[tuple[int, Severity]], end: int | None) -> tuple[Steps, int]:
    """The steps of what was said in order of time, over at `end` (None: it goes on), and how many spans were empty.

    Of two statements for one instant the later said stands; what repeats the state before says nothing.
    """
    steps: list[tuple[int, Severity]] = []
    empty = 0
    for at, severity in said:
        if end is not None and at >= end:
            empty += severity != "operational"
        elif steps and steps[-1][0] == at:
            empty += steps[-1][1] != "operational"
            steps[-1] = (at, severity)
        else:
            steps.append((at, severity))
    if end is not None and steps:
        steps.append((end, "operational"))
    return _changes(steps), empty


def worst_of(timelines: Iterable[Steps]) -> Steps:
    """The worst severity of several timelines at each instant."""
    given = [steps for steps in timelines if steps]
    if len(given) <= 1:
        return given[0] if given else ()
    instants = sorted({at for steps in given for at, _ in steps})
    return _changes([(at, max((_at(steps, at) for steps in given), key=SEVERITIES.index)) for at in instants])


def used_of(planned: Period, begun: int | None, completed: int | None) -> Period | None:
    """What was planned, as far as it was used: from when the work began to when it was completed, give or take what a
    clock's transition takes. None: cancelled."""
    start, end = planned
    if completed is not None and completed <= start:
        return None
    if begun is not None and begun > start + TOLERANCE:
        start = min(begun, end)
    if completed is not None and completed < end - TOLERANCE:
        end = max(completed, start)
    return Period(start, end) if start < end else None


def _at(steps: Steps, instant: int) -> Severity:
    past = [severity for at, severity in steps if at <= instant]
    return past[-1] if past else "operational"


def _changes(steps: Iterable[tuple[int, Severity]]) -> Steps:
    """Without steps that change nothing; before the first one it was operational."""
    changes: list[tuple[int, Severity]] = []
    before: Severity = "operational"
    for at, severity in steps:
        if severity != before:
            changes.append((at, severity))
            before = severity
    return tuple(changes)
