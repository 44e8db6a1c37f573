"""From open samples to the facts of their day: recorded once, whatever stops in between, and then they go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.cli.inputs import FOREVER, stored_book
from monitor.config import load
from monitor.errors import StoreError
from monitor.facts import AnyFact, Fact, canonical_line, decode_fact, decode_line
from monitor.interfaces import VitalReport
from monitor.ledger.period import DAY, HOUR, MINUTE, Period, parse_instant
from monitor.ledger.terms import Terms
from monitor.ledger.vitals import tally
from monitor.life import Current
from monitor.settling import Settling, counted
from monitor.store import OpenStore, open_for_reading, open_store
from monitor.store.vitals import OpenSample
from tests.store.samples import ALL_TIME, StillClock, url_in

NOON = parse_instant("2026-06-03T12:00:00Z")
DUE = parse_instant("2026-06-05T23:00:00Z")
"""48 h after the 3rd of June in London."""


class StoppedError(Exception):
    """The process dies here."""


@dataclass
class Bench:
    """A store with its settling, a clock that is set by hand, and a place to die at."""

    store: OpenStore
    clock: StillClock
    settling: Settling
    dies: bool = False
    full: bool = False

    async def record(self, facts: Sequence[AnyFact]) -> int:
        if self.full:
            raise StoreError("the disk is full")
        new = await self.store.append(facts)
        if self.dies:
            raise StoppedError
        return new

    async def keep(self, name: str, value: float, at: int, metric: str = "LCP", country: str | None = "DE") -> None:
        self.clock.instant = at
        key = f"{metric}{name}".encode().ljust(12, b".")
        await self.settling.keep([VitalReport(key, metric, value, at, country, "open")])

    def recorded(self) -> list[Fact]:
        return [fact for fact in self.store.read(Period(0, ALL_TIME), ALL_TIME) if isinstance(fact, Fact)]


def current(folder: Path) -> Current:
    path = folder / "minutebook.yaml"
    path.write_text(
        "timezone: Europe/London\nstorage: sqlite:///minutebook.db\n"
        "services: [{name: a, checks: [{name: b, tcp: {host: a.example, port: 1}}]}]\n"
    )
    return Current(load(path, {}), Terms(ZoneInfo("Europe/London"), (), ()))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Bench]:
    clock = StillClock(NOON)
    async with open_store(url_in(folder), clock) as store:

        async def record(facts: Sequence[AnyFact]) -> int:
            return await made.record(facts)

        made = Bench(store, clock, Settling(clock, store, record, current(folder)))
        yield made


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path) as opened_bench:
        yield opened_bench


async def test_a_day_is_recorded_two_days_after_it_and_its_samples_go(bench: Bench) -> None:
    await bench.keep("a", 2400, NOON)
    await bench.keep("a", 2600, NOON + MINUTE)
    await bench.keep("b", 2500, NOON, country=None)
    await bench.keep("c", 0.05, NOON, "CLS")
    await bench.keep("next day", 100, NOON + 12 * HOUR)
    bench.clock.instant = DUE - 1
    await bench.settling.settle()
    assert bench.recorded() == []
    bench.clock.instant = DUE
    await bench.settling.settle()
    facts = [dict(fact.fields) for fact in bench.recorded()]
    assert [(f["metric"], f["day"], f["country"], f["good"], f["needs_improvement"]) for f in facts] == [
        ("CLS", "2026-06-03", "DE", 1, 0),
        ("LCP", "2026-06-03", "DE", 0, 1),
        ("LCP", "2026-06-03", "ZZ", 1, 0),
    ]
    assert {fact["source"] for fact in facts} == {"web-vitals/open"}
    assert [sample.value for sample in bench.store.open_samples()] == [100]
    for fact in bench.recorded():
        assert decode_line(canonical_line(fact)) == fact


async def test_a_day_of_the_sla_begins_at_its_own_midnight(bench: Bench) -> None:
    await bench.keep("a", 2400, parse_instant("2026-06-03T23:30:00Z"))
    await bench.settling.count()
    assert [fact.fields["day"] for fact in bench.settling.open_days] == ["2026-06-04"]


async def test_a_stop_between_recording_and_purging_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        await bench.keep("a", 2400, NOON)
        bench.clock.instant, bench.dies = DUE, True
        with pytest.raises(StoppedError):
            await bench.settling.settle()
        assert len(list(bench.store.open_samples())) == 1
        await bench.settling.count()
        assert bench.settling.open_days == ()  # it is recorded: it is not shown a second time
    async with opened(tmp_path) as bench:
        bench.clock.instant = DUE + HOUR
        await bench.settling.settle()
        assert len(bench.recorded()) == 1
        assert list(bench.store.open_samples()) == []


async def test_a_day_that_a_former_version_recorded_just_before_it_stopped_is_not_recorded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept 32 countries by themselves: of the same samples this one would make another fact, of all others."""
    async with opened(tmp_path) as bench:
        for place in range(10):
            await bench.keep(str(place), 2400, NOON, country=f"{chr(65 + place)}A")
        monkeypatch.setattr(tally, "COUNTRIES", 32)
        bench.clock.instant, bench.dies = DUE, True
        with pytest.raises(StoppedError):
            await bench.settling.settle()
        monkeypatch.undo()
        bench.dies = False
        await bench.settling.settle()
        assert sum(int(str(fact.fields["good"])) for fact in bench.recorded()) == 10
        assert list(bench.store.open_samples()) == []


async def test_open_days_are_counted_as_they_will_be_recorded(bench: Bench) -> None:
    for place, value in enumerate((2400, 2500, 2501, 4000, 4001, 0)):
        await bench.keep(str(place), value, NOON)
    await bench.settling.count()
    shown = bench.settling.open_days
    bench.clock.instant = DUE
    await bench.settling.ring()
    assert [dict(fact.fields) for fact in bench.recorded()] == [dict(fact.fields) for fact in shown]
    assert bench.settling.open_days == ()


async def test_it_is_counted_again_only_after_something_came(bench: Bench) -> None:
    await bench.keep("a", 2400, NOON)
    await bench.settling.ring()
    before = bench.settling.open_days
    await bench.settling.ring()
    assert bench.settling.open_days is before
    await bench.keep("a", 2600, NOON)
    await bench.settling.ring()
    assert [fact.fields["needs_improvement"] for fact in bench.settling.open_days] == [1]


async def test_days_that_the_daemon_slept_through_are_all_recorded(bench: Bench) -> None:
    for day in range(5):
        await bench.keep(str(day), 2400, NOON + day * DAY)
    bench.clock.instant = NOON + 60 * DAY
    await bench.settling.settle()
    assert [fact.fields["day"] for fact in bench.recorded()] == [f"2026-06-0{day}" for day in range(3, 8)]
    assert list(bench.store.open_samples()) == []


async def test_ids_are_forgotten_before_their_day_is_recorded(bench: Bench, tmp_path: Path) -> None:
    await bench.keep("a", 2400, NOON)
    bench.clock.instant = NOON + 48 * HOUR
    await bench.settling.ring()
    await bench.keep("a", 9000, NOON + 48 * HOUR)
    assert sorted(sample.value for sample in bench.store.open_samples()) == [2400, 9000]


def test_vital_facts_of_the_log_are_counted_with_the_open_samples_of_their_day() -> None:
    terms = Terms(ZoneInfo("UTC"), (), ())
    logged = [_logged("x", "2026-06-03T12:00:00Z"), _logged("y", "2026-05-03T12:00:00Z")]
    assert counted([], logged, terms).facts(terms, 0) == []
    found = counted([OpenSample("LCP", 100.0, NOON, None, "relay")], logged, terms)
    [fact] = found.facts(terms, 0)
    assert (fact.fields["good"], fact.fields["poor"], fact.fields["source"]) == (1, 1, "web-vitals/import+relay")


def _logged(name: str, at: str) -> Fact:
    fact = decode_fact({"kind": "vital", "metric": "LCP", "metric_id": name, "at": at, "value": 5000}, 0)
    assert isinstance(fact, Fact)
    return fact


async def test_while_the_store_is_away_nothing_is_lost(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.keep("a", 2400, NOON)
    bench.clock.instant = DUE

    bench.full = True
    await bench.settling.ring()
    assert "the disk is full" in caplog.text
    assert len(list(bench.store.open_samples())) == 1


async def test_what_a_command_reads_beside_the_daemon_is_the_same(bench: Bench, tmp_path: Path) -> None:
    await bench.keep("a", 2400, NOON)
    with open_for_reading(url_in(tmp_path)) as reader:
        assert list(reader.open_samples()) == list(bench.store.open_samples())


async def test_a_statement_of_now_has_the_open_days_and_one_as_of_an_instant_has_not(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.keep("a", 2400, NOON)
    now = stored_book(tmp_path / "minutebook.yaml", FOREVER)
    assert [(fact.kind, fact.fields["good"]) for fact in now.facts if isinstance(fact, Fact)] == [("vitals_day", 1)]
    assert stored_book(tmp_path / "minutebook.yaml", NOON + DAY).facts == []
