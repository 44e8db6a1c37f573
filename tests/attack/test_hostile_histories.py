"""Pages that gain from another history: what they say afterwards, in other names, ahead of time or under an id of
somebody else changes no month unless it shows (contracts/accounting.md sections 5 and 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from monitor.closing import Wanted, statements
from monitor.config import Config, parse, to_terms
from monitor.facts import AnyFact, Result
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant
from tests.poller.polled import Polled, polling
from tests.vendors.serving import Vendor, serving
from tests.vendors.statuspage import StatusPage, written

BEGIN, END = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")
DOWN, UP = parse_instant("2026-06-10T08:00:00Z"), parse_instant("2026-06-10T10:00:00Z")
CONFIG = """\
services:
  - name: app
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:1/"}}, fall: 1}}
      - {{name: edge, http: {{url: "http://127.0.0.1:1/"}}, fall: 1, role: corroboration}}
policies:
  - effective_from: 2026-01-01
    availability: {{objective: 99%}}
    third_party: {{providers: [cloudflare, shopify], corroborated_by: {{cloudflare: [edge], shopify: [edge]}}}}
sources:
  - {{name: page, statuspage: {{url: "{url}"}}, provider: cloudflare}}
  - {{name: shop, statuspage: {{url: "{url}"}}, provider: shopify}}
  - {{name: own, statuspage: {{url: "{url}"}}, announces_maintenance: true}}
  - {{name: own2, statuspage: {{url: "{url}"}}, announces_maintenance: true}}
"""
CDN, OUT = {"cdn1": "major_outage"}, {"cdn1": "operational"}


def looks() -> list[Result]:
    """The service and the corroborating check are down from 08:00 to 10:00 on the 10th."""
    spans = (("pass", BEGIN, DOWN), ("fail", DOWN, UP), ("pass", UP, END))
    return [
        Result(at, check, "local", at, "fail" if how == "fail" else "pass", hold_ms=end - at)
        for check in ("web", "edge")
        for how, at, end in spans
    ]


class Told(NamedTuple):
    """A page, the daemon that asks it, and its vendor."""

    page: StatusPage
    vendor: Vendor
    polled: Polled
    config: Config

    async def poll(self, at: int, *names: str) -> None:
        self.polled.clock.advance(at - self.polled.clock.now())
        for name in names or ("page",):
            await self.polled.poller.ring(name, hurry=True)

    def stated(self, as_of: int) -> dict[str, Any]:
        facts: list[AnyFact] = [*self.polled.facts(), *looks()]
        [statement] = statements(facts, to_terms(self.config), Wanted(["app"], Month(2026, 6), as_of))
        return statement

    def excused(self, as_of: int) -> dict[str, int]:
        """Minutes by exclusion."""
        return {one["id"]: one["granted_ms"] // MINUTE for one in self.stated(as_of)["exclusions"]}


@asynccontextmanager
async def told(folder: Path, depends_on: str = "cloudflare/CDN", **components: str) -> AsyncIterator[Told]:
    page = StatusPage({"cdn1": "Edge - CDN", **components})
    vendor = Vendor(page.answer)
    async with serving(vendor):
        text = CONFIG.format(url=vendor.url).replace("cloudflare/CDN", depends_on)
        config = parse(text, "minutebook.yaml", folder, {})
        async with polling(folder, config, BEGIN) as polled:
            yield Told(page, vendor, polled, config)


async def test_what_a_page_enters_after_the_month_is_dated_by_when_we_saw_it(tmp_path: Path) -> None:
    async with told(tmp_path) as one:
        await one.poll(BEGIN + HOUR)
        one.page.open("late", DOWN, CDN)  # the page says that it did so then
        one.page.update("late", UP, "resolved", OUT)
        await one.poll(END + 2 * DAY + MINUTE)
        assert one.excused(END + 2 * DAY) == {}
        [exclusion] = one.stated(END + 3 * DAY)["exclusions"]
        assert exclusion["granted_ms"] == UP - DOWN
        assert exclusion["announced_at"] == format_instant(END + 2 * DAY + MINUTE)


async def test_a_page_that_comes_back_with_another_history_is_believed_from_then_on_only(tmp_path: Path) -> None:
    async with told(tmp_path) as one:
        one.page.open("a", DOWN, CDN)
        await one.poll(DOWN + MINUTE)
        one.page.update("a", DOWN + 30 * MINUTE, "resolved", OUT)
        await one.poll(DOWN + 31 * MINUTE)
        one.vendor.trouble = "html"
        await one.poll(DOWN + DAY)
        one.vendor.trouble = None
        one.page.incidents.clear()
        one.page.open("a", DOWN, {"cdn1": "degraded_performance"})
        one.page.update("a", UP, "resolved", OUT)
        one.page.open("b", DOWN, CDN)
        one.page.update("b", UP, "resolved", OUT)
        await one.poll(DOWN + 2 * DAY)
        assert one.excused(DOWN + DAY) == {"cloudflare/a": 30}
        after = one.stated(DOWN + 3 * DAY)
        assert {each["id"]: each["announced_at"] for each in after["exclusions"]} == {
            "cloudflare/b": format_instant(DOWN + 2 * DAY)
        }
        assert ("cloudflare/a", "below_severity") in {(each["id"], each["why"]) for each in after["refused"]}


@pytest.mark.parametrize(
    "name",
    ["\u0421DN", "\uff23\uff24\uff2e", "cdn", "CDN\u0301", "CDN2", "*", "cloudflare/CDN", "CDN - Other"],
    ids=["cyrillic", "full width", "lower case", "combined", "longer", "star", "with provider", "as a group"],
)
async def test_a_component_that_only_looks_like_one_excuses_nothing(tmp_path: Path, name: str) -> None:
    async with told(tmp_path, like1=name) as one:
        one.page.open("x", DOWN, {"like1": "major_outage"})
        one.page.update("x", UP, "resolved", {"like1": "operational"})
        await one.poll(UP + MINUTE)
        assert one.excused(UP + HOUR) == {}
        assert not [fact for fact in one.polled.facts() if fact.fields.get("components")]


async def test_a_star_depends_on_every_component_of_its_provider_and_of_no_other(tmp_path: Path) -> None:
    async with told(tmp_path, "cloudflare/*", kv1="KV") as one:
        one.page.open("x", DOWN, {"kv1": "major_outage"})
        one.page.update("x", DOWN + 5 * MINUTE, "resolved", {"kv1": "operational"})
        await one.poll(UP + MINUTE, "page", "shop")
        assert one.excused(UP + HOUR) == {"cloudflare/x": 5}


async def test_one_id_on_two_pages_is_two_incidents_and_of_two_pages_of_ours_no_wider_window(tmp_path: Path) -> None:
    async with told(tmp_path, "cloudflare/CDN, shopify/CDN") as one:
        one.page.open("x", DOWN, CDN)
        one.page.update("x", DOWN + 10 * MINUTE, "resolved", OUT)
        await one.poll(DOWN + 11 * MINUTE, "page")
        one.page.edit("x", DOWN + 20 * MINUTE, 0, display_at=DOWN + 20 * MINUTE)
        one.page.set("x", DOWN + 20 * MINUTE, resolved_at=DOWN + 20 * MINUTE)
        await one.poll(DOWN + 21 * MINUTE, "shop")
        assert one.excused(UP + HOUR) == {"cloudflare/x": 10, "shopify/x": 10}  # each minute once
        ids = [fact.fields["id"] for fact in one.polled.facts()]
        assert len(ids) == len(set(ids)) == 2


async def test_a_maintenance_of_one_id_on_two_pages_of_ours_excuses_what_both_say(tmp_path: Path) -> None:
    async with told(tmp_path) as one:
        early = DOWN - 72 * HOUR
        one.page.plan("m", early, (DOWN, DOWN + 30 * MINUTE), {})
        await one.poll(early + MINUTE, "own")
        one.page.set("m", early + HOUR, scheduled_for=DOWN + 10 * MINUTE, scheduled_until=UP)
        await one.poll(early + HOUR, "own2")
        assert one.excused(END) == {"m": 110}  # announced in time both, and the later one stands
        one.page.set("m", DOWN - HOUR, scheduled_until=UP + HOUR, scheduled_for=DOWN)
        await one.poll(DOWN - HOUR + MINUTE, "own")
        assert one.excused(END) == {"m": 110}


Spoil = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda given: given.update(id="x" * 2**20), "too_long"),
        (lambda given: given.update(id=10**4000), "too_long"),
        (lambda given: given.update(id="a\u202eb"), "wrong_type"),
        (lambda given: given.update(id="a\nb"), "wrong_type"),
        (lambda given: given.update(resolved_at="9999-12-31T23:59:59.999Z"), "bad_time"),
        (lambda given: given["incident_updates"][-1].update(display_at=written(UP + 10 * DAY)), "bad_time"),
        (lambda given: given["incident_updates"][-1].update(display_at="0001-01-01T00:00:00+14:00"), "bad_time"),
        (lambda given: given.update(incident_updates={"0": 1}), "wrong_type"),
    ],
    ids=["huge id", "huge number", "turned", "two lines", "ends never", "to come", "before Christ", "no list"],
)
async def test_a_hostile_item_is_counted_and_the_one_beside_it_is_read(
    tmp_path: Path, spoil: Spoil, problem: str
) -> None:
    async with told(tmp_path) as one:
        for item in ("good", "bad"):
            one.page.open(item, DOWN, CDN)
            one.page.update(item, DOWN + 10 * MINUTE, "resolved", OUT)
        spoil(one.page.incidents["bad"])
        await one.poll(UP)
        assert one.polled.problems()[problem] >= 1
        assert one.excused(END) == {"cloudflare/good": 10}
        assert all(len(str(fact.fields)) < 5_000 for fact in one.polled.facts())
