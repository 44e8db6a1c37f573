"""Which facts are new: the second of a kind and `id`, or of the same content, is ignored (facts.md, `id`).

Results have no index to look in. A result later than any of its series before it is new; only the others are looked
for, among the results of the chunks whose zone holds their `at`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from monitor.facts import AnyFact, Fact, Result, canonical_json, key
from monitor.store import seals
from monitor.store.reading import Templates, Zone, sound
from monitor.store.rows import RESULT_COLUMNS, from_row
from monitor.store.sqlite import Database

Series = tuple[str, str]
"""A check at a vantage."""

Look = tuple[Series, int]
"""A series and `at`: where two results may be the same."""

_NEVER = -(2**63)


class Newest:
    """The newest `at` of each series. `floor` holds for every series that has not been met: the newest of them all."""

    def __init__(self, floor: int | None) -> None:
        self._floor = _NEVER if floor is None else floor
        self._at: dict[Series, int] = {}

    def passes(self, series: Series, at: int) -> bool:
        """Whether a result is later than every one before it; from then on it counts as one before."""
        if at <= self._at.get(series, self._floor):
            return False
        self._at[series] = at
        return True


def new_facts(
    database: Database, newest: Newest, zones: Iterable[Zone], facts: Sequence[AnyFact]
) -> list[tuple[AnyFact, bytes | None]]:
    """Those of `facts` that the store does not hold, in order, without repetitions among themselves; each with the key
    that the store keeps of it (None: a result without `id` has none)."""
    late: set[Look] = set()
    for fact in facts:
        if isinstance(fact, Result) and fact.id is None:
            series = (fact.check, fact.vantage)
            if not newest.passes(series, fact.at):
                late.add((series, fact.at))
    seen: set[object] = _contents(database, zones, late) if late else set()
    new: list[tuple[AnyFact, bytes | None]] = []
    for fact in facts:
        fact_key = None
        if isinstance(fact, Fact) or fact.id is not None:
            fact_key = key(fact)
            if fact_key in seen or _holds(database, fact, fact_key):
                continue
            seen.add(fact_key)
        elif late and ((fact.check, fact.vantage), fact.at) in late:
            content = _content(fact)
            if content in seen:
                continue
            seen.add(content)
        new.append((fact, fact_key))
    return new


def _holds(database: Database, fact: AnyFact, fact_key: bytes) -> bool:
    if isinstance(fact, Fact) and fact.kind == "seal" and seals.holds(database, fact):
        return True
    table = "fact" if isinstance(fact, Fact) else "result_id"
    return database.row(f"SELECT 1 FROM {table} WHERE key = ?", (fact_key,)) is not None  # noqa: S608 - two names


def _content(result: Result) -> tuple[object, ...]:
    """Equal for two results exactly when their canonical lines less `recorded_at` are."""
    extra = canonical_json(result.extra) if result.extra else None
    return (*result[1:-1], extra)


def _contents(database: Database, zones: Iterable[Zone], looks: set[Look]) -> set[object]:
    """The contents of the stored results at these looks."""
    instants = sorted({at for _, at in looks})
    templates = Templates(database)
    found: set[object] = set()
    for zone in zones:
        first = bisect_left(instants, zone.first_at)
        if first == len(instants) or instants[first] > zone.last_at:
            continue
        rows = database.rows(
            f"SELECT {RESULT_COLUMNS} FROM result WHERE seq BETWEEN ? AND ? AND at BETWEEN ? AND ?",  # noqa: S608
            (zone.first_seq, zone.last_seq, instants[first], instants[-1]),
        )
        with sound(database.path, f"a result among {zone.first_seq} to {zone.last_seq}"):
            for row in rows:
                if (templates[row[1]].series, row[2]) in looks:
                    found.add(_content(from_row(row, templates[row[1]].shared)))
    return found
