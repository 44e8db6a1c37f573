"""Days of Web Vitals in the store: the line of a `vitals_day` fact, packed.

As JSON a bucket of its histogram takes ten bytes, as a number in a row of numbers one or less, and what else stands in
such a line hardly differs between two of them. A line that this cannot make again exactly is kept as it is, like that
of any other fact. The row in `fact` stays, with an empty `line`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import cast

from monitor.facts import canonical_json
from monitor.store.sqlite import Database

INSERT_PACKED = "INSERT INTO packed VALUES (?, ?)"

WIDEST = 4096
"""Buckets from the first to the last that are packed: 128 octaves, where what a page can send covers 40."""

_OFTEN = (
    b'"country":"US","day":"2026-01-01","good":1,"id":"vitals/LCP/2026-01-01/US","kind":"vitals_day","limit":"<= 2500",'
    b'"metric":"LCP","needs_improvement":1,"poor":1,"recorded_at":"2026-01-04T00:00:00.000Z","source":"web-vitals/open"'
    b',"zero":0}\n'
)
"""What is in nearly every line, for zlib to refer to: part of the format."""


def pack(line: bytes) -> bytes | None:
    """The canonical line of a `vitals_day` fact, packed; None where it would not come out again as it is."""
    buckets = cast("Mapping[str, int]", json.loads(line)["buckets"])
    opening = canonical_json({"buckets": {**buckets}})[:-1]
    indices = [int(index) for index in buckets]
    if not indices or max(indices) - min(indices) >= WIDEST or not line.startswith(opening + b","):
        return None
    first = min(indices)
    counts = _written(buckets.get(str(index), 0) for index in range(first, max(indices) + 1))
    packer = zlib.compressobj(9, zdict=_OFTEN)
    plain = b"\n".join((line[len(opening) + 1 :], str(first).encode(), counts))
    body = packer.compress(plain) + packer.flush()
    return body if unpack(body) == line else None


def unpack(body: bytes) -> bytes:
    """The canonical line. Raises zlib.error, ValueError or IndexError for what is none of ours."""
    unpacker = zlib.decompressobj(zdict=_OFTEN)
    rest, first, counts = unpacker.decompress(body).split(b"\n", 2)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it is cut, or more than was packed")  # at its end stands a checksum
    buckets = {str(index): count for index, count in enumerate(_read(counts), int(first)) if count}
    return canonical_json({"buckets": {**buckets}})[:-1] + b"," + rest


def _written(counts: Iterable[int]) -> bytes:
    """Numbers, the low seven bits first; the eighth says that more follow (LEB128)."""
    found = bytearray()
    for count in counts:
        left = count
        while left > 0x7F:
            found.append(left & 0x7F | 0x80)
            left >>= 7
        found.append(left)
    return bytes(found)


def _read(written: bytes) -> Iterable[int]:
    count = shift = 0
    for byte in written:
        count |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            yield count
            count = shift = 0


def has_packed(database: Database) -> bool:
    """Whether the store is of a version that packs lines: a former one can be read as it is."""
    return database.row("SELECT 1 FROM sqlite_master WHERE name = 'packed'") is not None


def body_column(database: Database) -> str:
    """What to select beside `line` of `fact`, for `line_of`."""
    if not has_packed(database):
        return "NULL"
    return "CASE WHEN line = '' THEN (SELECT body FROM packed WHERE packed.seq = fact.seq) END"


def line_of(line: str, body: bytes | None) -> str:
    """The canonical line of a row of `fact`. Raises as `unpack` does."""
    return line if body is None else unpack(body).decode()
