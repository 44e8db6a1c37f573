"""What a store looks like on disk: an append-only log in SQLite, as text.

`seq` numbers every fact of the log from 1 without a hole, in the order of recording, across `result` and `fact`.

- `result`: one look of a check in at most 60 bytes. What many results share (check, vantage, outcome, hold, status,
  ...) stands once in `template`; `learned` is `recorded_at - at`, `planned` is `at - scheduled_at`, `timing` six packed
  numbers (timing.py), `rest` JSON of whatever these columns cannot hold exactly. No index but `seq`: an index on
  (check, at) makes each row write a page of its own.
- `zone`: for each finished chunk of 4,096 seqs the extent of its results' `at` and `recorded_at`, so that a month is
  read without the others. The chunk that still fills has none.
- `fact`: every other kind, as its canonical line. `key` and `result_id.key` are what makes a second one the same.
- `commit_group`: the hash chain (accounting.md section 9): `digest` over the lines of the group, `head` over the chain.

Rows of a sealed day may go one day (facts.md, `seal`): a later schema replaces `result_keeps` by a trigger that lets a
row of a sealed day go. The chain stays provable, since heads are made of `commit_group.digest`, which stays; what is
lost is the proof of the content of a group that has lost rows, and the `digest` of the `seal` takes its place.
"""

from __future__ import annotations

APPLICATION_ID = 0x6D626F6B
"""`mbok`, in the header of the file: says whose it is."""

VERSION = 1
"""Schema version in `PRAGMA user_version`; a store of a higher one is refused (exit status 5)."""

CHUNK_BITS = 12
"""A zone covers 2^12 seqs: small enough to be read in a few ms, large enough that a year has few zones."""

_KEPT = ("template", "result", "result_id", "fact", "zone", "commit_group")

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


def creation() -> str:
    """The script that makes an empty store."""
    triggers = "".join(
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'facts are never edited: {table} is append-only'); END;\n"
        f"CREATE TRIGGER {table}_keeps BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'facts are never deleted: {table} is append-only'); END;\n"
        for table in _KEPT
    )
    header = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    return f"PRAGMA journal_mode = WAL; BEGIN; {header} {_TABLES} {triggers} COMMIT;"
