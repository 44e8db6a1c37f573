"""Days of Web Vitals on disk: packed they take little, and every line comes out as it was recorded."""

from __future__ import annotations

import random
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import AnyFact, Fact, Json, canonical_line, decode_fact
from monitor.ledger.period import DAY, Period, format_instant
from monitor.ledger.terms import Terms
from monitor.ledger.vitals.histogram import bucket
from monitor.ledger.vitals.tally import METRICS, Cell, Tally, day_fields
from monitor.ledger.vitals.ways import source_of
from monitor.store import open_for_reading, open_for_writing, schema, verify_store
from monitor.store.packed import pack, unpack
from monitor.store.transfer import export_store, restore_facts
from tests.store.samples import ALL_TIME, JUNE, passes, started, url_in

TERMS = Terms(ZoneInfo("UTC"), (), ())
DAYS = 10
PAGE_VIEWS = (1_000, 100_000)
REAL_USERS = 10_000
"""Bytes a day of real users may take in the store's file, whatever their number: README says it."""

ANYBODY = 20_000
"""The same where every bucket of every country has samples."""

LARGEST = {"LCP": "600000", "INP": "300000", "CLS": "100"}


def silent(_done: int, _of: int) -> None:
    return


def places(chance: random.Random, metric: str, samples: int) -> Tally:
    """Samples as pages have them: LCP about 1.8 s, INP in steps of 8 ms about 100 ms, and half of all CLS is 0."""
    drawn = Tally()
    for _ in range(samples):
        if metric == "LCP":
            value = round(chance.lognormvariate(7.5, 0.6), 1)
        elif metric == "INP":
            value = 8.0 * max(1, round(chance.lognormvariate(4.6, 0.8) / 8))
        else:
            value = 0.0 if chance.random() < 0.5 else round(chance.lognormvariate(-4, 1.6), 4)
        index = BUCKETS.setdefault(value, bucket(Decimal(str(value))))
        drawn.good += 1
        if index is None:
            drawn.zero += 1
        else:
            drawn.buckets[index] = drawn.buckets.get(index, 0) + 1
    return drawn


BUCKETS: dict[float, int | None] = {}


def of_real_users(page_views: int) -> dict[Cell, Tally]:
    """A day of page views from 40 countries, the second with half as many as the first and so on."""
    chance = random.Random(page_views)  # noqa: S311
    harmonic = sum(1 / rank for rank in range(1, 41))
    return {
        Cell(metric, "2026-06-01", f"C{rank:02d}"): places(chance, metric, int(page_views / rank / harmonic))
        for metric in METRICS
        for rank in range(1, 41)
        if int(page_views / rank / harmonic)
    }


def of_anybody() -> dict[Cell, Tally]:
    """A day of a million samples: some in every bucket that a value can fall into, from 32 countries."""
    chance = random.Random(1)  # noqa: S311
    found = {}
    for metric in METRICS:
        first, last = bucket(Decimal("0.0000011")), bucket(Decimal(LARGEST[metric]))
        assert first is not None
        assert last is not None
        for country in range(32):
            buckets = {index: chance.randrange(1, 19) for index in range(first, last + 1)}
            found[Cell(metric, "2026-06-01", f"C{country:02d}")] = Tally(poor=sum(buckets.values()), buckets=buckets)
    return found


def recorded(tallies: dict[Cell, Tally], day: int) -> list[Fact]:
    """The facts of these tallies as those of another day."""
    at = JUNE + day * DAY
    date = format_instant(at)[:10]
    moved = {cell._replace(day=date): tally for cell, tally in tallies.items()}
    source = source_of(["open"])
    return [Fact("vitals_day", at + 3 * DAY, {**each, "source": source}) for each in day_fields(moved, TERMS)]


def bytes_a_day(folder: Path, tallies: dict[Cell, Tally]) -> int:
    """What the store's file grows by for each of so many days, as the daemon records them."""
    file = folder / "minutebook.db"
    with open_for_writing(url_in(folder), JUNE) as store:
        store.append(passes(1))
        store.log.checkpoint()
        before = file.stat().st_size
        for day in range(DAYS):
            store.append(recorded(tallies, day))
        store.log.checkpoint()
        return (file.stat().st_size - before) // DAYS


@pytest.mark.parametrize("page_views", PAGE_VIEWS)
def test_a_day_of_real_users_takes_a_few_kilobytes(tmp_path: Path, page_views: int) -> None:
    assert bytes_a_day(tmp_path, of_real_users(page_views)) <= REAL_USERS


def test_a_day_of_anything_that_can_be_sent_takes_little_more(tmp_path: Path) -> None:
    assert bytes_a_day(tmp_path, of_anybody()) <= ANYBODY


_WHOLE = st.integers(0, 2**40)
_BUCKETS = st.dictionaries(st.integers(-700, 700) | st.integers(-9999, 9999), st.integers(0, 300) | _WHOLE, max_size=40)


@st.composite
def any_day(draw: st.DrawFn) -> Fact:
    """Any `vitals_day` that is taken, from the daemon or from a file."""
    buckets = {str(index): count for index, count in draw(_BUCKETS).items()}
    zero = draw(_WHOLE)
    given: dict[str, Json] = {
        "kind": "vitals_day",
        "metric": draw(st.sampled_from(METRICS)),
        "day": "2026-06-03",
        "country": draw(st.sampled_from(("GB", "ZZ", "", '"\n\\', "\N{SNOWMAN}"))),
        "good": sum(buckets.values()),
        "needs_improvement": zero,
        "poor": 0,
        "buckets": {**buckets},
        "zero": zero,
    }
    given |= draw(st.dictionaries(st.sampled_from(("id", "source", "a", "limit", "buckets2", "zz")), st.just("x")))
    fact = decode_fact(given, draw(st.integers(0, 2**41)))
    assert isinstance(fact, Fact)
    return fact


@given(any_day())
def test_what_was_packed_comes_out_as_it_was(fact: Fact) -> None:
    line = canonical_line(fact)
    body = pack(line)
    if body is not None:
        assert unpack(body) == line


def test_what_the_daemon_records_is_packed_and_what_cannot_be_is_not() -> None:
    tallies = of_real_users(100)
    assert all(pack(canonical_line(fact)) is not None for fact in recorded(tallies, 0))
    first = recorded(tallies, 0)[0]
    odd: tuple[dict[str, Json], ...] = (
        {"buckets": {}, "zero": 5},
        {"buckets": {"-5000": 1, "5000": 1}},
        {"buckets": {"1": 0, "2": 3}},
        {"a": "stands before the buckets"},
    )
    for changed in odd:
        assert pack(canonical_line(Fact("vitals_day", JUNE, {**first.fields, **changed}))) is None


@given(st.data())
def test_a_body_in_which_a_byte_was_changed_or_lost_is_told(data: st.DataObject) -> None:
    body = pack(canonical_line(recorded(of_real_users(100), 0)[0]))
    assert body is not None
    place = data.draw(st.integers(0, len(body) - 1))
    flipped = bytes([body[place] ^ data.draw(st.integers(1, 255))])
    changed = body[:place] + data.draw(st.sampled_from((flipped, b""))) + body[place + 1 :]
    broken = data.draw(st.sampled_from((changed, body[:place], body + b"x")))
    if broken != body:
        with pytest.raises((zlib.error, ValueError, IndexError)):
            unpack(broken)


def mixed() -> list[AnyFact]:
    """Facts of days among others, packed and not."""
    days = recorded(of_real_users(200), 1)
    as_line = Fact("vitals_day", JUNE + 9 * DAY, {**days[0].fields, "id": "odd", "a": "stands before the buckets"})
    return [*passes(3), started(), *days, as_line, *passes(2, first=3)]


def lines(url: str) -> list[bytes]:
    with open_for_reading(url) as store:
        assert len(list(store.read(Period(0, ALL_TIME), ALL_TIME))) == store.count()
        return list(store.lines(1, store.count()))


def test_days_are_read_proved_known_again_exported_and_restored(tmp_path: Path) -> None:
    facts = mixed()
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append(facts) == len(facts)
        assert store.append(facts[3:-2]) == 0
        assert sorted(map(canonical_line, store.read(Period(0, ALL_TIME), ALL_TIME))) == sorted(
            map(canonical_line, facts)
        )
        head = store.head()
        export_store(store, tmp_path / "out.jsonl", silent)
    assert lines(url_in(tmp_path)) == [canonical_line(fact) for fact in facts]
    assert verify_store(url_in(tmp_path), silent).head == head.digest
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with open_for_writing(url_in(elsewhere), JUNE) as store:
        restore_facts(store, tmp_path / "out.jsonl", silent)
        assert store.head() == head


def former(folder: Path, facts: Sequence[AnyFact]) -> str:
    """A store as version 2 made it: every line stands in `fact`."""
    with open_for_writing(url_in(folder), JUNE) as store:
        store.append(facts)
        numbered = [(canonical_line(fact).decode(), seq) for seq, fact in enumerate(facts, 1)]
    with closing(sqlite3.connect(folder / "minutebook.db")) as database:
        (stays,) = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'fact_stays'").fetchone()
        database.executescript("DROP TABLE packed; DROP TABLE seals_by_series; DROP TRIGGER fact_stays")
        database.executemany("UPDATE fact SET line = ? WHERE seq = ?", numbered)
        database.executescript(f"{stays}; PRAGMA user_version = 2")
    return url_in(folder)


def test_a_store_of_version_2_is_read_as_it_is_and_packs_what_comes_once_it_is_written_to(tmp_path: Path) -> None:
    facts = mixed()
    url = former(tmp_path, facts)
    before = lines(url)
    assert before == [canonical_line(fact) for fact in facts]
    verified = verify_store(url, silent)
    newer = recorded(of_real_users(200), 2)
    with open_for_writing(url, JUNE) as store:
        assert store.head().digest == verified.head
        assert store.append([*facts[3:-2], *newer]) == len(newer)
    with closing(sqlite3.connect(tmp_path / "minutebook.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert database.execute("SELECT count(*) FROM packed").fetchone() == (len(newer),)
        for change in ("UPDATE packed SET body = x'00'", "DELETE FROM packed"):
            with pytest.raises(sqlite3.DatabaseError, match="never"):
                database.execute(change)
    assert lines(url) == [*before, *map(canonical_line, newer)]
    assert verify_store(url, silent).facts == len(facts) + len(newer)
