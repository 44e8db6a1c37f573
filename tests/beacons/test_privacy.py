"""Whatever a body and its headers say of people, none of it is in a file, a line of the log, a metric or an answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from monitor.beacons import Beacons, Rules
from monitor.beacons.body import Metric
from monitor.beacons.trust import Trust
from monitor.facts import AnyFact
from monitor.ingest import Handing, Ingest, Page
from monitor.ledger.period import DAY, HOUR
from monitor.settling import Settling
from monitor.store import open_store
from monitor.store.spool import open_spool
from monitor.web import Listen, serving
from monitor.web.ingest import build_ingest
from tests.beacons.test_settling import current
from tests.store.samples import JUNE, StillClock, url_in

ID = "v6-1780272000000-4711471147114"
PERSONAL = {
    "appId": "gid://shopify/App/90210",
    "shopId": "shop-90211",
    "userId": "user-90212",
    "appLoadId": "load-90213",
    "country": "country-90214",
    "ticket": "ticket-90215",
    "url": "https://admin.example/orders/90216?token=90217",
}
METRIC = {
    "id": ID,
    "name": "LCP",
    "value": 2412.5,
    "country": "DE",
    "rating": "good",
    "navigationURL": "https://admin.example/90218",
    "entries": [{"name": "https://cdn.example/90219.png"}],
    "attribution": {"target": "#customer-90220", "url": "https://cdn.example/90221.png"},
}
WRONG = [{**METRIC, "id": "90222 with a blank"}, {**METRIC, "name": "name-90223"}, {**METRIC, "value": "value-90224"}]
HEADERS = {
    "User-Agent": "agent-90225",
    "X-Forwarded-For": "198.51.100.226",
    "Referer": "https://admin.example/90227",
    "Cookie": "session=90228",
    "Authorization": "Bearer token-90229",
    "Accept": "application/json",
    "Content-Type": "text/plain;charset=UTF-8",
}
NEEDLES = (b"9021", b"9022", b"198.51.100", ID.encode(), b"4711471147114")
KEY = Metric("LCP", ID, 0, None).key()


def told(folder: Path, needles: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The files under a folder that hold one of these."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, needle) for path in files for needle in needles if needle in path.read_bytes()]


async def test_nothing_of_a_person_is_kept_or_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = StillClock(JUNE + HOUR)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(url_in(tmp_path), clock))
        spool = await stack.enter_async_context(open_spool(tmp_path / "x.beacons", clock.now()))

        async def record(facts: Sequence[AnyFact]) -> int:
            return await store.append(facts)

        settling = Settling(clock, store, record, current(tmp_path))
        pages = []
        for keep in (settling.keep, spool.keep):
            beacons = Beacons(clock, keep, b"salt")
            beacons.replace(Rules(Trust("open"), None, 6_000, forwarded=True))
            pages.append(Page(beacons, spool).text)
            port = await stack.enter_async_context(serving(build_ingest(beacons, pages[-1]), Listen("127.0.0.1", 0)))
            client = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=HEADERS))
            for body in (
                {**PERSONAL, "metrics": [METRIC, *WRONG]},
                METRIC,
                {"metrics": WRONG},
                {"metrics": "90230"},
                [METRIC] * 33,
            ):
                async with client.post("/v1/web-vitals", data=json.dumps(body).encode()) as answer:
                    assert answer.status in (200, 400)
                    assert not [needle for needle in NEEDLES if needle in await answer.read()]
            async with client.post("/v1/web-vitals", data=b'{"90231') as answer:
                assert not [needle for needle in NEEDLES if needle in await answer.read()]
        assert told(tmp_path, NEEDLES) == []
        assert told(tmp_path, [KEY])  # what stands for the id, for two days
        await settling.count()
        clock.instant = JUNE + 3 * DAY
        await settling.ring()
        ingest = Ingest(
            Listen("127.0.0.1", 0), tmp_path, tmp_path / "x.sock", Rules(Trust("open"), None, 1), clock, print
        )
        handing = Handing(spool, Beacons(clock, spool.keep, b""), ingest)
        await handing.hand_over()
        assert list(store.open_samples()) == []
        assert (spool.waiting, await spool.oldest(1)) == (0, (0, []))
        assert told(tmp_path, [KEY, KEY.hex().encode(), *NEEDLES]) == []
        assert not [text for page in pages for text in NEEDLES if text.decode() in page()]
    assert told(tmp_path, [KEY, KEY.hex().encode(), *NEEDLES]) == []
    lines = [record.getMessage() for record in caplog.records if not record.name.startswith("asyncio")]
    assert not [line for line in lines for needle in NEEDLES if needle.decode() in line]
