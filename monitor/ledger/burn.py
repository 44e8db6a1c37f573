"""How fast the budget burns, over windows that end at `as_of` (accounting.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.ledger.accounts import Booked
from monitor.ledger.decimals import Ratio
from monitor.ledger.snapshot import EXHAUSTION_WINDOWS, WINDOWS, Burn, Figures

ZERO = Ratio(0, 1)


def burn(booked: Sequence[Booked], now: Figures | None, as_of: int) -> Burn:
    """`booked` are the months that the windows reach into, `now` the figures of the month that holds `as_of`.

    Time before all of them is unknown. `now` None (no policy in force there): rates are None.
    """
    if not any(month.down_ms for month in booked):
        return _calm(now, as_of)
    ratios = {name: error_ratio(booked, as_of, width) for name, width in WINDOWS.items()}
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


def error_ratio(booked: Sequence[Booked], as_of: int, width: int) -> Ratio:
    """D_w / max(w - E_w - U_w, w/2): the floor keeps a short outage beside a long excuse from reading as a blaze."""
    start = as_of - width
    down = excused = known = 0
    for month in booked:
        first, last = max(start, month.period.start), min(as_of, month.period.end)
        if first >= last:
            continue
        known += last - first
        for piece in month.down:
            ms = min(piece.end, last) - max(piece.start, first)
            if ms > 0 and piece.exclusions:
                excused += ms
            elif ms > 0:
                down += ms
        known -= sum(max(0, min(b, last) - max(a, first)) for a, b in month.unknown)
    if down == 0:
        return ZERO
    return Ratio(2 * down, max(2 * (known - excused), width))


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
