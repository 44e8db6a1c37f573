"""Proves that a store holds what was written: every line against its group, every group against the chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from monitor.facts import key
from monitor.store.chain import EMPTY, Head
from monitor.store.reading import (
    Templates,
    chunk_of,
    closed_zones,
    extent_of,
    fact_of,
    head_of,
    lines,
    seqs_of,
    sound,
)
from monitor.store.rows import RESULT_COLUMNS, from_row, instant_text
from monitor.store.sqlite import Database, damaged

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

NEWEST_FACTS = 10_000
"""Facts whose groups are proved each time a store is opened: about 0.1 s. A day of them would be minutes at 1,000 facts
a second; a store with fewer is proved whole, with SQLite's own check of its pages."""

_GROUPS_AT_ONCE = 1000
_KEYS_AT_ONCE = 100_000


class Verified(NamedTuple):
    """What was proved."""

    facts: int
    groups: int
    head: bytes


class _Group(NamedTuple):
    n: int
    first_seq: int
    last_seq: int
    digest: bytes
    head: bytes


def verify_all(database: Database, acknowledged: Head | None, progress: Progress) -> Verified:
    """Proves the whole store. Raises StoreDamagedError at the first thing that is not what was written."""
    head = head_of(database)
    check_acknowledged(database, acknowledged)
    _check_pages(database)
    _check_nothing_outside(database)
    _check_groups(database, EMPTY, head, progress)
    for first_seq in range(1, head.seq + 1, _KEYS_AT_ONCE):
        _check_keys(database, first_seq, min(first_seq + _KEYS_AT_ONCE - 1, head.seq))
    _check_zones(database, 0, head.seq)
    return Verified(head.seq, head.n, head.digest)


def verify_newest(database: Database, acknowledged: Head | None) -> None:
    """Proves the newest groups, and that nothing acknowledged is missing. Raises StoreDamagedError."""
    head = head_of(database)
    check_acknowledged(database, acknowledged)
    if head.seq <= NEWEST_FACTS:
        _check_pages(database)
    _check_nothing_outside(database)
    start = _head_before(database, head.seq - NEWEST_FACTS + 1)
    _check_groups(database, start, head, _silent)
    _check_keys(database, start.seq + 1, head.seq)
    _check_zones(database, start.seq + 1, head.seq)


def check_acknowledged(database: Database, acknowledged: Head | None) -> None:
    """Raises StoreDamagedError when the store lacks the newest head that was acknowledged (chain.py)."""
    if acknowledged is None or acknowledged.n == 0:
        return
    found = database.row("SELECT n, last_seq, head FROM commit_group WHERE n = ?", (acknowledged.n,))
    if found is None:
        lost = acknowledged.seq - head_of(database).seq
        raise damaged(database.path, f"its newest {lost} acknowledged facts are missing (a WAL was cut or replaced)")
    if found != acknowledged:
        raise damaged(database.path, f"group {acknowledged.n} is not the one that was acknowledged")


def _silent(_done: int, _total: int) -> None:
    return


def _check_pages(database: Database) -> None:
    found = database.rows("PRAGMA integrity_check(1)")
    if found != [("ok",)]:
        raise damaged(database.path, "; ".join(str(row[0]) for row in found))


def _head_before(database: Database, seq: int) -> Head:
    """The head before the group that holds `seq`."""
    found = database.row(
        "SELECT n, last_seq, head FROM commit_group WHERE last_seq < ? ORDER BY n DESC LIMIT 1", (max(seq, 1),)
    )
    return EMPTY if found is None else Head(*found)


def _check_groups(database: Database, start: Head, end: Head, progress: Progress) -> None:
    stored = lines(database, start.seq + 1, end.seq)
    head = start
    for group in _groups(database, start.n + 1, end.n):
        if group.n != head.n + 1 or group.first_seq != head.seq + 1 or group.last_seq < group.first_seq:
            raise damaged(database.path, f"group {head.n + 1} of the chain is missing")
        count = group.last_seq - head.seq
        digest = sha256()
        for line in islice(stored, count):
            digest.update(line + b"\n")
        head = head.next(count, group.digest)
        if digest.digest() != group.digest or head.digest != group.head:
            raise damaged(
                database.path, f"facts {group.first_seq} to {group.last_seq} are not those of group {group.n}"
            )
        progress(head.seq - start.seq, end.seq - start.seq)
    if head != end:
        raise damaged(database.path, "the chain does not reach its head")


def _groups(database: Database, first: int, last: int) -> Iterator[_Group]:
    for start in range(first, last + 1, _GROUPS_AT_ONCE):
        found = database.rows(
            "SELECT n, first_seq, last_seq, digest, head FROM commit_group WHERE n BETWEEN ? AND ? ORDER BY n",
            (start, min(start + _GROUPS_AT_ONCE - 1, last)),
        )
        yield from (_Group(*row) for row in found)


def _check_keys(database: Database, first_seq: int, last_seq: int) -> None:
    """By its key a second fact is known as the same: a wrong one would let it in twice, or keep a new one out."""
    between = (first_seq, last_seq)
    facts = database.rows("SELECT seq, kind, recorded_at, line, key FROM fact WHERE seq BETWEEN ? AND ?", between)
    with sound(database.path, f"a fact among {first_seq} to {last_seq}"):
        for seq, kind, recorded_at, line, kept in facts:
            fact = fact_of(kind, recorded_at, line)
            if not _tells(line, kind, recorded_at) or key(fact) != kept:
                raise damaged(database.path, f"fact {seq} is filed wrongly")
    _check_result_ids(database, first_seq, last_seq)


def _check_result_ids(database: Database, first_seq: int, last_seq: int) -> None:
    ids = database.rows("SELECT seq, key FROM result_id WHERE seq BETWEEN ? AND ?", (first_seq, last_seq))
    kept: dict[int, bytes] = dict(ids)
    rows = database.rows(
        f"SELECT {RESULT_COLUMNS} FROM result WHERE seq BETWEEN ? AND ? AND rest IS NOT NULL",  # noqa: S608
        (first_seq, last_seq),
    )
    templates = Templates(database)
    with sound(database.path, f"a result among {first_seq} to {last_seq}"):
        results = [(row[0], from_row(row, templates[row[1]].shared)) for row in rows]
        made = {seq: key(result) for seq, result in results if result.id is not None}
    if made != kept:
        raise damaged(database.path, f"the ids of results {first_seq} to {last_seq} are filed wrongly")


def _tells(line: str, kind: str, recorded_at: int) -> bool:
    told = json.loads(line)
    return bool(told["kind"] == kind and told["recorded_at"] == instant_text(recorded_at))


def _check_zones(database: Database, first_seq: int, last_seq: int) -> None:
    """A wrong zone would hide results from whoever reads a month."""
    first, full = chunk_of(first_seq), chunk_of(last_seq + 1)
    kept = {chunk_of(zone.first_seq): zone for zone in closed_zones(database, last_seq)}
    for chunk in range(first, full):
        if kept.get(chunk) != extent_of(database, *seqs_of(chunk)):
            raise damaged(database.path, f"the zone of facts {seqs_of(chunk)[0]} to {seqs_of(chunk)[1]} is wrong")


def _check_nothing_outside(database: Database) -> None:
    with database.snapshot():
        after = (head_of(database).seq,)
        for table in ("result", "fact"):
            if database.row(f"SELECT 1 FROM {table} WHERE seq > ?", after):  # noqa: S608 - two names
                raise damaged(database.path, "facts stand outside the chain")
        if database.row("SELECT 1 FROM zone WHERE chunk >= ?", (chunk_of(after[0] + 1),)):
            raise damaged(database.path, "a zone stands outside the chain")
