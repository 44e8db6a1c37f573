"""Sealed days in the store: a `seal` as a row of columns, and letting the results under it go.

A seal as the daemon makes it takes some 90 bytes; one that these columns cannot hold exactly is kept as its line, like
any other fact, and no result goes under it. `gone` says of each seal that was looked at how many results went under it,
`group_gone` how many a commit group has lost. A group that holds a fact of another kind loses none: its digest proves
that fact. What is left of a group that lost some is proved by the `rest` of their seals (verify.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from monitor.errors import FactError, InputError
from monitor.facts import Fact, canonical_line
from monitor.facts.seals import Seal, SealFields, Stretch, seal_fact, seal_id, seal_of
from monitor.ledger.period import DAY, format_instant
from monitor.store.rows import template
from monitor.store.sqlite import Database

SealRow = tuple[int, int, int, int, int, int, bytes, bytes, bytes | None]
"""seq, series, day (since 1970), learned (`recorded_at` less the day's end), waited (`recorded_at - as_of`), size,
digest, stretches, rest."""

INSERT_SEAL = "INSERT INTO seal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
COLUMNS = "seq, series, day, learned, waited, size, digest, stretches, rest"
RECORDED = f"((day + 1) * {DAY} + learned)"

_STRETCH = Struct("<4I")
_HASH = "sha256:"
_DIGEST_BYTES = 32


class Series(dict[int, tuple[str, str]]):
    """Check and vantage by the number of their series, all of a store."""

    def __init__(self, database: Database) -> None:
        super().__init__({number: (check, vantage) for number, check, vantage in _series(database)})


def _series(database: Database) -> list[tuple[int, str, str]]:
    return database.rows("SELECT id, check_name, vantage FROM series") if has_seals(database) else []


def has_seals(database: Database) -> bool:
    """Whether the store is of a version that has sealed days: a former one can be read as it is."""
    return database.row("SELECT 1 FROM sqlite_master WHERE name = 'seal'") is not None


def number_of(database: Database, check: str, vantage: str) -> int:
    """The number of a series, a new one where it has none. Within a transaction."""
    found = database.row("SELECT id FROM series WHERE check_name = ? AND vantage = ?", (check, vantage))
    if found is None:
        newest = database.row("SELECT coalesce(max(id), 0) FROM series")
        found = (newest[0] + 1 if newest else 1,)
        database.insert("INSERT INTO series VALUES (?, ?, ?)", [(found[0], check, vantage)])
    return int(found[0])


def to_row(seq: int, fact: Fact, database: Database) -> SealRow | None:
    """The columns of a seal, None where they cannot hold it exactly. Within a transaction."""
    seal = seal_of(fact)
    if seal is None or fact.id != seal_id(seal):
        return None
    digest, rest = _bytes(seal.digest), None if seal.rest is None else _bytes(seal.rest)
    if digest is None or (rest is None) != (seal.rest is None):
        return None
    if not isinstance(fact.fields, SealFields) and canonical_line(seal_fact(seal)) != canonical_line(fact):
        return None
    packed = [_packed(stretch, seal.start) for stretch in seal.stretches]
    if any(each is None for each in packed):
        return None
    series = number_of(database, seal.check, seal.vantage)
    learned, waited = fact.recorded_at - seal.start - DAY, fact.recorded_at - seal.as_of
    stretches = b"".join(each for each in packed if each is not None)
    return seq, series, seal.start // DAY, learned, waited, seal.size, digest, stretches, rest


def _bytes(spelled: str) -> bytes | None:
    try:
        found = bytes.fromhex(spelled.removeprefix(_HASH))
    except ValueError:
        return None
    return found if len(found) == _DIGEST_BYTES and spelled == _HASH + found.hex() else None


def _packed(stretch: Stretch, start: int) -> bytes | None:
    if stretch.hold_ms >= 2**32 or stretch.passes >= 2**32:
        return None
    return _STRETCH.pack(stretch.first - start, stretch.last - start, stretch.passes, stretch.hold_ms)


def from_row(row: SealRow, series: Series) -> Seal:
    """The seal of a row. Raises KeyError or struct.error for a row that is none of ours."""
    _, number, day, learned, waited, size, digest, stretches, rest = row
    check, vantage = series[number]
    start = day * DAY
    recorded_at = start + DAY + learned
    found: tuple[Stretch, ...]
    if len(stretches) == _STRETCH.size:  # a day without trouble, as most are
        first, last, passes, hold_ms = _STRETCH.unpack(stretches)
        found = (Stretch(start + first, start + last, passes, hold_ms),)
    else:
        found = tuple(
            Stretch(start + first, start + last, passes, hold_ms)
            for first, last, passes, hold_ms in _STRETCH.iter_unpack(stretches)
        )
    outside = None if rest is None else _HASH + rest.hex()
    return Seal(check, vantage, start, recorded_at, recorded_at - waited, size, _HASH + digest.hex(), found, outside)


def seals_recorded(database: Database, last_seq: int, as_of: int) -> list[tuple[int, Seal]]:
    """Seals with their seqs, recorded by `as_of`."""
    if not has_seals(database):
        return []
    series = Series(database)
    rows: list[SealRow] = database.rows(
        f"SELECT {COLUMNS} FROM seal WHERE seq <= ? AND {RECORDED} <= ?",  # noqa: S608 - our own columns
        (last_seq, as_of),
    )
    return [(row[0], from_row(row, series)) for row in rows]


def stretches_in(row: SealRow) -> Iterator[Stretch]:
    """Those of a row."""
    start = row[2] * DAY
    for first, last, passes, hold_ms in _STRETCH.iter_unpack(row[7]):
        yield Stretch(start + first, start + last, passes, hold_ms)


def seals_between(database: Database, first_seq: int, last_seq: int) -> list[tuple[int, Seal]]:
    """Seals with these seqs, both ends inclusive."""
    if not has_seals(database):
        return []
    rows: list[SealRow] = database.rows(
        f"SELECT {COLUMNS} FROM seal WHERE seq BETWEEN ? AND ?",  # noqa: S608 - our own columns
        (first_seq, last_seq),
    )
    series = Series(database) if rows else None
    return [(row[0], from_row(row, series)) for row in rows] if series is not None else []


def extent_recorded(database: Database) -> list[int]:
    """The first and the last `recorded_at` of the seals; none without one."""
    found = database.row(f"SELECT min({RECORDED}), max({RECORDED}) FROM seal") if has_seals(database) else None  # noqa: S608
    return [instant for instant in found or () if instant is not None]


def holds(database: Database, fact: Fact) -> bool:
    """Whether a seal of this id is among the columns."""
    seal = seal_of(fact) if has_seals(database) else None
    if seal is None or fact.id != seal_id(seal):
        return False
    return (
        database.row(
            "SELECT 1 FROM seal JOIN series ON series.id = seal.series"
            " WHERE check_name = ? AND vantage = ? AND day = ?",
            (seal.check, seal.vantage, seal.start // DAY),
        )
        is not None
    )


class Sealed(NamedTuple):
    """A seal as it stands in the store; `gone` is None where nobody looked yet which results may go."""

    seq: int
    seal: Seal
    gone: int | None


def sealed_on(database: Database, start: int) -> list[Sealed]:
    """The seals of the UTC day that begins at `start`."""
    if not has_seals(database):
        return []
    series = Series(database)
    rows = database.rows(
        f"SELECT {COLUMNS}, gone.results FROM seal LEFT JOIN gone ON gone.seal = seal.seq WHERE day = ?",  # noqa: S608
        (start // DAY,),
    )
    return [Sealed(row[0], from_row(row[:-1], series), row[-1]) for row in rows]


def days_to_look_at(database: Database, recorded_by: int) -> list[int]:
    """The first instants of the days with seals recorded by then of which nobody looked which results may go."""
    if not has_seals(database):
        return []
    rows = database.rows(
        f"SELECT DISTINCT day FROM seal WHERE {RECORDED} <= ? AND NOT EXISTS"  # noqa: S608 - our own columns
        " (SELECT 1 FROM gone WHERE gone.seal = seal.seq) ORDER BY day",
        (recorded_by,),
    )
    return [day * DAY for (day,) in rows]


def gone_until(database: Database) -> int | None:
    """The end of the last day of which results have gone, UTC ms; None where none have."""
    if not has_seals(database):
        return None
    found = database.row("SELECT max(day) FROM seal JOIN gone ON gone.seal = seal.seq WHERE results > 0")
    return None if found is None or found[0] is None else (found[0] + 1) * DAY


def refuse_before_seals(database: Database, as_of: int) -> None:
    """Raises InputError where results recorded by `as_of` have gone under a seal that was recorded after it."""
    if not has_seals(database):
        return
    found = database.row(
        f"SELECT day, {RECORDED} FROM seal JOIN gone ON gone.seal = seal.seq"  # noqa: S608 - our own columns
        f" WHERE results > 0 AND {RECORDED} > ? AND day * {DAY} <= ? ORDER BY 2 DESC LIMIT 1",
        (as_of, as_of),
    )
    if found is not None:
        day = format_instant(found[0] * DAY)[:10]
        raise InputError(
            f"{database.path}: as of {format_instant(as_of)}: results of {day} have gone under a seal that was recorded"
            f" later; ask as of {format_instant(found[1])} or later, or as of the instant that a month was closed as of"
        )


def prepare(database: Database, span: tuple[int, int]) -> Groups:
    """What `let_go` needs to know of the seqs from the first to the last of `span`. Within a transaction."""
    numbers = {series: number for number, series in Series(database).items()}
    met: list[tuple[int, int]] = []
    for number, body in database.rows("SELECT id, body FROM template WHERE id NOT IN (SELECT template FROM passing)"):
        shared = template(number, body).shared
        series = numbers.get((shared.check, shared.vantage))
        if series is not None and shared.outcome == "pass" and not shared.confirm:
            met.append((number, series))
    database.insert("INSERT INTO passing VALUES (?, ?)", met)
    return Groups(database, *span)


class Groups:
    """The commit groups over a range of seqs, and which of them hold a fact that is no result."""

    def __init__(self, database: Database, first_seq: int, last_seq: int) -> None:
        n = _group_of(database, first_seq)
        rows = database.rows(
            "SELECT n, first_seq, last_seq FROM commit_group WHERE n >= ? AND first_seq <= ? ORDER BY n", (n, last_seq)
        )
        self._numbers: list[int] = [row[0] for row in rows]
        self._lasts: list[int] = [row[2] for row in rows]
        between = (rows[0][1], rows[-1][2]) if rows else (0, 0)
        self._held: set[int] = set()
        for table in ("fact", "seal"):
            for (seq,) in database.rows(f"SELECT seq FROM {table} WHERE seq BETWEEN ? AND ?", between):  # noqa: S608
                self._held.add(self.of(seq))

    def of(self, seq: int) -> int:
        """The number of the group that holds a seq."""
        return self._numbers[bisect_left(self._lasts, seq)]

    def free(self, seqs: Iterable[int]) -> list[int]:
        """Those in groups that hold results alone."""
        return [seq for seq in seqs if self.of(seq) not in self._held]


def _group_of(database: Database, seq: int) -> int:
    newest = database.row("SELECT coalesce(max(n), 0) FROM commit_group")
    low, high = 1, newest[0] if newest else 1
    while low < high:
        middle = (low + high) // 2
        found = database.row("SELECT last_seq FROM commit_group WHERE n = ?", (middle,))
        if found is not None and found[0] < seq:
            low = middle + 1
        else:
            high = middle
    return low


def let_go(database: Database, groups: Groups, seal_seq: int, seqs: Sequence[int]) -> int:
    """Deletes the results of these seqs under a seal, but for those that share a group with other facts; answers how
    many. Within a transaction."""
    free = groups.free(seqs)
    database.insert("DELETE FROM result WHERE seq = ?", [(seq,) for seq in free])
    database.insert("INSERT INTO gone VALUES (?, ?)", [(seal_seq, len(free))])
    lost(database, Counter(map(groups.of, free)).items())
    return len(free)


def lost(database: Database, counts: Iterable[tuple[int, int]]) -> None:
    """Says of commit groups by number how many results they lost. Within a transaction."""
    database.insert(
        "INSERT INTO group_gone VALUES (?, ?) ON CONFLICT (n) DO UPDATE SET results = results + excluded.results",
        list(counts),
    )


def record_gone(database: Database, given: Iterable[tuple[int, int]]) -> None:
    """Says of seals by seq how many results went under them, when a store is made again. Within a transaction; raises
    FactError where that is not what the groups have lost."""
    database.insert("INSERT INTO gone VALUES (?, ?)", list(given))
    sums = [database.row(f"SELECT coalesce(sum(results), 0) FROM {table}") for table in ("gone", "group_gone")]  # noqa: S608
    if sums[0] != sums[1]:
        raise FactError("results are missing that no seal accounts for; export anew")
