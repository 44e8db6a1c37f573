"""The recorder over a real store, and over stores that are away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor import recorder as recording
from monitor.errors import StoreDamagedError, StoreError
from monitor.facts import AnyFact, Result
from monitor.ledger.period import Period
from monitor.recorder import Recorder
from monitor.store import open_for_reading, open_store
from tests.store.samples import ALL_TIME, JUNE, StillClock, maintenance, passes, started, url_in


class Away:
    """A store that refuses until it is told to take facts; it stands for a full disk."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.taken: list[AnyFact] = []

    async def append_new(self, facts: Sequence[AnyFact]) -> list[AnyFact]:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.taken += facts
        return list(facts)


class Pauses:
    """A sleep that ends at once when `wakes` is left, and never after that."""

    def __init__(self, wakes: int) -> None:
        self.wakes = wakes
        self.asked: list[float] = []
        self.spent = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        if len(self.asked) == self.wakes:
            self.spent.set()
            await asyncio.Event().wait()
        self.asked.append(seconds)


def ignore(_facts: Sequence[AnyFact]) -> None:
    return


async def test_results_put_are_stored_when_the_recorder_is_left(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 5)
    async with open_store(url_in(tmp_path), clock) as store:
        async with Recorder(store, clock, ignore) as recorder:
            for result in passes(100):
                recorder.put(result)
            assert recorder.depth == 100
        assert recorder.depth == 0
        assert len(list(store.read(Period(0, ALL_TIME), ALL_TIME))) == 100


async def put_and_fail(recorder: Recorder) -> None:
    async with recorder:
        recorder.put(passes(1)[0])
        raise LookupError


async def test_results_are_stored_when_the_body_fails_and_its_error_goes_on(tmp_path: Path) -> None:
    async with open_store(url_in(tmp_path), StillClock()) as store:
        with pytest.raises(LookupError):
            await put_and_fail(Recorder(store, StillClock(), ignore))
    with open_for_reading(url_in(tmp_path)) as reader:
        assert reader.count() == 1


async def test_results_are_stored_when_the_body_is_cancelled(tmp_path: Path) -> None:
    entered = asyncio.Event()

    async def put_and_wait(recorder: Recorder) -> None:
        async with recorder:
            recorder.put(passes(1)[0])
            entered.set()
            await asyncio.Event().wait()

    async with open_store(url_in(tmp_path), StillClock()) as store:
        body = asyncio.create_task(put_and_wait(Recorder(store, StillClock(), ignore)))
        await entered.wait()
        body.cancel()
        with pytest.raises(asyncio.CancelledError):
            await body
        assert len(list(store.read(Period(0, ALL_TIME), ALL_TIME))) == 1


async def test_facts_are_durable_when_record_returns(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 7)
    told: list[AnyFact] = []
    async with open_store(url_in(tmp_path), clock) as store, Recorder(store, clock, told.extend) as recorder:
        assert await recorder.record([maintenance(1), started(), maintenance(2)]) == 3
        with open_for_reading(url_in(tmp_path)) as reader:
            assert list(reader.read(Period(0, 1), ALL_TIME)) == told
        assert [fact.recorded_at - JUNE for fact in told] == [7, 7, 8]
        assert recorder.recorded == {"maintenance": 2, "lifecycle": 1}


async def test_only_new_facts_are_told(tmp_path: Path) -> None:
    clock = StillClock()
    told: list[AnyFact] = []
    async with open_store(url_in(tmp_path), clock) as store, Recorder(store, clock, told.extend) as recorder:
        await recorder.record([started()])
        clock.instant += 1000
        assert await recorder.record([started(), started(JUNE + 1)]) == 1
    assert [fact.recorded_at - JUNE for fact in told] == [0, 1001]


async def test_facts_of_one_subject_keep_their_order_across_batches_of_one_millisecond(tmp_path: Path) -> None:
    clock = StillClock()
    told: list[AnyFact] = []
    async with open_store(url_in(tmp_path), clock) as store, Recorder(store, clock, told.extend) as recorder:
        await recorder.record([maintenance(1), maintenance(2)])
        await recorder.record([maintenance(3)])
    assert [fact.recorded_at - JUNE for fact in told] == [0, 1, 2]


async def test_results_wait_while_the_store_is_away_in_longer_and_longer_pauses() -> None:
    store, pauses = Away(StoreError("full")), Pauses(8)
    async with Recorder(store, StillClock(), ignore, pauses) as recorder:
        for result in passes(10):
            recorder.put(result)
        await pauses.spent.wait()
        assert (recorder.depth, recorder.writable) == (10, False)
        assert pauses.asked == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
        store.error = None
    assert [fact.at for fact in store.taken if isinstance(fact, Result)] == [result.at for result in passes(10)]
    assert recorder.writable


async def test_retries_leave_no_stamps_ahead_of_the_clock() -> None:
    store, pauses = Away(StoreError("full")), Pauses(5)
    async with Recorder(store, StillClock(), ignore, pauses) as recorder:
        for result in passes(3):
            recorder.put(result)
        await pauses.spent.wait()
        store.error = None
    assert [fact.recorded_at - JUNE for fact in store.taken] == [0, 1, 2]


async def test_what_the_buffer_cannot_hold_becomes_a_void_over_that_stretch() -> None:
    store = Away()
    held = recording.BUFFER_BYTES // recording.RESULT_BYTES
    async with Recorder(store, StillClock(), ignore) as recorder:
        for result in [*passes(5, check="other"), *passes(held + 100)]:
            recorder.put(result)
        assert recorder.depth == held
    voids = [fact for fact in store.taken if isinstance(fact, Result) and fact.outcome == "void"]
    assert [(void.check, void.at, void.reason, void.confirm) for void in voids] == [
        ("other", JUNE, "self_store", False),
        ("web", JUNE, "self_store", False),
    ]
    assert [void.hold_ms for void in voids] == [4000 + 3000, 99_000 + 3000]
    kept = [fact for fact in store.taken if isinstance(fact, Result) and fact.outcome == "pass"]
    assert [fact.at for fact in kept] == [result.at for result in passes(held, first=100)]


async def test_a_dropped_confirming_look_leaves_no_void() -> None:
    store = Away()
    held = recording.BUFFER_BYTES // recording.RESULT_BYTES
    async with Recorder(store, StillClock(), ignore) as recorder:
        recorder.put(passes(1)[0]._replace(confirm=True))
        for result in passes(held, first=1):
            recorder.put(result)
    assert len(store.taken) == held


async def test_long_details_fill_the_buffer_sooner() -> None:
    async with Recorder(Away(), StillClock(), ignore) as recorder:
        for result in passes(20_000):
            recorder.put(result._replace(detail="x" * 500))
        assert recorder.depth == recording.BUFFER_BYTES // (recording.RESULT_BYTES + 2000)


async def test_record_tells_who_asked_that_the_store_is_away() -> None:
    async with Recorder(Away(StoreError("full")), StillClock(), ignore) as recorder:
        with pytest.raises(StoreError, match="full"):
            await recorder.record([started()])
        assert not recorder.writable


@pytest.mark.parametrize("error", [StoreDamagedError("torn"), ValueError("a bug")])
async def test_what_waiting_does_not_mend_stops_the_process(error: Exception) -> None:
    async def put_and_wait() -> None:
        async with Recorder(Away(error), StillClock(), ignore, Pauses(1)) as recorder:
            recorder.put(passes(1)[0])
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as stopped:
        await put_and_wait()
    assert stopped.value.subgroup(type(error)) is not None


async def test_leaving_takes_no_longer_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        async def append_new(self, facts: Sequence[AnyFact]) -> list[AnyFact]:
            await asyncio.Event().wait()
            return list(facts)

    monkeypatch.setattr(recording, "DRAIN_S", 0.01)
    async with Recorder(Hanging(), StillClock(), ignore) as recorder:
        recorder.put(passes(1)[0])
    assert recorder.depth == 1
