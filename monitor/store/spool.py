"""What `minutebook ingest` keeps until the daemon has it: a database of its own, of which it is the only writer.

A report is acknowledged once it is durable here, and dropped once the daemon says that it is durable there. What was
sent and not acknowledged is sent again: the daemon's open table stays the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from monitor.errors import StoreError
from monitor.interfaces import VitalReport
from monitor.ledger.period import MINUTE
from monitor.store.lock import held
from monitor.store.sqlite import Database
from monitor.store.vitals import OPEN_MS

T = TypeVar("T")

MOST_SPOOLED = 1_000_000
"""Reports that wait for a daemon that is away, about 100 MB; past it no beacon is taken."""

WIPED_EVERY_MS = 10 * MINUTE
"""How often the WAL is emptied, where what the daemon has taken over stands until it is overwritten."""

_CREATION = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS report (
    n INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, metric TEXT NOT NULL, value REAL NOT NULL,
    at INTEGER NOT NULL, country TEXT, trust TEXT NOT NULL
) STRICT;
"""


class Batch(NamedTuple):
    """The oldest reports that wait, and the number of the last of them."""

    last: int
    reports: list[VitalReport]


@asynccontextmanager
async def open_spool(path: Path, now: int, most: int = MOST_SPOOLED) -> AsyncIterator[Spool]:
    """The spool at `path`, for this process alone; made where there is none. `now` in UTC ms.

    Raises StoreInUseError naming the holder, StoreError, StoreDamagedError.
    """
    with held(path, now), ThreadPoolExecutor(1, thread_name_prefix="spool") as thread:
        Database.create(path, _CREATION)
        database = Database.writing(path)
        try:
            yield Spool(database, thread, most)
        finally:
            await asyncio.get_running_loop().run_in_executor(thread, database.close)


class Spool:
    """One connection in a thread of its own."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor, most: int) -> None:
        self._database = database
        self._thread = thread
        self._most = most
        self._wiped_at = -WIPED_EVERY_MS
        counted = database.row("SELECT count(*) FROM report")
        self.waiting: int = counted[0] if counted else 0

    async def keep(self, reports: Sequence[VitalReport]) -> int:
        """Keeps reports, all or none, durably. Raises StoreError, also when too many wait."""
        if self.waiting + len(reports) > self._most:
            raise StoreError(f"{self._database.path}: {self.waiting} reports of Web Vitals wait for the daemon")
        sql = "INSERT INTO report (key, metric, value, at, country, trust) VALUES (?, ?, ?, ?, ?, ?)"
        await self._commit(lambda: self._database.insert(sql, reports))
        self.waiting += len(reports)
        return 0

    async def oldest(self, most: int) -> Batch:
        """The reports that wait longest, in the order in which they came."""
        sql = "SELECT n, key, metric, value, at, country, trust FROM report ORDER BY n LIMIT ?"
        rows = await self._in_thread(lambda: self._database.rows(sql, (most,)))
        return Batch(rows[-1][0] if rows else 0, [VitalReport(*row[1:]) for row in rows])

    async def drop(self, batch: Batch) -> None:
        """Drops what the daemon has. Raises StoreError; it is sent again then."""
        await self._commit(lambda: self._database.execute("DELETE FROM report WHERE n <= ?", (batch.last,)))
        self.waiting -= len(batch.reports)

    async def forget(self, now: int) -> int:
        """Drops what has waited for 48 h: nothing that stands for an id is kept longer, the WAL
        included. Answers how many went."""
        old = (now - OPEN_MS,)
        found = await self._in_thread(lambda: self._database.row("SELECT count(*) FROM report WHERE at <= ?", old))
        count: int = found[0] if found else 0
        if count:
            await self._commit(lambda: self._database.execute("DELETE FROM report WHERE at <= ?", old))
            self.waiting -= count
        is_due = count or not 0 <= now - self._wiped_at < WIPED_EVERY_MS
        if is_due and await self._in_thread(self._database.checkpoint):
            self._wiped_at = now
        return count

    async def _commit(self, work: Callable[[], None]) -> None:
        def committed() -> None:
            with self._database.transaction():
                work()

        await self._in_thread(committed)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
