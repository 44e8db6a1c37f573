"""Proves that a store holds what was written: every line against its group, every group against the chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from monitor.errors import FactError
from monitor.facts import canonical_line, key
from monitor.facts.seals import digest_of, is_in_stretch, seal_fact
from monitor.ledger.period import DAY, Period, format_instant
from monitor.store.chain import EMPTY, Head
from monitor.store.packed import body_column, has_packed, line_of
from monitor.store.reading import (
    Line,
    Templates,
    Zone,
    chunk_of,
    closed_zones,
    extent_of,
    fact_of,
    head_of,
    lines,
    results_of,
    seqs_of,
    sound,
)
from monitor.store.rows import RESULT_COLUMNS, from_row, instant_text
from monitor.store.sealed_days import check_filed
from monitor.store.seals import has_seals, record_gone, sealed_on, seals_between
from monitor.store.sqlite import Database, damaged

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

NEWEST_FACTS = 10_000
"""Facts whose groups are proved each time a store is opened: about 0.1 s. A day of them would be minutes at 1,000 facts
a second; a store with fewer is proved whole, with SQLite's own check of its pages."""

_GROUPS_AT_ONCE = 1000
_KEYS_AT_ONCE = 100_000


class Gone(NamedTuple):
    """What went of a day, under how many seals; `day` as YYYY-MM-DD."""

    day: str
    results: int
    seals: int


class Verified(NamedTuple):
    """What was proved; `gone` is what went under seals, by day."""

    facts: int
    groups: int
    head: bytes
    gone: Sequence[Gone] = ()


class Group(NamedTuple):
    """A commit group with what is there of it; `gone` results of it went under seals."""

    n: int
    first_seq: int
    last_seq: int
    digest: bytes
    head: bytes
    gone: int
    lines: Sequence[Line]


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
    with database.snapshot(), sound(database.path, "a row of sealed_days"):
        check_filed(database)
    return Verified(head.seq, head.n, head.digest, _check_seals(database))


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
    reached = start.seq, start.digest
    for group in checked_groups(database, start, end.n):
        reached = group.last_seq, group.head
        progress(group.last_seq - start.seq, end.seq - start.seq)
    if reached != (end.seq, end.digest):
        raise damaged(database.path, "the chain does not reach its head")


def checked_groups(database: Database, start: Head, last: int) -> Iterator[Group]:
    """As `groups`, each only once its lines and its link of the chain are those that were committed. Raises
    StoreDamagedError where they are not."""
    head = start
    for group in groups(database, start, last):
        head = head.next(group.last_seq - head.seq, group.digest)
        told = sha256(b"".join(line.line + b"\n" for line in group.lines)).digest() if not group.gone else group.digest
        if told != group.digest or head.digest != group.head:
            raise damaged(
                database.path, f"facts {group.first_seq} to {group.last_seq} are not those of group {group.n}"
            )
        yield group


def groups(database: Database, start: Head, last: int) -> Iterator[Group]:
    """The groups after `start` up to the one numbered `last`, in order and whole but for what went under seals. Raises
    StoreDamagedError where one is not."""
    n, seq = start.n, start.seq
    stored: Iterator[Line] = iter(())
    waiting: Line | None = None
    for found in _groups(database, start.n + 1, last):
        if found.n != n + 1 or found.first_seq != seq + 1 or found.last_seq < found.first_seq:
            raise damaged(database.path, f"group {n + 1} of the chain is missing")
        if n == start.n:
            until = head_of(database).seq
            stored = lines(database, found.first_seq, until)
            waiting = next(stored, None)
        here: list[Line] = []
        while waiting is not None and waiting.seq <= found.last_seq:
            here.append(waiting)
            waiting = next(stored, None)
        if len(here) + found.gone != found.last_seq - seq or (found.gone and not all(line.is_result for line in here)):
            there = {line.seq for line in here}
            missing = next(
                (each for each in range(found.first_seq, found.last_seq) if each not in there), found.last_seq
            )
            raise damaged(database.path, f"fact {missing} of the log is missing")
        yield found._replace(lines=here)
        n, seq = found.n, found.last_seq


def _groups(database: Database, first: int, last: int) -> Iterator[Group]:
    count = "(SELECT results FROM group_gone WHERE group_gone.n = commit_group.n)" if has_seals(database) else "NULL"
    for start in range(first, last + 1, _GROUPS_AT_ONCE):
        found = database.rows(
            f"SELECT n, first_seq, last_seq, digest, head, coalesce({count}, 0) FROM commit_group"  # noqa: S608
            " WHERE n BETWEEN ? AND ? ORDER BY n",
            (start, min(start + _GROUPS_AT_ONCE - 1, last)),
        )
        yield from (Group(n, first, end, digest, head, gone, ()) for n, first, end, digest, head, gone in found)


def _check_seals(database: Database) -> list[Gone]:
    """What went is what the seals account for, and what is left under them and in no stretch is what it was."""
    if not has_seals(database):
        return []
    found: list[Gone] = []
    days = database.rows(
        "SELECT DISTINCT day FROM seal JOIN gone ON gone.seal = seal.seq WHERE results > 0 ORDER BY day"
    )
    for (day,) in days:
        start = day * DAY
        counted = results_under(database, start)
        for seq, seal, gone in sealed_on(database, start):
            if gone:
                left = counted.get(seq, Left(0, None))
                if left.results + gone != seal.size or left.rest != seal.rest:
                    raise damaged(
                        database.path, f"the results under the seal that is fact {seq} are not what was sealed"
                    )
        under = [gone for _, _, gone in sealed_on(database, start) if gone]
        found.append(Gone(format_instant(start)[:10], sum(under), len(under)))
    counts = database.row("SELECT coalesce(sum(results), 0) FROM group_gone")
    if counts is not None and counts[0] != sum(each.results for each in found):
        raise damaged(database.path, "results are missing that no seal accounts for")
    return found


def count_gone(database: Database) -> None:
    """As `Writer.count_gone`."""
    if database.row("SELECT 1 FROM group_gone") is None:
        return
    counts: list[tuple[int, int]] = []
    for (day,) in database.rows("SELECT DISTINCT day FROM seal ORDER BY day"):
        under = results_under(database, day * DAY)
        for seq, seal, _ in sealed_on(database, day * DAY):
            left = under.get(seq, Left(0, None))
            if left.results < seal.size:
                if left.rest != seal.rest:
                    raise FactError(
                        f"the results under the seal that is fact {seq} are not what was sealed; export anew"
                    )
                counts.append((seq, seal.size - left.results))
    record_gone(database, counts)


class Left(NamedTuple):
    """How many results are left under a seal, and the digest of those in no stretch, None without one."""

    results: int
    rest: str | None


_SERIES_AT_ONCE = 20


def results_under(database: Database, start: int) -> dict[int, Left]:
    """What is left under the seals of a day, by their seq."""
    found: dict[int, Left] = {}
    sealed = sealed_on(database, start)
    for place in range(0, len(sealed), _SERIES_AT_ONCE):
        some = sealed[place : place + _SERIES_AT_ONCE]
        series = {(each.seal.check, each.seal.vantage) for each in some}
        results = results_of(database, series, Period(start, start + DAY))
        for seq, seal, _ in some:
            under = [each for _, each in results.get((seal.check, seal.vantage), []) if seal.covers(each)]
            rest = [each for each in under if not is_in_stretch(each, seal.stretches)]
            found[seq] = Left(len(under), digest_of(rest) if rest else None)
    return found


def _check_keys(database: Database, first_seq: int, last_seq: int) -> None:
    """By its key a second fact is known as the same: a wrong one would let it in twice, or keep a new one out."""
    between = (first_seq, last_seq)
    facts = database.rows(
        f"SELECT seq, kind, recorded_at, line, {body_column(database)}, key FROM fact"  # noqa: S608 - our own columns
        " WHERE seq BETWEEN ? AND ?",
        between,
    )
    with sound(database.path, f"a fact among {first_seq} to {last_seq}"):
        for seq, kind, recorded_at, column, body, kept in facts:
            line = line_of(column, body)
            fact = fact_of(kind, recorded_at, line)
            if not _tells(line, kind, recorded_at) or key(fact) != kept:
                raise damaged(database.path, f"fact {seq} is filed wrongly")
    _check_seal_rows(database, first_seq, last_seq)
    _check_result_ids(database, first_seq, last_seq)


def _check_seal_rows(database: Database, first_seq: int, last_seq: int) -> None:
    with sound(database.path, f"a seal among {first_seq} to {last_seq}"):
        for _, seal in seals_between(database, first_seq, last_seq):
            canonical_line(seal_fact(seal))


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
    if made != {seq: kept[seq] for seq in kept if seq in made or _is_there(database, seq)}:
        raise damaged(database.path, f"the ids of results {first_seq} to {last_seq} are filed wrongly")


def _is_there(database: Database, seq: int) -> bool:
    return database.row("SELECT 1 FROM result WHERE seq = ?", (seq,)) is not None


def _tells(line: str, kind: str, recorded_at: int) -> bool:
    told = json.loads(line)
    return bool(told["kind"] == kind and told["recorded_at"] == instant_text(recorded_at))


def _check_zones(database: Database, first_seq: int, last_seq: int) -> None:
    """A wrong zone would hide results from whoever reads a month."""
    first, full = chunk_of(first_seq), chunk_of(last_seq + 1)
    kept = {chunk_of(zone.first_seq): zone for zone in closed_zones(database, last_seq)}
    for chunk in range(first, full):
        zone, extent = kept.get(chunk), extent_of(database, *seqs_of(chunk))
        if zone != extent and not (zone is not None and _has_lost(database, zone) and _holds(zone, extent)):
            raise damaged(database.path, f"the zone of facts {seqs_of(chunk)[0]} to {seqs_of(chunk)[1]} is wrong")


def _has_lost(database: Database, zone: Zone) -> bool:
    """Whether results of a zone went: then it is as it was with them."""
    between = (zone.first_seq, zone.last_seq)
    tables = ("result", "fact", "seal") if has_seals(database) else ("result", "fact")
    counts = [database.row(f"SELECT count(*) FROM {table} WHERE seq BETWEEN ? AND ?", between) for table in tables]  # noqa: S608
    span = zone.last_seq - max(zone.first_seq, 1) + 1
    return sum(int(count[0]) for count in counts if count is not None) < span


def _holds(zone: Zone, extent: Zone | None) -> bool:
    return extent is None or (
        zone.first_at <= extent.first_at
        and extent.last_at <= zone.last_at
        and zone.first_recorded <= extent.first_recorded
        and extent.last_recorded <= zone.last_recorded
    )


def _check_nothing_outside(database: Database) -> None:
    with database.snapshot():
        after = (head_of(database).seq,)
        others = [*(["seal"] if has_seals(database) else []), *(["packed"] if has_packed(database) else [])]
        for table in ("result", "fact", *others):
            if database.row(f"SELECT 1 FROM {table} WHERE seq > ?", after):  # noqa: S608 - four names
                raise damaged(database.path, "facts stand outside the chain")
        if database.row("SELECT 1 FROM zone WHERE chunk >= ?", (chunk_of(after[0] + 1),)):
            raise damaged(database.path, "a zone stands outside the chain")
