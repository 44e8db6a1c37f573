"""Routine maintenance: recurring windows that announce themselves as facts `announce_ahead` before each
(contracts/accounting.md section 5.1; facts.md, `maintenance`).

A window is known by its local date. What the configuration no longer plans is cancelled as long as it has not begun; a
window that it plans otherwise is a further revision, with the notice that is left. Nothing is announced once it has
begun: a daemon that was away cannot make up for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from monitor.config.model import RoutineMaintenance
from monitor.errors import StoreError
from monitor.facts import AnyFact, Fact, Json
from monitor.interfaces import Clock
from monitor.ledger.period import MINUTE, SECOND, Period, format_instant, local_date, parse_instant

logger = logging.getLogger(__name__)

EVERY_S = MINUTE / SECOND
"""How often the plan is looked at: an announcement is at most a minute later than `announce_ahead` says."""

SOURCE = "routine"
"""The `source` of these facts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`routine_maintenance` of a configuration, and the zone where one names none."""

    routines: Sequence[RoutineMaintenance]
    zone: ZoneInfo


def due(plan: Plan, announced: Iterable[Fact], now: int) -> list[Fact]:
    """The facts to record at `now` (UTC ms), given those announced so far in order of recording. Pure."""
    planned = dict(_planned(plan, now))
    standing = _standing(announced)
    facts = [_fact(subject, routine, window, now) for subject, (routine, window) in planned.items()]
    new = [fact for fact in facts if _says(fact) != _says(standing.get(cast(str, fact.fields["maintenance"])))]
    return new + [_cancelled(fact, now) for subject, fact in standing.items() if _is_off(subject, fact, planned, now)]


def windows(routine: RoutineMaintenance, zone: ZoneInfo, reach: Period) -> Iterator[tuple[date, Period]]:
    """The windows that begin within `reach`, each with its local date.

    A window begins when a clock on the wall of the routine's zone says so: where the clocks skip that time, as much
    later; where they show it twice, at the first (PEP 495, fold 0). It is as long as `for` in elapsed time, or ends
    when that clock says `until`.
    """
    local_zone = routine.timezone or zone
    day, last = local_date(reach.start, local_zone), local_date(reach.end, local_zone)
    while day <= last:
        start = _instant(day, routine.every.minute, local_zone)
        if _is_day(routine, day) and reach.start <= start < reach.end:
            yield day, Period(start, _end(routine, day, start, local_zone))
        day += timedelta(days=1)


def _is_day(routine: RoutineMaintenance, day: date) -> bool:
    if day.weekday() != routine.every.weekday:
        return False
    if routine.starting is None:
        return True
    weeks = (day - routine.starting).days // 7
    return weeks >= 0 and weeks % routine.every.weeks == 0


def _end(routine: RoutineMaintenance, day: date, start: int, zone: ZoneInfo) -> int:
    if routine.until is None:
        return start + (routine.for_ or 0)
    days = (routine.until.weekday - day.weekday()) % 7
    if days == 0 and routine.until.minute <= routine.every.minute:
        days = 7
    return _instant(day + timedelta(days=days), routine.until.minute, zone)


def _instant(day: date, minute: int, zone: ZoneInfo) -> int:
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return int(local.astimezone(UTC).timestamp()) * SECOND


def _planned(plan: Plan, now: int) -> Iterator[tuple[str, tuple[RoutineMaintenance, Period]]]:
    for routine in plan.routines:
        reach = Period(now + 1, now + routine.announce_ahead + 1)
        for day, window in windows(routine, plan.zone, reach):
            yield f"{SOURCE}/{routine.name}/{day}", (routine, window)


def _standing(announced: Iterable[Fact]) -> dict[str, Fact]:
    """The newest revision of each window."""
    return {cast(str, fact.fields["maintenance"]): fact for fact in announced if is_routine(fact)}


def is_routine(fact: AnyFact) -> bool:
    """Whether a fact is one of these."""
    return isinstance(fact, Fact) and fact.kind == "maintenance" and fact.source == SOURCE


def _is_off(subject: str, fact: Fact, planned: Mapping[str, object], now: int) -> bool:
    """Whether a window that was announced is no longer planned, and has not begun."""
    start = fact.fields["start"]
    return subject not in planned and isinstance(start, str) and parse_instant(start) > now


def _fact(subject: str, routine: RoutineMaintenance, window: Period, now: int) -> Fact:
    fields: dict[str, Json] = {
        "maintenance": subject,
        "announced_at": format_instant(now),
        "start": format_instant(window.start),
        "end": format_instant(window.end),
        "title": routine.name,
        "source": SOURCE,
        "id": f"{subject}/{format_instant(now)}",
    }
    if routine.services:
        fields["services"] = list(routine.services)
    return Fact("maintenance", now, fields)


def _cancelled(fact: Fact, now: int) -> Fact:
    subject = cast(str, fact.fields["maintenance"])
    changed: dict[str, Json] = {
        "announced_at": format_instant(now),
        "start": None,
        "end": None,
        "id": f"{subject}/{format_instant(now)}",
    }
    return Fact("maintenance", now, {**fact.fields, **changed})


def _says(fact: Fact | None) -> Mapping[str, Json] | None:
    """What a revision says, whenever it was announced."""
    if fact is None:
        return None
    return {name: value for name, value in fact.fields.items() if name not in ("announced_at", "id")}


class Announcer:
    """Announces what is due. `record` answers once facts are durable and raises StoreError; `read` gives every fact
    that is no result, in order of recording, and blocks."""

    def __init__(
        self,
        clock: Clock,
        record: Callable[[Sequence[AnyFact]], Awaitable[int]],
        read: Callable[[], Iterable[AnyFact]],
    ) -> None:
        self._clock = clock
        self._record = record
        self._read = read
        self._announced: list[Fact] | None = None

    async def ring(self, plan: Plan) -> None:
        """Once a minute. What the store cannot take now is found again the next time."""
        if self._announced is None:
            self._announced = await asyncio.to_thread(self._recorded)
        facts = due(plan, self._announced, self._clock.now())
        if not facts:
            return
        try:
            await self._record(facts)
        except StoreError as error:
            logger.warning("an announcement of routine maintenance waits for the store: %s", error)
        else:
            self._announced += facts

    def _recorded(self) -> list[Fact]:
        return [fact for fact in self._read() if isinstance(fact, Fact) and is_routine(fact)]
