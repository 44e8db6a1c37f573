"""The writing end of the log: groups of facts, each committed whole with its link of the hash chain.

What the log remembers between commits is `_State`; a failed commit throws it away, and it is read again from what is
really on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from monitor.errors import FactError
from monitor.facts import AnyFact, Fact, Result, canonical_line
from monitor.store import seals
from monitor.store.chain import Head, HeadFile
from monitor.store.known import Newest, new_facts
from monitor.store.lock import Lock
from monitor.store.packed import INSERT_PACKED, pack
from monitor.store.reading import Zone, chunk_of, closed_zones, head_of, open_zone, seqs_of
from monitor.store.rows import (
    INSERT_RESULT,
    ResultRow,
    Template,
    row_line,
    shared_of,
    template,
    template_body,
    to_row,
)
from monitor.store.sealed_days import file_seals
from monitor.store.sqlite import Database

_INSERT_RESULT_ID = "INSERT INTO result_id VALUES (?, ?)"
_INSERT_FACT = "INSERT INTO fact VALUES (?, ?, ?, ?, ?)"
_INSERT_ZONE = "INSERT INTO zone VALUES (?, ?, ?, ?, ?)"
_INSERT_GROUP = "INSERT INTO commit_group VALUES (?, ?, ?, ?, ?)"
_INSERT_TEMPLATE = "INSERT INTO template VALUES (?, ?)"

_TEMPLATES_KEPT = 50_000  # in memory, about 1 KB each; the others are found on disk again


class _State:
    """What is known of the log, an open transaction included: `head` of the last whole group, then the open group."""

    def __init__(self, database: Database) -> None:
        self.head = head_of(database)
        self.group = sha256()
        self.count = 0
        self.zones = closed_zones(database, self.head.seq)
        self.tail = open_zone(database, self.head.seq)
        self.newest = Newest(max((zone.last_at for zone in self.every_zone()), default=None))
        self.templates: dict[tuple[object, ...], Template] = {}

    def every_zone(self) -> list[Zone]:
        return self.zones if self.tail is None else [*self.zones, self.tail]


class Lost(NamedTuple):
    """A commit group that has lost results: how many facts it was of, and the digest over their lines."""

    size: int
    digest: bytes


class _Rows:
    """A batch of facts as rows of each table, and their canonical lines."""

    def __init__(self) -> None:
        self.results: list[ResultRow] = []
        self.result_ids: list[tuple[bytes, int]] = []
        self.facts: list[tuple[int, str, int, bytes, str]] = []
        self.seals: list[seals.SealRow] = []
        self.packed: list[tuple[int, bytes]] = []
        self.lines: list[bytes] = []

    def keep(self, seq: int, fact: Fact, key: bytes, line: bytes) -> None:
        """A fact that is kept as its line, or as that packed."""
        body = pack(line) if fact.kind == "vitals_day" else None
        if body is not None:
            self.packed.append((seq, body))
        self.facts.append((seq, fact.kind, fact.recorded_at, key, line.decode() if body is None else ""))


class Log:
    """Appends to one store through its one writing connection. Not for two threads at once."""

    def __init__(self, database: Database, head_file: HeadFile, lock: Lock) -> None:
        self._database = database
        self._head_file = head_file
        self._lock = lock
        self._state: _State | None = None

    @property
    def head(self) -> Head:
        """The head after the newest group; within a transaction that group need not be durable yet."""
        return self._known().head

    def append(self, facts: Sequence[AnyFact]) -> list[AnyFact]:
        """Commits the new ones of `facts` as one group, durably, and answers them in order.

        Raises StoreError when they could not be kept, FactError for one that canonical JSON cannot spell; the log is
        then as it was.
        """
        with self.transaction():
            return self.write(facts)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is durable when it is left, or not there at all.

        Raises StoreInUseError when the lock was taken from this process.
        """
        if not self._lock.keep():
            self._state = None  # who held it meanwhile may have written
        self._known()
        try:
            with self._database.transaction():
                yield
                self.end_group()
        except BaseException:
            self._state = None
            raise
        self._head_file.write(self._known().head)

    @contextmanager
    def beside(self) -> Iterator[Database]:
        """A transaction on what stands in the file and outside the chain; durable when it is left. Raises as
        `transaction` does."""
        if not self._lock.keep():
            self._state = None
        with self._database.transaction():
            yield self._database

    def checkpoint(self) -> bool:
        """Empties the WAL, where what was erased still stands until it is overwritten; False where it is read."""
        return self._database.checkpoint()

    def write(self, facts: Sequence[AnyFact]) -> list[AnyFact]:
        """Within a transaction: adds the new ones of `facts` to the open group, and answers them.

        Raises FactError for one that canonical JSON cannot spell; none of `facts` is then written.
        """
        state = self._known()
        new = new_facts(self._database, state.newest, state.every_zone(), facts)
        rows = self._rows_of(state, new)
        for sql, values in (
            (INSERT_RESULT, rows.results),
            (_INSERT_RESULT_ID, rows.result_ids),
            (_INSERT_FACT, rows.facts),
            (seals.INSERT_SEAL, rows.seals),
            (INSERT_PACKED, rows.packed),
        ):
            if values:
                self._database.insert(sql, values)
        if rows.seals:
            file_seals(self._database, rows.seals)
        state.group.update(b"".join(rows.lines))
        state.count += len(new)
        self._extend_zones(state, rows.results)
        return [fact for fact, _ in new]

    def end_group(self) -> None:
        """Within a transaction: closes the open group with its link of the chain. A group without facts is none."""
        state = self._known()
        if state.count == 0:
            return
        self._link(state.group.digest())

    def write_kept(self, facts: Sequence[AnyFact], kept: Sequence[int], group: Lost) -> None:
        """Within a transaction, when a store is made again: a group that has lost results, of which `facts` are left in
        the places `kept`. Nothing can prove them here; the `rest` of their seals does."""
        state = self._known()
        for fact, place in zip(facts, kept, strict=True):
            state.count = place
            self.write([fact])
        state.count = group.size
        state.group = sha256()
        self._link(group.digest)
        seals.lost(self._database, [(state.head.n, group.size - len(kept))])

    def _link(self, digest: bytes) -> None:
        state = self._known()
        first_seq = state.head.seq + 1
        state.head = state.head.next(state.count, digest)
        self._database.insert(_INSERT_GROUP, [(state.head.n, first_seq, state.head.seq, digest, state.head.digest)])
        state.group = sha256()
        state.count = 0

    def _known(self) -> _State:
        if self._state is None:
            self._state = _State(self._database)
        return self._state

    def _rows_of(self, state: _State, new: Sequence[tuple[AnyFact, bytes | None]]) -> _Rows:
        rows = _Rows()
        first_seq = state.head.seq + state.count + 1
        try:
            for seq, (fact, key) in enumerate(new, first_seq):
                if isinstance(fact, Result):
                    shared = shared_of(fact)
                    found = state.templates.get(shared) or self._template(state, shared)
                    row = to_row(seq, found.number, fact)
                    line = row_line(row, found)
                    rows.results.append(row)
                    if key is not None:
                        rows.result_ids.append((key, seq))
                else:
                    line = canonical_line(fact)
                    sealed = seals.to_row(seq, fact, self._database) if fact.kind == "seal" else None
                    if sealed is not None:
                        rows.seals.append(sealed)
                    else:
                        rows.keep(seq, fact, key or b"", line)
                rows.lines.append(line + b"\n")
        except UnicodeEncodeError as error:
            raise FactError(f"cannot be written as UTF-8: {error}") from None
        return rows

    def _template(self, state: _State, shared: tuple[object, ...]) -> Template:
        if len(state.templates) >= _TEMPLATES_KEPT:
            state.templates.clear()
        found = state.templates[shared] = self._stored_template(template_body(shared))
        return found

    def _stored_template(self, body: str) -> Template:
        stored = self._database.row("SELECT id FROM template WHERE body = ?", (body,))
        if stored is None:
            newest = self._database.row("SELECT coalesce(max(id), 0) FROM template")
            stored = (newest[0] + 1 if newest else 1,)
            self._database.insert(_INSERT_TEMPLATE, [(stored[0], body)])
        return template(stored[0], body)

    def _extend_zones(self, state: _State, rows: Sequence[ResultRow]) -> None:
        for chunk, members in groupby(rows, key=_chunk):
            zone = _extent(chunk, list(members))
            if state.tail is not None and chunk_of(state.tail.first_seq) == chunk:
                state.tail = state.tail.joined(zone)
            else:
                self._close_tail(state)
                state.tail = zone
        if state.tail is not None and seqs_of(chunk_of(state.tail.first_seq))[1] <= state.head.seq + state.count:
            self._close_tail(state)

    def _close_tail(self, state: _State) -> None:
        if state.tail is not None:
            self._database.insert(_INSERT_ZONE, [(chunk_of(state.tail.first_seq), *state.tail[2:])])
            state.zones.append(state.tail)
            state.tail = None


def _chunk(row: ResultRow) -> int:
    return chunk_of(row[0])


def _extent(chunk: int, rows: Sequence[ResultRow]) -> Zone:
    instants = [row[2] for row in rows]
    recorded = [row[3] for row in rows]
    return Zone(*seqs_of(chunk), min(instants), max(instants), min(recorded), max(recorded))
