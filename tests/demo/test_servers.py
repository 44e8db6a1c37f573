"""What the demo's provider says of its incidents is what happens to its edge: to the second, for a day of cycles; and
what the demo looks at over TLS is what its authority vouches for."""

from __future__ import annotations

import json

from aiohttp.test_utils import TestClient, TestServer

from monitor.demo import site
from monitor.demo.servers import CYCLE, FAILS_FOR, PROVIDERS
from monitor.ledger.period import MINUTE, Period
from monitor.sources import KINDS
from monitor.sources.kind import Asked, Incident, Reply
from monitor.sources.statuspage import StatuspageSettings
from tests.probes.clocks import FakeClock

START = 1_790_000_000_000


async def test_the_page_tells_of_the_providers_failures_and_of_no_others() -> None:
    clock = FakeClock(START)
    kind, settings = KINDS["statuspage"], StatuspageSettings(url="http://127.0.0.1/cloudflare")
    async with TestClient(TestServer(site(clock))) as client:
        clock.step(40 * MINUTE)
        failing = [START + cycle * CYCLE for cycle in range(1, 40 * 60 // 45 + 1, PROVIDERS)]
        asked = Asked("cloudflare-status", Period(START, clock.now()), frozenset({"CDN"}), is_provider=True)
        [request] = [each for each in kind.begin(settings, asked) if each.url.endswith("/api/v2/incidents.json")]
        answer = await client.get("/cloudflare/api/v2/incidents.json")
        page = kind.read(settings, asked, Reply(request, await answer.read(), clock.now()))
        told = [item for listing in page.listings for item in listing.items if isinstance(item, Incident)]
        assert sorted(steps[0][0] for item in told for steps in item.components.values()) == failing[: len(told)]
        assert len(told) == len(failing)
        assert not any(page.problems.values())
        fails = failing[-1] + CYCLE - FAILS_FOR
        for moment, edge, health in (
            (failing[-1] - 1, 200, 503),
            (failing[-1], 503, 200),
            (fails, 503, 503),
            (failing[-1] + CYCLE, 200, 200),
            (fails + CYCLE, 200, 503),
        ):
            clock.step(moment - clock.now())
            assert ((await client.get("/edge")).status, (await client.get("/health")).status) == (edge, health)
        announced = json.loads(await (await client.get("/own/api/v2/scheduled-maintenances.json")).text())
        assert (
            announced["scheduled_maintenances"][0]["scheduled_for"]
            > announced["scheduled_maintenances"][0]["created_at"]
        )
