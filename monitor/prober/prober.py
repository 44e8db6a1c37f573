"""Takes the scheduler's ticks, runs the probes, and records what each look proves.

A look is probed, then reviewed: a stall, a suspension or a stepped clock that overlapped it makes it void, and a fail
that our own network could have caused is put to the canaries (design/faults.md, order of judgement). A result that
contradicts the check's state is followed by one extra look (contracts/accounting.md section 2.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from monitor.interfaces import Clock, Observation, RecordResults, Tick
from monitor.prober.canaries import Canaries, Canary
from monitor.prober.evidence import all_refused_together
from monitor.prober.lanes import Lanes, most_at_once, needed_at_once
from monitor.prober.results import gap_result, look_result, stopped
from monitor.prober.review import MILLISECOND, Review, Subject, by_the_clock
from monitor.prober.runs import Runs
from monitor.prober.watch import Notice, Watch
from monitor.prober.witnesses import TIMEOUT_MS
from monitor.probes import KINDS, Io, Missed, Probe, ProbedCheck
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from monitor.probes.trace import Trace

IDLE_KEPT = 64
"""Tasks that wait for the next look to be made: as many as are under way together, where none is slow."""


@dataclass(frozen=True, slots=True)
class ProbingOptions:
    """The `probing` section; `location` is this daemon's vantage. `confirm_after_ms` 0: no extra look. `anchor` is the
    web canary of those who name none."""

    location: str = "local"
    confirm_after_ms: int = 5_000
    resolvers: tuple[str, ...] = ()
    allow_private_targets: bool = True
    canaries: tuple[Canary, ...] = ()
    anchor: Canary | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the prober's findings go: results to the recorder, lifecycle events to whoever makes facts of them."""

    results: RecordResults
    notice: Notice


class VoidSpell(NamedTuple):
    """A check of which nothing has been known since an instant (UTC ms), and why: its newest look's reason, or
    `missed` where nobody looked."""

    since: int
    reason: str


@dataclass(slots=True, eq=False)
class _Plan:
    """A check that is probed, and what its looks have shown so far."""

    check: ProbedCheck
    probe: Probe
    io: Io
    host: str
    known_until: int
    void_reason: str | None = None
    runs: Runs = field(default_factory=Runs)
    confirm: asyncio.TimerHandle | None = None
    waiting: Tick | None = None

    def see_known(self, until: int) -> None:
        """Its state is known until an instant (UTC ms), unless a void comes before."""
        self.known_until, self.void_reason = until, None

    def see_void(self, at: int, reason: str) -> None:
        self.known_until, self.void_reason = min(self.known_until, at), reason

    def void_spell(self, now: int) -> VoidSpell | None:
        """Since when nothing is known, also where looks have simply stopped; None while something is."""
        if self.void_reason is None and now <= self.known_until:
            return None
        return VoidSpell(min(self.known_until, now), self.void_reason or "missed")


class Prober:
    """Construct it without starting anything; `take` and `missed` are what the scheduler calls; `run` until cancelled.

    On cancellation each look under way is recorded as void (`self_stop`).
    """

    def __init__(self, clock: Clock, outlets: Outlets, checks: Iterable[ProbedCheck], options: ProbingOptions) -> None:
        self._clock = clock
        self._outlets = outlets
        self._options = options
        self._watch = Watch(clock, outlets.notice)
        self._tls = Tls()
        self._resolver = Resolver(options.resolvers, clock.monotonic_ns)
        self._canaries = Canaries(
            clock,
            self._io(TIMEOUT_MS),
            options.canaries,
            options.anchor,
            lambda since: self._watch.during(since) is None,
        )
        self._review = Review(clock, self._watch, self._canaries, self._refused_together)
        self._lanes: Lanes[_Plan] = Lanes(self._start, most_at_once())
        self._group: asyncio.TaskGroup | None = None
        self._early: list[_Plan] = []
        self._idle: list[asyncio.Future[tuple[_Plan, Tick]]] = []
        self._plans: dict[str, _Plan] = {}
        self._newest: dict[str, Observation] = {}
        self._failing: set[str] = set()
        self._crowded: dict[str, int] = {}
        self._lag_ms = 0
        self._adopt(checks)

    # -- what the metrics ask

    @property
    def newest(self) -> Mapping[str, Observation]:
        """The newest scheduled look of each check, void ones too."""
        return self._newest

    @property
    def canary_signs(self) -> Mapping[str, bool]:
        """The canaries that count, and whether each sang when it was last asked."""
        return self._canaries.signs

    @property
    def resolvers_up(self) -> Mapping[str, bool]:
        """The name servers that were asked, and whether each answered the last time."""
        return self._resolver.up

    def voids(self) -> Mapping[str, VoidSpell]:
        """The checks of which nothing is known now: their newest scheduled look is void, or its hold is over."""
        now = self._clock.now()
        spells = {name: plan.void_spell(now) for name, plan in self._plans.items()}
        return {name: spell for name, spell in spells.items() if spell is not None}

    @property
    def probe_lag_ms(self) -> int:
        """How late the latest look was started."""
        return self._lag_ms

    @property
    def loop_lag_ns(self) -> int:
        """How late the watchdog's latest beat was."""
        return self._watch.lag_ns

    # -- what the scheduler calls

    def take(self, tick: Tick) -> None:
        """Starts a look, or queues it while too many run. A check that waits keeps its place: its next slot takes the
        place of the one that waited in vain, which is void, so that none starves behind the others. A look in a further
        slot of a peak never takes a place, and costs nothing where it finds none."""
        plan = self._plans.get(tick.check)
        if plan is None:
            return
        before = plan.waiting
        if before is None:
            plan.waiting = tick
            self._lanes.enter(plan.host, plan)
        elif not tick.confirm and not tick.further:
            plan.waiting = tick
            if not before.confirm and not before.further:
                now = self._clock.now()
                waited = f"waited {now - before.scheduled_at} ms in vain"
                self._record(plan, before, Observation("void", now, 0, "self_overload", waited))

    def missed(self, missed: Missed) -> None:
        """Records the void that ends the cover of the result before the slots that nobody looked in."""
        plan = self._plans.get(missed.check)
        if plan is None:
            return
        reason, detail = "self_down", f"{missed.slots} slots before this start"
        if not missed.since_start:
            slept = self._clock.monotonic_ns() - (self._clock.now() - missed.at) * MILLISECOND
            trouble = self._watch.during(slept)
            reason, detail = (trouble.reason, trouble.detail) if trouble else ("missed", f"{missed.slots} slots")
        self._outlets.results.put(gap_result(missed, self._options.location, reason, detail))
        plan.see_void(missed.at, reason)

    # -- life

    async def run(self) -> None:
        """Probes until it is cancelled. A bug in a probe ends it with that error."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._watch.run())
                group.create_task(self._canaries.run())
                early, self._early = self._early, []
                for plan in early:
                    self._start(plan)
        finally:
            self._group = None
            self._idle.clear()
            for plan in self._plans.values():
                _forget(plan)
            await self._canaries.aclose()
            await self._resolver.aclose()

    async def reload(self, checks: Iterable[ProbedCheck], options: ProbingOptions) -> None:
        """The checks and options from now on; an unchanged check keeps its run. Looks under way end as they began."""
        if options != self._options:
            before = self._resolver
            same = options.resolvers == self._options.resolvers
            self._options = options
            if not same:
                self._resolver = Resolver(options.resolvers, self._clock.monotonic_ns)
                await before.aclose()
            await self._canaries.reload(self._io(TIMEOUT_MS), options.canaries, options.anchor)
        self._adopt(checks)

    def _adopt(self, checks: Iterable[ProbedCheck]) -> None:
        kept, self._plans = self._plans, {}
        reach = cache(self._io)  # one for all checks of one timeout
        now = self._clock.now()
        for check in checks:
            before = kept.get(check.name)
            if before is not None and before.check == check:
                before.io = reach(check.timeout_ms)
                self._plans[check.name] = kept.pop(check.name)
            elif (plan := _plan(check, reach(check.timeout_ms), now)) is not None:
                self._plans[check.name] = plan
        for gone in kept.values():
            _forget(gone)
            self._newest.pop(gone.check.name, None)
            self._failing.discard(gone.check.name)
        self._make_room()

    def crowd(self, intervals: Mapping[str, int]) -> None:
        """How far apart looks are while an announced peak lasts, in ms, by check: there is room for them from now on,
        so that they take none from the others."""
        self._crowded = dict(intervals)
        self._make_room()

    def _make_room(self) -> None:
        looks = ((plan.host, plan.check.timeout_ms, self._apart(plan.check)) for plan in self._plans.values())
        self._lanes.allow(needed_at_once(looks))

    def _apart(self, check: ProbedCheck) -> int:
        return max(check.timeout_ms, min(check.interval_ms, self._crowded.get(check.name, check.interval_ms)))

    def _io(self, timeout_ms: int) -> Io:
        return Io(self._clock, self._resolver, self._tls, self._options.allow_private_targets, timeout_ms)

    # -- one look

    def _start(self, plan: _Plan) -> None:
        if self._group is None:
            self._early.append(plan)
        elif plan.waiting is not None:
            tick, plan.waiting = plan.waiting, None
            idle = self._idle.pop() if self._idle else None
            if idle is None or idle.done():  # who is cancelled waits no more
                self._group.create_task(self._looks(plan, tick))
            else:
                idle.set_result((plan, tick))

    async def _looks(self, plan: _Plan, tick: Tick) -> None:
        """One look after the other: a task that waits for the next one costs less than a new one."""
        loop = asyncio.get_running_loop()
        while True:
            await self._look(plan, tick)
            if len(self._idle) == IDLE_KEPT:
                return
            turn: asyncio.Future[tuple[_Plan, Tick]] = loop.create_future()
            self._idle.append(turn)
            plan, tick = await turn

    async def _look(self, plan: _Plan, tick: Tick) -> None:
        try:
            began, at = self._clock.monotonic_ns(), self._clock.now()
            self._lag_ms = max(0, at - tick.scheduled_at)
            try:
                observation = await self._reviewed(plan, tick, began)
                if observation.reason == "self_loop":
                    self._record(plan, tick, observation)
                    observation = await self._reviewed(plan, tick, self._clock.monotonic_ns())
            except asyncio.CancelledError:
                self._group = None  # whoever waits for a place is not started any more
                self._record(plan, tick, stopped(at, self._clock.monotonic_ns() - began))
                raise
            self._record(plan, tick, observation)
        finally:
            self._lanes.leave(plan.host)

    async def _reviewed(self, plan: _Plan, tick: Tick, began: int) -> Observation:
        late = self._clock.now() - tick.scheduled_at
        if late > plan.check.interval_ms:
            return self._review.too_late(late)
        observation = await plan.probe(tick, plan.io)
        self._count(plan, observation)
        return await self._review.of(observation, Subject(plan.check, plan.host, plan.runs.up), began)

    def _refused_together(self) -> bool:
        hosts = len({plan.host for plan in self._plans.values()})
        return all_refused_together(len(self._failing), len(self._plans), hosts)

    def _record(self, plan: _Plan, tick: Tick, observation: Observation) -> None:
        check = plan.check
        if tick.further and observation.outcome == "void":
            return  # it says nothing, and the look in the slot before still does
        self._outlets.results.put(look_result(check, tick, observation, self._options.location))
        needed = check.fall if plan.runs.up else check.rise
        plan.runs = plan.runs.after(observation.outcome, tick.confirm, needed)
        if tick.confirm or self._plans.get(check.name) is not plan:
            return
        self._see(plan, observation)
        if plan.runs.in_doubt and observation.outcome != "void":
            self._look_again(plan, tick)

    def _see(self, plan: _Plan, observation: Observation) -> None:
        name = plan.check.name
        self._newest[name] = observation
        if observation.outcome == "void":
            plan.see_void(observation.at, observation.reason or "missed")
            return
        plan.see_known(observation.at + plan.check.hold_ms)

    def _count(self, plan: _Plan, observation: Observation) -> None:
        """Who fails now, whosever fault that turns out to be."""
        name = plan.check.name
        if self._plans.get(name) is not plan:
            return
        if observation.outcome == "fail":
            self._failing.add(name)
        elif observation.outcome == "pass":
            self._failing.discard(name)

    def _look_again(self, plan: _Plan, tick: Tick) -> None:
        """One extra look, unless the next scheduled one comes as soon."""
        after = self._options.confirm_after_ms
        if not 0 < after < plan.check.interval_ms or self._group is None:
            return
        _forget(plan)
        again = Tick(tick.check, tick.slot, self._clock.now() + after, confirm=True)
        plan.confirm = asyncio.get_running_loop().call_later(after / 1000, self.take, again)


def _plan(check: ProbedCheck, io: Io, now: int) -> _Plan | None:
    kind = KINDS[check.kind]
    probe = kind.bind(check.settings)
    if probe is None:
        return None
    known_until = now + check.hold_ms  # nothing is missed before the first look is overdue
    return _Plan(check, probe, io, kind.host_of(check.settings), known_until)


def _forget(plan: _Plan) -> None:
    if plan.confirm is not None:
        plan.confirm.cancel()
        plan.confirm = None


async def probe_once(
    check: ProbedCheck, clock: Clock, options: ProbingOptions, trace: Trace | None = None
) -> Observation:
    """One look now, as the command `probe` shows it: no canaries, nothing recorded. ValueError for a kind that is not
    asked from here."""
    probe = KINDS[check.kind].bind(check.settings)
    if probe is None:
        raise ValueError(f"a check of kind {check.kind} is not probed from here")
    resolver = Resolver(options.resolvers, clock.monotonic_ns)
    io = Io(clock, resolver, Tls(), options.allow_private_targets, check.timeout_ms, trace)
    try:
        return by_the_clock(await probe(Tick(check.name, 0, clock.now()), io), clock)
    finally:
        await resolver.aclose()
