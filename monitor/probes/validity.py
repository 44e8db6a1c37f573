"""When a certificate ends, read from its DER (RFC 5280 section 4.1) without decoding any name in it: `ssl` decodes all
of them, and a certificate of 128 KB may hold 40,000."""

from __future__ import annotations

from calendar import timegm
from typing import NamedTuple

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_PIVOT = 50  # two digits of a year from here on are of the 20th century: RFC 5280 section 4.1.2.5.1


class _Element(NamedTuple):
    """What stands at a place in DER: its tag, and where its content begins and ends."""

    tag: int
    start: int
    end: int


def ends(der: bytes) -> int | None:
    """UTC ms; None for what is no certificate, or an end that RFC 5280 does not know."""
    try:
        here = _inside(der, _inside(der, 0))
        first = _element(der, here)
        if first.tag == _VERSION:  # left out in version 1
            here = first.end
        for _ in ("serial number", "signature", "issuer"):
            here = _element(der, here).end
        last = _element(der, _element(der, _inside(der, here)).end)
        return _instant(last.tag, der[last.start : last.end])
    except (IndexError, ValueError):
        return None


def _inside(der: bytes, place: int) -> int:
    """Where the first element of the sequence at this place begins."""
    found = _element(der, place)
    if found.tag != _SEQUENCE:
        raise ValueError("no sequence")
    return found.start


def _element(der: bytes, place: int) -> _Element:
    tag, length, start = der[place], der[place + 1], place + 2
    if length & 0x80:  # that many bytes tell it
        start += length & 0x7F
        length = int.from_bytes(der[place + 2 : start])
    return _Element(tag, start, start + length)


def _instant(tag: int, text: bytes) -> int:
    if len(text) != {_UTC_TIME: 13, _GENERALIZED_TIME: 15}.get(tag) or text[-1:] != b"Z" or not text[:-1].isdigit():
        raise ValueError("no time of RFC 5280")
    if tag == _UTC_TIME:
        text = (b"19" if int(text[:2]) >= _PIVOT else b"20") + text
    month, day, hour, minute, second = (int(text[place : place + 2]) for place in range(4, 14, 2))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise ValueError("no instant")
    return timegm((int(text[:4]), month, day, hour, minute, second)) * 1000
