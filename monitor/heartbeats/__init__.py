"""Heartbeats: what jobs report is recorded, and that they did not when their time is over (silence.py has the rule).

All that is known of a check comes from its recorded results at this location: those of the store at the start, and
every one that is committed from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from monitor.errors import StoreError
from monitor.facts import AnyFact, Result
from monitor.heartbeats.silence import Away, Silence, Spell, due, left, recorded, returned, unheard
from monitor.interfaces import Clock, RecordResults, Report, Sleep
from monitor.settings import format_duration

__all__ = ["Heartbeats", "Outlet"]

BEAT_S = 1.0
LATE_MS = 2_000
"""A beat that is so late itself finds nobody missed: what came meanwhile is heard first."""

LATEST_MS = 1_000
"""How long after its time a report that is on its way may still be heard before a miss is recorded."""

AT_ONCE_MS = 100
"""Reports that come so close together are kept in their order, a millisecond apart; beyond it the clock was set."""

GONE_MS = 10_000
"""A beat that is so late was ours to miss: the process was stopped, and its port deaf (as prober.watch has it)."""

STEPPED_MS = 1_000
"""Wall minus monotonic: less is a clock that is being slewed (as prober.watch has it)."""


class Outlet(NamedTuple):
    """Where results go: `record` answers how many were new once they are durable, `results` keeps them until they
    are."""

    record: Callable[[Sequence[AnyFact]], Awaitable[int]]
    results: RecordResults


class Heartbeats:
    """Construct it without starting anything; `take` whenever a job reports, `run` until cancelled.

    `checks` are the heartbeats by name, with their P in ms. When `run` is cancelled each miss that holds on is ended.
    """

    def __init__(self, clock: Clock, outlet: Outlet, location: str, checks: Mapping[str, int]) -> None:
        self._clock = clock
        self._outlet = outlet
        self._location = location
        now = clock.now()
        self._silences = {name: unheard(holds, now) for name, holds in checks.items()}
        self._former: dict[str, tuple[Silence, int]] = {}
        self._seen = self._read_clocks()
        self._begun = asyncio.Event()

    @property
    def checks(self) -> frozenset[str]:
        """The heartbeats there are."""
        return frozenset(self._silences)

    def voids(self) -> Mapping[str, tuple[int, str]]:
        """The checks of which nothing is known now, because we were away: since when, and why."""
        return {
            name: (silence.void, silence.away) for name, silence in self._silences.items() if silence.void is not None
        }

    # -- what is heard

    async def take(self, check: str, report: Report) -> int:
        """Records a report of one of `checks`; answers how many results were new (0: one with its key is known) once it
        is durable. Raises StoreError when it could not be kept: then nobody was heard.

        What comes before `begin` waits for it: a miss of before this start must not hold until the report.
        """
        now = self._clock.now()
        await self._begun.wait()
        before = self._silences.get(check)
        if before is None:
            raise StoreError(f"{check} was taken out of the configuration")
        at = before.newest + 1 if before.spoken and now <= before.newest <= now + AT_ONCE_MS else now
        result = self._result(check, at, before.holds, report)
        heard = self._silences[check] = recorded(before, result)
        try:
            new = await self._outlet.record([result])
        except BaseException:
            after = self._silences.get(check)
            if after is not None:
                self._return(check, before if after is heard else after, now, "self_store")
            raise
        if not new and self._silences.get(check) is heard:
            self._silences[check] = before
        return new

    def committed(self, facts: Sequence[AnyFact]) -> None:
        """Told of new facts, durable by now, whoever sent them."""
        for fact in facts:
            if isinstance(fact, Result) and fact.vantage == self._location and not fact.confirm:
                silence = self._silences.get(fact.check)
                if silence is not None:
                    self._silences[fact.check] = recorded(silence, fact)

    # -- life

    async def run(self, newest: Sequence[Result], sleep: Sleep = asyncio.sleep) -> None:
        """Listens until it is cancelled. `newest` are the newest scheduled results of every check at this location."""
        self.begin(newest)
        try:
            while True:
                await sleep(BEAT_S)
                self.beat()
        finally:
            self.end()

    def begin(self, newest: Sequence[Result]) -> None:
        """Takes up what the store knows. We last lived when the last result was recorded, as far as anybody knows; what
        has been heard since this start stands."""
        now = self._clock.now()
        self._seen = self._read_clocks()
        alive = min(now, max((result.recorded_at for result in newest), default=now))
        for result in newest:
            heard = self._silences.get(result.check)
            if heard is None:
                continue
            self._return(result.check, recorded(unheard(heard.holds, now), result), alive, "self_down")
            if heard.spoken and heard.newest >= result.at:
                self._silences[result.check] = replace(heard, since=now)
        self._begun.set()

    def beat(self) -> None:
        """Once a second: notices when we were away, and records who is missed."""
        wall, mono, asleep = seen = self._read_clocks()
        before, self._seen = self._seen, seen
        elapsed, slept = mono - before[1], asleep - before[2]
        if elapsed > GONE_MS or slept > STEPPED_MS:
            self._return_all(before[0], "self_suspended")
        elif abs(wall - before[0] - elapsed - slept) > STEPPED_MS:
            self._return_all(before[0], "self_clock")
        if elapsed <= LATE_MS:
            self._find_missed(wall - LATEST_MS)

    def end(self) -> None:
        """Going away in order: no miss holds on while nobody listens."""
        now = self._clock.now()
        for name, silence in self._silences.items():
            self._record(name, left(silence, now))

    def reload(self, checks: Mapping[str, int]) -> None:
        """The heartbeats from now on. One that comes back was not listened to meanwhile."""
        now, before = self._clock.now(), self._silences
        self._former |= {name: (silence, now) for name, silence in before.items() if name not in checks}
        self._silences = {}
        for name, holds in checks.items():
            if name in before:
                kept = replace(before[name], holds=holds)
                self._silences[name] = kept if kept.spoken else replace(kept, until=kept.since + holds)
            elif name in self._former:
                silence, gone = self._former.pop(name)
                self._return(name, replace(silence, holds=holds), gone, "self_config")
            else:
                self._silences[name] = unheard(holds, now)

    # -- how

    def _find_missed(self, now: int) -> None:
        for name, silence in self._silences.items():
            after, spell = due(silence, now)
            while spell is not None:
                self._record(name, spell)
                self._silences[name] = after
                after, spell = due(after, now)

    def _return_all(self, gone: int, away: Away) -> None:
        for name, silence in self._silences.items():
            self._return(name, silence, gone, away)

    def _return(self, name: str, silence: Silence, gone: int, away: Away) -> None:
        self._silences[name], spell = returned(silence, gone, self._clock.now(), away)
        self._record(name, spell)

    def _record(self, check: str, spell: Spell | None) -> None:
        if spell is None:
            return
        holds = format_duration(self._silences[check].holds)
        detail = (
            f"no report within {holds}" if spell.missed else f"a report may have gone unheard; the next has {holds}"
        )
        result = Result(
            recorded_at=spell.at,
            check=check,
            vantage=self._location,
            at=spell.at,
            outcome="fail" if spell.missed else "void",
            hold_ms=spell.hold_ms,
            scheduled_at=spell.at,
            reason=spell.reason,
            detail=detail,
        )
        self._outlet.results.put(result)

    def _result(self, check: str, at: int, holds: int, report: Report) -> Result:
        return Result(
            recorded_at=at,
            check=check,
            vantage=self._location,
            at=at,
            outcome="fail" if report.failed else "pass",
            hold_ms=holds,
            reason="failed" if report.failed else None,
            detail=report.detail,
            duration_ms=report.duration_ms,
            id=None if report.key is None else f"{self._location}/heartbeat/{check}/{report.key}",
            source=report.source,
        )

    def _read_clocks(self) -> tuple[int, int, int]:
        """Wall, monotonic, and how long the machine has slept, all in ms."""
        return (
            self._clock.now(),
            self._clock.monotonic_ns() // 1_000_000,
            self._clock.asleep_ns() // 1_000_000,
        )
