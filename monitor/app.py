"""The composition root: everything the daemon is made of, put together once, with lifetimes that nest.

Consumers outlive producers (design/architecture.md, "Lifetimes nest"): the store is opened first and closed last, the
web serves to the very end, and what makes facts stops first. A bug in any task ends the group and the process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from exporters.stated import Statement
from monitor import __version__
from monitor.beacons import Beacons
from monitor.channels import WaysOut
from monitor.channels.ways import WebPost, in_its_own_thread
from monitor.closing import Wanted
from monitor.config import Config, WrittenTerms, written_terms
from monitor.errors import InputError, StoreError
from monitor.evaluator import ALL_TIME, Evaluator
from monitor.faces import NO_RESULTS, TERMS, Faces
from monitor.facts import AnyFact, Result
from monitor.finalising import EVERY_S as CLOSING_S
from monitor.finalising import Finaliser
from monitor.heartbeats import Heartbeats, Outlet
from monitor.hooks import Hooks
from monitor.hooks import Outlet as HooksOutlet
from monitor.interfaces import Clock
from monitor.ledger.period import Month
from monitor.ledger.snapshot import Snapshot
from monitor.ledger.terms import Terms
from monitor.life import Current, Life
from monitor.outbox import Means, Outbox
from monitor.outbox.lines import lines_of, refuse_what_cannot_be_told, statements_of
from monitor.peak_errors import EVERY_S as PEAK_ERRORS_S
from monitor.peak_errors import PeakErrors, events_source
from monitor.people.publishing import Notice, Published
from monitor.periodic import Bell, Periodic
from monitor.poller import Fetcher, Log, Poller, session
from monitor.prober import Outlets, Prober
from monitor.recorder import Recorder
from monitor.routine import EVERY_S, Announcer, Plan
from monitor.scheduler import Peak, Scheduler
from monitor.sealing import EVERY_S as SEALING_S
from monitor.sealing import Sealer
from monitor.second_sources import EVERY_S as CRUX_S
from monitor.second_sources import Crux
from monitor.settling import EVERY_S as SETTLE_S
from monitor.settling import Settling
from monitor.signing import signer
from monitor.store import OpenStore, open_store
from monitor.store.url import store_path
from monitor.telemetry import logging_to
from monitor.web import Access, Listen, build, serving
from monitor.web.control import listening
from monitor.wiring import (
    Event,
    aside,
    beacon_rules,
    control_socket,
    crowded,
    deliveries_file,
    heartbeats,
    lifecycle_fact,
    looked_at,
    polled,
    posting,
    probing_options,
    publish_on,
    refuse_what_cannot_be_probed,
    shown,
    store_url,
    terms_fact,
    until_restart,
)

logger = logging.getLogger(__name__)

RETIRE_S = 3600.0
"""How often it is looked whether something goes on at a source that is asked no more; at a start and reload at once."""


ROUTINE = "routine maintenance"
"""The bell that announces what falls due; it rings after a reload too."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a daemon starts from. `reread` gives the configuration anew, or raises ConfigError or InputError; `started`
    is told the address that is served."""

    config: Config
    reread: Callable[[], Config]
    clock: Clock
    started: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Signals:
    """What the process is told from outside, by signal handlers."""

    stop: asyncio.Event
    reload: asyncio.Event


async def serve(start: Start, signals: Signals) -> None:
    """Runs until `signals.stop`, then leaves in order. Raises what a part of it raised."""
    refuse_what_cannot_be_probed(start.config)
    refuse_what_cannot_be_told(start.config)
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(sys.stderr))
        await stack.enter_async_context(_reporting(start.config))
        store = await stack.enter_async_context(open_store(store_url(start.config), start.clock))
        client = await stack.enter_async_context(session())
        parts = Parts(start, store, Fetcher(client, start.clock))
        await stack.enter_async_context(parts.recorder)
        server = start.config.server
        app = build(parts.faces.daemon(), Access(server.metrics, server.status_page))
        control = stack.enter_context(listening(control_socket(store_path(store_url(start.config)))))
        listen = Listen(server.listen.host, server.listen.port)
        port = await stack.enter_async_context(serving(app, listen, control))
        await parts.begin()  # once nothing of the configuration can be refused any more
        stack.push_async_callback(parts.life.end)
        await stack.enter_async_context(parts.periodic)
        start.started(f"http://{_reachable(server.listen.host)}:{port}/")
        await _produce(parts, signals)


async def _produce(parts: Parts, signals: Signals) -> None:
    """Everything that makes facts, until told to stop."""
    async with asyncio.TaskGroup() as producers:
        tasks = [
            producers.create_task(parts.evaluator.run(), name="evaluator"),
            producers.create_task(parts.prober.run(), name="prober"),
            producers.create_task(parts.schedule(), name="scheduler"),
            producers.create_task(parts.listen(), name="heartbeats"),
            producers.create_task(parts.periodic.run(), name="periodic"),
            producers.create_task(parts.faces.past.run(), name="past months"),
            producers.create_task(parts.life.tell_notices(), name="notices"),
            producers.create_task(parts.outbox.run(), name="channels"),
            producers.create_task(parts.reload_when(signals.reload), name="reload"),
        ]
        await signals.stop.wait()
        parts.current.leaving = True
        for task in tasks:
            task.cancel()


class Parts:
    """The parts of one daemon and what passes between them; constructed without starting anything."""

    def __init__(self, start: Start, store: OpenStore, fetcher: Fetcher) -> None:
        self._start = start
        self._reloading = asyncio.Lock()
        self._fetcher = fetcher
        self._peaks: Mapping[str, Sequence[Peak]] = {}
        self.store = store
        self.clock = start.clock
        self.clock_synchronized = start.clock.synchronized
        promised = written_terms(start.config)
        self._promised: WrittenTerms | None = promised  # until it is recorded: it is large
        self.current = Current(start.config, promised.terms)
        self.evaluator = Evaluator(start.clock, store, self.current.terms, shown(start.config), self._evaluated)
        self.recorder = Recorder(store, start.clock, self._committed)
        outlet = Outlet(self.recorder.record, self.recorder)
        self.heartbeats = Heartbeats(start.clock, outlet, start.config.location, heartbeats(start.config))
        self.poller = Poller(
            start.clock, fetcher, Log(self.recorder.record, self._read, self._newest_of), random.random
        )
        self.poller.replace(polled(start.config))
        hooks_outlet = HooksOutlet(self.recorder.record, self.poller.take, self._poll_soon)
        self.hooks = Hooks(start.clock, hooks_outlet, aside(store_path(store_url(start.config))))
        self.hooks.replace(posting(start.config))
        self.settling = Settling(start.clock, store, self.recorder.record, self.current)
        self.crux = Crux(start.clock, fetcher, self.recorder.record, self.current)
        self.evaluator.open_vitals = lambda: self.settling.open_days
        self._peak_errors = PeakErrors(start.clock, fetcher, self.current, lambda: self.evaluator.snapshot)
        self.evaluator.errors_in = self._peak_errors.of
        self.beacons = Beacons(start.clock, self.settling.keep, secrets.token_bytes(16))
        self.beacons.replace(beacon_rules(start.config))
        self._announcer = Announcer(start.clock, self.recorder.record, self._read)
        self.finaliser = Finaliser(start.clock, store, self.recorder.record, self.current)
        self.finaliser.sign = signer(start.config.signing_key)
        self.sealer = Sealer(start.clock, store, self.recorder.record, self.current)
        self.periodic = Periodic(self._bells())
        self.life = Life(start.clock, self.recorder, self.current, self.periodic.realign)
        outlets = Outlets(self.recorder, self.life.notice)
        checks = looked_at(start.config)
        means = Means(
            table=deliveries_file(store_path(store_url(start.config))),
            ways=WaysOut(WebPost(fetcher.session), in_its_own_thread),
            chance=random.random,
            statements=self._closed_statements,
            recorded=self._read,
        )
        self.outbox = Outbox(start.clock, means, lines_of(start.config), start.config.timezone.key)
        self.prober = Prober(start.clock, outlets, checks, probing_options(start.config))
        self.scheduler = Scheduler(start.clock, self.prober, checks, {})
        self.faces = Faces(self)

    async def begin(self) -> None:
        """Records the start and its terms, once."""
        promised, self._promised = self._promised, None
        if promised is not None:
            await self.life.begin(promised)

    def _bells(self) -> Mapping[str, Bell]:
        """The slow periodic jobs: polls of sources, and the daemon's own pulse where a monitor for it is configured."""
        config = self.current.config
        bells = {
            f"poll {source.name}": Bell(
                source.every_ms / 1000, partial(self._poll, source.name), at_once=True, again=True
            )
            for source in polled(config)
        }
        bells[ROUTINE] = Bell(EVERY_S, self._announce, at_once=True)
        bells["sealing"] = Bell(SEALING_S, self.sealer.ring, at_once=True)
        bells["closing"] = Bell(CLOSING_S, self._close, at_once=True)
        bells["settle vitals"] = Bell(SETTLE_S, self._settle, at_once=True)
        bells["crux"] = Bell(CRUX_S, self._ask_crux, at_once=True)
        if events_source(config) is not None:
            bells["peak errors"] = Bell(PEAK_ERRORS_S, self._ask_sentry, at_once=True)
        bells["retire sources"] = Bell(RETIRE_S, self.poller.retire, at_once=True)
        if config.sentry is not None and config.sentry.heartbeat_monitor is not None:
            from monitor.telemetry.sentry import PULSE_MINUTES, pulse  # noqa: PLC0415 - see there

            bells["pulse"] = Bell(PULSE_MINUTES * 60, pulse(config.sentry.heartbeat_monitor, self._alive))
        return bells

    async def _poll(self, source: str) -> None:
        await self.evaluator.first_evaluation.wait()
        await self.poller.ring(source)

    def _poll_soon(self, source: str) -> None:
        """Something says that the source has news."""
        self.poller.hurry(source)
        if not self.current.leaving:
            self.periodic.ring(f"poll {source}")

    async def _close(self) -> None:
        await self.evaluator.first_evaluation.wait()
        await self.finaliser.ring()

    async def _ask_crux(self) -> None:
        await self.evaluator.first_evaluation.wait()
        await self.crux.ring()

    async def _ask_sentry(self) -> None:
        await self.evaluator.first_evaluation.wait()
        await self._peak_errors.ring()

    async def _settle(self) -> None:
        await self.evaluator.first_evaluation.wait()
        await self.settling.ring()

    async def _announce(self) -> None:
        config = self.current.config
        await self._announcer.ring(Plan(config.routine_maintenance, config.timezone))

    async def publish(self, name: str, notice: Notice) -> Published:
        """Publishes a maintenance on a page of ours. Raises NotPublishedError."""
        return await publish_on(self._fetcher, self.current.config, name, notice)

    def _read(self) -> Iterator[AnyFact]:
        return self.store.read(NO_RESULTS, ALL_TIME.end, TERMS)

    def _newest_of(self, source: str) -> int | None:
        newest = () if self.evaluator.snapshot is None else self.evaluator.snapshot.newest
        return max((look.result.at for look in newest if look.result.source == source), default=None)

    def _alive(self) -> bool:
        return self.recorder.writable and self.evaluator.first_evaluation.is_set()

    async def _closed_statements(self, month: Month, services: Sequence[str]) -> Sequence[Statement]:
        wanted = Wanted(services, month, self.clock.now())
        return await asyncio.to_thread(
            lambda: statements_of(self.store.read(ALL_TIME, ALL_TIME.end), self.current.terms, wanted)
        )

    def _evaluated(self, snapshot: Snapshot) -> None:
        self.outbox.evaluated(snapshot)
        peaks = crowded(snapshot.peaks, looked_at(self.current.config)) if snapshot.peaks else {}
        if peaks != self._peaks:
            self._peaks = peaks
            self._crowd()

    def _crowd(self) -> None:
        """Looks more often where a peak is announced."""
        self.scheduler.crowd(self._peaks)
        self.prober.crowd({name: min(peak.interval for peak in peaks) for name, peaks in self._peaks.items()})

    def _committed(self, facts: Sequence[AnyFact]) -> None:
        self.evaluator.committed(facts)
        self.heartbeats.committed(facts)
        self.outbox.committed(facts)

    async def schedule(self) -> None:
        """Looks at every check from where the store says that it was last looked at from here."""
        own = {result.check: result.at for result in await self._own_newest()}
        self.scheduler = Scheduler(self.clock, self.prober, looked_at(self.current.config), own)
        self._crowd()
        await self.scheduler.run()

    async def listen(self) -> None:
        """Takes heartbeats up from where the store says that they were."""
        await self.heartbeats.run(await self._own_newest())

    async def _own_newest(self) -> list[Result]:
        """The newest scheduled results of this location, once the store is read."""
        await self.evaluator.first_evaluation.wait()
        newest = () if self.evaluator.snapshot is None else self.evaluator.snapshot.newest
        return [look.result for look in newest if look.result.vantage == self.current.config.location]

    async def reload_when(self, asked: asyncio.Event) -> None:
        """SIGHUP: the same as POST /-/reload, with nobody but the log to tell."""
        while True:
            await asked.wait()
            asked.clear()
            with suppress(InputError, StoreError):
                await self.reload()

    async def reload(self) -> None:
        """Decodes and checks the file, records its terms, then swaps; one after the other when asked twice.

        Raises ConfigError, InputError or StoreError, and then nothing has changed.
        """
        async with self._reloading:
            try:
                read = await asyncio.to_thread(self._start.reread)
                sign = signer(read.signing_key)
                config, terms = await self._accepted(read)
            except (InputError, StoreError) as error:
                self.current.reload_succeeded = False
                logger.warning("the configuration stays as it is: %s", error)
                raise
            self.current.config, self.current.terms, self.finaliser.sign = config, terms, sign
            self.current.reload_succeeded = True
            checks = looked_at(config)
            self.evaluator.replace(terms, shown(config))
            self.scheduler.reload(checks)
            self.heartbeats.reload(heartbeats(config))
            await self.prober.reload(checks, probing_options(config))
            self.poller.replace(polled(config))
            self.hooks.replace(posting(config))
            self.outbox.reload(lines_of(config), config.timezone.key)
            self.beacons.replace(beacon_rules(config))
            self.periodic.replace(self._bells())
            self.periodic.ring("retire sources")
            self.periodic.ring(ROUTINE)

    async def _accepted(self, read: Config) -> tuple[Config, Terms]:
        """What of a new configuration takes effect now, once its terms are recorded."""
        refuse_what_cannot_be_probed(read)
        refuse_what_cannot_be_told(read)
        config, waiting = until_restart(self.current.config, read)
        for section in waiting:
            logger.warning("%s: changed in the file; it takes effect at the next start", section)
        promised, now = written_terms(config), self.clock.now()
        changed = lifecycle_fact(config.location, Event("config_changed", "reloaded", now, promised.terms.digest))
        await self.recorder.record([terms_fact(config.location, promised, now), changed])
        return config, promised.terms


def _reporting(config: Config) -> AbstractAsyncContextManager[None]:
    """Sends our own errors to Sentry; without the section `sentry` it is not even imported."""
    if config.sentry is None:
        return nullcontext()
    from monitor.telemetry.sentry import Reporting, reporting  # noqa: PLC0415 - see there

    return reporting(Reporting(config.sentry.dsn.reveal(), __version__, config.location))


def _reachable(host: str) -> str:
    """The address to open for an address that is listened on."""
    shown_host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{shown_host}]" if ":" in shown_host else shown_host
