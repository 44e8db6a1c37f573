"""What a store looks like on disk: an append-only log in SQLite, as text.

`seq` numbers every fact of the log from 1 without a hole, in the order of recording, across `result` and `fact`.

- `result`: one look of a check in at most 60 bytes. What many results share (check, vantage, outcome, hold, status,
  ...) stands once in `template`; `learned` is `recorded_at - at`, `planned` is `at - scheduled_at`, `timing` six packed
  numbers (timing.py), `rest` JSON of whatever these columns cannot hold exactly. No index but `seq`: an index on
  (check, at) makes each row write a page of its own.
- `zone`: for each finished chunk of 4,096 seqs the extent of its results' `at` and `recorded_at`, so that a month is
  read without the others. The chunk that still fills has none.
- `fact`: every other kind, as its canonical line; empty where `packed` has it (packed.py). `key` and `result_id.key`
  are what makes a second one the same.
- `commit_group`: the hash chain (accounting.md section 9): `digest` over the lines of the group, `head` over the chain.

- `seal`: what a finished day of one check at one vantage came to (facts.md, `seal`), in columns (seals.py).
- `passing`: the templates of scheduled passes, and whose they are; of no other results any may go.
- `gone`, `group_gone`: how many results went under each seal, and how many each commit group has lost.

- `packed`: the lines of days of Web Vitals, which are mostly histograms.
- `seals_by_series`: the seals once more, filed by series, up to 256 days a row (sealed_days.py).

Version 2 has the four before `packed`, and a `result_keeps` that lets a scheduled pass of a sealed day go; nothing else
ever goes from the chain. It stays provable, since heads are made of `commit_group.digest`, which stays; what is lost is
the proof of the content of a group that has lost rows, and `digest` and `rest` of the seals take its place. Version 3
has `packed`; version 4 filed seals in `sealed_days`, 64 days a row, version 5 files them in `seals_by_series`. A store
of a former version is read as it is, and made one of this version when it is opened for writing; what it holds stays as
it was written.
"""

from __future__ import annotations

from collections.abc import Iterable

APPLICATION_ID = 0x6D626F6B
"""`mbok`, in the header of the file: says whose it is."""

VERSION = 5
"""Schema version in `PRAGMA user_version`; a store of a higher one is refused (exit status 5)."""

CHUNK_BITS = 12
"""A zone covers 2^12 seqs: small enough to be read in a few ms, large enough that a year has few zones."""

_KEPT = ("template", "result_id", "fact", "zone", "commit_group")

_TABLES = """
CREATE TABLE template (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE result (
    seq INTEGER PRIMARY KEY, template INTEGER NOT NULL, at INTEGER NOT NULL, learned INTEGER NOT NULL,
    planned INTEGER, timing BLOB, rest TEXT
) STRICT;
CREATE TABLE result_id (key BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE fact (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, recorded_at INTEGER NOT NULL, key BLOB NOT NULL UNIQUE,
    line TEXT NOT NULL
) STRICT;
CREATE TABLE zone (
    chunk INTEGER PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    first_recorded INTEGER NOT NULL, last_recorded INTEGER NOT NULL
) STRICT;
CREATE TABLE commit_group (
    n INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    digest BLOB NOT NULL, head BLOB NOT NULL
) STRICT;
"""


_RESULT_STAYS = (
    "CREATE TRIGGER result_stays BEFORE UPDATE ON result "
    "BEGIN SELECT RAISE(ABORT, 'facts are never edited: result is append-only'); END;\n"
)

_SEALS = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, check_name TEXT NOT NULL, vantage TEXT NOT NULL, UNIQUE (check_name, vantage)
) STRICT;
CREATE TABLE seal (
    seq INTEGER PRIMARY KEY, series INTEGER NOT NULL, day INTEGER NOT NULL, learned INTEGER NOT NULL,
    waited INTEGER NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL, stretches BLOB NOT NULL, rest BLOB,
    UNIQUE (day, series)
) STRICT;
CREATE TABLE passing (template INTEGER PRIMARY KEY, series INTEGER NOT NULL) STRICT;
CREATE TABLE gone (seal INTEGER PRIMARY KEY, results INTEGER NOT NULL) STRICT;
CREATE TABLE group_gone (n INTEGER PRIMARY KEY, results INTEGER NOT NULL) STRICT;
"""
_SEALS_KEPT = ("series", "seal", "passing", "gone")

_SEALED_DAYS_GO = """
CREATE TRIGGER result_keeps BEFORE DELETE ON result WHEN NOT EXISTS (
    SELECT 1 FROM passing JOIN seal ON seal.series = passing.series AND seal.day = OLD.at / 86400000
    WHERE passing.template = OLD.template
) BEGIN SELECT RAISE(ABORT, 'facts are never deleted: result is append-only but for passes of sealed days'); END;
"""

_PACKED = "CREATE TABLE packed (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
_PACKED_KEPT = ("packed",)

_SEALS_BY_SERIES = """
CREATE TABLE seals_by_series (
    series INTEGER NOT NULL, block INTEGER NOT NULL, last_seq INTEGER NOT NULL, recorded INTEGER NOT NULL,
    size INTEGER NOT NULL, stretches BLOB NOT NULL, digests BLOB NOT NULL, days BLOB NOT NULL,
    PRIMARY KEY (series, block)
) STRICT;
"""


def upgrade(version: int) -> str:
    """The script that makes a store of a former version one of this version, all of it or nothing."""
    changes = {
        1: f"{_SEALS} {_guarded(_SEALS_KEPT)} DROP TRIGGER result_keeps; {_SEALED_DAYS_GO}",
        2: f"{_PACKED} {_guarded(_PACKED_KEPT)}",
        3: "",
        4: f"DROP TABLE IF EXISTS sealed_days; {_SEALS_BY_SERIES}",
    }
    change = "".join(changes[each] for each in range(version, VERSION))
    return f"BEGIN IMMEDIATE; {change} PRAGMA user_version = {VERSION}; COMMIT;"


def _guarded(tables: Iterable[str]) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'facts are never edited: {table} is append-only'); END;\n"
        f"CREATE TRIGGER {table}_keeps BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'facts are never deleted: {table} is append-only'); END;\n"
        for table in tables
    )


def creation() -> str:
    """The script that makes an empty store."""
    triggers = _guarded(_KEPT) + _RESULT_STAYS + _SEALED_DAYS_GO + _guarded((*_SEALS_KEPT, *_PACKED_KEPT))
    header = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    return (
        f"PRAGMA journal_mode = WAL; BEGIN; {header} {_TABLES} {_SEALS} {_PACKED} {_SEALS_BY_SERIES} {triggers} COMMIT;"
    )
