"""What a running daemon shows: its pages, statements and metrics, as the web asks for them."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from exporters import prometheus, report_html, status_page
from exporters.labels import shown_target
from exporters.report import document, for_everybody
from exporters.self_metrics import SelfMetrics
from exporters.status import Seen
from monitor import __version__
from monitor.beacons import Beacons
from monitor.closing import Wanted, beside, latest, recorded_of, standing, statements
from monitor.config import customers_of
from monitor.crediting import Reckoner
from monitor.errors import StatementDiffersError, StoreError
from monitor.evaluator import ALL_TIME, Evaluator
from monitor.facts import AnyFact, Fact, Json
from monitor.facts.schema import KINDS
from monitor.finalising import Finaliser
from monitor.heartbeats import Heartbeats
from monitor.hooks import Hooks
from monitor.interfaces import Clock, FactStore
from monitor.ledger.period import Month, Period
from monitor.ledger.terms import Terms
from monitor.life import Current
from monitor.outbox import OUTCOMES, Outbox
from monitor.past_months import PastMonths
from monitor.people import Known
from monitor.people.publishing import Notice, Published
from monitor.poller import Poller
from monitor.prober import Prober
from monitor.recorder import Recorder
from monitor.report_pages import ReportPages
from monitor.report_pages import Wanted as ReportWanted
from monitor.reporting import Asking, told
from monitor.reviewing import credit_sections
from monitor.scheduler import Scheduler
from monitor.second_sources import Crux
from monitor.settling import Settling
from monitor.status_pages import StatusPages
from monitor.store.url import store_path
from monitor.telemetry import ProcessMetrics
from monitor.web import Audience, Tokens
from monitor.web.daemon import Asked, Daemon, Pages
from monitor.wiring import longest_hold, our_page, own_pages, store_url, tokens_file

logger = logging.getLogger(__name__)

NO_RESULTS = Period(0, 0)
"""No result is looked at in an empty period: what is read are the facts of all other kinds."""

TERMS = frozenset({"terms"})
"""Megabytes each where there are thousands of checks, and of no use beside the configuration in force."""


class Running(Protocol):
    """The parts of a daemon that its faces show something of."""

    clock: Clock
    current: Current
    evaluator: Evaluator
    recorder: Recorder
    prober: Prober
    scheduler: Scheduler
    heartbeats: Heartbeats
    poller: Poller
    hooks: Hooks
    beacons: Beacons
    finaliser: Finaliser
    settling: Settling
    crux: Crux
    outbox: Outbox

    @property
    def store(self) -> FactStore: ...

    async def reload(self) -> None: ...

    async def publish(self, name: str, notice: Notice) -> Published: ...

    def clock_synchronized(self) -> bool | None: ...


class Faces:
    """Reads from the parts of one daemon, and changes nothing."""

    def __init__(self, parts: Running) -> None:
        self._parts = parts
        self._exposition = prometheus.Exposition()
        self._process = ProcessMetrics()
        self._reports = ReportPages(parts.clock, self._make_report, lambda: parts.current.terms.digest)

        self.past = PastMonths(
            parts.clock,
            lambda: self._facts(ALL_TIME.end),
            lambda: parts.evaluator.snapshot,
            lambda: parts.current.terms,
        )
        self._status = StatusPages(parts.clock, self._seen, self._site)

    def daemon(self) -> Daemon:
        """What the web asks of the daemon."""
        parts = self._parts
        tokens = Tokens(tokens_file(store_path(store_url(parts.current.config))), parts.clock.now)
        pages = Pages(
            metrics=self._metrics_page,
            status_page=self._status.page,
            status=self._status.status,
            feed=self._status.feed,
            mark=self._status.mark,
            badge=self._status.badge,
            stylesheet=status_page.stylesheet,
            script=status_page.script,
            report=self._report,
            report_stylesheet=report_html.stylesheet,
        )
        return Daemon(
            pages=pages,
            snapshot=lambda: parts.evaluator.snapshot,
            evaluated=parts.evaluator.next_evaluation,
            services=lambda: [service.name for service in parts.current.terms.services],
            statement=self._statement,
            close=parts.finaliser.carry_out,
            record=parts.recorder.record,
            known=self._known,
            longest_hold=self._longest_hold,
            speakers=self._speakers,
            heartbeats=parts.heartbeats,
            hooks=parts.hooks,
            beacons=parts.beacons,
            our_page=lambda name: our_page(parts.current.config, name),
            publish=parts.publish,
            reload=parts.reload,
            ready=lambda: parts.evaluator.first_evaluation.is_set() and not parts.current.leaving,
            token=tokens.find,
            now=parts.clock.now,
        )

    async def _known(self) -> Known:
        return await asyncio.to_thread(self._read_known)

    def _read_known(self) -> Known:
        parts = self._parts
        facts = [fact for fact in parts.store.read(NO_RESULTS, ALL_TIME.end, TERMS) if isinstance(fact, Fact)]
        return Known(facts, parts.current.terms, parts.clock.now(), customers_of(parts.current.config))

    def _metrics_page(self) -> Iterator[str]:
        yield from self._exposition.render(self._parts.evaluator.snapshot, self._attributes(), self._self_metrics())
        yield self._process.text()

    def _speakers(self) -> list[str]:
        config = self._parts.current.config
        return [config.location, *(source.name for source in config.sources)]

    def _longest_hold(self, check: str) -> int | None:
        known = self._parts.current.config.checks.get(check)
        return None if known is None else longest_hold(known)

    async def _statement(self, asked: Asked) -> Mapping[str, Json] | None:
        return await asyncio.to_thread(self._state, self._parts.current.terms, asked)

    def _state(self, terms: Terms, asked: Asked) -> Mapping[str, Json] | None:
        facts = list(self._facts(ALL_TIME.end if asked.as_of is None else asked.as_of))
        if asked.as_of is None:
            facts += self._parts.settling.open_days
        at = latest(facts, self._parts.clock.now()) if asked.as_of is None else asked.as_of
        wanted = Wanted([asked.service], asked.month, at)
        if asked.view == "draft":
            return statements(facts, terms, wanted)[0]
        recorded = recorded_of(facts)
        stated = standing(recorded, terms, wanted)[0]
        if stated.wrong is not None:
            logger.error("%s", stated.wrong)
            raise StatementDiffersError(stated.wrong)
        return stated.statement if asked.view == "standing" else beside(recorded, stated, at)

    async def _report(self, service: str, month: Month, audience: Audience) -> str | None:
        shown = audience == "all"
        if all(each.name != service or not (each.public or shown) for each in self._parts.current.config.services):
            return None
        return await self._reports.page(ReportWanted(service, month, shown))

    def _make_report(self, wanted: ReportWanted) -> str:
        """The page, for everybody or for whoever may read everything."""
        config, terms = self._parts.current.config, self._parts.current.terms
        facts = [*self._facts(ALL_TIME.end), *self._parts.settling.open_days]
        at = latest(facts, self._parts.clock.now())
        found = told(facts, terms, Asking([wanted.service], [wanted.month], at, own_pages(config)))
        if not wanted.is_whole:
            return report_html.page(document(map(for_everybody, found.told), found.about(str(wanted.month))))
        reckoner = Reckoner(facts, terms, customers_of(config), at)
        whole = replace(found.about(str(wanted.month)), sections=credit_sections(reckoner, wanted.month))
        return report_html.page(document(found.told, whole))

    def _facts(self, as_of: int) -> Iterator[AnyFact]:
        for fact in self._parts.store.read(ALL_TIME, as_of):
            if self._parts.current.leaving:
                raise StoreError("the daemon is stopping")
            yield fact

    def _seen(self) -> Seen:
        published = self._parts.finaliser.published
        chain = None if published is None else published.shown()
        return Seen(self._parts.evaluator.snapshot, self.past.shown(), chain)

    def _site(self) -> str:
        return f"{(self._parts.current.config.server.public_url or '').rstrip('/')}/"

    def _attributes(self) -> prometheus.LiveAttributes:
        location = self._parts.current.config.location
        return {(check, location): look.attributes or {} for check, look in self._parts.prober.newest.items()}

    def _void_since(self) -> dict[tuple[str, str], int]:
        looked = {(check, spell.reason): spell.since for check, spell in self._parts.prober.voids().items()}
        return looked | {(check, why): since for check, (since, why) in self._parts.heartbeats.voids().items()}

    def _self_metrics(self) -> SelfMetrics:
        parts = self._parts
        recorded = parts.recorder.recorded
        return SelfMetrics(
            version=__version__,
            python=platform.python_version(),
            facts_recorded={kind: recorded.get(kind, 0) for kind in ("result", *KINDS)},
            slots_missed=parts.scheduler.slots_missed,
            probe_lag_seconds=parts.prober.probe_lag_ms / 1000,
            void_since=self._void_since(),
            source_last_success={**parts.poller.last_success, **parts.crux.last_success},
            source_problems=parts.poller.problems,
            hook_deliveries=parts.hooks.deliveries,
            beacons=parts.beacons.answers,
            vital_reports=parts.beacons.outcomes if parts.beacons.rules is not None else {},
            hook_ignored=parts.hooks.ignored,
            channel_deliveries={
                (channel, outcome): parts.outbox.outcomes[channel, outcome]
                for channel in parts.outbox.channels
                for outcome in OUTCOMES
            },
            channel_waiting=parts.outbox.waiting(),
            channel_failing_since=parts.outbox.failing_since,
            canary_up={shown_target(name): sang for name, sang in parts.prober.canary_signs.items()},
            resolver_up=parts.prober.resolvers_up,
            queue_depth=parts.recorder.depth,
            event_loop_lag_seconds=parts.prober.loop_lag_ns / 1e9,
            config_last_reload_successful=parts.current.reload_succeeded,
            clock_synchronized=parts.clock_synchronized(),
            store_writable=parts.recorder.writable,
        )
