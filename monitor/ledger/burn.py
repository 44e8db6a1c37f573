"""How fast the budget burns, over windows that end at `as_of` (accounting.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.ledger.accounts import Booked, book
from monitor.ledger.decimals import Ratio
from monitor.ledger.interval import Spans
from monitor.ledger.period import Period
from monitor.ledger.snapshot import EXHAUSTION_WINDOWS, WINDOWS, Burn, Figures

ZERO = Ratio(0, 1)
WIDEST = max(WINDOWS.values())


def burn(booked: Sequence[Booked], now: Figures | None, as_of: int) -> Burn:
    """`booked` are the months that the windows reach into, `now` the figures of the month that holds `as_of`.

    Time before all of them is unknown. `now` None (no policy in force there): rates are None.
    """
    if not any(month.down for month in booked):
        return _calm(now, as_of)
    recent = _recent(booked, as_of)
    ratios = {name: error_ratio(recent, as_of, width) for name, width in WINDOWS.items()}
    return Burn(
        rate={name: _rate(ratio, now) for name, ratio in ratios.items()},
        error_ratio=ratios,
        exhaustion={name: _exhaustion(ratios[name], now, as_of) for name in EXHAUSTION_WINDOWS},
    )


def _calm(now: Figures | None, as_of: int) -> Burn:
    """No downtime in any window: what every service shows nearly always."""
    return Burn(
        rate=dict.fromkeys(WINDOWS, _rate(ZERO, now)),
        error_ratio=dict.fromkeys(WINDOWS, ZERO),
        exhaustion=dict.fromkeys(EXHAUSTION_WINDOWS, _exhaustion(ZERO, now, as_of)),
    )


class Recent(NamedTuple):
    """What the widest window holds, by account; everything ends at `as_of` or before."""

    down: Spans
    excused: Spans
    unknown: Spans


def _recent(booked: Sequence[Booked], as_of: int) -> Recent:
    start = as_of - WIDEST
    recent = Recent([], [], [])
    known_from = as_of
    for month in booked:
        window = Period(max(start, month.period.start), min(as_of, month.period.end))
        if window.start < window.end:
            known_from = min(known_from, window.start)
            part = book(month.segments, month.cover, window)
            recent.unknown.extend(part.unknown)
            for first, last, exclusions in part.pieces():
                (recent.excused if exclusions else recent.down).append((first, last))
    recent.unknown.append((start, known_from))
    return recent


def error_ratio(recent: Recent, as_of: int, width: int) -> Ratio:
    """D_w / max(w - E_w - U_w, w/2): the floor keeps a short outage beside a long excuse from reading as a blaze."""
    down, excused, unknown = (_since(spans, as_of - width) for spans in recent)
    if down == 0:
        return ZERO
    return Ratio(2 * down, max(2 * (width - excused - unknown), width))


def _since(spans: Spans, start: int) -> int:
    """Milliseconds of the spans from `start` on."""
    return sum(last - max(first, start) for first, last in spans if last > start)


def _rate(ratio: Ratio, now: Figures | None) -> Ratio | None:
    if now is None:
        return None
    if now.base == 0:
        return ZERO
    if now.budget == 0:
        return None
    return Ratio(ratio.numerator * now.base, ratio.denominator * now.budget)


def _exhaustion(ratio: Ratio, now: Figures | None, as_of: int) -> int | None:
    if now is None:
        return None
    if now.remaining <= 0:
        return as_of
    if ratio.numerator == 0:
        return None
    instant = as_of + now.remaining * ratio.denominator // ratio.numerator
    return instant if instant <= now.period.end else None
