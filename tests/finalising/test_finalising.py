"""Months that become final while a daemon runs: at their instant, once, whatever the store did meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from monitor.config import parse, written_terms
from monitor.errors import StoreError
from monitor.facts import AnyFact, Fact, Result
from monitor.finalising import SETTLED, Finaliser
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY, HOUR, Period, format_instant, parse_instant
from monitor.life import Current
from monitor.store import OpenStore, open_store
from monitor.store.stamps import Stamps
from monitor.wiring import terms_fact
from tests.probes.clocks import FakeClock

START, END = parse_instant("2026-10-01T00:00:00Z"), parse_instant("2026-11-01T00:00:00Z")
FINAL = END + 5 * DAY
CONFIG = parse(
    "location: here\nservices: [{name: app, checks: [{name: web, http: {url: 'https://app.example.com/'}}]}]",
    "minutebook.yaml",
    Path(),
    {},
)
TERMS = written_terms(CONFIG)


@dataclass
class Kept:
    """A store with a clock of ours, and a finaliser on it; while `away` nothing is recorded."""

    clock: FakeClock
    store: OpenStore
    away: bool = False
    current: Current = field(default_factory=lambda: Current(CONFIG, TERMS.terms))

    def finaliser(self) -> Finaliser:
        """A new one, as after a start."""
        return Finaliser(self.clock, self.store, self.record, self.current)

    async def record(self, facts: Sequence[AnyFact]) -> int:
        if self.away:
            raise StoreError("the disk is full")
        return await self.store.append(Stamps().stamp(facts, self.clock.now()))

    def closings(self) -> list[Fact]:
        facts = [*self.store.read(Period(0, 0), 2**62)]
        return [fact for fact in facts if isinstance(fact, Fact) and fact.kind == "closing"]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    clock = FakeClock(FINAL + SETTLED - 1)
    async with open_store(f"sqlite:///{tmp_path}/minutebook.db", clock) as store:
        promised = replace(terms_fact("here", TERMS, START), recorded_at=START)
        await store.append([promised, Result(START, "web", "here", START, "pass", hold_ms=90 * DAY)])
        yield Kept(clock, store)


async def test_a_month_is_closed_once_its_instant_has_passed_and_not_before(kept: Kept) -> None:
    finaliser = kept.finaliser()
    await finaliser.ring()
    assert kept.closings() == []
    kept.clock.step(1)
    await finaliser.ring()
    await finaliser.ring()
    await kept.finaliser().ring()  # as after a restart
    [closing] = kept.closings()
    assert (closing.fields["as_of"], closing.fields["author"]) == (format_instant(FINAL), "minutebook")
    assert closing.source == "here"


async def test_coming_late_closes_the_same_statement(kept: Kept) -> None:
    kept.clock.step(3 * DAY)
    late = Result(kept.clock.now(), "web", "here", START + DAY, "fail", hold_ms=HOUR, reason="timeout")
    await kept.store.append([late])
    await kept.finaliser().ring()
    [closing] = kept.closings()
    assert closing.fields["as_of"] == format_instant(FINAL)
    [view] = [live_book(TERMS.terms, [*kept.store.read(Period(START, END), 2**62)]).view("app", FINAL, public=True)]
    assert [(str(figures.month), figures.final) for figures in view.months] == [("2026-11", False), ("2026-10", True)]


async def test_what_the_store_cannot_take_is_closed_at_the_next_ring(kept: Kept) -> None:
    kept.clock.step(1)
    finaliser = kept.finaliser()
    kept.away = True
    await finaliser.ring()
    assert kept.closings() == []
    kept.away = False
    await finaliser.ring()
    assert len(kept.closings()) == 1


async def test_the_head_is_published_at_a_start_a_closing_and_each_local_midnight(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "monitor.finalising")
    finaliser = kept.finaliser()
    await finaliser.ring()
    assert finaliser.published is not None
    assert finaliser.published.occasion == "start"
    kept.clock.step(1)
    await finaliser.ring()
    assert finaliser.published.occasion == "closing"
    kept.clock.step(HOUR)
    await finaliser.ring()
    assert finaliser.published.occasion == "closing"
    kept.clock.step(DAY)
    await finaliser.ring()
    assert finaliser.published.shown()["occasion"] == "midnight"
    assert str(finaliser.published.shown()["head"]) in caplog.text
