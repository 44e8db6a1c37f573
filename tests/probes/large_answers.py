"""Answers as large as a name server may make them, in the shapes that cost the most to whoever keeps each record."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import count

import dns.message
import dns.rdatatype

LARGEST = 65_535  # what the length before a message over TCP can say (RFC 1035 section 4.2.2)
LONG_NAME = b"".join(b"\x3f" + bytes([letter]) * 63 for letter in (1, 2, 3)) + b"\x3d" + b"\4" * 61 + b"\0"
"""255 bytes, none of them a letter: spelled for people each is four."""

_A, _CNAME, _UNKNOWN = 1, 5, 999
_ASKED = b"\xc0\x0c"  # a pointer to the question's name

Record = Callable[[bytes, int], bytes]
"""From a pointer to LONG_NAME and a number to a record."""

Reply = Callable[[dns.message.Message], bytes]


def record(owner: bytes, kind: int, data: bytes, ttl: int = 60) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def message(query: dns.message.Message, records: list[bytes], flags: int = 0x8180) -> bytes:
    """An answer to the query that holds these records, whatever they are."""
    asked = query.question[0]
    question = (asked.name.to_wire() or b"") + struct.pack("!HH", asked.rdtype, asked.rdclass)
    return struct.pack("!HHHHHH", query.id, flags, 1, len(records), 0, 0) + question + b"".join(records)


def filled(make: Record, size: int = LARGEST, first: bool = True) -> Reply:
    """As many records as there is room for; before them, LONG_NAME's own."""

    def reply(query: dns.message.Message) -> bytes:
        place = len(message(query, []))
        records = [record(LONG_NAME, _CNAME, _ASKED)] if first else []
        room = size - place - sum(map(len, records))
        for number in count():
            each = make(struct.pack("!H", 0xC000 | place), number)
            room -= len(each)
            if room < 0:
                return message(query, records)
            records.append(each)
        raise AssertionError

    return reply


def addresses(size: int = LARGEST) -> Reply:
    """Of the type that is asked for."""

    def reply(query: dns.message.Message) -> bytes:
        return filled(lambda _, number: _address(query, _ASKED, number), size, first=False)(query)

    return reply


def addresses_of_long_names(query: dns.message.Message) -> bytes:
    return filled(lambda name, number: _address(query, name, number))(query)


def _address(query: dns.message.Message, owner: bytes, number: int) -> bytes:
    """In 127.1.0.0/16, for IPv6 too (RFC 4291 section 2.5.5.2)."""
    kind, address = query.question[0].rdtype, b"\x7f\1" + number.to_bytes(2, "big")
    return record(owner, kind, address if kind == dns.rdatatype.A else bytes(10) + b"\xff\xff" + address)


aliases_of_long_names = filled(lambda name, number: record(name, _CNAME, name))
records_of_no_known_type = filled(lambda name, number: record(b"\0", _UNKNOWN, b""), first=False)
