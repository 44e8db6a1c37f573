"""Six deliveries in all 720 orders, each sent twice: the same end, whatever the order (design/reliability.md, F8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from monitor.facts import AnyFact, Result, key
from monitor.hooks import Hooks, Outlet, PostingSource
from monitor.ledger.period import HOUR, MINUTE, SECOND, Period, format_instant, parse_instant
from monitor.poller.compare import Told, after_poll, newer
from monitor.poller.known import NOTHING, Known
from monitor.sources.hooks import Delivery, News
from monitor.sources.kind import Asked, Page
from monitor.wiring import aside, posting
from tests.hooks.posted import NOW, configured, issue, notification, posted
from tests.probes.clocks import FakeClock
from tests.vendors.instatus import InstatusPage

ORDERS = list(permutations(range(6)))
SOME_AND_ALL = [pytest.param(29, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)]
"""Every so many of them: through everything that takes a delivery an order takes a few milliseconds."""

START = NOW + 72 * HOUR


def source(name: str, folder: Path) -> PostingSource:
    [found] = [each for each in posting(configured(folder)) if each.name == name]
    return found


def maintenance_told_six_times() -> list[bytes]:
    """Announced, moved, moved again, begun, extended, completed early: half an hour of what was planned last."""
    page = InstatusPage({"app1": "App"})
    page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
    bodies = [page.delivery("m1", NOW)]
    for number in (1, 2):
        page.move("m1", (START + number * HOUR, START + (number + 2) * HOUR))
        bodies.append(page.delivery("m1", NOW + number * MINUTE))
    page.update("m1", START + 2 * HOUR, "INPROGRESS")
    bodies.append(page.delivery("m1", START + 2 * HOUR))
    page.move("m1", (START + 2 * HOUR, START + 6 * HOUR))
    bodies.append(page.delivery("m1", START + 2 * HOUR + MINUTE))
    page.update("m1", START + 2 * HOUR + 30 * MINUTE, "COMPLETED")
    bodies.append(page.delivery("m1", START + 2 * HOUR + 30 * MINUTE))
    return bodies


def test_a_maintenance_ends_as_it_was_told_last_in_every_order(tmp_path: Path) -> None:
    own = source("own", tmp_path)
    late = START + 3 * HOUR
    asked = Asked("own", Period(late, late), mapped=own.mapped, announces_maintenance=True)
    pages: list[Page] = []
    for body in maintenance_told_six_times():
        headers = {name.lower(): (value,) for name, value in posted("own", body)[2].items()}
        read = own.kind.read(own.settings, asked, Delivery(headers, body, late))
        assert isinstance(read, News)
        assert read.page is not None
        pages.append(read.page)
    told = Told("own", "own", {"App": ("app",)})
    ends = set()
    for order in ORDERS:
        known: Known = NOTHING
        facts = 0
        for arrived, number in enumerate((*order, *order)):
            change = after_poll(told, known, newer(known, pages[number]).listings, late + arrived * SECOND)
            known, facts = change.known, facts + len(change.facts)
        ends.add(known["maintenance", "m1"].window)
        assert 1 <= facts <= 6
    assert ends == {Period(START + 2 * HOUR, START + 2 * HOUR + 30 * MINUTE)}


# ---------------------------------------------------------------- changes of a vantage


class Kept:
    """What a source's deliveries left recorded."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock(NOW)
        self.facts: dict[bytes, Result] = {}
        self.hooks = Hooks(self.clock, Outlet(self.record, self.take, lambda _: None), aside(folder / "minutebook.db"))
        self.hooks.replace(posting(configured(folder)))

    async def record(self, facts: Sequence[AnyFact]) -> int:
        new = {key(fact): fact for fact in facts if isinstance(fact, Result) and key(fact) not in self.facts}
        self.facts |= new
        return len(new)

    async def take(self, source: str, page: Page) -> int:
        raise AssertionError((source, page))

    async def end(self, name: str, bodies: Sequence[bytes]) -> str:
        """The newest look's outcome, once they came in this order a second apart."""
        for body in bodies:
            self.clock.advance(SECOND)
            headers = {header.lower(): (value,) for header, value in posted(name, body)[2].items()}
            await self.hooks.receive(name, Delivery(headers, body, self.clock.now()))
        return max(self.facts.values(), key=lambda result: result.at).outcome


def issue_told_six_times(*, is_over: bool) -> list[bytes]:
    """Three outages of one issue; of the last one only the end is missing, unless `is_over`."""
    told = []
    for number in range(3):
        seen = format_instant(NOW - (30 - 10 * number) * MINUTE)
        told.append(issue("created" if number == 0 else "unresolved", lastSeen=seen))
        if number < 2 or is_over:
            told.append(issue("resolved", lastSeen=seen, status="resolved"))
    if not is_over:
        told.append(issue("assigned"))
    return [json.dumps(each).encode() for each in told]


@pytest.mark.parametrize("step", SOME_AND_ALL)
@pytest.mark.parametrize(("is_over", "outcome"), [(True, "pass"), (False, "fail")])
async def test_an_issue_of_sentrys_ends_up_or_down_as_its_newest_event_says_in_every_order(
    tmp_path: Path, is_over: bool, outcome: str, step: int
) -> None:
    bodies = issue_told_six_times(is_over=is_over)
    for order in ORDERS[::step]:
        assert await Kept(tmp_path).end("sentry", [bodies[number] for number in (*order, *order)]) == outcome, order


@pytest.mark.parametrize("step", SOME_AND_ALL)
async def test_a_health_check_of_cloudflares_ends_as_it_changed_last_in_every_order(tmp_path: Path, step: int) -> None:
    began = parse_instant("2026-06-10T11:50:00Z")
    bodies = []
    for number, status in enumerate(("Unhealthy", "Healthy", "Unhealthy", "Healthy", "Healthy", "Unhealthy")):
        told = notification(status, alert_correlation_id=f"c{number}")
        told["data"]["time"] = format_instant(began + number * MINUTE)
        bodies.append(json.dumps(told).encode())
    for order in ORDERS[::step]:
        assert await Kept(tmp_path).end("cf", [bodies[number] for number in (*order, *order)]) == "fail", order
