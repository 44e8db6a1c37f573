"""Maintenance that our own Instatus page posts, over a real store and beside its polls: first seen, revised, in any
order, replayed; the page itself has the last word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path

import pytest

from monitor.config import parse
from monitor.errors import StoreError
from monitor.facts import Fact
from monitor.hooks import Hooks, Outlet, PostingSource, Receipt
from monitor.ledger.period import HOUR, MINUTE, format_instant
from monitor.sources.hooks import Delivery
from monitor.wiring import aside, posting
from tests.hooks.posted import CONFIG, NOW, SECRETS, signature
from tests.poller.polled import Polled, polling
from tests.vendors.instatus import InstatusPage
from tests.vendors.serving import Vendor, serving

START = NOW + 72 * HOUR


class Own:
    """Our page, the daemon that polls it, and what it posts."""

    def __init__(self, page: InstatusPage, polled: Polled, hooks: Hooks) -> None:
        self.page, self.polled, self.hooks = page, polled, hooks

    async def post(self, body: bytes) -> Receipt:
        headers = {"x-instatus-webhook-signature": (signature(body),)}
        return await self.hooks.receive("own", Delivery(headers, body, self.polled.clock.now()))

    def windows(self) -> list[tuple[object, object]]:
        facts = [fact for fact in self.polled.facts() if fact.kind == "maintenance"]
        return [(fact.fields["start"], fact.fields["end"]) for fact in facts]


@asynccontextmanager
async def own_page(folder: Path, now: int = NOW) -> AsyncIterator[Own]:
    page = InstatusPage({"app1": "App"})
    async with serving(Vendor(page.answer)) as vendor:
        text = CONFIG.replace("https://own.example", vendor.url)
        config = parse(text, "minutebook.yaml", folder, SECRETS)
        async with polling(folder, config, now) as polled:
            outlet = Outlet(polled.recording.record, polled.poller.take, polled.poller.hurry)
            hooks = Hooks(polled.clock, outlet, aside(folder / "minutebook.db"))
            hooks.replace(posting(config))
            yield Own(page, polled, hooks)


def spelled(start: int, hours: int = 2) -> tuple[str, str]:
    return format_instant(start), format_instant(start + hours * HOUR)


async def test_a_delivery_is_the_first_sighting_and_the_poll_after_it_adds_nothing(tmp_path: Path) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        assert await own.post(own.page.delivery("m1", NOW)) == Receipt("accepted", 1)
        [fact] = own.polled.facts()
        assert (fact.fields["announced_at"], fact.fields["services"]) == (format_instant(NOW), ["app"])
        assert fact.fields["source"] == "own"
        assert await own.polled.ring(name="own") == []


async def test_while_the_store_is_away_a_maintenance_is_not_acknowledged_and_the_next_try_is_taken(
    tmp_path: Path,
) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        own.polled.recording.away = True
        with pytest.raises(StoreError):
            await own.post(own.page.delivery("m1", NOW))
        own.polled.recording.away = False
        assert await own.post(own.page.delivery("m1", NOW)) == Receipt("accepted", 1)


async def test_revisions_end_in_the_newest_in_whatever_order_they_come_and_however_often(tmp_path: Path) -> None:
    for place, order in enumerate([*permutations(range(4))][::7]):  # all 720 of six: test_every_order
        (tmp_path / str(place)).mkdir()
        async with own_page(tmp_path / str(place)) as own:
            own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
            bodies = []
            for number in range(4):
                own.page.move("m1", (START + number * HOUR, START + (number + 2) * HOUR))
                bodies.append(own.page.delivery("m1", NOW + number * 1_000))
            for number in (*order, *order):
                own.polled.clock.advance(MINUTE)
                await own.post(bodies[number])
            assert own.windows()[-1] == spelled(START + 3 * HOUR), order


async def test_a_replayed_delivery_does_not_bring_an_earlier_window_back(tmp_path: Path) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        early = own.page.delivery("m1", NOW)
        await own.post(early)
        own.page.move("m1", (START + HOUR, START + 3 * HOUR))
        await own.polled.ring(name="own")  # only the poll saw that
        windows = own.windows()
        assert windows == [spelled(START), spelled(START + HOUR)]
        assert await own.post(early) == Receipt("duplicate")
    async with own_page(tmp_path, NOW + HOUR) as again:
        assert await again.post(early) == Receipt("accepted", 0)  # forgotten as a delivery, and of no effect
        assert again.windows() == windows


@pytest.mark.parametrize("is_gone", [True, False])
async def test_the_page_itself_has_the_last_word(tmp_path: Path, is_gone: bool) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("other", NOW, (START, START + HOUR), ("app1",))
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        await own.post(own.page.delivery("m1", NOW))
        if is_gone:
            own.page.delete("m1")
        for _ in range(4):
            await own.polled.ring(name="own")
        newest = [fact for fact in own.polled.facts() if fact.fields["maintenance"] == "m1"][-1]
        assert (newest.fields["start"] is None) is is_gone
        assert ("delivery" in newest.fields) is not is_gone


async def test_labels_for_people_are_read_and_a_completion_ends_the_window(tmp_path: Path) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        await own.post(own.page.delivery("m1", NOW))
        own.polled.clock.advance(73 * HOUR)
        own.page.update("m1", START + 1, "INPROGRESS")
        own.page.update("m1", START + HOUR, "COMPLETED")
        assert await own.post(own.page.delivery("m1", START + HOUR)) == Receipt("accepted", 1)
        assert own.windows()[-1] == spelled(START, 1)


async def test_a_page_that_announces_nothing_of_ours_is_only_asked(tmp_path: Path) -> None:
    async with own_page(tmp_path) as own:
        own.page.plan("m1", NOW, (START, START + 2 * HOUR), ("app1",))
        [source] = [each for each in posting_of(tmp_path) if each.name == "own"]
        own.hooks.replace([source])
        assert await own.post(own.page.delivery("m1", NOW)) == Receipt("accepted", 0)
        assert not any(isinstance(fact, Fact) for fact in own.polled.facts())


def posting_of(folder: Path) -> list[PostingSource]:
    text = CONFIG.replace("announces_maintenance: true", "provider: somebody")
    text = text.replace("    components: {App: [app]}\n", "")
    return posting(parse(text, "minutebook.yaml", folder, SECRETS))
