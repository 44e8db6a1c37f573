"""`minutebook ingest`: takes beacons in in a process of its own, so that a flood of them cannot delay a look.

One writer a database: reports are made durable in a spool that only this process writes, and handed over to the daemon
through its own socket, oldest first, until each batch is acknowledged. The daemon may be away: they wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from exporters.catalogue import CATALOGUE, MetricName
from monitor.beacons import Beacons, Rules
from monitor.errors import StoreDamagedError, StoreError
from monitor.interfaces import Clock, VitalReport
from monitor.store.spool import Spool, open_spool
from monitor.telemetry import ProcessMetrics, logging_to
from monitor.web import Listen, serving
from monitor.web.control import Local, connected
from monitor.web.ingest import build_ingest
from monitor.web.takeover import spelled

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""Reports that are handed over together: the daemon's loop reads them in a few ms."""

NICER = 10
"""By so much this process gives way to the daemon's (nice(2)): a look goes first where there are too few cores."""

LOOK_S = 1.0
"""How often it is looked for what waits; what is old is dropped as often."""

LONGEST_PAUSE_S = 10.0
"""Between two attempts while the daemon is away."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """What the process starts from: where it listens, its spool, the daemon's socket, and whom it takes beacons from.
    `started` is told the address that is served."""

    listen: Listen
    spool: Path
    socket: Path
    rules: Rules
    clock: Clock
    started: Callable[[str], None]


async def serve(ingest: Ingest, stop: asyncio.Event) -> None:
    """Runs until `stop`; what waits then stays in the spool. Raises what a part of it raised."""
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(sys.stderr))
        spool = await stack.enter_async_context(open_spool(ingest.spool, ingest.clock.now()))
        beacons = Beacons(ingest.clock, spool.keep, secrets.token_bytes(16))
        beacons.replace(ingest.rules)
        app = build_ingest(beacons, Page(beacons, spool).text)
        port = await stack.enter_async_context(serving(app, ingest.listen))
        ingest.started(f"http://{ingest.listen.host}:{port}/")
        handing = asyncio.create_task(Handing(spool, beacons, ingest).run(), name="handing over")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([handing, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (handing, stopping):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await handing  # raises what ended it


class Handing:
    """Hands over what waits in the spool."""

    def __init__(self, spool: Spool, beacons: Beacons, ingest: Ingest) -> None:
        self._spool = spool
        self._beacons = beacons
        self._ingest = ingest

    async def run(self) -> None:
        """Until it is cancelled. While the daemon is away the reports wait."""
        pause = LOOK_S
        while True:
            await asyncio.sleep(pause)
            try:
                await self.hand_over()
                pause = LOOK_S
            except StoreDamagedError:
                raise
            except StoreError as error:
                if pause == LOOK_S:
                    logger.warning("reports wait in %s: %s", self._ingest.spool, error)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    async def hand_over(self) -> None:
        """Everything that waits; drops what has waited too long. Raises StoreError where the daemon is away."""
        self._beacons.dropped_late(await self._spool.forget(self._ingest.clock.now()))
        while (batch := await self._spool.oldest(AT_ONCE)).reports:
            await asyncio.to_thread(send, self._ingest.socket, batch.reports)
            await self._spool.drop(batch)


def send(socket: Path, reports: Sequence[VitalReport]) -> int:
    """Hands reports over to the daemon that listens at `socket`; answers how many were too late for it. Blocks.

    Raises StoreError where they may not be durable there: to be sent again.
    """
    with connected(socket) as daemon:
        if daemon is None:
            raise StoreError(f"no daemon listens at {socket}")
        connection = Local(daemon)
        try:
            connection.request("POST", "/api/v1/vital-reports", spelled(reports), {"Content-Type": "application/json"})
            response = connection.getresponse()
            told = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise StoreError(f"the daemon did not answer ({type(error).__name__})") from error
        if response.status != 200:
            raise StoreError(f"the daemon answered {response.status}: {told.get('detail')}")
        return int(told["late"])


class Page:
    """What the process shows of itself on its own /metrics."""

    def __init__(self, beacons: Beacons, spool: Spool) -> None:
        self._beacons = beacons
        self._spool = spool
        self._process = ProcessMetrics()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> str:
        """In text format 0.0.4."""
        return generate_latest(self._registry).decode() + self._process.text()

    def collect(self) -> Iterable[Metric]:
        """What a prometheus_client registry asks for."""
        beacons, reports = _counter("minutebook_beacons_total"), _counter("minutebook_vital_reports_total")
        for status, count in self._beacons.answers.items():
            beacons.add_metric([str(status)], count)
        for outcome, count in self._beacons.outcomes.items():
            reports.add_metric([outcome], count)
        depth = CATALOGUE["minutebook_queue_depth"]
        return beacons, reports, GaugeMetricFamily(depth.name, depth.help, self._spool.waiting)


def _counter(name: MetricName) -> CounterMetricFamily:
    metric = CATALOGUE[name]
    return CounterMetricFamily(name, metric.help, labels=metric.labels)
