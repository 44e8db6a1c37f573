"""Sections 2 to 4 of accounting.md by definition: the state of a vantage, a check and a service at one instant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from tests.model.log import Fact
from tests.model.moments import day_of, duration, instant, local_midnight

State = Literal["UP", "DOWN", "UNKNOWN"]
Reading = Literal["measured", "shortest", "longest"]


class Result(NamedTuple):
    """A standing result. `hold` in ms; a confirming one covers no time, whatever it says."""

    at: int
    outcome: str
    confirm: bool
    hold: int


@dataclass(frozen=True)
class Run:
    """Consecutive non-void results of one outcome, and what they meant: section 2 rule 4."""

    results: tuple[Result, ...]
    kind: Literal["up", "blip", "outage", "lull", "recovery"]

    @property
    def scheduled(self) -> list[Result]:
        """The results that cover time."""
        return [result for result in self.results if not result.confirm]


class Check:
    """A check of the configuration with the results that stand for it, by vantage."""

    def __init__(self, settings: Mapping[str, Any], zone: ZoneInfo, facts: list[Fact]) -> None:
        self.settings = settings
        self.name: str = settings["name"]
        self.corroborates = settings.get("role") == "corroboration"
        self.results = standing_results(facts, self.name, configured_hold(settings))
        fall = settings.get("fall", 1 if "heartbeat" in settings else 2)
        self.runs = {v: runs_of(results, fall, settings.get("rise", 1)) for v, results in self.results.items()}
        self.numbers = {
            v: {result.at: n for n, run in enumerate(runs) for result in run.results} for v, runs in self.runs.items()
        }
        self.covering = {v: [r for r in results if not r.confirm] for v, results in self.results.items()}
        first = min((r.at for results in self.covering.values() for r in results), default=None)
        self.since = edge(settings["since"], zone) if "since" in settings else first
        self.until = edge(settings["until"], zone) if "until" in settings else None

    def exists(self, t: int) -> bool:
        """Whether `t` is within the check's life."""
        return self.since is not None and self.since <= t and (self.until is None or t < self.until)

    def cover(self, vantage: str, t: int) -> Result | None:
        """The scheduled result that covers `t`: the last one begun, while its hold lasts."""
        scheduled = self.covering[vantage]
        place = bisect_right(scheduled, t, key=lambda result: result.at)
        if place == 0 or t >= scheduled[place - 1].at + scheduled[place - 1].hold:
            return None
        return scheduled[place - 1]

    def run_of(self, vantage: str, result: Result) -> int:
        """Which of the vantage's runs holds a result that is not void."""
        return self.numbers[vantage][result.at]

    def edges(self) -> set[int]:
        """Every instant at which something about this check can change."""
        cuts = {edge for edge in (self.since, self.until) if edge is not None}
        for results in self.results.values():
            for result in results:
                cuts |= {result.at, result.at + result.hold}
        return cuts


def configured_hold(settings: Mapping[str, Any]) -> int:
    """The hold of a result that carries none: rule 2."""
    if "hold" in settings:
        return duration(settings["hold"])
    if "heartbeat" in settings:
        return duration(settings["heartbeat"]["every"]) + duration(settings["heartbeat"]["grace"])
    return 2 * duration(settings.get("interval", "30s")) + duration(settings.get("timeout", "10s"))


def edge(moment: str | date, zone: ZoneInfo) -> int:
    """An instant, or a date's local midnight."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and "T" in moment):
        return instant(moment)
    return local_midnight(day_of(moment), zone)


def standing_results(facts: list[Fact], check: str, hold: int) -> dict[str, list[Result]]:
    """Rule 1: by vantage in order of `at`; of two at one `at` the first recorded."""
    found: dict[str, dict[int, Result]] = {}
    for fact in facts:
        if fact["kind"] == "result" and fact["check"] == check:
            at = instant(fact["at"])
            result = Result(at, fact["outcome"], bool(fact.get("confirm")), fact.get("hold_ms", hold))
            found.setdefault(fact["vantage"], {}).setdefault(at, result)
    return {vantage: sorted(by_at.values()) for vantage, by_at in sorted(found.items())}


def runs_of(results: list[Result], fall: int, rise: int) -> list[Run]:
    """Rule 4: the runs in order, each with its meaning."""
    grouped: list[list[Result]] = []
    for result in results:
        if result.outcome == "void":
            continue
        if grouped and grouped[-1][0].outcome == result.outcome:
            grouped[-1].append(result)
        else:
            grouped.append([result])
    runs, down = [], False
    for group in grouped:
        scheduled = any(not result.confirm for result in group)
        kind: Literal["up", "blip", "outage", "lull", "recovery"]
        if group[0].outcome == "fail":
            turns = not down and scheduled and len(group) >= fall
            kind = "outage" if down or turns else "blip"
            down = down or turns
        else:
            turns = down and scheduled and len(group) >= rise
            kind = "recovery" if turns else "lull" if down else "up"
            down = down and not turns
        runs.append(Run(tuple(group), kind))
    return runs


def state_of_vantage(check: Check, vantage: str, t: int, reading: Reading) -> State:
    """Rules 2, 5 and 6."""
    result = check.cover(vantage, t)
    if result is None or result.outcome == "void":
        return "UNKNOWN"
    runs = check.runs[vantage]
    number = check.run_of(vantage, result)
    kind = runs[number].kind
    if reading == "shortest" and kind in ("outage", "lull"):
        return "DOWN" if kind == "outage" and t < last_scheduled_fail(runs, number) else "UP"
    if reading == "longest" and kind in ("up", "blip", "recovery"):
        return "DOWN" if kind == "blip" or before_an_outage(runs, t) else "UP"
    return "DOWN" if kind in ("outage", "lull") else "UP"


def last_scheduled_fail(runs: list[Run], number: int) -> int:
    """The `at` of the last scheduled fail of the outage that run `number`, fails that cover time, is part of."""
    last = runs[number].scheduled[-1].at
    for run in runs[number:]:
        if run.kind not in ("outage", "lull"):
            break
        if run.kind == "outage":
            last = max([last, *(result.at for result in run.scheduled)])
    return last


def before_an_outage(runs: list[Run], t: int) -> bool:
    """Whether `t` lies between the last scheduled pass before some outage and that outage's start."""
    for number, run in enumerate(runs):
        if run.kind != "outage" or (number > 0 and runs[number - 1].kind == "lull"):
            continue
        start = run.scheduled[0].at
        passes = [r.at for earlier in runs[:number] for r in earlier.scheduled if r.outcome == "pass"]
        if passes and max(passes) <= t < start:
            return True
    return False


def state_of_check(check: Check, t: int, reading: Reading) -> State:
    """Section 3."""
    states = [state_of_vantage(check, vantage, t, reading) for vantage in check.results]
    known = [state for state in states if state != "UNKNOWN"]
    if not known:
        return "UNKNOWN"
    quorum = check.settings.get("quorum", "majority")
    named = {"any": 1, "majority": len(known) // 2 + 1, "all": len(known)}
    needed = named[quorum] if isinstance(quorum, str) else min(quorum, len(known))
    return "DOWN" if known.count("DOWN") >= needed else "UP"


def state_of_service(checks: list[Check], at_least: int, t: int, reading: Reading) -> State:
    """Section 4."""
    existing = [check for check in checks if not check.corroborates and check.exists(t)]
    if not existing:
        return "UNKNOWN"
    states = [state_of_check(check, t, reading) for check in existing]
    if states.count("DOWN") >= at_least:
        return "DOWN"
    if states.count("DOWN") + states.count("UNKNOWN") >= at_least:
        return "UNKNOWN"
    return "UP"
