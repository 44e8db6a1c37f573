"""From a storage URL to a store that is what was written: made, checked, locked, or refused with the way back.

Beside the store stand `STORE-wal` and `STORE-shm` (SQLite's own), `STORE.lock` (lock.py) and `STORE.head` (chain.py).
A new store is made under another name and put in place whole, so that a file of no bytes is never one that we made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from struct import Struct

from monitor.errors import InputError, StoreError, StoreNewerError
from monitor.facts import AnyFact, Result
from monitor.facts.seals import Quiet
from monitor.ledger.period import Period
from monitor.store import reading, schema, seals, verify
from monitor.store.chain import EMPTY, Head, HeadFile, sync_folder
from monitor.store.lock import Lock, held
from monitor.store.log import Log
from monitor.store.quiet import left_out
from monitor.store.sealed_days import file_all, is_filed
from monitor.store.sqlite import Database, damaged
from monitor.store.url import store_path
from monitor.store.vitals import OpenSample, first_open, open_samples

logger = logging.getLogger(__name__)

_HEADER = Struct(
    ">16s44xi4xi"
)  # sqlite.org/fileformat2.html section 1.3: magic, user_version at 60, application_id at 68
_MAGIC = b"SQLite format 3\0"


class Reader:
    """A store that is open for reading; its heads and facts are those of the moment they are asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._left_out: Sequence[reading.LeftOut] = ()

    @property
    def path(self) -> Path:
        """The file of the store."""
        return self._database.path

    def read(self, period: Period, as_of: int, without: Set[str] = frozenset()) -> Iterator[AnyFact]:
        """As `interfaces.FactStore.read`."""
        return reading.read(self._database, reading.Window(period, as_of, self._left_out), without)

    def read_sealed(self, period: Period, as_of: int) -> reading.Log:
        """The same of all kinds, but for seals, which stand together; for statements."""
        return reading.read_sealed(self._database, reading.Window(period, as_of, self._left_out))

    def leave_out(self, days: Sequence[Quiet]) -> None:
        """From now on `read` and `read_sealed` leave out what of these days need not be read, as far as the store holds
        what is said of them."""
        self._left_out = left_out(self._database, days)

    def lines(self, first_seq: int, last_seq: int) -> Iterator[bytes]:
        """The canonical lines of these seqs, both ends inclusive, without line ends and without what has gone."""
        return (line.line for line in reading.lines(self._database, first_seq, last_seq))

    def groups(self, until: int) -> Iterator[verify.Group]:
        """The commit groups up to the one numbered `until` with their lines, oldest first. Raises StoreDamagedError
        where a line is missing that did not go under a seal, or is not what was committed."""
        return verify.checked_groups(self._database, EMPTY, until)

    def head(self) -> Head:
        """The newest committed head; `head().digest` is `facts.head` of a statement."""
        return reading.head_of(self._database)

    def count(self) -> int:
        """How many facts were ever recorded."""
        return self.head().seq

    def open_samples(self) -> Iterator[OpenSample]:
        """Samples of Web Vitals whose day is not recorded yet: they stand outside the chain."""
        return open_samples(self._database)

    def first_open(self) -> int | None:
        """When the first of these was first seen, UTC ms; None where there is none."""
        return first_open(self._database)

    def series_in(self, period: Period) -> list[tuple[str, str]]:
        """The checks and vantages with results in the period."""
        return reading.series_in(self._database, period)

    def results_of(
        self, series: Set[tuple[str, str]], period: Period
    ) -> Mapping[tuple[str, str], list[tuple[int, Result]]]:
        """Their results in the period, with the seqs that `let_go` takes, in order of recording."""
        return reading.results_of(self._database, series, period)

    def days_within(self, period: Period) -> list[int]:
        """The first instants of the UTC days that begin in the period and may have results."""
        return reading.days_within(self._database, period)

    def sealed_on(self, start: int) -> list[seals.Sealed]:
        """The seals of the UTC day that begins at `start`."""
        return seals.sealed_on(self._database, start)

    def days_to_look_at(self, recorded_by: int) -> list[int]:
        """The days with seals recorded by then of which nobody looked yet which results may go."""
        return seals.days_to_look_at(self._database, recorded_by)

    def gone_until(self) -> int | None:
        """The end of the last day of which results have gone, UTC ms; None where none have."""
        return seals.gone_until(self._database)

    def first_recorded(self) -> int | None:
        """Since when is measured: `recorded_at` of the first fact in UTC ms; None in an empty store."""
        return reading.first_recorded(self._database)

    def newest_recorded(self) -> int | None:
        """The newest `recorded_at` in UTC ms; after a big import it can lie ahead of the clock."""
        return reading.newest_recorded(self._database)


class Writer(Reader):
    """A store that this process holds. Not for two threads at once."""

    def __init__(self, database: Database, lock: Lock) -> None:
        super().__init__(database)
        self.log = Log(database, HeadFile(database.path), lock)

    def append(self, facts: Sequence[AnyFact]) -> int:
        """Commits all or none, durably; answers how many were new. Raises StoreError, FactError."""
        return len(self.log.append(facts))

    def count_gone(self) -> None:
        """Within a transaction, when a store is made again: says of its seals what went under each. Raises FactError
        where results are missing that they do not account for, or what is left is not what was sealed."""
        verify.count_gone(self._database)


@contextmanager
def open_for_reading(url: str) -> Iterator[Reader]:
    """A store as it is, also beside a running daemon.

    Raises InputError where there is none, StoreDamagedError, StoreNewerError.
    """
    path = store_path(url)
    with _reading(path) as (database, acknowledged):
        verify.check_acknowledged(database, acknowledged)
        yield Reader(database)


@contextmanager
def open_beside_writer(path: Path) -> Iterator[Reader]:
    """The store that this very process holds and has checked, over a connection of its own.

    The file is opened by SQLite alone: closing any other descriptor of it would drop the locks of the writing
    connection (sqlite.org/howtocorrupt.html section 2.2), and a foreign program could take its WAL away.
    """
    acknowledged = _acknowledged(path)
    with _closing(Database.reading(path)) as database:
        verify.check_acknowledged(database, acknowledged)
        yield Reader(database)


@contextmanager
def open_for_writing(url: str, now: int) -> Iterator[Writer]:
    """The store for this process alone; an empty one is made where there is none. `now`: UTC ms, for the lock file.

    Raises StoreInUseError naming the holder, StoreDamagedError, StoreNewerError, StoreError.
    """
    path = store_path(url)
    with held(path, now) as lock:
        head_file = HeadFile(path)
        acknowledged = head_file.read()
        if not path.exists():
            _make(path, acknowledged)
        _check_header(path)
        with _closing(Database.reading(path)) as database:  # a writing connection would checkpoint what is refused
            verify.verify_newest(database, acknowledged)
            if acknowledged is None:
                _make_head(head_file, reading.head_of(database))
        with _closing(Database.writing(path)) as database:
            _upgrade(database)
            yield Writer(database, lock)


def _upgrade(database: Database) -> None:
    found = database.row("PRAGMA user_version")
    version = schema.VERSION if found is None else int(found[0])
    if version < schema.VERSION:
        logger.info("%s: made a store of schema %d", database.path, schema.VERSION)
        database.script(schema.upgrade(version))
    if not is_filed(database):
        with database.transaction():
            file_all(database)


def verify_store(url: str, progress: verify.Progress) -> verify.Verified:
    """Proves a whole store, also beside a running daemon.

    Raises StoreDamagedError at the first thing that is not what was written, InputError where there is none.
    """
    with _reading(store_path(url)) as (database, acknowledged):
        return verify.verify_all(database, acknowledged, progress)


@contextmanager
def _reading(path: Path) -> Iterator[tuple[Database, Head | None]]:
    acknowledged = _acknowledged(path)
    _check_header(path)
    with _closing(Database.reading(path)) as database:
        yield database, acknowledged


def _acknowledged(path: Path) -> Head | None:
    """What the store must hold; asked before the store is, since the daemon writes it after."""
    acknowledged = HeadFile(path).read()
    if not path.exists():
        _refuse_lost(path, acknowledged)
        raise InputError(f"{path}: there is no store; `minutebook run` or `minutebook import` makes one")
    return acknowledged


@contextmanager
def _closing(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.close()


def _make(path: Path, acknowledged: Head | None) -> None:
    _refuse_lost(path, acknowledged)
    new = path.with_name(path.name + ".new")
    try:
        for left in ("", "-wal", "-shm"):  # by a daemon that was killed here
            Path(f"{new}{left}").unlink(missing_ok=True)
        Database.create(new, schema.creation())
        new.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}; check its folder") from error


def _make_head(file: HeadFile, head: Head) -> None:
    if head.n:
        logger.warning(
            "%s was missing and is made again at fact %d: whether the store lacks later ones cannot be told here; "
            "compare with an export or a published head",
            file.path,
            head.seq,
        )
    file.create(head)


def _refuse_lost(path: Path, acknowledged: Head | None) -> None:
    wal = Path(f"{path}-wal")
    if acknowledged is not None or (wal.exists() and wal.stat().st_size):
        lost = EMPTY if acknowledged is None else acknowledged
        raise damaged(path, f"the file is gone, and {lost.seq or 'some'} acknowledged facts with it")


def _check_header(path: Path) -> None:
    """Whose file it is, from its first bytes: SQLite is not asked to open what is not ours."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}; check its rights") from error
    if len(header) < _HEADER.size:
        raise damaged(path, f"it has {len(header)} bytes, too few for a store")
    magic, version, application = _HEADER.unpack(header)
    if magic != _MAGIC:
        raise damaged(path, "it does not begin as a SQLite file does")
    if application != schema.APPLICATION_ID:
        raise damaged(path, "it is a SQLite file of another program")
    if version > schema.VERSION:
        raise StoreNewerError(
            f"{path}: the store has schema {version}, this program knows {schema.VERSION}: it was written by a newer "
            "minutebook; install that or a later one"
        )
    if version < 1:
        raise damaged(path, f"its schema version is {version}")
