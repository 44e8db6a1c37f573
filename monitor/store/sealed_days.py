"""Seals filed by series: up to 256 days of one check at one vantage a row, so that a year of a fleet is read at once.

`seals_by_series` says nothing that `seal` does not say: it is written in the same transaction, checked by `verify`, and
made again where it is not filed up to the newest seal, as in a store of a former version.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from struct import Struct, pack
from typing import NamedTuple, cast

from monitor.facts.seals import Seal, SealedDays, Stretch, joined
from monitor.ledger.period import DAY
from monitor.store.seals import COLUMNS, SealRow, Series, from_row, has_seals, stretches_in
from monitor.store.sqlite import Database, damaged

_DAYS_BITS = 8
"""2^8 days a row: a row fills its pages, and a year has two or three."""

_QUARTER_BITS = 6
"""2^6 days a quarter of a row, which is unpacked by itself: one of which a day is asked for is soon unpacked."""

_FEW = 8
"""Days that are taken out of a quarter together where one of them is asked for: results stand near outages alone."""

_SELECT = "SELECT series, block, last_seq, recorded, size, stretches, digests, days FROM seals_by_series"
_REPLACE = "INSERT OR REPLACE INTO seals_by_series VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_QUARTER = Struct("<2qBBII")  # size, newest recorded; which, days less one; bytes of stretches, of days
_ROW = Struct("<5qBIB")  # seq, day, learned, waited, size; place of the digest, bytes of stretches and of rest
_JOINED = Struct("<3qI")  # first and last since the first day, passes, hold_ms
_DIGEST_BYTES = 32
_LAST_QUARTER = (1 << _DAYS_BITS - _QUARTER_BITS) - 1


class _Filed(NamedTuple):
    """A row. `recorded` is that of the newest seal, `last_seq` the highest; `stretches` are joined, `digests`
    ascending, `days` the seals without their digests, by quarters."""

    series: int
    block: int
    last_seq: int
    recorded: int
    size: int
    stretches: bytes
    digests: bytes
    days: bytes


_Row = tuple[int, int, int, int, int, bytes, bytes, bytes]
"""The same as it is read: of thousands most are never asked for by name."""


class _Quarter(NamedTuple):
    """Up to 64 days of a row: its number there, and what the row says of all. `places` are those of its digests in the
    row, ascending; `days` its seals, each with the place of its digest among these."""

    number: int
    size: int
    recorded: int
    places: tuple[int, ...]
    stretches: bytes
    days: bytes


def has_sealed_days(database: Database) -> bool:
    """Whether the store is of a version that files seals."""
    return database.row("SELECT 1 FROM sqlite_master WHERE name = 'seals_by_series'") is not None


def file_seals(database: Database, rows: Iterable[SealRow]) -> None:
    """Adds new rows of `seal`. Within a transaction."""
    filed: list[_Filed] = []
    for (series, block), new in groupby(sorted(rows, key=_place), key=_place):
        found = database.row(f"{_SELECT} WHERE series = ? AND block = ?", (series, block))
        known = [] if found is None else _rows_of(_Filed(*found))
        filed.append(_filed([*known, *new]))
    database.insert(_REPLACE, filed)


def is_filed(database: Database) -> bool:
    """Whether all seals are filed."""
    found = database.row("SELECT (SELECT max(seq) FROM seal) IS (SELECT max(last_seq) FROM seals_by_series)")
    return found is not None and bool(found[0])


def file_all(database: Database) -> None:
    """Files every seal, whatever was filed before. Within a transaction."""
    database.execute("DELETE FROM seals_by_series")
    database.insert(_REPLACE, _all_filed(database))


def check_filed(database: Database) -> None:
    """Raises StoreDamagedError where what is filed is not what the seals say."""
    if not has_sealed_days(database) or not is_filed(database):
        return
    count = 0
    for made in _all_filed(database):
        count += 1
        found = database.row(f"{_SELECT} WHERE series = ? AND block = ?", (made.series, made.block))
        if found is None or _told(_Filed(*found)) != _told(made):
            raise damaged(database.path, f"the seals of series {made.series} are filed wrongly")
    if database.row("SELECT count(*) FROM seals_by_series") != (count,):
        raise damaged(database.path, "seals are filed that there are not")


def _told(filed: _Filed) -> tuple[object, ...]:
    """What a row says: the bytes of its compressed parts are of the library that made them."""
    return *filed[:-1], *(quarter[:-1] for quarter in _quarters(filed.days)), *_rows_of(filed)


def days_recorded(database: Database, last_seq: int, as_of: int) -> tuple[list[SealedDays], bool]:
    """The seals recorded by `as_of` up to a seq, one object a series; and whether there are later ones. Raises
    KeyError, ValueError, struct.error or zlib.error where a row is none of ours."""
    if not has_seals(database):
        return [], False
    by_series: dict[int, list[_Row]] = {}
    is_all = True
    for filed in _read(database):
        known = filed
        series, _, newest, recorded = filed[:4]
        if newest > last_seq or recorded > as_of:
            is_all = False
            rows = [row for row in _rows_of(_Filed(*filed)) if row[0] <= last_seq and _recorded(row) <= as_of]
            if not rows:
                continue
            known = _filed(rows)
        by_series.setdefault(series, []).append(known)
    unpack = _Unpacking(Series(database))
    return [unpack.together(filed) for filed in by_series.values()], not is_all


def _read(database: Database) -> list[_Row]:
    """What is filed, each series in order of day; made anew where seals are not filed."""
    rows: list[_Row] = database.rows(_SELECT) if has_sealed_days(database) else []
    newest = database.row("SELECT coalesce(max(seq), 0) FROM seal")
    if newest is not None and max((row[2] for row in rows), default=0) < newest[0]:
        rows = [*_all_filed(database)]
    rows.sort(key=itemgetter(1))  # by block: nearly so already
    return rows


def _all_filed(database: Database) -> Iterator[_Filed]:
    """As all seals would be filed, from the seals themselves."""
    for (block,) in database.rows(f"SELECT DISTINCT day >> {_DAYS_BITS} FROM seal ORDER BY 1"):  # noqa: S608
        days = (block << _DAYS_BITS, (block + 1 << _DAYS_BITS) - 1)
        rows: list[SealRow] = database.rows(f"SELECT {COLUMNS} FROM seal WHERE day BETWEEN ? AND ?", days)  # noqa: S608
        yield from (_filed(list(those)) for _, those in groupby(sorted(rows, key=_place), key=_place))


def _place(row: SealRow) -> tuple[int, int]:
    return row[1], row[2] >> _DAYS_BITS


def _recorded(row: SealRow) -> int:
    return (row[2] + 1) * DAY + row[3]


def _filed(rows: Sequence[SealRow]) -> _Filed:
    """Rows of one place, of a day each."""
    ordered = sorted(rows, key=itemgetter(2))
    series, block = _place(ordered[0])
    digests = sorted(row[6] for row in ordered)
    places = {digest: place for place, digest in enumerate(digests)}
    quarters = groupby(ordered, key=lambda row: row[2] >> _QUARTER_BITS)
    return _Filed(
        series,
        block,
        max(row[0] for row in ordered),
        max(map(_recorded, ordered)),
        sum(row[5] for row in ordered),
        _together(ordered, _first_day(block)),
        b"".join(digests),
        b"".join(_quarter(list(those), places) for _, those in quarters),
    )


def _together(rows: Iterable[SealRow], start: int) -> bytes:
    """Their stretches, joined, since an instant."""
    stretches = joined(stretch for row in rows for stretch in stretches_in(row))
    return b"".join(_JOINED.pack(first - start, last - start, passes, hold) for first, last, passes, hold in stretches)


def _quarter(rows: Sequence[SealRow], of_row: Mapping[bytes, int]) -> bytes:
    number = (rows[0][2] >> _QUARTER_BITS) & _LAST_QUARTER
    places = sorted(of_row[row[6]] for row in rows)
    among = {place: count for count, place in enumerate(places)}
    stretches = _together(rows, _first_day(rows[0][2] >> _DAYS_BITS))
    days = zlib.compress(b"".join(_packed(row, among[of_row[row[6]]]) for row in rows), 1)
    size, recorded = sum(row[5] for row in rows), max(map(_recorded, rows))
    head = _QUARTER.pack(size, recorded, number, len(rows) - 1, len(stretches), len(days))
    return head + pack(f"<{len(places)}B", *places) + stretches + days


def _quarters(packed: bytes) -> Iterator[_Quarter]:
    place = 0
    while place < len(packed):
        size, recorded, number, count, length, days = _QUARTER.unpack_from(packed, place)
        begin = place + _QUARTER.size
        middle = begin + count + 1
        end = middle + length
        place = end + days
        yield _Quarter(number, size, recorded, tuple(packed[begin:middle]), packed[middle:end], packed[end:place])


def _packed(row: SealRow, digest: int) -> bytes:
    seq, _, day, learned, waited, size, _, stretches, rest = row
    outside = b"" if rest is None else rest
    return _ROW.pack(seq, day, learned, waited, size, digest, len(stretches), len(outside)) + stretches + outside


def _rows_of(filed: _Filed) -> list[SealRow]:
    return [row for quarter in _quarters(filed.days) for row in _days_of(filed, quarter)]


def _days_of(filed: _Filed, quarter: _Quarter) -> list[SealRow]:
    rows: list[SealRow] = []
    packed = zlib.decompress(quarter.days)
    place = 0
    while place < len(packed):
        seq, day, learned, waited, size, digest, length, outside = _ROW.unpack_from(packed, place)
        begin = place + _ROW.size
        end = begin + length
        place = end + outside
        found = _digest(filed, quarter.places[digest])
        rest = packed[end:place] if outside else None
        rows.append((seq, filed.series, day, learned, waited, size, found, packed[begin:end], rest))
    return rows


def _digest(filed: _Filed, place: int) -> bytes:
    return filed.digests[place * _DIGEST_BYTES : (place + 1) * _DIGEST_BYTES]


class _Unpacking:
    """From rows to what the ledger reads, and on to single seals where it asks for them."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def together(self, filed: Sequence[_Row]) -> SealedDays:
        """All of these, of one series and in order of day."""
        series, blocks, _, recorded, sizes, stretches, digests, _ = zip(*filed, strict=True)
        check, vantage = self._series[series[0]]
        start, end = _first_day(blocks[0]), _first_day(blocks[-1] + 1)
        whole = joined(_stretches(blocks, stretches))
        return SealedDays(
            check, vantage, start, end, max(recorded), sum(sizes), b"".join(digests), whole, filed, self._parts
        )

    def _parts(self, days: SealedDays) -> Sequence[SealedDays]:
        filed = cast("Sequence[_Row]", days.packed)
        if len(filed) > 1:
            return [self.together([each]) for each in filed]
        row = _Filed(*filed[0])
        return [self._quarter(row, quarter) for quarter in _quarters(row.days)]

    def _quarter(self, filed: _Filed, quarter: _Quarter) -> SealedDays:
        check, vantage = self._series[filed.series]
        start = _first_day(filed.block) + (quarter.number << _QUARTER_BITS) * DAY
        digests = b"".join([_digest(filed, place) for place in quarter.places])
        whole = tuple(_stretches([filed.block], [quarter.stretches]))
        told = (start, start + (1 << _QUARTER_BITS) * DAY, quarter.recorded, quarter.size, digests, whole)
        return SealedDays(check, vantage, *told, (filed, quarter), self._fews)

    def _fews(self, days: SealedDays) -> Sequence[SealedDays]:
        filed, quarter = cast("tuple[_Filed, _Quarter]", days.packed)
        rows = _days_of(filed, quarter)
        return [self._few(rows[place : place + _FEW]) for place in range(0, len(rows), _FEW)]

    def _few(self, rows: Sequence[SealRow]) -> SealedDays:
        check, vantage = self._series[rows[0][1]]
        start, end = rows[0][2] * DAY, (rows[-1][2] + 1) * DAY
        digests = b"".join([row[6] for row in rows])
        whole = joined(stretch for row in rows for stretch in stretches_in(row))
        recorded, size = max(map(_recorded, rows)), sum(row[5] for row in rows)
        return SealedDays(check, vantage, start, end, recorded, size, digests, whole, rows, self._each)

    def _each(self, days: SealedDays) -> Sequence[Seal]:
        return [from_row(row, self._series) for row in cast("Sequence[SealRow]", days.packed)]


def _stretches(blocks: Iterable[int], packed: Iterable[bytes]) -> Iterator[Stretch]:
    for block, stretches in zip(blocks, packed, strict=True):
        start = _first_day(block)
        for first, last, passes, hold_ms in _JOINED.iter_unpack(stretches):
            yield Stretch(start + first, start + last, passes, hold_ms)


def _first_day(block: int) -> int:
    return (block << _DAYS_BITS) * DAY
