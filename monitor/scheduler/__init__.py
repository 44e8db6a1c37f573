"""When each check is looked at: one grid, one heap, one timer, whatever the number of checks.

The heap lives in wall-clock time, because slots do: a restart keeps them. What is late is looked at once; slots that
were slept through are told to the sink as `Missed`, never made up in a burst. A wall clock that jumps ahead skips
slots in the same way; one that jumps back waits for the slots it knows, or begins anew where that would leave a check
unwatched for over two of its intervals.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from monitor.interfaces import Clock, Tick
from monitor.probes import Missed, ProbedCheck
from monitor.scheduler.grid import Grid, grid_of
from monitor.scheduler.peaks import FurtherSlots, Peak

__all__ = ["Grid", "Peak", "Scheduler", "TickSink", "grid_of"]

TURN_MS = 3  # slots that begin within one turn share a wake-up
LONGEST_REST_MS = 1000  # a stepped wall clock is noticed within a second
CATCH_UP_MS = 60_000  # a check that slept through slots is looked at out of turn only when its next one is further off


class TickSink(Protocol):
    """What takes the turns: neither method may block."""

    def take(self, tick: Tick) -> None: ...

    def missed(self, missed: Missed) -> None: ...


class _Plan:
    """A check on the grid and the next slot it waits for."""

    __slots__ = ("check", "grid", "slot")

    def __init__(self, check: str, grid: Grid, slot: int) -> None:
        self.check = check
        self.grid = grid
        self.slot = slot


class Scheduler:
    """Hands out the ticks of `checks`. `recorded` is when each was last recorded at, from before this start: what has
    been missed since is told first. Construct it, then `run` it."""

    def __init__(
        self, clock: Clock, sink: TickSink, checks: Iterable[ProbedCheck], recorded: Mapping[str, int]
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._recorded = dict(recorded)
        self._plans: dict[str, _Plan] = {}
        self._heap: list[tuple[int, int, _Plan]] = []
        self._last = 0
        self._further = FurtherSlots()
        self._bell: asyncio.Future[None] | None = None
        self.slots_missed = 0
        self._checks = tuple(checks)

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        self.begin(self._clock.now())
        while True:
            now = self._clock.now()
            due = self.turn(now)
            await self._rest(max(min(due - now, LONGEST_REST_MS), TURN_MS))

    def begin(self, now: int) -> None:
        """Plans every check for its next slot, and tells of those missed since the last one recorded."""
        self._last = now
        for check in self._checks:
            plan = self._plans[check.name] = self._planned(check, now)
            last = self._recorded.get(check.name)
            if last is not None:
                self._tell(plan, plan.grid.newest(last) + 1, plan.slot, since_start=True)
        self._recorded.clear()
        self._further.replan(self._checks, now)
        self._stack()

    def turn(self, now: int) -> int:
        """Hands out what has begun by `now`; the instant of what comes next, or of the longest rest."""
        if now < self._last:
            self._turn_back(now)
        self._last = now
        heap = self._heap
        while heap and heap[0][0] <= now:
            _, order, plan = heap[0]
            newest = plan.grid.newest(now)
            if newest > plan.slot:
                self._wake_late(plan, newest, now)
            else:
                self._sink.take(Tick(plan.check, newest, plan.grid.instant(newest)))
            plan.slot = newest + 1
            heapq.heapreplace(heap, (plan.grid.instant(plan.slot), order, plan))
        further = self._further.turn(now, self._sink.take)
        due = heap[0][0] if heap else now + LONGEST_REST_MS
        return due if further is None else min(due, further)

    def crowd(self, peaks: Mapping[str, Sequence[Peak]]) -> None:
        """The announced peaks from now on, by check: while one lasts its check is looked at between its slots too."""
        self._further.plan(self._checks, peaks, self._last)
        self._ring()

    def reload(self, checks: Iterable[ProbedCheck]) -> None:
        """The checks from now on; those whose name and interval stay keep their slots."""
        now = self._clock.now()
        self._checks = tuple(checks)
        kept = self._plans
        self._plans = {}
        for check in self._checks:
            plan = kept.get(check.name)
            same = plan is not None and plan.grid.interval == check.interval_ms
            self._plans[check.name] = plan if plan is not None and same else self._planned(check, now)
        self._further.replan(self._checks, now)
        self._stack()
        self._ring()

    def _planned(self, check: ProbedCheck, now: int) -> _Plan:
        grid = grid_of(check.name, check.interval_ms)
        return _Plan(check.name, grid, grid.newest(now) + 1)

    def _stack(self) -> None:
        self._heap = [(plan.grid.instant(plan.slot), order, plan) for order, plan in enumerate(self._plans.values())]
        heapq.heapify(self._heap)

    def _wake_late(self, plan: _Plan, newest: int, now: int) -> None:
        """Slots went by unseen: the newest is still looked at where the next one is far, the others are missed."""
        if plan.grid.instant(newest + 1) - now > CATCH_UP_MS:
            self._tell(plan, plan.slot, newest, since_start=False)
            self._sink.take(Tick(plan.check, newest, plan.grid.instant(newest)))
        else:
            self._tell(plan, plan.slot, newest + 1, since_start=False)

    def _tell(self, plan: _Plan, first: int, following: int, *, since_start: bool) -> None:
        if first >= following:
            return
        at, until = plan.grid.instant(first), plan.grid.instant(following)
        self.slots_missed += following - first
        self._sink.missed(Missed(plan.check, at, until, following - first, since_start))

    def _turn_back(self, now: int) -> None:
        for plan in self._plans.values():
            if plan.grid.instant(plan.slot) - now > 2 * plan.grid.interval:
                plan.slot = plan.grid.newest(now) + 1
        self._further.turn_back(now)
        self._stack()

    async def _rest(self, ms: int) -> None:
        loop = asyncio.get_running_loop()
        self._bell = loop.create_future()
        alarm = loop.call_later(ms / 1000, self._ring)
        try:
            await self._bell
        finally:
            alarm.cancel()

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)
