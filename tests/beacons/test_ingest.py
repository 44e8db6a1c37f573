"""Beacons that are taken in by a process of their own: durable in its spool, and handed over to the daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from monitor.beacons import Beacons, Rules
from monitor.beacons.trust import Trust
from monitor.errors import StoreError, StoreInUseError
from monitor.ingest import Handing, Ingest, send, serve
from monitor.interfaces import VitalReport
from monitor.ledger.period import HOUR
from monitor.store.spool import WIPED_EVERY_MS, open_spool
from monitor.web import Access, Listen, build, serving
from monitor.web.control import listening
from tests.faces.conftest import Book
from tests.store.samples import JUNE, StillClock
from tests.store.test_vitals import holding

RULES = Rules(Trust("open"), None, 600_000)


def report(name: str = "a", at: int = JUNE, value: float = 2400.5) -> VitalReport:
    return VitalReport(name.encode().ljust(12, b"."), "LCP", value, at, None, "open")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "tokens.json", now=JUNE)


@asynccontextmanager
async def daemon(book: Book, path: Path) -> AsyncIterator[None]:
    """The daemon's server on its own socket."""
    with listening(path) as control:
        async with serving(build(book.daemon(), Access()), Listen("127.0.0.1", 0), control):
            yield


def started_from(folder: Path, clock: StillClock | None = None) -> Ingest:
    listen = Listen("127.0.0.1", 0)
    return Ingest(listen, folder / "x.beacons", folder / "x.sock", RULES, clock or StillClock(), lambda _: None)


async def test_what_is_spooled_waits_for_the_daemon_and_is_handed_over_once(tmp_path: Path, book: Book) -> None:
    ingest = started_from(tmp_path)
    async with open_spool(ingest.spool, JUNE) as spool:
        handing = Handing(spool, Beacons(ingest.clock, spool.keep, b""), ingest)
        await spool.keep([report(str(n)) for n in range(5)])
        with pytest.raises(StoreError, match="no daemon listens"):
            await handing.hand_over()
        assert spool.waiting == 5
        async with daemon(book, ingest.socket):
            await handing.hand_over()
            await handing.hand_over()
        assert spool.waiting == 0
    assert book.kept == [report(str(n)) for n in range(5)]


async def test_what_the_daemon_could_not_keep_stays(tmp_path: Path, book: Book) -> None:
    ingest = started_from(tmp_path)
    async with open_spool(ingest.spool, JUNE) as spool, daemon(book, ingest.socket):
        handing = Handing(spool, Beacons(ingest.clock, spool.keep, b""), ingest)
        await spool.keep([report()])
        book.full = True
        with pytest.raises(StoreError, match="503"):
            await handing.hand_over()
        book.full = False
        await handing.hand_over()
    assert book.kept == [report()]


async def test_what_was_acknowledged_is_there_after_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "x.beacons"
    async with open_spool(path, JUNE) as spool:
        await spool.keep([report("a"), report("b")])
        with pytest.raises(StoreInUseError):
            async with open_spool(path, JUNE):
                pass
    async with open_spool(path, JUNE) as spool:
        assert spool.waiting == 2
        assert (await spool.oldest(1)).reports == [report("a")]


async def test_nothing_that_stands_for_an_id_waits_longer_than_two_days(tmp_path: Path) -> None:
    ingest = started_from(tmp_path, StillClock(JUNE + 48 * HOUR))
    async with open_spool(ingest.spool, JUNE) as spool:
        beacons = Beacons(ingest.clock, spool.keep, b"")
        await spool.keep([report("a"), report("b", JUNE + 1)])
        with pytest.raises(StoreError):
            await Handing(spool, beacons, ingest).hand_over()
        assert (await spool.oldest(9)).reports == [report("b", JUNE + 1)]
        assert beacons.outcomes["late"] == 1


async def test_what_the_daemon_has_is_in_no_file_of_the_spool_ten_minutes_later(tmp_path: Path, book: Book) -> None:
    clock = StillClock()
    ingest = started_from(tmp_path, clock)
    async with open_spool(ingest.spool, JUNE) as spool, daemon(book, ingest.socket):
        handing = Handing(spool, Beacons(clock, spool.keep, b""), ingest)
        await handing.hand_over()
        await spool.keep([report("a")])
        await handing.hand_over()
        assert holding(tmp_path, report("a").key) == ["x.beacons-wal"]
        clock.instant += WIPED_EVERY_MS
        await handing.hand_over()
        assert holding(tmp_path, report("a").key) == []


async def test_a_full_spool_takes_nothing(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "x.beacons", JUNE, most=2) as spool:
        await spool.keep([report("a")])
        with pytest.raises(StoreError, match="wait for the daemon"):
            await spool.keep([report("b"), report("c")])
        assert spool.waiting == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [5],
        [["aa", "LCP", 1, JUNE, None, "open"]],
        [["0" * 24, "FCP", 1, JUNE, None, "open"]],
        [["0" * 24, "LCP", -1, JUNE, None, "open"]],
        [["0" * 24, "LCP", True, JUNE, None, "open"]],
        [["0" * 24, "LCP", 1, JUNE + 3_000, None, "open"]],
        [["0" * 24, "LCP", 1, JUNE, "de", "open"]],
        [["0" * 24, "LCP", 1, JUNE, None, "trust me"]],
        [["0" * 24, "LCP", 1, JUNE, None, "open", 1]],
    ],
)
async def test_a_report_that_is_wrong_is_not_taken_over(tmp_path: Path, book: Book, wrong: object) -> None:
    token = {"Authorization": f"Bearer {book.token('operator')}"}
    good = ["0" * 24, "LCP", 1, JUNE, None, "open"]
    app = build(book.daemon(), Access())
    async with serving(app, Listen("127.0.0.1", 0)) as port, aiohttp.ClientSession(headers=token) as client:
        body = [good, *wrong] if isinstance(wrong, list) else wrong
        async with client.post(f"http://127.0.0.1:{port}/api/v1/vital-reports", json=body) as answer:
            assert answer.status == 422
    assert book.kept == []


async def test_the_process_takes_beacons_in_and_hands_them_over(tmp_path: Path, book: Book) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    ingest = Ingest(
        Listen("127.0.0.1", 0), tmp_path / "x.beacons", tmp_path / "x.sock", RULES, StillClock(), told.set_result
    )
    async with daemon(book, ingest.socket), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(ingest, stop))
        async with aiohttp.ClientSession(await told) as client:
            body = json.dumps({"metrics": [{"id": "x", "name": "LCP", "value": 2400.5}]})
            async with client.post("/v1/web-vitals", data=body) as answer:
                assert answer.status == 204
            async with client.get("/metrics") as page:
                text = await page.text()
            async with client.get("/") as elsewhere:
                assert elsewhere.status == 404
        assert 'minutebook_beacons_total{status="204"} 1.0' in text
        assert 'minutebook_vital_reports_total{outcome="kept"} 1.0' in text
        async with asyncio.timeout(30):
            await book.handed.wait()
        stop.set()
    assert [each.value for each in book.kept] == [2400.5]


def test_a_daemon_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no daemon listens"):
        send(tmp_path / "x.sock", [report()])
