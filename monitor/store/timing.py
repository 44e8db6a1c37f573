"""`duration_ms` and `phases_ms` of a result as six packed numbers: whole microseconds, 32 bits each, little-endian.

The order is duration, then the fields of Phases; `ABSENT` stands for one that was not given. What whole microseconds
cannot hold exactly is not packed at all: `pack` answers None, and the row keeps it as JSON.
"""

from __future__ import annotations

from struct import Struct

from monitor.facts import Phases

ABSENT = 2**32 - 1

_SIX = Struct("<6I")
_NO_PHASES = (ABSENT,) * 5
_NO_PHASES_PACKED = b"\xff" * 20


def pack(duration_ms: float | None, phases: Phases | None) -> bytes | None:
    """The packed numbers, or None when they cannot be held exactly (an object of no phases is no number either)."""
    try:
        if phases is None:
            return _SIX.pack(_micros(duration_ms), *_NO_PHASES)
        resolve, connect, tls, processing, transfer = phases
        numbers = (_micros(resolve), _micros(connect), _micros(tls), _micros(processing), _micros(transfer))
        return None if numbers == _NO_PHASES else _SIX.pack(_micros(duration_ms), *numbers)
    except _InexactError:
        return None


class _InexactError(Exception):
    """A number that is no whole count of microseconds, or too large."""


def _micros(milliseconds: float | None) -> int:
    if milliseconds is None:
        return ABSENT
    micros = round(milliseconds * 1000)
    if micros >= ABSENT or micros / 1000 != milliseconds:
        raise _InexactError
    return micros


def unpack(packed: bytes) -> tuple[float | None, Phases | None]:
    """Duration and phases in ms. Raises struct.error for bytes that `pack` never made."""
    duration, resolve, connect, tls, processing, transfer = _SIX.unpack(packed)
    duration_ms = None if duration == ABSENT else duration / 1000
    if packed.endswith(_NO_PHASES_PACKED):
        return duration_ms, None
    return duration_ms, Phases(
        None if resolve == ABSENT else resolve / 1000,
        None if connect == ABSENT else connect / 1000,
        None if tls == ABSENT else tls / 1000,
        None if processing == ABSENT else processing / 1000,
        None if transfer == ABSENT else transfer / 1000,
    )


def spelled(packed: bytes) -> tuple[str, str]:
    """The members `duration_ms` and `phases_ms` as they stand in a canonical line, each with a comma before it."""
    duration, resolve, connect, tls, processing, transfer = _SIX.unpack(packed)
    first = "" if duration == ABSENT else f',"duration_ms":{_number(duration)}'
    phases = ""
    if connect != ABSENT:
        phases += f',"connect":{_number(connect)}'
    if processing != ABSENT:
        phases += f',"processing":{_number(processing)}'
    if resolve != ABSENT:
        phases += f',"resolve":{_number(resolve)}'
    if tls != ABSENT:
        phases += f',"tls":{_number(tls)}'
    if transfer != ABSENT:
        phases += f',"transfer":{_number(transfer)}'
    return first, f',"phases_ms":{{{phases[1:]}}}' if phases else ""


def _number(micros: int) -> str:
    # RFC 8785 spells as ECMAScript does; from 0.001 to 2^32 that is repr() without ".0".
    return repr(micros / 1000) if micros % 1000 else str(micros // 1000)
