"""A month of two pages, polled at speed over real HTTP: the statement is what the script of the month implies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from monitor.closing import Wanted, statements
from monitor.config import parse, to_terms
from monitor.facts import AnyFact, Fact
from monitor.ledger.period import DAY, HOUR, MINUTE, Month
from monitor.ledger.terms import Terms
from tests.poller.month import (
    CONFIG,
    JULY,
    JUNE,
    MAINTENANCE,
    THIRD_PARTY,
    TROUBLE,
    at,
    bells,
    looks,
    our_deeds,
    their_deeds,
)
from tests.poller.polled import Polled, polling
from tests.vendors.serving import Vendor, serving
from tests.vendors.statuspage import StatusPage


@dataclass
class Told:
    """Everything that was recorded of a month, and the statements that follow."""

    facts: list[AnyFact]
    terms: Terms

    def excused(self, as_of: int = JULY + DAY) -> dict[str, int | float]:
        """Minutes that each exclusion is granted, as of then."""
        [statement] = statements(self.facts, self.terms, Wanted(["app"], Month(2026, 6), as_of))
        found: Any = statement["exclusions"]
        return {
            one["id"].removeprefix("cloudflare/"): _minutes(one["granted_ms"]) for one in found if one["granted_ms"]
        }


def _minutes(ms: int) -> int | float:
    """Whole minutes, as everything in the script is."""
    return ms // MINUTE if ms % MINUTE == 0 else ms / MINUTE


@asynccontextmanager
async def played(folder: Path, away: tuple[tuple[int, int], ...], every: int = 6 * HOUR) -> AsyncIterator[Told]:
    """The month, played; `away`: when neither page can be reached, beside the trouble of the script."""
    their_page = StatusPage({"cdn1": "Edge - CDN", "kv1": "Edge - KV", "pop1": "Europe - Amsterdam - (AMS)"})
    our_page = StatusPage({"app1": "App"})
    deeds = sorted([*their_deeds(their_page), *our_deeds(our_page)], key=lambda deed: deed.at)
    async with serving(Vendor(their_page.answer)) as theirs, serving(Vendor(our_page.answer)) as own:
        config = parse(CONFIG.format(theirs=theirs.url, own=own.url), "minutebook.yaml", folder, {})
        async with polling(folder, config, JUNE) as polled:
            waiting = list(deeds)
            for bell in bells(deeds, every):
                while waiting and waiting[0].at <= bell:
                    deed = waiting.pop(0)
                    deed.do(deed.at)
                is_away = any(start <= bell < end for start, end in away)
                own.trouble = "error" if is_away else None
                theirs.trouble = "html" if is_away or TROUBLE[0] <= bell < TROUBLE[1] else None
                polled.clock.advance(bell - polled.clock.now())
                await asked(polled)
            facts: list[AnyFact] = [*polled.facts(), *looks()]
            yield Told(facts, to_terms(config))


async def asked(polled: Polled) -> None:
    for source in ("theirs", "own"):
        await polled.poller.ring(source, hurry=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    async with played(tmp_path_factory.mktemp("month"), ()) as month:
        yield month


def test_the_statement_is_what_the_script_implies(told: Told) -> None:
    assert told.excused() == {**THIRD_PARTY, **MAINTENANCE}


def test_what_was_not_known_yet_is_not_in_a_statement_as_of_then(told: Told) -> None:
    assert told.excused(at(13, "07:00"))["e"] == 40  # deleted an hour later
    assert "e" not in told.excused(at(13, "09:00"))
    assert told.excused(at(20, "11:00"))["j"] == 60  # its end was moved at noon
    assert told.excused(at(20, "13:00"))["j"] == 50
    last_good_poll = 4  # minutes into it; the page could not be reached after that, and for over an hour
    assert told.excused(at(17, "13:30"))["i"] == last_good_poll
    assert told.excused(at(17, "18:30"))["i"] == THIRD_PARTY["i"]


def test_every_fact_has_the_moment_that_it_was_seen_and_an_unchanged_page_makes_none(told: Told) -> None:
    recorded = [fact for fact in told.facts if isinstance(fact, Fact)]
    ids = [str(fact.fields["id"]) for fact in recorded]
    assert len(ids) == len(set(ids))
    by_item = {name: sum(f"/{name}/" in each for each in ids) for name in ("a", "c", "g", "f", "m1", "m2", "m4")}
    assert by_item == {"a": 3, "c": 3, "g": 1, "f": 0, "m1": 1, "m2": 2, "m4": 2}


async def test_pages_that_cannot_be_reached_for_half_of_the_month_lose_only_what_could_not_be_known(
    tmp_path: Path,
) -> None:
    async with played(tmp_path, ((at(14, "12:00"), JULY + DAY),)) as month:
        known = {"a": 10, "b": 75, "d": 105, "m1": 120, "m2": 120}
        announced_before = {"m3": 120, "m4": 120}  # that they ended early, and were taken off, was not to be seen
        assert month.excused() == {**known, **announced_before}


async def test_pages_that_come_back_tell_what_happened_while_they_were_away(tmp_path: Path) -> None:
    async with played(tmp_path, ((at(10, "00:00"), at(22, "00:00")),)) as month:
        history = {**THIRD_PARTY}
        seen_in_time = {"m1": 120, "m2": 120, "m6": 60}
        assert month.excused() == {**history, **seen_in_time}


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_the_statement_is_the_same_however_often_the_pages_are_asked(tmp_path: Path) -> None:
    async with played(tmp_path, (), every=10 * MINUTE) as month:
        assert month.excused() == {**THIRD_PARTY, **MAINTENANCE}
