"""Amounts and ratios as text for people and machines: exact for ms, floored for ratios (accounting.md section 1)."""

from __future__ import annotations

from fractions import Fraction

from monitor.ledger.decimals import DIGITS, Ratio, decimal
from monitor.ledger.period import HOUR, MINUTE, SECOND

_SCALE = 10**DIGITS


def seconds(ms: int) -> str:
    """Seconds of an amount in ms, exactly: -1500 is `-1.500`, 2000 is `2`."""
    if ms % SECOND == 0:
        return str(ms // SECOND)
    if ms < 0:
        return "-" + seconds(-ms)
    text = str(ms).zfill(4)
    return f"{text[:-3]}.{text[-3:]}"


def ratio(value: Ratio | None) -> str | None:
    """What ledger.decimals.decimal writes, at a third of its cost: a page has 20,000 of them."""
    if value is None:
        return None
    numerator, denominator = value
    scaled = numerator * _SCALE // denominator
    if scaled < 0:
        return decimal(value)
    if scaled < _SCALE:
        return f"0.{str(_SCALE + scaled)[1:]}"
    text = str(scaled)
    return f"{text[:-DIGITS]}.{text[-DIGITS:]}"


def duration(ms: int) -> str:
    """An amount in ms for reading, exactly: `743h 00m 00s`, `43m 00s`, `-1m 02.500s`."""
    if ms < 0:
        return "-" + duration(-ms)
    hours, rest = divmod(ms, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    second, millisecond = divmod(rest, SECOND)
    tail = f".{millisecond:03d}s" if millisecond else "s"
    if hours:
        return f"{hours}h {minutes:02d}m {second:02d}{tail}"
    return f"{minutes}m {second:02d}{tail}" if minutes else f"{second}{tail}"


def percent(value: str | Fraction | None, digits: int = 3) -> str:
    """A ratio (or its decimal text) as a percentage floored to so many digits: 0.998996 is `99.899 %`; None is `-`."""
    if value is None:
        return "-"
    numerator, denominator = Fraction(value).as_integer_ratio()
    scaled = numerator * 10 ** (digits + 2) // denominator
    sign, text = ("-" if scaled < 0 else ""), str(abs(scaled)).zfill(digits + 1)
    return f"{sign}{text[:-digits]}.{text[-digits:]} %"


def promised(value: str | Fraction) -> str:
    """A promised ratio as it was written: `99.9 %`, and not more than 9 digits of it."""
    return percent(value, 7)[:-2].rstrip("0").rstrip(".") + " %"
