"""Further slots of an announced peak: the grid's own stay as they are, and nothing is missed, doubled or worsened."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.facts import Result
from monitor.interfaces import Tick
from monitor.ledger.interval import Spans, normalise, subtract
from monitor.ledger.timeline import fold
from monitor.prober.lanes import needed_at_once
from monitor.probes import Missed, ProbedCheck
from monitor.probes.tcp import TcpSettings
from monitor.scheduler import Peak, Scheduler, grid_of
from tests.probes.clocks import FakeClock
from tests.probes.house import Held, House, http_check
from tests.probes.servers import serving
from tests.probes.test_scheduler import HOUR, MINUTE, SECOND, START, Turns, run_until

END = START + 10 * MINUTE


def look(interval: int = 30 * SECOND, timeout: int = 10 * SECOND, name: str = "admin") -> ProbedCheck:
    settings = TcpSettings(host="127.0.0.1", port=9)
    return ProbedCheck("app", name, "tcp", settings, interval, timeout, 2 * interval + timeout, 2, 1)


def ticks_of(check: ProbedCheck, *peaks: Peak, wakes: list[int] | None = None) -> tuple[list[Tick], list[Missed]]:
    """All turns of ten minutes; `wakes` are the instants at which the loop turns, by default whenever it is due."""
    turns = Turns()
    scheduler = Scheduler(FakeClock(START), turns, [check], {})
    scheduler.crowd({check.name: peaks})
    scheduler.begin(START)
    if wakes is None:
        run_until(scheduler, START, END)
    else:
        for now in wakes:
            scheduler.turn(now)
    return turns.drain()


def own(ticks: list[Tick]) -> list[Tick]:
    return [tick for tick in ticks if not tick.further]


def between(check: ProbedCheck, peak: Peak, start: int, end: int) -> list[int]:
    """The further slots by going through every millisecond that could be one: what the scheduler must agree with."""
    grid = grid_of(check.name, check.interval_ms)
    parts = max(1, min(-(-check.interval_ms // peak.interval), check.interval_ms // check.timeout_ms))
    slots = range(grid.newest(start), grid.newest(end) + 1)
    instants = (grid.instant(slot) + part * check.interval_ms // parts for slot in slots for part in range(1, parts))
    return [at for at in instants if max(start + 1, peak.start) <= at < min(end + 1, peak.end)]


PEAKS = st.builds(
    lambda start, length, interval: Peak(START + start, START + start + length, interval),
    st.integers(-2 * MINUTE, 11 * MINUTE),
    st.integers(1, 8 * MINUTE),
    st.integers(1_000, 90_000),
)
CHECKS = st.integers(5_000, 90_000).flatmap(
    lambda interval: st.builds(look, st.just(interval), st.integers(500, interval), st.sampled_from("abcdef"))
)


@given(CHECKS, PEAKS)
@example(look(), Peak(START + MINUTE, START + 3 * MINUTE, 15 * SECOND))
@example(look(7_001, 1_000), Peak(START, END, 2_000))
def test_every_further_slot_is_one_tick_and_the_grids_own_stay(check: ProbedCheck, peak: Peak) -> None:
    ticks, gaps = ticks_of(check, peak)
    calm, _ = ticks_of(check)
    assert gaps == []
    assert own(ticks) == calm
    assert [tick.scheduled_at for tick in ticks if tick.further] == between(check, peak, START, END)
    instants = sorted(tick.scheduled_at for tick in ticks)
    assert len(set(instants)) == len(instants)
    assert all(later - sooner >= check.timeout_ms for sooner, later in pairwise(instants))
    within = [at for at in instants if peak.start <= at < peak.end]
    at_most = max(min(peak.interval, check.interval_ms), 2 * check.timeout_ms)  # whole parts, none under the timeout
    assert all(later - sooner <= at_most for sooner, later in pairwise(within))


@given(CHECKS, st.lists(PEAKS, max_size=3), st.lists(st.integers(0, 10 * MINUTE), max_size=40))
def test_a_loop_that_wakes_late_misses_what_it_would_have_missed_without_a_peak(
    check: ProbedCheck, peaks: list[Peak], wakes: list[int]
) -> None:
    instants = [START + wake for wake in sorted(wakes)]
    ticks, gaps = ticks_of(check, *peaks, wakes=instants)
    calm, calm_gaps = ticks_of(check, wakes=instants)
    assert (own(ticks), gaps) == (calm, calm_gaps)
    assert len({(tick.scheduled_at) for tick in ticks}) == len(ticks)


@given(CHECKS, PEAKS, st.integers(0, 2**40))
def test_more_looks_only_ever_tell_more(check: ProbedCheck, peak: Peak, answers: int) -> None:
    """With the same answers at the grid's own slots, whatever was known without the peak is known with it."""

    def known(ticks: list[Tick]) -> Spans:
        looks = [
            Result(
                recorded_at=tick.scheduled_at,
                check=check.name,
                vantage="here",
                at=tick.scheduled_at,
                outcome="fail" if answers >> (tick.slot % 41) & 1 else "pass",
                hold_ms=check.hold_ms,
                scheduled_at=tick.scheduled_at,
            )
            for tick in ticks
        ]
        segments = fold(looks, check.hold_ms, check.fall, check.rise).timelines().measured
        return normalise((start, end) for start, end, _ in segments)

    ticks, _ = ticks_of(check, peak)
    assert subtract(known(own(ticks)), known(ticks)) == []


def test_a_peak_that_is_called_off_or_moved_changes_no_slot_of_the_grid() -> None:
    check, turns = look(), Turns()
    scheduler = Scheduler(FakeClock(START), turns, [check], {})
    scheduler.begin(START)
    peak = Peak(START + MINUTE, START + HOUR, 15 * SECOND)
    scheduler.crowd({check.name: [peak]})
    run_until(scheduler, START, START + 3 * MINUTE)
    scheduler.crowd({check.name: [peak]})
    scheduler.reload([check])
    scheduler.crowd({check.name: [peak._replace(end=START + 5 * MINUTE)]})
    run_until(scheduler, START + 3 * MINUTE, START + 4 * MINUTE)
    scheduler.crowd({})
    run_until(scheduler, START + 4 * MINUTE, END)
    ticks, gaps = turns.drain()
    assert gaps == []
    assert own(ticks) == own(ticks_of(check)[0])
    further = [tick.scheduled_at for tick in ticks if tick.further]
    assert further == between(check, peak, START, START + 4 * MINUTE)


def test_a_clock_that_is_set_back_looks_at_no_slot_again_soon() -> None:
    check, turns = look(), Turns()
    scheduler = Scheduler(FakeClock(START), turns, [check], {})
    scheduler.begin(START)
    scheduler.crowd({check.name: [Peak(START - HOUR, START + HOUR, 15 * SECOND)]})
    run_until(scheduler, START, START + MINUTE)
    scheduler.turn(START + 40 * SECOND)
    run_until(scheduler, START + 40 * SECOND, START + 2 * MINUTE)
    instants = [tick.scheduled_at for tick in turns.ticks]
    assert len(set(instants)) == len(instants)
    scheduler.turn(START - 20 * MINUTE)
    turns.drain()
    run_until(scheduler, START - 20 * MINUTE, START - 19 * MINUTE)
    assert sum(tick.further for tick in turns.ticks) == 2


async def test_a_further_look_that_is_void_or_finds_no_room_leaves_no_trace() -> None:
    held = Held(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with serving(held) as server, House(http_check(server.url)).open() as house:
        now = house.clock.now()
        house.prober.take(Tick("app", 6, now - 20_000, further=True))  # far too late: a void that says nothing
        asked = house.tick("app")
        await held.asked.wait()
        house.prober.take(Tick("app", 7, now + 5_000, further=True))
        held.go.set()
        first = await house.results.next()
        second = await house.results.next()
    assert (first.outcome, first.scheduled_at) == ("pass", asked.scheduled_at)
    assert (second.outcome, second.scheduled_at, second.hold_ms) == ("pass", now + 5_000, 30_000)


def test_there_is_room_for_the_looks_of_a_peak() -> None:
    calm = needed_at_once([("a", 10 * SECOND, 30 * SECOND)] * 30)
    crowd = needed_at_once([("a", 10 * SECOND, 15 * SECOND)] * 30)
    assert (calm["a"], crowd["a"]) == (20, 40)
