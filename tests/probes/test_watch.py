"""The watchdog: stalls, suspensions and stepped clocks are seen, and nothing else is."""

from __future__ import annotations

import pytest

from monitor.prober.watch import BEAT_S, Watch
from tests.probes.clocks import FakeClock

BEAT_MS = int(BEAT_S * 1000)


class Diary:
    def __init__(self) -> None:
        self.events: list[tuple[str, int, str]] = []

    def __call__(self, event: str, at: int, detail: str) -> None:
        self.events.append((event, at, detail))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def watch(clock: FakeClock, diary: Diary) -> Watch:
    return Watch(clock, diary)


def beat(watch: Watch, clock: FakeClock, times: int) -> None:
    for _ in range(times):
        clock.advance(BEAT_MS)
        watch.look()


def test_an_even_beat_is_no_trouble(watch: Watch, clock: FakeClock, diary: Diary) -> None:
    began = clock.monotonic_ns()
    beat(watch, clock, 1000)
    assert watch.during(began) is None
    assert diary.events == []
    assert watch.lag_ns == 0


@pytest.mark.parametrize(("stall", "reason"), [(251, "self_loop"), (9_999, "self_loop"), (10_001, "self_suspended")])
def test_a_stretch_without_a_beat_is_a_stall_or_a_suspension(
    watch: Watch, clock: FakeClock, stall: int, reason: str
) -> None:
    began = clock.monotonic_ns()
    clock.advance(stall)
    trouble = watch.during(began)
    assert trouble is not None
    assert (trouble.reason, trouble.until_ns - trouble.since_ns) == (reason, stall * 1_000_000)


def test_a_look_after_the_trouble_is_not_overlapped(watch: Watch, clock: FakeClock) -> None:
    clock.advance(3_000)
    watch.look()
    began = clock.monotonic_ns()
    beat(watch, clock, 3)
    assert watch.during(began) is None
    assert watch.during(began - 1) is not None


@pytest.mark.parametrize("step", [-3_600_000, -1_001, 1_001, 3_600_000, -1_780_000_000_000])
def test_a_stepped_wall_clock_is_trouble_and_told(watch: Watch, clock: FakeClock, diary: Diary, step: int) -> None:
    began = clock.monotonic_ns()
    clock.advance(BEAT_MS)
    clock.step(step)
    trouble = watch.during(began)
    assert trouble is not None
    assert trouble.reason == "self_clock"
    assert diary.events == [("clock_stepped", clock.now(), f"{step} ms")]
    beat(watch, clock, 10)
    assert len(diary.events) == 1


def test_a_clock_that_is_slewed_is_no_trouble(watch: Watch, clock: FakeClock, diary: Diary) -> None:
    began = clock.monotonic_ns()
    for _ in range(1000):
        clock.step(5)
        beat(watch, clock, 1)
    assert watch.during(began) is None


def test_a_suspension_is_told(watch: Watch, clock: FakeClock, diary: Diary) -> None:
    clock.advance(300_000)
    watch.look()
    assert diary.events == [("suspended", clock.now(), "300000 ms")]


def test_the_gravest_trouble_is_the_reason(watch: Watch, clock: FakeClock) -> None:
    began = clock.monotonic_ns()
    clock.advance(300_000)
    watch.look()
    clock.step(5_000)
    watch.look()
    clock.advance(400)
    trouble = watch.during(began)
    assert trouble is not None
    assert trouble.reason == "self_suspended"


def test_a_machine_that_slept_was_suspended_and_its_clock_was_not_stepped(
    watch: Watch, clock: FakeClock, diary: Diary
) -> None:
    began = clock.monotonic_ns()
    clock.advance(BEAT_MS)
    clock.sleep(300_000)
    trouble = watch.during(began)
    assert trouble is not None
    assert trouble.reason == "self_suspended"
    assert diary.events == [("suspended", clock.now(), "300000 ms")]


def test_lateness_is_counted_from_fifty_milliseconds_on(watch: Watch, clock: FakeClock) -> None:
    began = clock.monotonic_ns()
    for late in (0, 50, 51, 200):
        clock.advance(BEAT_MS + late)
        watch.look()
    assert watch.late_ns(began) == 251_000_000
    assert watch.late_ns(clock.monotonic_ns()) == 0
    beat(watch, clock, 3)
    assert watch.late_ns(clock.monotonic_ns() - 3 * BEAT_MS * 1_000_000) == 0
