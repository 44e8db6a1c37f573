"""Our own Instatus page over real HTTP, worked by a script: what its maintenance excuses, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.closing import Wanted, statements
from monitor.config import parse, to_terms
from monitor.facts import Fact
from monitor.ledger.period import DAY, HOUR, Month
from tests.poller.month import JULY, JUNE, Deed, at, bells, looks
from tests.poller.polled import Polled, polling
from tests.vendors.instatus import KEY, PAGE, InstatusPage
from tests.vendors.serving import Vendor, serving

CONFIG = """\
services:
  - name: app
    checks: [{{name: web, http: {{url: "http://127.0.0.1:1/"}}, fall: 1}}]
policies: [{{effective_from: 2026-01-01, availability: {{objective: 99%}}}}]
sources:
  - name: own
    instatus: {{url: "{url}"{key}}}
    announces_maintenance: true
    components: {{App: [app]}}
"""
WITH_KEY = f', page_id: {PAGE}, api_key: {{{{from_env: KEY}}}}, api_url: "{{url}}"'
NAMES = {"app1": "App", "blog": "Blog"}


def our_deeds(page: InstatusPage) -> Iterator[Deed]:
    """Windows from 02:00 to 04:00; beside each what it excuses."""

    def night(day: int) -> tuple[int, int]:
        return at(day, "02:00"), at(day, "04:00")

    def done(item: str, day: int, end: str = "04:00") -> Iterator[Deed]:
        yield Deed(at(day, "02:00"), lambda now: page.update(item, now, "INPROGRESS"))
        yield Deed(at(day, end), lambda now: page.update(item, now, "COMPLETED"))

    # announced 72 hours ahead, and done: 120 minutes
    yield Deed(at(5, "02:00"), lambda now: page.plan("m1", now, night(8), ("app1",)))
    yield from done("m1", 8)
    # extended while it was done: 120 minutes
    yield Deed(at(9, "02:00"), lambda now: page.plan("m2", now, night(13), ("app1",)))
    yield Deed(at(13, "03:30"), lambda _: page.move("m2", (at(13, "02:00"), at(13, "06:00"))))
    yield from done("m2", 13, "06:00")
    # completed early: 60 minutes
    yield Deed(at(12, "02:00"), lambda now: page.plan("m3", now, night(16), ("app1",)))
    yield from done("m3", 16, "03:00")
    # taken off the page a day before: nothing
    yield Deed(at(13, "12:00"), lambda now: page.plan("m4", now, night(18), ("app1",)))
    yield Deed(at(17, "02:00"), lambda _: page.delete("m4"))
    # announced 24 hours ahead: nothing
    yield Deed(at(20, "02:00"), lambda now: page.plan("m5", now, night(21), ("app1",)))
    yield from done("m5", 21)
    # moved by an hour with ten hours to go: 60 minutes
    yield Deed(at(22, "02:00"), lambda now: page.plan("m6", now, night(26), ("app1",)))
    yield Deed(at(25, "16:00"), lambda _: page.move("m6", (at(26, "03:00"), at(26, "05:00"))))
    yield Deed(at(26, "03:00"), lambda now: page.update("m6", now, "INPROGRESS"))
    yield Deed(at(26, "05:00"), lambda now: page.update("m6", now, "COMPLETED"))
    # incidents of our own, one that is deleted: nothing
    yield Deed(at(3, "08:00"), lambda now: page.open("i1", now, {"app1": "MAJOROUTAGE"}))
    yield Deed(at(3, "09:00"), lambda now: page.update("i1", now, "RESOLVED", {"app1": "OPERATIONAL"}))
    yield Deed(at(11, "08:00"), lambda now: page.open("i2", now, {"app1": "PARTIALOUTAGE", "blog": "MAJOROUTAGE"}))
    yield Deed(at(11, "08:40"), lambda now: page.update("i2", now, "RESOLVED", dict.fromkeys(NAMES, "OPERATIONAL")))
    yield Deed(at(12, "08:00"), lambda now: page.open("i3", now, {"app1": "MAJOROUTAGE"}))
    yield Deed(at(12, "09:00"), lambda now: page.update("i3", now, "RESOLVED", {"app1": "OPERATIONAL"}))
    yield Deed(at(14, "08:00"), lambda _: page.delete("i2"))


EXCUSED = {"m1": 120, "m2": 120, "m3": 60, "m6": 60}
LAST_SHOWN = {**EXCUSED, "m3": 4}
"""Without a key what is completed just disappears, and counts as far as it was shown: at these bells until 02:04."""


@dataclass
class Told:
    polled: Polled
    excused: dict[str, float]
    facts: list[Fact]


@asynccontextmanager
async def played(folder: Path, *, with_key: bool, every: int = 6 * HOUR) -> AsyncIterator[Told]:
    page = InstatusPage(NAMES)
    deeds = sorted(our_deeds(page), key=lambda deed: deed.at)
    async with serving(Vendor(page.answer)) as own:
        key = WITH_KEY.format(url=own.url) if with_key else ""
        config = parse(CONFIG.format(url=own.url, key=key), "minutebook.yaml", folder, {"KEY": KEY})
        async with polling(folder, config, JUNE) as polled:
            for bell in bells(list(deeds), every):
                while deeds and deeds[0].at <= bell:
                    deed = deeds.pop(0)
                    deed.do(deed.at)
                polled.clock.advance(bell - polled.clock.now())
                await polled.poller.ring("own", hurry=True)
            facts = polled.facts()
            wanted = Wanted(["app"], Month(2026, 6), JULY + DAY)
            [statement] = statements([*facts, *looks()], to_terms(config), wanted)
            found: Any = statement["exclusions"]
            excused = {one["id"]: one["granted_ms"] / 60_000 for one in found if one["granted_ms"]}
            assert polled.problems() == {}
            yield Told(polled, excused, facts)


@pytest.mark.parametrize("with_key", [True, False])
async def test_the_statement_is_what_the_script_implies_with_a_key_and_without(tmp_path: Path, with_key: bool) -> None:
    async with played(tmp_path, with_key=with_key) as told:
        assert told.excused == (EXCUSED if with_key else LAST_SHOWN)
        revisions = [fact.fields["maintenance"] for fact in told.facts if fact.kind == "maintenance"]
        assert {item: revisions.count(item) for item in ("m1", "m2", "m3", "m4", "m5", "m6")} == {
            "m1": 1,
            "m2": 2,
            "m3": 2,
            "m4": 2,
            "m5": 1,
            "m6": 2,
        }


async def test_incidents_of_our_own_page_are_kept_for_comparison_and_excuse_nothing(tmp_path: Path) -> None:
    async with played(tmp_path, with_key=True) as told:
        newest = {fact.fields["incident"]: fact.fields for fact in told.facts if fact.kind == "incident"}
        assert {fields["provider"] for fields in newest.values()} == {"own"}
        assert newest["i1"]["components"] == {
            "App": [["2026-06-03T08:01:00.000Z", "major_outage"], ["2026-06-03T09:00:00.000Z", "operational"]]
        }
        assert newest["i2"]["components"] == {}  # it was deleted
        assert "component/app1" in newest
        assert not any(one.startswith(("i", "own/")) for one in told.excused)
