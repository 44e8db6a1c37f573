"""The composition root: everything the daemon is made of, put together once, with lifetimes that nest.

Consumers outlive producers (design/architecture.md, "Lifetimes nest"): the store is opened first and closed last, the
web serves to the very end, and what makes facts stops first. A bug in any task ends the group and the process.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass

from exporters import prometheus, status_page
from exporters.self_metrics import SelfMetrics
from monitor import __version__
from monitor.closing import Wanted, latest, statements
from monitor.config import Config, to_terms
from monitor.errors import InputError, StoreError
from monitor.evaluator import ALL_TIME, Evaluator
from monitor.facts import AnyFact, Fact, Json
from monitor.facts.schema import KINDS
from monitor.interfaces import Clock
from monitor.ledger.period import Month
from monitor.ledger.terms import Terms
from monitor.periodic import Job, Periodic
from monitor.prober import Outlets, Prober
from monitor.recorder import Recorder
from monitor.scheduler import Scheduler
from monitor.store import OpenStore, open_store
from monitor.store.url import store_path
from monitor.telemetry import ProcessMetrics, logging_to
from monitor.web import Access, Audience, Listen, Tokens, build, serving
from monitor.web.daemon import Daemon, Pages
from monitor.wiring import (
    Event,
    lifecycle_fact,
    longest_hold,
    looked_at,
    probing_options,
    refuse_without_authorities,
    shown,
    store_url,
    terms_fact,
    tokens_file,
    until_restart,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Start:
    """What a daemon starts from. `reread` gives the configuration anew, or raises ConfigError or InputError; `started`
    is told the address that is served; `clock_synchronized` is what the kernel says of its clock, None: nothing."""

    config: Config
    reread: Callable[[], Config]
    clock: Clock
    started: Callable[[str], None]
    clock_synchronized: Callable[[], bool | None]


@dataclass(frozen=True, slots=True)
class Signals:
    """What the process is told from outside, by signal handlers."""

    stop: asyncio.Event
    reload: asyncio.Event


async def serve(start: Start, signals: Signals) -> None:
    """Runs until `signals.stop`, then leaves in order. Raises what a part of it raised."""
    refuse_without_authorities(start.config)
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(sys.stderr))
        await stack.enter_async_context(_reporting(start.config))
        store = await stack.enter_async_context(open_store(store_url(start.config), start.clock))
        parts = Parts(start, store)
        await stack.enter_async_context(parts.recorder)
        server = start.config.server
        app = build(parts.face(), Access(server.metrics, server.status_page))
        port = await stack.enter_async_context(serving(app, Listen(server.listen.host, server.listen.port)))
        await parts.begin()  # once nothing of the configuration can be refused any more
        stack.push_async_callback(parts.end)
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
            producers.create_task(parts.periodic.run(), name="periodic"),
            producers.create_task(parts.tell_notices(), name="notices"),
            producers.create_task(parts.reload_when(signals.reload), name="reload"),
        ]
        await signals.stop.wait()
        parts.leaving = True
        for task in tasks:
            task.cancel()


class Parts:
    """The parts of one daemon and what passes between them; constructed without starting anything."""

    def __init__(self, start: Start, store: OpenStore) -> None:
        self._start = start
        self._store = store
        self._clock = start.clock
        self._config = start.config
        self._terms = to_terms(start.config)
        self._notices: asyncio.Queue[Fact] = asyncio.Queue()
        self._reloading = asyncio.Lock()
        self._reload_succeeded = True
        self._exposition = prometheus.Exposition()
        self.leaving = False
        self.evaluator = Evaluator(start.clock, store, self._terms, shown(start.config))
        self.recorder = Recorder(store, start.clock, self.evaluator.committed)
        outlets = Outlets(self.recorder, self._notice)
        checks = looked_at(start.config)
        self.prober = Prober(start.clock, outlets, checks, probing_options(start.config))
        self.periodic = Periodic(self._jobs())
        self._process = ProcessMetrics()
        self.scheduler = Scheduler(start.clock, self.prober, checks, {})

    def _jobs(self) -> Mapping[str, tuple[float, Job]]:
        """The slow periodic jobs: the daemon's own pulse, where a monitor for it is configured."""
        sentry = self._config.sentry
        if sentry is None or sentry.heartbeat_monitor is None:
            return {}
        from monitor.telemetry.sentry import PULSE_MINUTES, pulse  # noqa: PLC0415 - see there

        return {"pulse": (PULSE_MINUTES * 60, pulse(sentry.heartbeat_monitor, self._alive))}

    def _alive(self) -> bool:
        return self.recorder.writable and self.evaluator.first_evaluation.is_set()

    # -- life

    async def begin(self) -> None:
        """Records the start and its terms."""
        now = self._clock.now()
        await self.recorder.record(
            [terms_fact(self._config, self._terms.digest, now), self._lifecycle("started", VERSION, now)]
        )

    async def schedule(self) -> None:
        """Looks at every check from where the store says that it was last looked at from here."""
        await self.evaluator.first_evaluation.wait()
        newest = () if self.evaluator.snapshot is None else self.evaluator.snapshot.newest
        own = {look.result.check: look.result.at for look in newest if look.result.vantage == self._config.location}
        self.scheduler = Scheduler(self._clock, self.prober, looked_at(self._config), own)
        await self.scheduler.run()

    async def end(self) -> None:
        """Records the stop and what was noticed before; where the store is away, the gap says so itself."""
        noticed = [self._notices.get_nowait() for _ in range(self._notices.qsize())]
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self.recorder.record([*noticed, self._lifecycle("stopped", VERSION, self._clock.now())])
        except (StoreError, TimeoutError) as error:
            logger.warning("the stop is not recorded: %s", str(error) or "the store takes too long")

    async def tell_notices(self) -> None:
        """Records what the watchdogs saw."""
        while True:
            notice = await self._notices.get()
            try:
                await self._tell(notice)
            except asyncio.CancelledError:
                self._notices.put_nowait(notice)  # for the end; its id keeps it from being recorded twice
                raise

    async def _tell(self, notice: Fact) -> None:
        """What the store cannot take now waits and is tried again."""
        while True:
            try:
                await self.recorder.record([notice])
            except StoreError as error:
                logger.warning("a lifecycle fact waits for the store: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _notice(self, event: str, at: int, detail: str) -> None:
        self._notices.put_nowait(self._lifecycle(event, detail, at))
        if event == "clock_stepped":
            self.periodic.realign()

    def _lifecycle(self, event: str, detail: str, at: int) -> Fact:
        return lifecycle_fact(self._config.location, Event(event, detail, at, self._terms.digest))

    # -- reload

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
                config, terms = await self._accepted(await asyncio.to_thread(self._start.reread))
            except (InputError, StoreError) as error:
                self._reload_succeeded = False
                logger.warning("the configuration stays as it is: %s", error)
                raise
            self._config, self._terms = config, terms
            self._reload_succeeded = True
            checks = looked_at(config)
            self.evaluator.replace(terms, shown(config))
            self.scheduler.reload(checks)
            await self.prober.reload(checks, probing_options(config))

    async def _accepted(self, read: Config) -> tuple[Config, Terms]:
        """What of a new configuration takes effect now, once its terms are recorded."""
        config, waiting = until_restart(self._config, read)
        for section in waiting:
            logger.warning("%s: changed in the file; it takes effect at the next start", section)
        terms, now = to_terms(config), self._clock.now()
        changed = lifecycle_fact(config.location, Event("config_changed", "reloaded", now, terms.digest))
        await self.recorder.record([terms_fact(config, terms.digest, now), changed])
        return config, terms

    # -- faces

    def face(self) -> Daemon:
        """What the web asks of the daemon."""
        tokens = Tokens(tokens_file(store_path(store_url(self._config))), self._clock.now)
        pages = Pages(
            metrics=self._metrics_page,
            status_page=self._status_page,
            status=self._status,
            stylesheet=status_page.STYLESHEET,
        )
        return Daemon(
            pages=pages,
            snapshot=lambda: self.evaluator.snapshot,
            services=lambda: [service.name for service in self._terms.services],
            statement=self._statement,
            record=self.recorder.record,
            longest_hold=self._longest_hold,
            reload=self.reload,
            ready=lambda: self.evaluator.first_evaluation.is_set() and not self.leaving,
            token=tokens.find,
            now=self._clock.now,
        )

    def _metrics_page(self) -> Iterator[str]:
        yield from self._exposition.render(self.evaluator.snapshot, self._attributes(), self._self_metrics())
        yield self._process.text()

    def _longest_hold(self, check: str) -> int | None:
        known = self._config.checks.get(check)
        return None if known is None else longest_hold(known)

    async def _statement(self, service: str, month: Month, as_of: int | None) -> Mapping[str, Json]:
        return await asyncio.to_thread(self._state, self._terms, service, month, as_of)

    def _state(self, terms: Terms, service: str, month: Month, as_of: int | None) -> Mapping[str, Json]:
        facts = list(self._facts(ALL_TIME.end if as_of is None else as_of))
        at = latest(facts, self._clock.now()) if as_of is None else as_of
        return statements(facts, terms, Wanted([service], month, at))[0]

    def _facts(self, as_of: int) -> Iterator[AnyFact]:
        for fact in self._store.read(ALL_TIME, as_of):
            if self.leaving:
                raise StoreError("the daemon is stopping")
            yield fact

    def _status_page(self, audience: Audience) -> str:
        return status_page.render(self.evaluator.snapshot, self._clock.now(), everything=audience == "all")

    def _status(self, audience: Audience) -> Mapping[str, Json]:
        return status_page.status(self.evaluator.snapshot, everything=audience == "all")

    def _attributes(self) -> prometheus.LiveAttributes:
        location = self._config.location
        return {(check, location): look.attributes or {} for check, look in self.prober.newest.items()}

    def _self_metrics(self) -> SelfMetrics:
        recorded = self.recorder.recorded
        return SelfMetrics(
            version=__version__,
            python=platform.python_version(),
            facts_recorded={kind: recorded.get(kind, 0) for kind in ("result", *KINDS)},
            slots_missed=self.scheduler.slots_missed,
            probe_lag_seconds=self.prober.probe_lag_ms / 1000,
            queue_depth=self.recorder.depth,
            event_loop_lag_seconds=self.prober.loop_lag_ns / 1e9,
            config_last_reload_successful=self._reload_succeeded,
            clock_synchronized=self._start.clock_synchronized(),
            store_writable=self.recorder.writable,
        )


VERSION = f"minutebook {__version__}"

LAST_WORD_S = 1.0
"""For the fact of the stop; the drain of the results and the web's clients have 5 s each, SIGTERM 10 s for all."""

RETRY_S = 5.0
"""Pause before a lifecycle fact is tried again while the store is away."""


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
