"""A page that hangs, drips, floods or is made to be hard to read holds up no look of ours (design/reliability.md, C5).

Looks are counted while a poll is under way, and what a poll costs the event loop is measured as CPU time of its thread
at one step: a machine that does other things makes neither worse.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.config import parse
from monitor.facts import Json
from monitor.ledger.period import parse_instant
from monitor.poller import Fetcher, Log, Poller, session
from monitor.prober.watch import STALLED_NS
from monitor.sources.kind import Reply, Request
from monitor.sources.reading import MOST_COMMAS, body_of
from monitor.wiring import polled
from tests.poller.polled import Polled, polling
from tests.probes.clocks import FakeClock
from tests.probes.house import FINE, House, http_check
from tests.probes.servers import answer, says, silent
from tests.probes.servers import serving as listening
from tests.vendors.statuspage import StatusPage

NOW = parse_instant("2026-06-10T12:00:00Z")
LARGEST = 5 * 2**20 - 100
CONFIG = """\
services: [{{name: app, depends_on: [cloudflare/*], checks: [
  {{name: web, http: {{url: "http://127.0.0.1:1/"}}}},
  {{name: edge, role: corroboration, http: {{url: "http://127.0.0.1:1/"}}}}]}}]
policies: [{{effective_from: 2026-01-01, third_party: {{corroborated_by: {{cloudflare: [edge]}}}}}}]
sources: [{{name: page, statuspage: {{url: "{url}"}}, provider: cloudflare}}]
"""


def busy_page() -> bytes:
    """As long a list as a page may have, with as many updates as fit."""
    page = StatusPage({f"c{number}": f"Component {number}" for number in range(300)})
    for number in range(20):
        page.open(f"i{number}", NOW - 10**8, {f"c{each}": "major_outage" for each in range(0, 300, 2)})
    body = json.dumps(page.at("/api/v2/incidents.json")).encode()
    assert len(body) > 2**18
    return body


def made_of(piece: bytes, begin: bytes = b'{"page": {}, "incidents": [', end: bytes = b"1]}") -> bytes:
    return begin + piece * ((LARGEST - len(begin) - len(end)) // len(piece)) + end


BODIES: dict[str, Callable[[], bytes]] = {
    "a busy page": lambda: answer(b"200 OK", busy_page()),
    "numbers": lambda: answer(b"200 OK", made_of(b"1,")),
    "members": lambda: answer(b"200 OK", b"{%s}" % b",".join(b'"%d":1' % each for each in range(450_000))),
    "depth": lambda: answer(b"200 OK", b"[" * LARGEST),
    "one text": lambda: answer(b"200 OK", made_of(b"x", b'{"page": "', b'"}')),
    "objects": lambda: answer(b"200 OK", made_of(b'{"id": "a"},')),
    "a bomb": lambda: answer(b"200 OK", gzip.compress(b" " * 50 * 2**20, 1), b"Content-Encoding: gzip"),
    "without end": lambda: b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (6 * 2**20),
}


@contextmanager
def steps_of_the_loop() -> Iterator[list[int]]:
    """The CPU time of each callback, in ns."""
    steps: list[int] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        before = time.thread_time_ns()
        run(handle)
        steps.append(time.thread_time_ns() - before)

    asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]
    try:
        yield steps
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]


async def looks_during(polled: Polled, house: House, *, at_least: int) -> list[str]:
    """Outcomes of looks that were made one after the other while the source was polled once."""
    polled.clock.advance(60_000)
    polling_now = asyncio.create_task(polled.poller.ring("page"))
    outcomes: list[str] = []
    while not polling_now.done() or len(outcomes) < at_least:
        house.tick("app")
        outcomes.append((await house.results.next()).outcome)
    await polling_now
    return outcomes


@pytest.mark.parametrize("name", BODIES)
async def test_what_a_page_sends_costs_the_loop_no_stall_and_no_look(tmp_path: Path, name: str) -> None:
    talk = says(BODIES[name]())
    async with (
        listening(talk) as page,
        listening(FINE) as target,
        House(http_check(target.url, timeout_ms=30_000)).open() as house,
    ):
        config = parse(CONFIG.format(url=page.url.rstrip("/")), "minutebook.yaml", tmp_path, {})
        async with polling(tmp_path, config, NOW) as polled:
            with steps_of_the_loop() as steps:
                outcomes = await looks_during(polled, house, at_least=3)
    assert set(outcomes) == {"pass"}
    assert max(steps) < STALLED_NS


async def test_looks_go_on_while_a_page_says_nothing(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await silent(reader, writer)

    async with (
        listening(says_nothing) as page,
        listening(FINE) as target,
        House(http_check(target.url, timeout_ms=30_000)).open() as house,
    ):
        config = parse(CONFIG.format(url=page.url.rstrip("/")), "minutebook.yaml", tmp_path, {})
        async with session() as client:
            clock = FakeClock(NOW)
            poller = Poller(clock, Fetcher(client, clock), Log(_record, list), lambda: 1.0)
            poller.replace(polled(config))
            under_way = asyncio.create_task(poller.ring("page"))
            await asked.wait()
            for _ in range(20):
                house.tick("app")
                assert (await house.results.next()).outcome == "pass"
            assert not under_way.done()
            under_way.cancel()
            await asyncio.wait([under_way])


async def _record(facts: object) -> int:
    raise AssertionError(facts)


@pytest.mark.parametrize(("commas", "is_read"), [(MOST_COMMAS, True), (MOST_COMMAS + 1, False)])
def test_a_page_of_more_values_than_a_page_has_is_not_read(commas: int, is_read: bool) -> None:
    read: Json | object = body_of(Reply(Request("incidents", "https://x.example"), b"[" + b"1," * commas + b"1]", NOW))
    assert isinstance(read, list) is is_read
