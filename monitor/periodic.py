"""Slow periodic jobs: APScheduler rings the bell, nothing more (design/architecture.md, "Scheduling").

It may drop ticks and cancels what runs at its shutdown, so a job here can be missed: the pulse, polls, closings
and retention. Probes hang on their own grid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

Job = Callable[[], Awaitable[None]]


class Bell(NamedTuple):
    """What is rung for, every so many seconds; whether for the first time at once, and whether the job finds out itself
    that it is still at it."""

    every_s: float
    job: Job
    at_once: bool = False
    again: bool = False


class Periodic:
    """Rings each bell while the context is open; `realign` after the wall clock was stepped."""

    def __init__(self, bells: Mapping[str, Bell]) -> None:
        self._bells = dict(bells)
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._is_left = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Periodic:
        for name, bell in self._bells.items():
            self._hang(name, bell)
        self._scheduler.add_listener(self._fail, EVENT_JOB_ERROR)
        self._scheduler.start()
        return self

    async def run(self) -> None:
        """Waits for ever, or raises what a job raised: a bug in one stops the daemon like any other."""
        await self._failed

    def replace(self, bells: Mapping[str, Bell]) -> None:
        """Other bells from now on; those that ring as often as before keep their time, though not their job."""
        for name in self._bells.keys() - bells.keys():
            self._scheduler.remove_job(name)
        for name, bell in bells.items():
            before = self._bells.get(name)
            if before is None:
                self._hang(name, bell)
            elif before.every_s != bell.every_s:
                self._scheduler.reschedule_job(name, trigger=IntervalTrigger(seconds=bell.every_s))
        self._bells = dict(bells)

    def ring(self, name: str) -> None:
        """Rings one bell now, between its times."""
        if name in self._bells and self._scheduler.running:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _hang(self, name: str, bell: Bell) -> None:
        # A late bell rings once: what a slow job missed is found by what it does, not by how often it ran.
        first = {"next_run_time": datetime.now(UTC)} if bell.at_once else {}
        self._scheduler.add_job(
            self._job(name),
            IntervalTrigger(seconds=bell.every_s),
            id=name,
            coalesce=True,
            misfire_grace_time=None,
            max_instances=2 if bell.again else 1,
            **first,
        )

    def _job(self, name: str) -> Job:
        async def job() -> None:
            try:
                if name in self._bells:
                    await self._bells[name].job()
            except asyncio.CancelledError:
                if not self._is_left:  # else the scheduler is shut down, which is no error of the job
                    raise

        return job

    def _fail(self, event: JobExecutionEvent) -> None:
        if not self._failed.done():
            self._failed.set_exception(event.exception)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left = True
        self._scheduler.shutdown(wait=False)

    def realign(self) -> None:
        """Starts every interval anew: a backward step of the wall clock would stop the jobs for its size."""
        for name, bell in self._bells.items():
            self._scheduler.reschedule_job(name, trigger=IntervalTrigger(seconds=bell.every_s))
