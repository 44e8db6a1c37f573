"""What was told to whom, beside the store and outside its chain: small, durable, and of no weight in any figure.

A message is kept here before it is sent and marked after, so that a daemon that is killed in between sends it once
more and loses none. Who was told for how long is kept too: a channel that is new is not told what was before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from monitor.errors import StoreDamagedError, StoreError
from monitor.store.sqlite import Database

logger = logging.getLogger(__name__)

KEPT_MS = 62 * 86_400_000
"""How long what is done is remembered, in ms: far longer than anything is told of."""

_TABLES = """
BEGIN;
CREATE TABLE channel (name TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
    channel TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, body TEXT NOT NULL, queued_at INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, reason TEXT, ref TEXT,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel. `state` is waiting, sent, superseded or given_up; instants in UTC ms. `body` is JSON
    of the message."""

    channel: str
    key: str
    thread: str
    body: str
    queued_at: int
    state: str = "waiting"
    attempts: int = 0
    next_at: int = 0
    reason: str | None = None
    ref: str | None = None


class Deliveries:
    """The table. Blocking, one caller after the other: whoever closes it waits for who is at it. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database: Database | None = database
        self._one_at_a_time = threading.Lock()

    def read(self, now: int) -> tuple[dict[str, int], list[Delivery]]:
        """Since when each channel is known, and what is remembered; what is long done is forgotten."""
        with self._open() as database:
            with database.transaction():
                database.insert("DELETE FROM delivery WHERE state <> 'waiting' AND queued_at < ?", [(now - KEPT_MS,)])
            channels = {str(name): int(since) for name, since in database.rows("SELECT name, since FROM channel")}
            rows = database.rows(
                "SELECT channel, key, thread, body, queued_at, state, attempts, next_at, reason, ref FROM delivery"
                " ORDER BY queued_at, key"
            )
        return channels, [Delivery(*row) for row in rows]

    def know(self, channels: dict[str, int]) -> None:
        """Channels and since when they are told."""
        with self._open() as database, database.transaction():
            database.insert("INSERT OR IGNORE INTO channel VALUES (?, ?)", [*channels.items()])

    def keep(self, deliveries: list[Delivery]) -> None:
        """As they are now, new or known."""
        rows = [astuple(delivery) for delivery in deliveries]
        with self._open() as database, database.transaction():
            database.insert("INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Lets go of it; nothing can be read or kept any more."""
        with self._open() as database:
            self._database = None
            database.close()

    @contextmanager
    def _open(self) -> Iterator[Database]:
        with self._one_at_a_time:
            if self._database is None:
                raise StoreError("the table of what channels were told is closed")
            yield self._database


@contextmanager
def open_deliveries(path: Path) -> Iterator[Deliveries]:
    """The table at a path, made where there is none. One that is damaged is put aside: what was told before is then
    forgotten, and nothing of the past told again. Raises StoreError."""
    if not path.exists():
        _make(path)
    try:
        with _opened(path) as deliveries:
            deliveries.read(0)
    except StoreDamagedError:
        aside = path.with_name(f"{path.name}.damaged")
        logger.warning("%s is damaged and put aside as %s; channels are told what is new from now on", path, aside.name)
        path.replace(aside)
        for left in ("-wal", "-shm"):
            Path(f"{path}{left}").unlink(missing_ok=True)
        _make(path)
    with _opened(path) as deliveries:
        yield deliveries


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    Database.create(new, _TABLES)
    new.chmod(0o600)
    new.replace(path)


@contextmanager
def _opened(path: Path) -> Iterator[Deliveries]:
    deliveries = Deliveries(Database.writing(path.absolute()))
    try:
        yield deliveries
    finally:
        deliveries.close()
