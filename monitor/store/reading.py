"""Reading the log: facts of a period, canonical lines, heads. Needs no lock, and works beside a writing daemon.

A log that only grows needs no long transaction to be read as of one moment: the last seq is read first, and nothing
after it is looked at. Each query is finished before anything is handed on, so no reader holds back a checkpoint.
"""

from __future__ import annotations

import json
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import zip_longest
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import NamedTuple

from monitor.errors import FactError
from monitor.facts import AnyFact, Fact, Result, canonical_line
from monitor.facts.seals import SealedDays, seal_fact
from monitor.ledger.period import DAY, Period
from monitor.store import seals
from monitor.store.chain import EMPTY, Head
from monitor.store.packed import body_column, line_of
from monitor.store.rows import RESULT_COLUMNS, ResultRow, Template, from_row, row_line, template
from monitor.store.schema import CHUNK_BITS
from monitor.store.sealed_days import days_recorded
from monitor.store.sqlite import Database, damaged

_LINES_AT_ONCE = 4096  # seqs a query while the whole log is walked
_Place = tuple[int, int]  # recorded_at, seq: the order of recording
_Placed = tuple[int, int, "AnyFact | _Packed"]
_PLACE = itemgetter(0, 1)
_SEQ, _RECORDED, _ROW_PLACE = itemgetter(0), itemgetter(3), itemgetter(3, 0)  # of a ResultRow
_BROKEN = (
    FactError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)


class Zone(NamedTuple):
    """Extent of the results among the seqs `[first_seq, last_seq]`, both ends inclusive; instants in UTC ms."""

    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    first_recorded: int
    last_recorded: int

    def joined(self, later: Zone) -> Zone:
        """The zone over both; `later` has the later seqs."""
        return Zone(
            self.first_seq,
            later.last_seq,
            min(self.first_at, later.first_at),
            max(self.last_at, later.last_at),
            min(self.first_recorded, later.first_recorded),
            max(self.last_recorded, later.last_recorded),
        )


class Templates(dict[int, Template]):
    """The templates of a store by number, fetched as they are met."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def __missing__(self, number: int) -> Template:
        found = self._database.row("SELECT body FROM template WHERE id = ?", (number,))
        if found is None:
            raise damaged(self._database.path, f"template {number} is missing")
        with sound(self._database.path, f"template {number}"):
            self[number] = template(number, found[0])
        return self[number]


@contextmanager
def sound(path: Path, what: str) -> Iterator[None]:
    """Turns what fails on rows that we never wrote into StoreDamagedError."""
    try:
        yield
    except _BROKEN as error:
        raise damaged(path, f"{what} is not what was written") from error


def head_of(database: Database) -> Head:
    """The newest committed head."""
    found = database.row("SELECT n, last_seq, head FROM commit_group ORDER BY n DESC LIMIT 1")
    return EMPTY if found is None else Head(*found)


def chunk_of(seq: int) -> int:
    """The chunk that a seq falls into."""
    return seq >> CHUNK_BITS


def seqs_of(chunk: int) -> tuple[int, int]:
    """The first and the last seq of a chunk."""
    return chunk << CHUNK_BITS, (chunk + 1 << CHUNK_BITS) - 1


def closed_zones(database: Database, last_seq: int) -> list[Zone]:
    """The zones of the chunks that are full at `last_seq`, ascending; none for a chunk without results."""
    found = database.rows(
        "SELECT chunk, first_at, last_at, first_recorded, last_recorded FROM zone WHERE chunk < ? ORDER BY chunk",
        (chunk_of(last_seq + 1),),
    )
    return [Zone(*seqs_of(chunk), *extent) for chunk, *extent in found]


def open_zone(database: Database, last_seq: int) -> Zone | None:
    """The extent of the results in the chunk that still fills, from the results themselves."""
    return extent_of(database, seqs_of(chunk_of(last_seq + 1))[0], last_seq)


def extent_of(database: Database, first_seq: int, last_seq: int) -> Zone | None:
    """The extent of the results with these seqs, from the results themselves."""
    found = database.row(
        "SELECT min(at), max(at), min(at + learned), max(at + learned) FROM result WHERE seq BETWEEN ? AND ?",
        (first_seq, last_seq),
    )
    return None if found is None or found[0] is None else Zone(first_seq, last_seq, *found)


def every_zone(database: Database, last_seq: int) -> list[Zone]:
    """All zones up to `last_seq`, that of the chunk that still fills included."""
    last = open_zone(database, last_seq)
    closed = closed_zones(database, last_seq)
    return closed if last is None else [*closed, last]


class LeftOut(NamedTuple):
    """A span, both ends exclusive, of which only results are read that have these templates or were recorded after
    `as_of`, also while this is read (quiet.py)."""

    after: int
    before: int
    as_of: int
    templates: Sequence[int]

    def touches(self, zone: Zone) -> bool:
        """Whether some of a zone may lie in the span."""
        return zone.first_at < self.before and self.after < zone.last_at

    def condition(self) -> tuple[str, tuple[int, ...]]:
        """What a result that is read fulfils, as SQL with its parameters."""
        wanted = ", ".join("?" * len(self.templates))
        told = (self.after, self.before, self.as_of, *self.templates)
        return f" AND (at <= ? OR at >= ? OR at + learned > ? OR template IN ({wanted}))", told


class Window(NamedTuple):
    """Results with `at` in the period and every fact of another kind, recorded at or before `as_of`."""

    period: Period
    as_of: int
    left_out: Sequence[LeftOut] = ()


def read(database: Database, window: Window, without: Set[str]) -> Iterator[AnyFact]:
    """Facts of the window, in order of (recorded_at, seq), without those kinds. Raises StoreDamagedError at a row that
    cannot be read, InputError where results of the window have gone under a seal that is not in it."""
    seals.refuse_before_seals(database, window.as_of)
    return _read(database, window, without, head_of(database).seq)


def _read(database: Database, window: Window, without: Set[str], last_seq: int) -> Iterator[AnyFact]:
    templates = Templates(database)
    facts = _facts(database, last_seq, window.as_of, without)
    told = 0
    for run, bound in _runs(database, last_seq, window):
        until = bisect_left(facts, bound, lo=told, key=_PLACE)
        with sound(database.path, "a result"):
            if told == until:
                for row in run:
                    yield from_row(row, templates[row[1]].shared)
            else:
                results = [(row[3], row[0], from_row(row, templates[row[1]].shared)) for row in run]
                placed: list[_Placed] = sorted([*facts[told:until], *results], key=_PLACE)
                for _, _, fact in placed:
                    yield fact.fact() if isinstance(fact, _Packed) else fact
        told = until


class _Packed(NamedTuple):
    """A fact that stays packed until its turn: a year of days of Web Vitals would be 90 MB."""

    kind: str
    recorded_at: int
    body: bytes

    def fact(self) -> Fact:
        return fact_of(self.kind, self.recorded_at, line_of("", self.body))


class Log(NamedTuple):
    """Everything recorded by an instant: facts in order of recording, and the seals that are not among them."""

    facts: Iterator[AnyFact]
    sealed: Sequence[SealedDays]


def read_sealed(database: Database, window: Window) -> Log:
    """As `read`, with seals together. Where some of them are kept as lines all are facts."""
    if database.row("SELECT 1 FROM fact WHERE kind = 'seal' LIMIT 1") is not None:
        return Log(read(database, window, frozenset()), ())
    last_seq = head_of(database).seq
    with sound(database.path, "a seal"):
        sealed, are_later = days_recorded(database, last_seq, window.as_of)
    if are_later:
        seals.refuse_before_seals(database, window.as_of)
    return Log(_read(database, window, frozenset({"seal"}), last_seq), sealed)


def _runs(database: Database, last_seq: int, window: Window) -> Iterator[tuple[list[ResultRow], _Place]]:
    """Rows in order of recording, a zone or so at once, each list with the place before which it is complete."""
    zones = [zone for zone in zones_of(database, window.period, last_seq) if zone.first_recorded <= window.as_of]
    zones.sort(key=attrgetter("first_recorded", "first_seq"))
    end = (window.as_of + 1, 0)
    waiting: list[ResultRow] = []
    for zone, following in zip_longest(zones, zones[1:]):
        waiting += _rows(database, zone, window)
        waiting.sort(key=_SEQ)
        waiting.sort(key=_RECORDED)  # stable: equal ones stay in order of seq
        # By seq too: a whole import may be of one instant, and must not wait for its end.
        bound = end if following is None else (following.first_recorded, following.first_seq)
        ready = bisect_left(waiting, bound, key=_ROW_PLACE)
        yield waiting[:ready], bound
        del waiting[:ready]
    yield waiting, end


def _rows(database: Database, zone: Zone, window: Window) -> list[ResultRow]:
    (start, end), as_of, left_out = window
    asked = "WHERE seq BETWEEN ? AND ? AND at >= ? AND at < ? AND at + learned <= ?"
    parameters: tuple[int, ...] = (zone.first_seq, zone.last_seq, start, end, as_of)
    for each in left_out:
        if each.touches(zone):
            condition, told = each.condition()
            asked, parameters = asked + condition, parameters + told
    return database.rows(f"SELECT {RESULT_COLUMNS} FROM result {asked}", parameters)  # noqa: S608 - our own columns


def _facts(database: Database, last_seq: int, as_of: int, without: Set[str]) -> list[_Placed]:
    kinds = ", ".join("?" * len(without))
    rows = database.rows(
        f"SELECT seq, recorded_at, kind, line, {body_column(database)} FROM fact"  # noqa: S608 - our own columns
        f" WHERE seq <= ? AND recorded_at <= ? AND kind NOT IN ({kinds})"
        " ORDER BY recorded_at, seq",
        (last_seq, as_of, *without),
    )
    with sound(database.path, "a fact"):
        found: list[_Placed] = [
            (recorded_at, seq, fact_of(kind, recorded_at, line) if body is None else _Packed(kind, recorded_at, body))
            for seq, recorded_at, kind, line, body in rows
        ]
    if "seal" not in without:
        with sound(database.path, "a seal"):
            sealed = seals.seals_recorded(database, last_seq, as_of)
        found += [(seal.recorded_at, seq, seal_fact(seal)) for seq, seal in sealed]
        found.sort(key=_PLACE)
    return found


def fact_of(kind: str, recorded_at: int, line: str) -> Fact:
    """A fact from its canonical line, which was checked when it was written."""
    fields = json.loads(line)
    del fields["kind"], fields["recorded_at"]
    return Fact(kind, recorded_at, fields)


class Line(NamedTuple):
    """A fact of the log as its canonical line, without a line end."""

    seq: int
    line: bytes
    is_result: bool


def lines(database: Database, first_seq: int, last_seq: int) -> Iterator[Line]:
    """The lines of these seqs, both ends inclusive, in order; without those of results that have gone. Which of them
    may be missing is for whoever has the groups.

    Raises StoreDamagedError where one cannot be made again.
    """
    templates = Templates(database)
    for start in range(first_seq, last_seq + 1, _LINES_AT_ONCE):
        end = min(start + _LINES_AT_ONCE - 1, last_seq)
        yield from _lines(database, templates, start, end)


def _lines(database: Database, templates: Templates, start: int, end: int) -> list[Line]:
    rows: list[ResultRow] = database.rows(
        f"SELECT {RESULT_COLUMNS} FROM result WHERE seq BETWEEN ? AND ?",  # noqa: S608 - our own columns
        (start, end),
    )
    facts = database.rows(
        f"SELECT seq, line, {body_column(database)} FROM fact WHERE seq BETWEEN ? AND ?",  # noqa: S608 - our own columns
        (start, end),
    )
    with sound(database.path, f"a fact among {start} to {end}"):
        found = [Line(row[0], row_line(row, templates[row[1]]), is_result=True) for row in rows]
        found += [Line(seq, line_of(line, body).encode(), is_result=False) for seq, line, body in facts]
        sealed = seals.seals_between(database, start, end)
        found += [Line(seq, canonical_line(seal_fact(seal)), is_result=False) for seq, seal in sealed]
    found.sort()
    return found


def first_recorded(database: Database) -> int | None:
    """When the first fact was recorded: since when is measured. UTC ms; None in an empty store."""
    zones = [zone.first_recorded for zone in every_zone(database, head_of(database).seq)]
    found = database.row("SELECT min(recorded_at) FROM fact")
    facts = [] if found is None or found[0] is None else [int(found[0])]
    return min(zones + facts + seals.extent_recorded(database), default=None)


def newest_recorded(database: Database) -> int | None:
    """The newest `recorded_at`, UTC ms; None in an empty store."""
    zones = [zone.last_recorded for zone in every_zone(database, head_of(database).seq)]
    found = database.row("SELECT max(recorded_at) FROM fact")
    facts = [] if found is None or found[0] is None else [int(found[0])]
    return max(zones + facts + seals.extent_recorded(database), default=None)


def series_in(database: Database, period: Period) -> list[tuple[str, str]]:
    """The checks and vantages with results in the period, in order of name."""
    met: set[int] = set()
    for zone in zones_of(database, period, head_of(database).seq):
        met.update(
            number
            for (number,) in database.rows(
                "SELECT DISTINCT template FROM result WHERE seq BETWEEN ? AND ? AND at >= ? AND at < ?",
                (zone.first_seq, zone.last_seq, *period),
            )
        )
    templates = Templates(database)
    return sorted({templates[number].series for number in met})


def results_of(
    database: Database, series: Set[tuple[str, str]], period: Period
) -> dict[tuple[str, str], list[tuple[int, Result]]]:
    """The results of these checks and vantages in the period with their seqs, each in order of recording."""
    numbers = [row[0] for row in database.rows("SELECT id FROM template")]
    templates = Templates(database)
    wanted = [number for number in numbers if templates[number].series in series]
    rows: list[ResultRow] = []
    for zone in zones_of(database, period, head_of(database).seq):
        rows += database.rows(
            f"SELECT {RESULT_COLUMNS} FROM result WHERE seq BETWEEN ? AND ? AND at >= ? AND at < ?"  # noqa: S608
            f" AND template IN ({', '.join('?' * len(wanted))})",
            (zone.first_seq, zone.last_seq, *period, *wanted),
        )
    rows.sort(key=_ROW_PLACE)
    found: dict[tuple[str, str], list[tuple[int, Result]]] = {}
    with sound(database.path, "a result"):
        for row in rows:
            template = templates[row[1]]
            found.setdefault(template.series, []).append((row[0], from_row(row, template.shared)))
    return found


def zones_of(database: Database, period: Period, last_seq: int) -> list[Zone]:
    """The zones up to `last_seq` that may have results of the period."""
    zones = every_zone(database, last_seq)
    return [zone for zone in zones if zone.first_at < period.end and period.start <= zone.last_at]


def days_within(database: Database, period: Period) -> list[int]:
    """The first instants of the UTC days that begin in the period and may have results, in order."""
    days: set[int] = set()
    for zone in zones_of(database, period, head_of(database).seq):
        first, last = max(zone.first_at, period.start), min(zone.last_at, period.end - 1)
        days.update(range(first // DAY * DAY, last + 1, DAY))
    return sorted(day for day in days if day >= period.start)


def heads(database: Database, until: int) -> Iterator[Head]:
    """The head after each group up to the one numbered `until`, oldest first."""
    for start in range(1, until + 1, _LINES_AT_ONCE):
        found = database.rows(
            "SELECT n, last_seq, head FROM commit_group WHERE n BETWEEN ? AND ? ORDER BY n",
            (start, min(start + _LINES_AT_ONCE - 1, until)),
        )
        yield from (Head(*row) for row in found)
