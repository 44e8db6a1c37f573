"""From the results of one check at one vantage to its timelines (accounting.md section 2).

Three timelines come out of one pass: measured, shortest and longest. Each is a list of segments `(start, end, state)`,
ascending, disjoint, neighbours of one state joined; time in no segment is UNKNOWN.

Every scheduled result starts with what it means while its run is too short, and is set right when the run decides:

    state  result                 measured  shortest  longest
    UP     pass                   UP        UP        UP, DOWN when it is the last one before an outage
    UP     fail, a blip so far    UP        UP        DOWN
    DOWN   fail                   DOWN      DOWN, UP while it is the outage's last   DOWN
    DOWN   pass, a lull so far    DOWN      UP        DOWN
    any    void                   UNKNOWN in all three
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal, NamedTuple

from monitor.facts import Result
from monitor.facts.seals import Stretch
from monitor.ledger.interval import Spans

UP = 1
DOWN = 2

Segment = tuple[int, int, int]
Segments = list[Segment]
Run = Literal["blip", "lull"]


class Unseen(NamedTuple):
    """Scheduled passes of a sealed stretch whose results have gone; the look before them covers their time."""

    passes: int


Look = Result | Unseen


@dataclass(slots=True)
class _Seen:
    """A scheduled result whose meaning may still change; states None are UNKNOWN."""

    at: int
    until: int
    measured: int | None
    shortest: int | None
    longest: int | None
    run: Run | None = None
    run_start: int = 0


@dataclass(frozen=True, slots=True)
class Timelines:
    """What the results of one check at one vantage say. Blips and lulls: the start of each run, and what it covers."""

    measured: Segments
    shortest: Segments
    longest: Segments
    blips: dict[int, Spans]
    lulls: dict[int, Spans]
    first_at: int | None = None


@dataclass(slots=True)
class Fold:
    """Results in order of `at`, one by one; `timelines()` at any time gives what all of them together say.

    `add` takes only results later than the last: a late one means a new fold. What can no longer change is settled into
    segments, so memory grows with changes of state and not with results.
    """

    hold_ms: int
    fall: int
    rise: int
    last_at: int | None = None
    first_at: int | None = None
    state: int = UP
    _settled: Timelines = field(default_factory=lambda: Timelines([], [], [], {}, {}))
    _open: list[_Seen] = field(default_factory=list)
    _run: list[_Seen] = field(default_factory=list)
    _run_length: int = 0
    _last_pass: _Seen | None = None
    _last_fail: _Seen | None = None

    def add(self, result: Result) -> None:
        """The next result, `result.at` after every earlier one's."""
        self.last_at = result.at
        look = None if result.confirm else self._cover(result)
        if result.outcome == "void":
            return
        failed = result.outcome == "fail"
        against = failed if self.state == UP else not failed
        if against:
            self._extend_run(look)
        else:
            self._break_run()
            if look is not None:
                self._agree(look)
        self._settle()

    def add_unseen(self, passes: int) -> None:
        """So many passes after the last result, which was one of them: they count in its run (rule 4)."""
        if self._run and self.state == DOWN:
            self._run_length += passes
            if self._run_length >= self.rise:
                self._turn()
                self._settle()

    def timelines(self) -> Timelines:
        """What is settled, and what is still open as it stands."""
        settled = self._settled
        now = Timelines(
            settled.measured[:],
            settled.shortest[:],
            settled.longest[:],
            dict(settled.blips),
            dict(settled.lulls),
            self.first_at,
        )
        for look in self._open:
            _write(now, look)
        return now

    def _cover(self, result: Result) -> _Seen:
        """Starts the cover of a scheduled result and ends that of the one before (rule 2)."""
        at = result.at
        if self._open and self._open[-1].until > at:
            self._open[-1].until = at
        hold = self.hold_ms if result.hold_ms is None else result.hold_ms
        look = _Seen(at, at + hold, None, None, None)
        self._open.append(look)
        if self.first_at is None:
            self.first_at = at
        return look

    def _extend_run(self, look: _Seen | None) -> None:
        """One more result against the state: a blip or a lull until there are enough of them (rule 4)."""
        self._run_length += 1
        if look is not None:
            self._run.append(look)
            start = self._run[0].at
            if self.state == UP:
                look.measured, look.shortest, look.longest, look.run, look.run_start = UP, UP, DOWN, "blip", start
            else:
                look.measured, look.shortest, look.longest, look.run, look.run_start = DOWN, UP, DOWN, "lull", start
        needed = self.fall if self.state == UP else self.rise
        if self._run_length >= needed and self._run:
            self._turn()

    def _turn(self) -> None:
        """The run decides: an outage or a recovery, from its first scheduled result on."""
        run, self._run, self._run_length = self._run, [], 0
        if self.state == UP:
            self.state = DOWN
            if self._last_pass is not None:
                self._last_pass.longest = DOWN
                self._last_pass = None
            for look in run:
                look.measured, look.shortest, look.longest, look.run = DOWN, DOWN, DOWN, None
            run[-1].shortest = UP
            self._last_fail = run[-1]
        else:
            self.state = UP
            for look in run:
                look.measured, look.shortest, look.longest, look.run = UP, UP, UP, None
            self._last_fail, self._last_pass = None, run[-1]

    def _break_run(self) -> None:
        self._run, self._run_length = [], 0

    def _agree(self, look: _Seen) -> None:
        """A scheduled result that says what the state says."""
        if self.state == UP:
            look.measured = look.shortest = look.longest = UP
            self._last_pass = look
        else:
            look.measured, look.shortest, look.longest = DOWN, UP, DOWN
            if self._last_fail is not None:
                self._last_fail.shortest = DOWN
            self._last_fail = look

    def _settle(self) -> None:
        """Writes down every look that nothing can change any more: all before the first that something may."""
        if not self._open:
            return
        if self._last_pass is self._open[-1] and not self._run:  # it goes on as it went
            for look in self._open[:-1]:
                _write(self._settled, look)
            del self._open[:-1]
            return
        keep = (self._last_pass, self._last_fail, self._run[0] if self._run else None, self._open[-1])
        first_kept = min(look.at for look in keep if look is not None)
        count = 0
        for look in self._open:
            if look.at >= first_kept:
                break
            _write(self._settled, look)
            count += 1
        del self._open[:count]


def _write(into: Timelines, look: _Seen) -> None:
    if look.until <= look.at:
        return
    if look.run is not None:
        runs = into.blips if look.run == "blip" else into.lulls
        runs[look.run_start] = [*runs.get(look.run_start, []), (look.at, look.until)]
    for segments, state in (
        (into.measured, look.measured),
        (into.shortest, look.shortest),
        (into.longest, look.longest),
    ):
        if state is not None:
            append(segments, look.at, look.until, state)


def append(segments: Segments, start: int, end: int, state: int) -> None:
    """Adds a segment at the end, joined to the last where they touch and agree."""
    if segments:
        last_start, last_end, last_state = segments[-1]
        if last_state == state and last_end == start:
            segments[-1] = (last_start, end, state)
            return
    segments.append((start, end, state))


def passed(stretches: Sequence[Stretch]) -> Timelines:
    """What `fold` gives of sealed passes alone, which are UP all the time that they cover, whatever `fall` and `rise`
    are; in order."""
    segments: Segments = []
    for stretch, following in zip_longest(stretches, stretches[1:]):
        until = stretch.last + stretch.hold_ms
        end = until if following is None else min(until, following.first)
        if stretch.first < end:
            append(segments, stretch.first, end, UP)
    return Timelines(segments, segments, segments, {}, {}, stretches[0].first if stretches else None)


def fold(looks: Iterable[Look], hold_ms: int, fall: int, rise: int) -> Fold:
    """All looks of one check at one vantage, in order of `at`, no two with the same."""
    folded = Fold(hold_ms, fall, rise)
    for look in looks:
        if isinstance(look, Unseen):
            folded.add_unseen(look.passes)
        else:
            folded.add(look)
    return folded
