"""What excused a month's downtime and what did not, as the statement lists it (statement.md, `exclusions`, `refused`).

Most services have the same maintenances and no outage in one of them: their rows are made, and spelled, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

from monitor.facts import Json, canonical_json
from monitor.ledger.accounts import refused_parts
from monitor.ledger.exclusion import Exclusion
from monitor.ledger.interval import Spans, clip, intersect, normalise, total
from monitor.ledger.months import MonthBook, ServiceBook
from monitor.ledger.period import Period, format_instant


class Row(NamedTuple):
    """A row of a statement and its canonical JSON; many services may share it."""

    shown: dict[str, Json]
    spelled: bytes


class Rows(NamedTuple):
    """Rows of a statement, and the canonical JSON of their list; many services may share them."""

    rows: list[Json]
    spelled: bytes


def announced_ms(of: ServiceBook, booked: MonthBook) -> int:
    """How much of the month before `as_of` lies in maintenances that are granted, whatever the service's state."""
    place = ("announced", booked.asks, booked.books.measured.period)
    return of.entries.once("maintenance", place, partial(_announced_ms, booked))


def _announced_ms(booked: MonthBook) -> int:
    elapsed = booked.books.measured.period
    announced = normalise(
        span for exclusion in booked.exclusions if exclusion.klass == "maintenance" for span in exclusion.granted
    )
    return total(clip(announced, elapsed.start, elapsed.end))


def _row(shown: dict[str, Json]) -> Row:
    return Row(shown, canonical_json(shown))


def _rows(rows: Sequence[Row]) -> Rows:
    return Rows([row.shown for row in rows], b"[" + b",".join(row.spelled for row in rows) + b"]")


def _is_maintenance_alone(booked: MonthBook) -> bool:
    return all(exclusion.klass == "maintenance" for exclusion in booked.exclusions)


def granted_rows(of: ServiceBook, booked: MonthBook) -> Rows:
    """Those granted at some instant of the month before `as_of`, in the order that books."""
    elapsed = booked.books.measured.period
    booked_ms: Counter[tuple[int, str]] = Counter()
    for start, end, exclusions in booked.books.measured.pieces():
        if exclusions:
            booked_ms[exclusions[0].order] += end - start
    if not _is_maintenance_alone(booked):
        return _rows(_granted(of, booked, booked_ms))
    place = ("granted", booked.asks, elapsed, *sorted(booked_ms.items()))
    return of.entries.once("maintenance", place, lambda: _rows(_granted(of, booked, booked_ms)))


def _granted(of: ServiceBook, booked: MonthBook, booked_ms: Mapping[tuple[int, str], int]) -> list[Row]:
    elapsed = booked.books.measured.period
    shown: list[Row] = []
    for exclusion in sorted(booked.exclusions, key=lambda exclusion: exclusion.order):
        granted = clip(exclusion.granted, elapsed.start, elapsed.end)
        if not granted:
            continue
        ms = booked_ms[exclusion.order]
        row = partial(_exclusion, exclusion, granted, elapsed, ms)
        if exclusion.klass == "maintenance":
            place = (booked.asks, exclusion.id, elapsed, ms)
            shown.append(of.entries.once("maintenance", place, row))
        else:
            shown.append(row())
    return shown


def _exclusion(exclusion: Exclusion, granted: Spans, elapsed: Period, booked_ms: int) -> Row:
    announced = exclusion.shown.get("announced")
    revisions = cast("list[dict[str, Json]]", exclusion.shown.get("revisions") or [])
    shown: dict[str, Json] = {
        "id": exclusion.id,
        "class": exclusion.klass,
        "start": format_instant(granted[0][0]),
        "end": format_instant(granted[-1][1]),
        "granted_ms": booked_ms,
        "source": exclusion.shown.get("source"),
        "url": exclusion.shown.get("url"),
        "announced_at": format_instant(announced) if isinstance(announced, int) else None,
        "notice_ms": exclusion.shown.get("notice_ms"),
        "requested_ms": total(clip(exclusion.claimed, elapsed.start, elapsed.end)),
        "revisions": [
            {**revision, "recorded_at": format_instant(cast(int, revision["recorded_at"]))} for revision in revisions
        ],
        "author": exclusion.shown.get("author"),
        "author_authenticated": exclusion.shown.get("author_authenticated", False),
        "approver": exclusion.shown.get("approver"),
        "approver_authenticated": exclusion.shown.get("approver_authenticated", False),
        "evidence": exclusion.shown.get("evidence"),
        "reason": exclusion.shown.get("reason"),
    }
    return _row(shown)


class _Claim(NamedTuple):
    """What an exclusion claims in the month and is not granted, and why."""

    exclusion: Exclusion
    why: str
    spans: Spans


def refused_rows(of: ServiceBook, booked: MonthBook) -> Rows:
    """What was claimed and not granted, in the order that books."""
    unexcused = booked.books.measured.unexcused()
    if not _is_maintenance_alone(booked):
        return _rows([_refused(claim, total(intersect(claim.spans, unexcused))) for claim in _claims(booked)])
    place = ("refused", booked.asks, booked.books.measured.period)
    claims = of.entries.once("maintenance", place, lambda: _claims(booked))
    rows: list[Row] = []
    for claim in claims:
        ms = total(intersect(claim.spans, unexcused))
        once = (*place, claim.exclusion.id, claim.why, ms)
        rows.append(of.entries.once("maintenance", once, partial(_refused, claim, ms)))
    return _rows(rows)


def _claims(booked: MonthBook) -> list[_Claim]:
    elapsed = booked.books.measured.period
    return [
        _Claim(exclusion, why, spans)
        for exclusion in sorted(booked.exclusions, key=lambda exclusion: exclusion.order)
        for why, spans in refused_parts(exclusion, elapsed)
    ]


def _refused(claim: _Claim, ms: int) -> Row:
    return _row(
        {
            "id": claim.exclusion.id,
            "class": claim.exclusion.klass,
            "why": claim.why,
            "start": format_instant(claim.spans[0][0]),
            "end": format_instant(claim.spans[-1][1]),
            "would_have_excused_ms": ms,
        }
    )
