"""`duration_ms` and `phases_ms` of a result as six packed numbers: duration, then the fields of Phases.

Whole microseconds, as our own probes measure, take 32 bits each, and `ABSENT` stands for what was not given. Anything
else that a file may hold takes six doubles, with NaN for what was not given. Little-endian; the length tells which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import TypeVar

import rfc8785

from monitor.facts import Phases

ABSENT = 2**32 - 1
MISSING = float("nan")

_MICROS = Struct("<6I")
_DOUBLES = Struct("<6d")
_NO_PHASES = b"\xff" * 20  # the end of packed micros


def pack(duration_ms: float | None, phases: Phases | None) -> bytes | None:
    """The packed numbers; None when there is none to pack."""
    if phases is None:
        if duration_ms is None:
            return None
        phases = Phases()
    try:
        resolve, connect, tls, processing, transfer = phases
        packed = _MICROS.pack(
            _micros(duration_ms),
            _micros(resolve),
            _micros(connect),
            _micros(tls),
            _micros(processing),
            _micros(transfer),
        )
    except _InexactError:
        return _DOUBLES.pack(*[MISSING if number is None else number for number in (duration_ms, *phases)])
    return packed


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
    if len(packed) == _DOUBLES.size:
        found = [None if number != number else number for number in _DOUBLES.unpack(packed)]  # noqa: PLR0124 - NaN
        return found[0], Phases._make(found[1:]) if any(number is not None for number in found[1:]) else None
    duration, resolve, connect, tls, processing, transfer = _MICROS.unpack(packed)
    duration_ms = None if duration == ABSENT else duration / 1000
    if packed.endswith(_NO_PHASES):
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
    if len(packed) == _DOUBLES.size:
        return _members([None if number != number else number for number in _DOUBLES.unpack(packed)], None, _double)  # noqa: PLR0124
    return _members(_MICROS.unpack(packed), ABSENT, _micro)


Number = TypeVar("Number", int, float | None)


def _members(numbers: Sequence[Number], absent: Number, spell: Callable[[Number], str]) -> tuple[str, str]:
    duration, resolve, connect, tls, processing, transfer = numbers
    phases = ""
    if connect != absent:
        phases += f',"connect":{spell(connect)}'
    if processing != absent:
        phases += f',"processing":{spell(processing)}'
    if resolve != absent:
        phases += f',"resolve":{spell(resolve)}'
    if tls != absent:
        phases += f',"tls":{spell(tls)}'
    if transfer != absent:
        phases += f',"transfer":{spell(transfer)}'
    first = "" if duration == absent else f',"duration_ms":{spell(duration)}'
    return first, f',"phases_ms":{{{phases[1:]}}}' if phases else ""


def _micro(micros: int) -> str:
    # RFC 8785 spells as ECMAScript does; from 0.001 to 2^32 that is repr() without ".0".
    return repr(micros / 1000) if micros % 1000 else str(micros // 1000)


def _double(number: float | None) -> str:
    if number is not None and 0.001 <= number < 1e15 and not number.is_integer():
        return repr(number)
    return rfc8785.dumps(number).decode()
