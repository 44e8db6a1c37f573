"""What is recorded of heartbeats, against a model that asks of every instant whether anybody could have been heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import StoreError
from monitor.facts import AnyFact, Result, key
from monitor.heartbeats import BEAT_S, GONE_MS, LATEST_MS, Heartbeats, Outlet
from monitor.interfaces import Report
from tests.probes.clocks import FakeClock

CHECK, HERE = "nightly", "local"
BEAT = int(BEAT_S * 1000)
SLACK = LATEST_MS + BEAT
"""How long a silence may last before it is recorded."""

State = str
"""pass, failed, heartbeat_missed, void, or nothing at all."""


@dataclass
class Store:
    """What is recorded, as the recorder keeps it: once each, stamped. `away`: nothing can be kept."""

    clock: FakeClock
    results: list[Result] = field(default_factory=list)
    away: bool = False

    async def record(self, facts: Sequence[AnyFact]) -> int:
        if self.away:
            raise StoreError("the disk is full")
        new = [fact for fact in facts if isinstance(fact, Result) and key(fact) not in map(key, self.results)]
        for fact in new:
            self.put(fact)
        return len(new)

    def put(self, result: Result) -> None:
        self.results.append(result._replace(recorded_at=self.clock.now()))

    def newest(self) -> list[Result]:
        return [max(self.results, key=lambda result: result.at)] if self.results else []

    def state(self, instant: int) -> State:
        """Rule 2 of accounting.md section 2, for this check."""
        first: dict[int, Result] = {}
        for result in self.results:
            first.setdefault(result.at, result)
        ordered = sorted(first)
        at = max((each for each in ordered if each <= instant), default=None)
        if at is None or instant >= at + (first[at].hold_ms or 0):
            return "nothing"
        found = first[at]
        return "void" if found.outcome == "void" else found.reason or "pass"


@dataclass
class World:
    """One heartbeat of `holds` ms in a daemon that is stopped, suspended and started as a test says."""

    holds: int
    clock: FakeClock = field(default_factory=FakeClock)
    reports: list[tuple[int, State]] = field(default_factory=list)
    listened: list[tuple[int, int]] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)
    keys: int = 0
    beaten: int = 0

    def __post_init__(self) -> None:
        self.store = Store(self.clock)
        self.start()

    def start(self) -> None:
        self.heartbeats = Heartbeats(self.clock, Outlet(self.store.record, self.store), HERE, {CHECK: self.holds})
        other = Result(self.beaten, "other", HERE, self.beaten, "pass") if self.listened else None
        self.heartbeats.begin([*self.store.newest(), *([other] if other else [])])
        self.since = self.beaten = self.clock.now()

    def pause(self) -> None:
        """Nobody listens from the last beat on."""
        self.listened.append((self.since, self.beaten))
        self.leaves.append(self.beaten)

    def beat(self) -> None:
        self.heartbeats.beat()
        self.beaten = self.clock.now()

    # -- what happens

    def listen(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(BEAT)
            self.beat()

    def report(self, failed: bool = False, replayed: bool = False) -> None:
        self.clock.advance(400)
        self.keys += not replayed
        new = asyncio.run(self.heartbeats.take(CHECK, Report(failed=failed, key=f"run-{self.keys}")))
        if new:
            self.reports.append((self.clock.now(), "failed" if failed else "pass"))
        self.clock.advance(BEAT - 400)
        self.beat()

    def refused(self) -> None:
        """A report that the store cannot keep."""
        self.clock.advance(400)
        self.store.away = True
        with pytest.raises(StoreError):
            asyncio.run(self.heartbeats.take(CHECK, Report()))
        self.store.away = False
        self.beaten = self.clock.now()
        self.pause()
        self.since = self.clock.now()
        self.clock.advance(BEAT - 400)
        self.beat()

    def suspend(self, seconds: int) -> None:
        self.pause()
        self.clock.advance(GONE_MS + seconds * BEAT)
        self.beat()
        self.since = self.beaten

    def sleep(self, seconds: int) -> None:
        self.pause()
        self.clock.sleep((1 + seconds) * BEAT)
        self.beat()
        self.since = self.beaten

    def step(self, seconds: int) -> None:
        self.pause()
        self.clock.step((1 + seconds) * BEAT)
        self.beat()
        self.since = self.beaten

    def kill(self, seconds: int) -> None:
        self.pause()
        self.clock.advance(seconds * BEAT)
        self.start()

    def stop(self, seconds: int) -> None:
        self.heartbeats.end()
        self.kill(seconds)

    # -- the model: for one instant, from nothing but reports and the stretches in which they could be heard

    def truth(self, instant: int) -> State:
        held = [state for at, state in self.reports if at <= instant < at + self.holds]
        if held:
            return held[-1]
        return "heartbeat_missed" if self.missed(instant) else "void" if self.spoken(instant) else "nothing"

    def missed(self, instant: int) -> bool:
        quiet = not any(instant - self.holds < at <= instant for at, _ in self.reports)
        stretches = [*self.listened, (self.since, self.clock.now() + 1)]
        return quiet and any(since <= instant - self.holds and instant < until for since, until in stretches)

    def spoken(self, instant: int) -> bool:
        stretches = [*self.listened, (self.since, self.clock.now() + 1)]
        firsts = [since + self.holds for since, _ in stretches]
        return any(at <= instant for at, _ in self.reports) or any(
            first <= instant and self.missed(first) and self.found(first) for first in firsts
        )

    def found(self, first: int) -> bool:
        """Whether the beat that finds a miss comes before anything else does."""
        finding = -(-(first + LATEST_MS) // BEAT) * BEAT
        return not any(first < end < finding for end in self.ends())

    def soon(self, instant: int) -> bool:
        """Whether something ends the silence, or our listening to it, before it needs to be recorded."""
        return any(instant < end <= instant + SLACK for end in self.ends())

    def ends(self) -> list[int]:
        return [at for at, _ in self.reports] + self.leaves + [self.clock.now()]


SECONDS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("listen"), SECONDS),
    st.tuples(st.sampled_from(["report"]), st.booleans(), st.booleans()),
    st.tuples(st.just("refused")),
    st.tuples(st.sampled_from(["suspend", "sleep", "step", "kill", "stop"]), SECONDS),
)


@given(holds=st.integers(2, 9), steps=st.lists(STEPS, max_size=14))
@settings(max_examples=300)
def test_every_instant_is_what_could_be_known_of_it(holds: int, steps: list[tuple[str, int]]) -> None:
    world = World(holds * BEAT)
    began = world.clock.now()
    for name, *arguments in steps:
        getattr(world, name)(*arguments)
    world.listen(3)  # for what is recorded late
    for second in range(began, world.clock.now(), BEAT):
        for instant in (second + 200, second + 700):
            truth, recorded = world.truth(instant), world.store.state(instant)
            late = world.soon(instant) and (truth, recorded) in {
                ("heartbeat_missed", "nothing"),
                ("heartbeat_missed", "void"),
                ("void", "nothing"),
            }
            assert late or recorded == truth, (instant - began, truth, recorded, world.store.results)


def states(world: World, *seconds: int) -> list[State]:
    return [world.store.state(1_780_000_000_000 + second * BEAT + 700) for second in seconds]


def test_silence_is_a_fail_from_the_end_of_the_hold_and_stays_one() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(20)
    assert states(world, 1, 4, 5, 10, 15) == [
        "pass",
        "pass",
        "heartbeat_missed",
        "heartbeat_missed",
        "heartbeat_missed",
    ]
    at = [result.at for result in world.store.results]
    assert {later - earlier for earlier, later in pairwise(at)} == {5 * BEAT}


def test_a_check_that_nobody_has_heard_of_fails_once_it_had_its_time() -> None:
    world = World(5 * BEAT)
    world.listen(10)
    assert states(world, 0, 4, 5) == ["nothing", "nothing", "heartbeat_missed"]


def test_a_report_of_a_failure_is_a_fail_until_the_next_one() -> None:
    world = World(5 * BEAT)
    world.report(failed=True)
    world.listen(2)
    world.report()
    assert states(world, 1, 2, 3) == ["failed", "failed", "pass"]


def test_a_report_that_is_sent_again_counts_once() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(4)
    world.report(replayed=True)
    world.listen(4)
    assert states(world, 4, 6) == ["pass", "heartbeat_missed"]


def test_a_restart_gives_a_whole_time_before_the_next_miss() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(3)
    world.kill(3)
    world.listen(10)
    assert states(world, 5, 6, 11, 12) == ["void", "void", "void", "heartbeat_missed"]


def test_a_miss_does_not_hold_while_nobody_listens() -> None:
    world = World(9 * BEAT)
    world.report()
    world.listen(13)
    world.stop(2)
    world.listen(2)
    assert states(world, 11, 13, 14, 17) == ["heartbeat_missed", "heartbeat_missed", "void", "void"]
    assert [result.reason for result in world.store.results][-2:] == ["heartbeat_missed", "self_stop"]


def test_a_clock_that_is_set_back_finds_nobody_missed_for_a_whole_time_and_then_does() -> None:
    world = World(5 * BEAT)
    world.listen(3_600)
    before = len(world.store.results)
    world.report()
    world.clock.step(-3_600 * BEAT)
    world.listen(4)
    assert len(world.store.results) == before + 1
    world.listen(4)
    assert world.store.results[-1].reason == "heartbeat_missed"
    assert world.store.results[-1].at <= world.clock.now()


def test_a_clock_that_is_set_back_in_a_silence_books_no_negative_time() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(20)
    world.clock.step(-3_600 * BEAT)
    world.listen(12)
    assert all(result.hold_ms is not None and result.hold_ms > 0 for result in world.store.results)
    assert world.store.results[-1].reason == "heartbeat_missed"
    assert world.store.results[-1].at <= world.clock.now()


def test_a_beat_that_is_late_hears_what_came_meanwhile_first() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(4)
    world.clock.advance(4 * BEAT)
    world.beat()
    world.report()
    world.listen(3)
    assert "heartbeat_missed" not in [result.reason for result in world.store.results]


def test_a_check_that_comes_back_was_not_listened_to() -> None:
    world = World(5 * BEAT)
    world.report()
    world.heartbeats.reload({})
    world.listen(10)
    assert world.heartbeats.checks == frozenset()
    world.heartbeats.reload({CHECK: 5 * BEAT})
    world.listen(10)
    assert states(world, 4, 6, 15, 16) == ["pass", "void", "void", "heartbeat_missed"]
    assert "self_config" in [result.reason for result in world.store.results]


def test_another_time_counts_from_the_next_report_on() -> None:
    world = World(5 * BEAT)
    world.report()
    world.heartbeats.reload({CHECK: 2 * BEAT})
    world.listen(3)
    assert states(world, 4) == ["pass"]
    world.report()
    world.listen(5)
    assert states(world, 5) == ["pass"]
    assert world.store.state(world.reports[-1][0] + 2 * BEAT) == "heartbeat_missed"


def test_results_that_others_send_for_this_place_are_heard() -> None:
    world = World(5 * BEAT)
    sent = Result(0, CHECK, HERE, world.clock.now(), "pass", hold_ms=20 * BEAT)
    elsewhere = Result(0, CHECK, "paris", world.clock.now() + 1, "pass", hold_ms=90 * BEAT)
    world.heartbeats.committed([sent, elsewhere])
    world.listen(15)
    assert world.store.results == []
    world.listen(10)
    assert [result.at - sent.at for result in world.store.results] == [20 * BEAT]


def test_what_is_void_says_since_when_and_why() -> None:
    world = World(5 * BEAT)
    world.report()
    world.listen(2)
    world.suspend(3)
    [since, why] = world.heartbeats.voids()[CHECK]
    assert (since, why) == (world.reports[0][0] + 5 * BEAT, "self_suspended")
    world.report()
    assert world.heartbeats.voids() == {}


async def test_a_report_that_comes_before_the_store_is_read_does_not_let_an_old_miss_hold_until_it() -> None:
    clock = FakeClock()
    store = Store(clock)
    store.put(Result(0, CHECK, HERE, clock.now(), "fail", hold_ms=60 * BEAT, reason="heartbeat_missed"))
    clock.advance(30 * BEAT)
    heartbeats = Heartbeats(clock, Outlet(store.record, store), HERE, {CHECK: 60 * BEAT})
    reporting = asyncio.create_task(heartbeats.take(CHECK, Report()))
    await asyncio.sleep(0)
    clock.advance(5 * BEAT)
    assert not reporting.done()
    heartbeats.begin(store.newest())
    assert await reporting == 1
    assert [result.reason for result in store.results] == ["heartbeat_missed", "self_down", None]
    assert store.results[-1].at == clock.now() - 5 * BEAT
    assert store.state(clock.now()) == "pass"


async def test_it_listens_until_it_is_cancelled_and_ends_what_holds() -> None:
    clock = FakeClock()
    store = Store(clock)
    heartbeats = Heartbeats(clock, Outlet(store.record, store), HERE, {CHECK: 5 * BEAT})
    turns = 0

    async def turn(seconds: float) -> None:
        nonlocal turns
        turns += 1
        if turns > 8:
            raise asyncio.CancelledError
        clock.advance(int(seconds * 1000))

    with pytest.raises(asyncio.CancelledError):
        await heartbeats.run([], turn)
    assert [result.reason for result in store.results] == ["heartbeat_missed", "self_stop"]
