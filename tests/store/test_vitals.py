"""The open table of Web Vitals: one row a sample, in the store's file and outside its chain."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import StoreError
from monitor.interfaces import VitalReport
from monitor.ledger.period import HOUR, MINUTE
from monitor.store import open_for_reading, open_for_writing, open_store, verify_store
from monitor.store.vitals import OPEN_MS, OpenSample, OpenVitals, purge
from tests.store.samples import JUNE, StillClock, passes, url_in


def report(name: str = "a", value: float = 2400.5, at: int = JUNE, country: str | None = "DE") -> VitalReport:
    return VitalReport(name.encode().ljust(12, b"."), "LCP", value, at, country, "open")


def sample(value: float = 2400.5, at: int = JUNE, country: str | None = "DE") -> OpenSample:
    return OpenSample("LCP", value, at, country, "open")


async def test_the_last_report_wins_and_the_first_says_where_it_counts(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.keep_vitals([report(value=300), report("b", 7, country=None)], JUNE)
        await store.keep_vitals([report(value=120, at=JUNE + MINUTE, country="GB")], JUNE + MINUTE)
        assert list(store.open_samples()) == [sample(120), sample(7, country=None)]


async def test_reports_that_come_out_of_order_leave_the_same_sample(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.keep_vitals([report(value=120, at=JUNE + MINUTE, country="GB")], JUNE + MINUTE)
        await store.keep_vitals([report(value=300)], JUNE + MINUTE)
        assert list(store.open_samples()) == [sample(120)]


def test_any_reports_in_any_batches_twice_over_leave_what_a_list_leaves(tmp_path: Path) -> None:
    """Also when a batch is kept a second time before the next, as a spool does whose thanks were lost."""
    table = OpenVitals()
    with open_for_writing(url_in(tmp_path), JUNE) as store:

        @settings(max_examples=60, deadline=None)
        @given(
            st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 5)), max_size=8),
            st.integers(0, 8),
        )
        def hold(told: list[tuple[str, int, int]], cut: int) -> None:
            reports = [report(name, value, JUNE + at, f"C{at}") for name, at, value in told]
            with store.log.beside() as database:
                purge(database, JUNE + HOUR)
                for batch in (reports[:cut], reports[cut:]):
                    for _ in range(2):
                        table.keep(database, batch, JUNE + MINUTE)
            assert sorted(store.open_samples()) == sorted(naive(reports))

        hold()


def naive(reports: list[VitalReport]) -> list[OpenSample]:
    """The samples behind reports in order of recording, by looking through them all."""
    found = []
    for key in {each.key for each in reports}:
        own = [each for each in reports if each.key == key]
        first, last = min(own, key=lambda r: r.at), max(enumerate(own), key=lambda r: (r[1].at, r[0]))[1]
        found.append(sample(last.value, first.at, first.country))
    return found


async def test_what_is_kept_survives_and_the_chain_knows_nothing_of_it(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.append(passes(3))
        head = store.head()
        await asyncio.gather(*(store.keep_vitals([report(str(n))], JUNE) for n in range(20)))
        assert store.head() == head
    assert verify_store(url_in(tmp_path), lambda _done, _of: None).facts == 3
    async with open_store(url_in(tmp_path), StillClock()) as store:
        assert len(list(store.open_samples())) == 20
        assert store.first_open() == JUNE


async def test_what_stands_for_an_id_is_in_no_file_after_two_days(tmp_path: Path) -> None:
    key = report("a").key
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.keep_vitals([report("a"), report("b", at=JUNE + HOUR)], JUNE + HOUR)
        await store.forget_vitals(JUNE + OPEN_MS)
        assert len(list(store.open_samples())) == 2
        with closing(sqlite3.connect(tmp_path / "minutebook.db")) as beside:
            assert beside.execute("SELECT key FROM vital_open").fetchall() == [(None,), (report("b").key,)]
        assert holding(tmp_path, key) == [], "also in no WAL of the running daemon"
    assert holding(tmp_path, key) == []


async def test_what_somebody_still_reads_is_wiped_the_next_time(tmp_path: Path) -> None:
    key = report("a").key
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.keep_vitals([report("a")], JUNE)
        with closing(sqlite3.connect(tmp_path / "minutebook.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM vital_open").fetchone()
            await store.forget_vitals(JUNE + OPEN_MS)
            assert holding(tmp_path, key) == ["minutebook.db-wal"]
        await store.forget_vitals(JUNE + OPEN_MS)
        assert holding(tmp_path, key) == []


def holding(folder: Path, text: bytes) -> list[str]:
    """The files that hold these bytes."""
    return [path.name for path in folder.iterdir() if path.is_file() and text in path.read_bytes()]


async def test_a_report_that_is_two_days_old_is_too_late(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        assert await store.keep_vitals([report("a"), report("b", at=JUNE + 1)], JUNE + OPEN_MS) == 1
        assert list(store.open_samples()) == [sample(at=JUNE + 1)]


async def test_what_was_recorded_goes_and_what_is_newer_stays(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.keep_vitals([report("a"), report("b", at=JUNE + HOUR)], JUNE + HOUR)
        await store.purge_vitals(JUNE + HOUR)
        assert list(store.open_samples()) == [sample(at=JUNE + HOUR)]


async def test_a_store_without_the_table_has_no_open_samples(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.forget_vitals(JUNE)
        await store.purge_vitals(JUNE)
        assert store.first_open() is None
        assert list(store.open_samples()) == []
    with open_for_reading(url_in(tmp_path)) as reader:
        assert list(reader.open_samples()) == []


def test_past_the_cap_nothing_is_taken(tmp_path: Path) -> None:
    table = OpenVitals(most=3)
    with open_for_writing(url_in(tmp_path), JUNE) as store:

        def keep(*names: str) -> None:
            with store.log.beside() as database:
                table.keep(database, [report(name) for name in names], JUNE)

        keep("a", "b")
        with pytest.raises(StoreError, match="3 samples"):
            keep("c", "d")
        assert len(list(store.open_samples())) == 2
        keep("c")
        with pytest.raises(StoreError, match="3 samples"):
            keep("d")
