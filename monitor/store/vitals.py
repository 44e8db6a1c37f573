"""The open table of Web Vitals: samples whose day is not recorded yet, in the store's file and outside the chain.

A row is one sample: its first report says when and where it counts, its last report what (commitments.md, section 1).
`key` stands for the metric and its id; 48 h after the first report it is erased, and a row without one is changed no
more. When the facts of its day are recorded the row goes. The table is made by the first report that is kept, so a
store of a former version is left as it is until then, and a former version does not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.errors import StoreError
from monitor.interfaces import VitalReport
from monitor.ledger.period import HOUR
from monitor.store.sqlite import Database

OPEN_MS = 48 * HOUR
"""How long a sample may still get its last report (facts.md, `vital`)."""

MOST_OPEN = 1_000_000
"""Samples that are open at once, about 100 MB of the file; past it nothing is taken until a day is recorded."""

_TABLE = (
    "CREATE TABLE IF NOT EXISTS vital_open (n INTEGER PRIMARY KEY, key BLOB UNIQUE, metric TEXT NOT NULL, value REAL"
    " NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, country TEXT, trust TEXT NOT NULL) STRICT"
)
_INDEX = "CREATE INDEX IF NOT EXISTS vital_open_first ON vital_open (first_at)"
_KEEP = """
INSERT INTO vital_open (key, metric, value, first_at, last_at, country, trust) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN excluded.last_at >= last_at THEN excluded.value ELSE value END,
    last_at = max(last_at, excluded.last_at),
    country = CASE WHEN excluded.first_at < first_at THEN excluded.country ELSE country END,
    trust = CASE WHEN excluded.first_at < first_at THEN excluded.trust ELSE trust END,
    first_at = min(first_at, excluded.first_at)
"""
_ROWS_AT_ONCE = 5_000


class OpenSample(NamedTuple):
    """One sample as it stands: `at` is that of its first report (UTC ms), `value` that of its last."""

    metric: str
    value: float
    at: int
    country: str | None
    trust: str


class OpenVitals:
    """The writing end. Each method is called within a transaction of the store's one writing connection."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._room = 0

    def keep(self, database: Database, reports: Sequence[VitalReport], now: int) -> int:
        """Keeps reports; answers how many came too late for their day. Raises StoreError when the table is full."""
        for statement in (_TABLE, _INDEX):
            database.execute(statement)
        in_time = [report for report in reports if report.at > now - OPEN_MS]
        self._make_room(database, len(in_time))
        rows = [(r.key, r.metric, r.value, r.at, r.at, r.country, r.trust) for r in in_time]
        database.insert(_KEEP, rows)
        return len(reports) - len(in_time)

    def _make_room(self, database: Database, count: int) -> None:
        """Counts the table only when so many reports came that it could be full: most are of samples it has."""
        if self._room < count:
            counted = database.row("SELECT count(*) FROM vital_open")
            self._room = self._most - (counted[0] if counted else 0)
        if self._room < count:
            raise StoreError(f"{database.path}: {self._most} samples of Web Vitals are open; no more are taken for now")
        self._room -= count


def forget(database: Database, now: int) -> int:
    """Erases what stands for the ids of samples first seen 48 h ago or earlier, and answers of how many; within a
    transaction."""
    if not _has_table(database):
        return 0
    database.execute("UPDATE vital_open SET key = NULL WHERE first_at <= ? AND key NOT NULL", (now - OPEN_MS,))
    return database.changes()


def purge(database: Database, until: int) -> None:
    """Drops the samples first seen before `until` (UTC ms), whose days are recorded; within a transaction."""
    if _has_table(database):
        database.execute("DELETE FROM vital_open WHERE first_at < ?", (until,))


def first_open(database: Database) -> int | None:
    """When the first of the open samples was first seen, UTC ms; None where there is none."""
    found = database.row("SELECT min(first_at) FROM vital_open") if _has_table(database) else None
    return None if found is None else found[0]


def open_samples(database: Database) -> Iterator[OpenSample]:
    """Every open sample. Read in pieces: one that is kept meanwhile may be missing, none comes twice."""
    last = 0
    while _has_table(database):
        rows = database.rows(
            "SELECT n, metric, value, first_at, country, trust FROM vital_open WHERE n > ? ORDER BY n LIMIT ?",
            (last, _ROWS_AT_ONCE),
        )
        if not rows:
            return
        yield from (OpenSample(*row[1:]) for row in rows)
        last = rows[-1][0]


def _has_table(database: Database) -> bool:
    return database.row("SELECT 1 FROM sqlite_master WHERE name = 'vital_open'") is not None
