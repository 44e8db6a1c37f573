"""What the demo's provider says of its incidents is what happens to its edge: to the second, for a day of cycles; and
what the demo looks at over TLS is what its authority vouches for."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from monitor.config import load
from monitor.demo import AUTHORITY, CANARY, Ports, served, site, write_configuration
from monitor.demo.servers import CYCLE, FAILS_FOR, PROVIDERS
from monitor.ledger.period import MINUTE, Period
from monitor.sources import KINDS
from monitor.sources.kind import Asked, Incident, Reply
from monitor.sources.statuspage import StatuspageSettings
from tests.probes.clocks import FakeClock
from tests.probes.servers import unused_port

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


async def test_what_the_configuration_names_is_served_and_its_certificate_is_good(tmp_path: Path) -> None:
    """Also by the rules of RFC 5280 to the letter, which Python 3.13 asks for."""
    ports = Ports(*(unused_port() for _ in range(4)))
    config = load(write_configuration(tmp_path, ports), {})
    assert {check.name for check in config.services[0].checks} == {"web", "login", "edge", "by-proxy"}
    trusting = ssl.create_default_context(cafile=AUTHORITY)
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    async with served(FakeClock(START), ports), ClientSession() as session:
        async with session.get(f"https://localhost:{ports.secure}/login", ssl=trusting) as answer:
            assert await answer.text() == "ok"
        _, writer = await asyncio.open_connection(CANARY, ports.site)
        writer.close()
        await writer.wait_closed()
