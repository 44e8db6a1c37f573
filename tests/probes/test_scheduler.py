"""The grid and the scheduler: slots that stay, no bursts, and every slot that was slept through is told."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.interfaces import Tick
from monitor.probes import Missed, ProbedCheck
from monitor.probes.tcp import TcpSettings
from monitor.scheduler import Scheduler, grid_of
from tests.probes.clocks import FakeClock

START = 1_780_000_000_000
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


class Turns:
    """Keeps what the scheduler hands out."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.gaps: list[Missed] = []

    def take(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def missed(self, missed: Missed) -> None:
        self.gaps.append(missed)

    def drain(self) -> tuple[list[Tick], list[Missed]]:
        seen = self.ticks, self.gaps
        self.ticks, self.gaps = [], []
        return seen


def check(name: str, interval: int = 30 * SECOND) -> ProbedCheck:
    return ProbedCheck("app", name, "tcp", TcpSettings(host="127.0.0.1", port=9), interval, 1000, 70 * SECOND, 2, 1)


def checks(count: int, interval: int = 30 * SECOND) -> list[ProbedCheck]:
    return [check(f"check-{number}", interval) for number in range(count)]


def begun(turns: Turns, given_checks: list[ProbedCheck], **recorded: int) -> Scheduler:
    scheduler = Scheduler(FakeClock(START), turns, given_checks, recorded)
    scheduler.begin(START)
    return scheduler


def run_until(scheduler: Scheduler, now: int, end: int) -> None:
    while now < end:
        now = min(max(scheduler.turn(now), now + 1), end)
    scheduler.turn(end)


@given(st.text(min_size=1, max_size=40), st.integers(100, 40 * HOUR), st.integers(0, 4 * 10**12))
def test_the_newest_slot_has_begun_and_the_next_has_not(name: str, interval: int, now: int) -> None:
    grid = grid_of(name, interval)
    assert 0 <= grid.offset < interval
    assert grid.instant(grid.newest(now)) <= now < grid.instant(grid.newest(now) + 1)


def test_a_name_keeps_its_grid() -> None:
    assert grid_of("admin", 30_000) == (30_000, 3_630)
    assert grid_of("api-port", 30_000).offset != grid_of("admin", 30_000).offset


def test_every_slot_is_one_tick_at_its_instant() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(50))
    run_until(scheduler, START, START + 10 * MINUTE)
    ticks, gaps = turns.drain()
    assert gaps == []
    assert len(ticks) == 50 * 20
    assert len({(tick.check, tick.slot) for tick in ticks}) == len(ticks)
    for tick in ticks:
        assert tick.scheduled_at == grid_of(tick.check, 30 * SECOND).instant(tick.slot)


def test_many_checks_are_spread_over_the_interval() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(3000))
    run_until(scheduler, START, START + 30 * SECOND)
    for second in range(30):
        begin = START + second * SECOND
        assert 50 < sum(begin <= tick.scheduled_at < begin + SECOND for tick in turns.ticks) < 150


def test_a_late_slot_is_still_looked_at() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(40))
    scheduler.turn(START + 29_999)
    ticks, gaps = turns.drain()
    assert len(ticks) in {39, 40}
    assert gaps == []


def test_what_a_suspension_skipped_is_told_once_a_check_without_a_burst() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(50))
    run_until(scheduler, START, START + MINUTE)
    before = {tick.check: tick.slot for tick in turns.drain()[0]}
    awake = START + MINUTE + 5 * MINUTE
    scheduler.turn(awake)
    ticks, gaps = turns.drain()
    assert ticks == []
    assert {gap.check: gap.slots for gap in gaps} == dict.fromkeys(before, 10)
    for gap in gaps:
        grid = grid_of(gap.check, 30 * SECOND)
        assert gap.at == grid.instant(before[gap.check] + 1)
        assert gap.until == grid.instant(grid.newest(awake) + 1)
        assert not gap.since_start
    assert scheduler.slots_missed == 500
    run_until(scheduler, awake, awake + 30 * SECOND)
    assert len(turns.drain()[0]) == 50


def test_a_check_whose_next_slot_is_far_is_looked_at_once_after_a_suspension() -> None:
    turns = Turns()
    scheduler = begun(turns, [check("hourly", HOUR)])
    awake = START + 3 * HOUR
    scheduler.turn(awake)
    ticks, gaps = turns.drain()
    grid = grid_of("hourly", HOUR)
    assert [tick.slot for tick in ticks] == [grid.newest(awake)]
    assert [(gap.at, gap.until) for gap in gaps] == [
        (grid.instant(grid.newest(START) + 1), grid.instant(grid.newest(awake)))
    ]


def test_a_start_tells_the_slots_since_the_last_result() -> None:
    turns = Turns()
    grid = grid_of("check-0", 30 * SECOND)
    last = START - HOUR
    begun(turns, checks(2), **{"check-0": last})
    assert turns.gaps == [
        Missed("check-0", grid.instant(grid.newest(last) + 1), grid.instant(grid.newest(START) + 1), 120, True)
    ]


def test_a_restart_between_two_slots_misses_nothing() -> None:
    turns = Turns()
    grid = grid_of("check-0", 30 * SECOND)
    begun(turns, checks(1), **{"check-0": grid.instant(grid.newest(START))})
    assert turns.gaps == []


def test_a_reload_keeps_the_slots_of_unchanged_checks() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(10))
    run_until(scheduler, START, START + MINUTE)
    seen = {(tick.check, tick.slot) for tick in turns.drain()[0]}
    scheduler._clock.advance(MINUTE)  # type: ignore[attr-defined]
    scheduler.reload([*checks(9), check("new"), check("check-9", MINUTE)])
    run_until(scheduler, START + MINUTE, START + 2 * MINUTE)
    ticks, gaps = turns.drain()
    assert gaps == []
    assert not seen & {(tick.check, tick.slot) for tick in ticks if tick.check != "check-9"}
    assert sum(tick.check == "new" for tick in ticks) == 2
    assert sum(tick.check == "check-9" for tick in ticks) == 1
    assert len(ticks) == 9 * 2 + 3


def test_a_removed_check_is_not_asked_for_again() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(2))
    scheduler.reload(checks(1))
    run_until(scheduler, START, START + MINUTE)
    assert {tick.check for tick in turns.ticks} == {"check-0"}


@pytest.mark.parametrize("step", [-1000, -20_000])
def test_a_small_step_back_repeats_no_slot(step: int) -> None:
    turns = Turns()
    scheduler = begun(turns, checks(50))
    run_until(scheduler, START, START + MINUTE)
    run_until(scheduler, START + MINUTE + step, START + 2 * MINUTE)
    ticks, gaps = turns.drain()
    assert gaps == []
    assert len({(tick.check, tick.slot) for tick in ticks}) == len(ticks)


@pytest.mark.parametrize("step", [-HOUR, -24 * HOUR, -START])
def test_a_large_step_back_leaves_no_check_unwatched(step: int) -> None:
    turns = Turns()
    scheduler = begun(turns, checks(50))
    run_until(scheduler, START, START + MINUTE)
    turns.drain()
    run_until(scheduler, START + MINUTE + step, START + 2 * MINUTE + step)
    assert len({tick.check for tick in turns.ticks}) == 50


def test_a_step_ahead_is_a_gap() -> None:
    turns = Turns()
    scheduler = begun(turns, checks(5))
    scheduler.turn(START + HOUR)
    assert turns.ticks == []
    assert {gap.slots for gap in turns.gaps} == {120}


async def test_the_scheduler_runs_on_the_real_clock_until_it_is_cancelled() -> None:
    clock = SystemClock()
    late: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class First(Turns):
        def take(self, tick: Tick) -> None:
            if not late.done():
                late.set_result(clock.now() - tick.scheduled_at)

    scheduler = Scheduler(clock, First(), checks(20, 200), {})
    running = asyncio.create_task(scheduler.run())
    assert 0 <= await late < 200
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_reload_wakes_the_scheduler() -> None:
    taken = asyncio.Event()

    class Told(Turns):
        def take(self, tick: Tick) -> None:
            taken.set()

    scheduler = Scheduler(SystemClock(), Told(), [], {})
    running = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0)
    scheduler.reload(checks(1, 100))
    await asyncio.wait_for(taken.wait(), 0.9)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
