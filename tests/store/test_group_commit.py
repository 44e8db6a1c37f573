"""The daemon's store: many tasks append at once, and each is told of what is durable, or that it is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.errors import FactError, StoreError, StoreInUseError
from monitor.facts import canonical_line
from monitor.interfaces import FactStore
from monitor.ledger.period import Period
from monitor.store import open_for_reading, open_for_writing, open_store, verify_store
from tests.store.samples import ALL_TIME, JUNE, StillClock, passes, started, url_in


async def test_what_many_tasks_append_is_committed_together(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        counts = await asyncio.gather(*(store.append([fact]) for fact in passes(500)))
        assert counts == [1] * 500
        with open_for_reading(url_in(tmp_path)) as beside:
            assert beside.count() == 500
            assert beside.head().n <= 3


async def test_one_fact_appended_by_two_tasks_is_new_to_one(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        counts = await asyncio.gather(*(store.append([started()]) for _ in range(5)))
    assert sorted(counts) == [0, 0, 0, 0, 1]


async def test_who_appends_is_told_which_facts_were_new(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        await store.append(passes(3))
        assert await store.append_new(passes(5)) == passes(2, first=3)


async def test_a_refused_batch_takes_no_other_with_it(tmp_path: Path) -> None:
    broken = passes(1, first=100)[0]._replace(detail="\ud800")
    async with open_store(url_in(tmp_path), StillClock()) as store:
        outcomes = await asyncio.gather(
            store.append(passes(3)),
            store.append([passes(1, first=50)[0], broken]),
            store.append(passes(3, first=3)),
            return_exceptions=True,
        )
        assert outcomes[0] == outcomes[2] == 3
        assert isinstance(outcomes[1], FactError)
        assert len(list(store.read(Period(0, ALL_TIME), ALL_TIME))) == 6


async def test_cancelled_tasks_leave_whole_batches_or_nothing(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    async with open_store(url, StillClock()) as store:
        for start in range(0, 3000, 30):
            tasks = [asyncio.create_task(store.append(passes(10, first=start + 10 * number))) for number in range(3)]
            for _ in range(start // 30 % 5):
                await asyncio.sleep(0)
            tasks[start // 30 % 3].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [10, 10]
    with open_for_reading(url) as beside:
        stored = list(beside.lines(1, beside.count()))
    whole = [[canonical_line(fact) for fact in passes(10, first=start)] for start in range(0, 3000, 10)]
    assert sorted(stored) == sorted(line for batch in whole if batch[0] in stored for line in batch)
    verify_store(url, lambda _done, _total: None)


async def test_what_was_appended_before_closing_is_kept(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        waiting = asyncio.create_task(store.append(passes(100)))
        await asyncio.sleep(0)
    assert await waiting == 100
    with pytest.raises(StoreError, match="closed"):
        await store.append(passes(1))


async def test_a_store_in_use_is_refused_and_a_closed_one_is_free(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()):
        with pytest.raises(StoreInUseError):
            async with open_store(url_in(tmp_path), StillClock()):
                pass
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.count() == 0


async def test_the_opened_store_is_a_fact_store(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as opened:
        store: FactStore = opened
        assert await store.append([started()]) == 1
        assert list(store.read(Period(0, 1), ALL_TIME)) == [started()]
        await store.aclose()
