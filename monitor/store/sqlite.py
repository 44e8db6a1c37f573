"""The only importer of `sqlite3`: connections with our settings, and errors in our own words.

One connection writes and checkpoints, every other is read-only: SQLite before 3.51.3 can corrupt a store when two
connections write or checkpoint at once (design/reliability.md). `synchronous=FULL`: a commit that returned survives a
power cut.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor.errors import StoreDamagedError, StoreError

Row = tuple[Any, ...]
"""Columns as SQLite gives them; who asked knows their types, the tables are STRICT."""

WRITER_WAIT = 1.0
"""Seconds that a commit waits for a foreign lock before it is refused as StoreError."""

READER_WAIT = 5.0
"""Seconds that a read waits, for example while the WAL of a killed daemon is recovered."""

WAL_KEPT = 64 * 2**20
"""Bytes: a WAL grown by a big import is cut back to this."""

_SETTINGS = ("cell_size_check = ON", "trusted_schema = OFF")
_WRITER_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    f"journal_size_limit = {WAL_KEPT}",
    "secure_delete = ON",  # what is erased is overwritten; facts never are
)
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT}
_SYNC_FAILED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}
_MENDS = {
    sqlite3.SQLITE_FULL: "the disk is full; make room, recording goes on by itself",
    sqlite3.SQLITE_READONLY: "it may not be written; give the user of the daemon the right to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the rights of the file and its folder",
    sqlite3.SQLITE_BUSY: "another program holds it locked; end that program",
    sqlite3.SQLITE_LOCKED: "another program holds it locked; end that program",
}


def damaged(path: Path, what: str) -> StoreDamagedError:
    """The error for a store that is not what was written, with the way back."""
    return StoreDamagedError(
        f"{path}: the store is damaged: {what}. It was left as it is. Mend: move {path.name}* to another folder, put a "
        f"backup in its place, or start with an empty store and `minutebook import --restore EXPORT.jsonl`"
    )


class Database:
    """One connection. Every failure of SQLite leaves it as StoreError or StoreDamagedError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._sync_failed = False

    @classmethod
    def create(cls, path: Path, script: str) -> None:
        """Makes a database file, whole and on disk. Raises StoreError."""
        with _translated(path):
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                connection.executescript(script)
            finally:
                connection.close()

    @classmethod
    def writing(cls, path: Path) -> Database:
        """The writing connection; who opens it holds the lock. Raises StoreError."""
        return cls(path, _connected(path, "mode=rw", WRITER_WAIT, (*_SETTINGS, *_WRITER_SETTINGS)))

    @classmethod
    def reading(cls, path: Path) -> Database:
        """A read-only connection; works beside a writing one. Raises StoreError."""
        alone = not Path(f"{path}-wal").exists() and not os.access(path.parent, os.W_OK)
        mode = "immutable=1" if alone else "mode=ro"  # without a WAL and the right to make one, ro cannot open
        return cls(path, _connected(path, mode, READER_WAIT, _SETTINGS))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with _translated(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        with _translated(self.path):
            found: Row | None = self._connection.execute(sql, parameters).fetchone()
            return found

    def insert(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with _translated(self.path):
            self._connection.executemany(sql, rows)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with _translated(self.path):
            self._connection.execute(sql, parameters)

    def script(self, text: str) -> None:
        """Statements that hold their own transaction: all of them or nothing."""
        with _translated(self.path):
            try:
                self._connection.executescript(text)
            finally:
                self._roll_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when left. After a failed fsync nothing is acknowledged any more: what the kernel
        dropped then cannot be told from what it kept."""
        if self._sync_failed:
            raise StoreError(f"{self.path}: the disk failed to keep what was written; check it, then start again")
        try:
            with _translated(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
            yield
            with _translated(self.path):
                self._connection.execute("COMMIT")
        except BaseException as error:
            cause = error.__cause__
            self._sync_failed = isinstance(cause, sqlite3.Error) and _code(cause) in _SYNC_FAILED
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite has rolled back by itself after some errors
            with _translated(self.path):
                self._connection.execute("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment; keep it short, it holds back the checkpoint."""
        with _translated(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def changes(self) -> int:
        """How many rows the last statement changed."""
        found = self.row("SELECT changes()")
        return found[0] if found else 0

    def checkpoint(self) -> bool:
        """Brings everything from the WAL into the file and empties it; False where somebody reads an older state."""
        found = self.row("PRAGMA wal_checkpoint(TRUNCATE)")
        return found is not None and found[0] == 0

    def close(self) -> None:
        with _translated(self.path):
            self._connection.close()


def _connected(path: Path, mode: str, wait: float, settings: Iterable[str]) -> sqlite3.Connection:
    with _translated(path):
        connection = sqlite3.connect(
            f"{path.as_uri()}?{mode}", uri=True, timeout=wait, isolation_level=None, check_same_thread=False
        )
        try:
            for setting in settings:
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _code(error: sqlite3.Error) -> int | None:
    return getattr(error, "sqlite_errorcode", None)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        basic = None if code is None else code & 0xFF
        # No code at all: text that is no UTF-8. A statement of ours that does not fit the tables, or a constraint that
        # fails: they are not the tables we made.
        if isinstance(error, sqlite3.DatabaseError) and (basic is None or basic in _DAMAGE):
            raise damaged(path, str(error)) from error
        mend = _MENDS.get(basic or 0, "check the disk")
        raise StoreError(f"{path}: cannot be read or written: {error}: {mend}") from error
    except UnicodeDecodeError as error:  # SQLite quotes what it found in a page, and that is no text
        raise damaged(path, "it holds a text that is no UTF-8") from error
