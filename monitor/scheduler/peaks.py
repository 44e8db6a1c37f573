"""Further slots between those of a check's grid while an announced peak lasts (contracts/commitments.md section 4).

A peak divides each interval of the grid into equal parts and takes nothing away: the grid's own slots stay where they
are, so that none is missed or doubled when a peak begins, moves or ends. A further slot that nobody looked in costs
nothing, since the result of the slot before it still holds: it is left out without a word, never made up, never void.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.interfaces import Tick
from monitor.probes import ProbedCheck
from monitor.scheduler.grid import Grid, grid_of


class Peak(NamedTuple):
    """From `start` until `end`, UTC ms, two slots are at most `interval` ms apart."""

    start: int
    end: int
    interval: int


class Crowded(NamedTuple):
    """The further slots of one check. `shortest` is how far apart two slots are at least, in ms: its timeout, so that
    a look has ended when the next one begins. `peaks` are in order and share no instant."""

    grid: Grid
    shortest: int
    peaks: tuple[Peak, ...]

    def parts(self, peak: Peak) -> int:
        """Into how many parts a peak divides an interval of the grid."""
        wanted = -(-self.grid.interval // peak.interval)
        return max(1, min(wanted, self.grid.interval // max(self.shortest, 1)))

    def following(self, now: int) -> int | None:
        """When the first further slot after `now` begins; None: there is none any more."""
        for peak in self.peaks:
            found = self._within(peak, max(now + 1, peak.start))
            if found is not None:
                return found
        return None

    def _within(self, peak: Peak, earliest: int) -> int | None:
        """The first further slot of a peak that begins at `earliest` or later."""
        grid, parts = self.grid, self.parts(peak)
        if parts == 1 or earliest >= peak.end:
            return None
        begun = grid.instant(grid.newest(earliest))
        part = max(1, -(-(earliest - begun) * parts // grid.interval))
        at = begun + part * grid.interval // parts
        if at < earliest:  # the division was rounded down
            part, at = part + 1, begun + (part + 1) * grid.interval // parts
        if part >= parts:
            at = begun + grid.interval + grid.interval // parts
        return at if at < peak.end else None


def crowded(check: ProbedCheck, peaks: Iterable[Peak]) -> Crowded:
    """The further slots of a check; where peaks overlap, the shorter interval holds for all of them."""
    joined: list[Peak] = []
    for peak in sorted(peak for peak in peaks if peak.start < peak.end):
        if joined and peak.start < joined[-1].end:
            before = joined.pop()
            joined.append(Peak(before.start, max(before.end, peak.end), min(before.interval, peak.interval)))
        else:
            joined.append(peak)
    return Crowded(grid_of(check.name, check.interval_ms), check.timeout_ms, tuple(joined))


class FurtherSlots:
    """The further slots of every check with a peak that is not over, on a heap of their own."""

    def __init__(self) -> None:
        self._peaks: Mapping[str, Sequence[Peak]] = {}
        self._next: dict[str, tuple[Crowded, int]] = {}
        self._heap: list[tuple[int, str]] = []

    def plan(self, checks: Iterable[ProbedCheck], peaks: Mapping[str, Sequence[Peak]], now: int) -> None:
        """The checks and their peaks from now on, by name; a check whose slots stay the same keeps its place."""
        kept, self._next, self._peaks = self._next, {}, peaks
        for check in checks:
            if check.name in peaks:
                slots = crowded(check, peaks[check.name])
                before = kept.get(check.name)
                stays = before is not None and before[0] == slots and before[1] > now
                at = before[1] if before is not None and stays else slots.following(now)
                if at is not None:
                    self._next[check.name] = (slots, at)
        self._stack()

    def replan(self, checks: Iterable[ProbedCheck], now: int) -> None:
        """Other checks, the same peaks."""
        self.plan(checks, self._peaks, now)

    def turn(self, now: int, take: Callable[[Tick], None]) -> int | None:
        """Hands out what has begun by `now` and is not over; when the next one begins."""
        while self._heap and self._heap[0][0] <= now:
            at, name = heapq.heappop(self._heap)
            slots, _ = self._next.pop(name)
            grid = slots.grid
            following = slots.following(now)
            if slots.following(at) == following and grid.newest(at) == grid.newest(now):
                take(Tick(name, grid.newest(at), at, further=True))
            if following is not None:
                self._next[name] = (slots, following)
                heapq.heappush(self._heap, (following, name))
        return self._heap[0][0] if self._heap else None

    def turn_back(self, now: int) -> None:
        """The wall clock was set back: what lies over two intervals ahead is planned anew."""
        for name, (slots, at) in self._next.items():
            following = slots.following(now)
            if at - now > 2 * slots.grid.interval and following is not None:
                self._next[name] = (slots, following)
        self._stack()

    def _stack(self) -> None:
        self._heap = [(at, name) for name, (_, at) in self._next.items()]
        heapq.heapify(self._heap)
