"""Slow periodic jobs: APScheduler rings the bell, nothing more (design/architecture.md, "Scheduling").

It may drop ticks and cancels what runs at its shutdown, so a job here is short and can be missed: the pulse now; polls,
closings and retention as they come. Probes hang on their own grid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

Job = Callable[[], Awaitable[None]]


class Periodic:
    """Runs each job every so many seconds while the context is open; `realign` after the wall clock was stepped."""

    def __init__(self, jobs: Mapping[str, tuple[float, Job]]) -> None:
        self._jobs = jobs
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Periodic:
        for name, (every_s, job) in self._jobs.items():
            # A late bell rings once: what a slow job missed is found by what it does, not by how often it ran.
            self._scheduler.add_job(
                job, IntervalTrigger(seconds=every_s), id=name, coalesce=True, misfire_grace_time=None, max_instances=1
            )
        self._scheduler.add_listener(self._fail, EVENT_JOB_ERROR)
        self._scheduler.start()
        return self

    async def run(self) -> None:
        """Waits for ever, or raises what a job raised: a bug in one stops the daemon like any other."""
        await self._failed

    def _fail(self, event: JobExecutionEvent) -> None:
        if not self._failed.done():
            self._failed.set_exception(event.exception)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)

    def realign(self) -> None:
        """Starts every interval anew: a backward step of the wall clock would stop the jobs for its size."""
        for name, (every_s, _) in self._jobs.items():
            self._scheduler.reschedule_job(name, trigger=IntervalTrigger(seconds=every_s))
