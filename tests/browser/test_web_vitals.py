"""What a real browser measures with the real library, sent as README.md says, is what the ledger has."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from monitor.beacons import Beacons, Rules
from monitor.beacons.trust import Trust
from monitor.interfaces import VitalReport
from monitor.ledger.terms import Terms
from monitor.settling import counted
from monitor.store import OpenStore, open_store
from monitor.web import Listen, serving
from monitor.web.ingest import build_ingest
from monitor.web.problems import Handler
from tests.store.samples import JUNE, StillClock, url_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LIBRARY = (ROOT / "tests" / "vendors" / "web-vitals" / "web-vitals.iife.js").read_text(encoding="utf-8")
ADDRESS = "https://vitals.example.com/v1/web-vitals"
SECONDS = 30.0
TERMS = Terms(ZoneInfo("UTC"), (), ())

A_PAGE = """\
<!DOCTYPE html><meta charset="utf-8"><title>app</title>
<body style="margin: 0; font: 16px sans-serif">
<p>Early text.</p><button id="slow">Slow</button><div id="late"></div>
<p style="height: 500px; background: silver">Below.</p>
<script>%(library)s</script>
<script>
  window.measured = [];
  const watched = (on) => (told) => on((metric) => {
    measured.push([metric.name, metric.id, metric.value]);
    told(metric);
  });
  const [onCLS, onINP, onLCP] = [webVitals.onCLS, webVitals.onINP, webVitals.onLCP].map(watched);
  %(snippet)s
  %(start)s
</script>
<script>
  window.busy_ms = 120;
  const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
  document.querySelector("#slow").addEventListener("click", () => busy(busy_ms));
  window.slow = 0;
  new PerformanceObserver((list) => { for (const { name } of list.getEntries()) slow += name === "click"; })
    .observe({ type: "event", durationThreshold: 40 });
  addEventListener("load", () => setTimeout(() => {
    const late = document.querySelector("#late");
    late.innerHTML = '<svg width="600" height="400"></svg><img src="/late.svg" width="800" height="300">';
    late.querySelector("img").addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(
      () => { window.shifted = true; })));
  }, 150));
  window.show = (state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  };
</script>
"""
"""A late image, a shift of what stands below it, and a slow click. `show` does what App Bridge does: it overrides the
visibility of the page, and sends the event itself."""

IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="300"><rect width="800" height="300"/></svg>'


@dataclass
class Taken:
    """What takes the beacons in, and what it has; `came` is set each time that reports were kept."""

    store: OpenStore
    origin: str = ""
    address: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, reports: Sequence[VitalReport]) -> int:
        late = await self.store.keep_vitals(reports, JUNE)
        self.came.set()
        return late

    def values(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for sample in self.store.open_samples():
            found.setdefault(sample.metric, []).append(sample.value)
        return found

    async def until(self, wanted: Mapping[str, list[float]]) -> None:
        """Waits until the open table holds exactly these."""
        async with asyncio.timeout(SECONDS):
            while self.values() != wanted:
                self.came.clear()
                if self.values() != wanted:
                    await self.came.wait()


@asynccontextmanager
async def taken_in(folder: Path, rules: Rules | None = None) -> AsyncIterator[Taken]:
    """A page on one origin, and what takes its beacons in on another."""
    async with AsyncExitStack() as stack:
        taken = Taken(await stack.enter_async_context(open_store(url_in(folder), StillClock())))
        beacons = Beacons(StillClock(), taken.keep, b"salt")
        beacon_port = await stack.enter_async_context(
            serving(build_ingest(beacons, lambda: ""), Listen("127.0.0.1", 0))
        )
        taken.address = f"http://127.0.0.1:{beacon_port}/v1/web-vitals"
        app = web.Application()
        text = A_PAGE % {"library": LIBRARY, "snippet": snippet(taken.address), "start": started()}
        for path, body, kind in (
            ("/", text, "text/html"),
            ("/late.svg", IMAGE, "image/svg+xml"),
            ("/next", "", "text/html"),
        ):
            app.router.add_get(path, _answers(body, kind))
        port = await stack.enter_async_context(serving(app, Listen("127.0.0.1", 0)))
        taken.origin = f"http://127.0.0.1:{port}"
        beacons.replace(rules or Rules(Trust("open"), frozenset({taken.origin}), 60_000))
        yield taken


def _answers(body: str, kind: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind)

    return answer


def snippet(address: str) -> str:
    """The script of README.md, for another address."""
    scripts = re.findall(r"^```js\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    [shown] = [script for script in scripts if ADDRESS in script]
    return str(shown).replace(ADDRESS, address)


def started() -> str:
    """How README.md starts it with the web-vitals library."""
    [shown] = re.findall(r"`(for \(const on of \[onCLS, onINP, onLCP\]\).*?)`", README)
    return str(shown)


@asynccontextmanager
async def opened(browser: Browser, taken: Taken, *, driven: bool = False) -> AsyncIterator[Page]:
    async with await browser.new_context() as context:
        if not driven:
            await context.add_init_script("Object.defineProperty(navigator, 'webdriver', { get: () => false })")
        page = await context.new_page()
        await page.goto(taken.origin)
        await page.wait_for_function("window.shifted")
        yield page


async def clicked(page: Page, times: int) -> None:
    """Clicks, and waits until the library has looked at it too: once the page is idle, or after a second."""
    await page.click("#slow")
    await page.wait_for_function(f"slow === {times}")
    await page.evaluate("new Promise((done) => requestIdleCallback(() => done(), { timeout: 1000 }))")


async def newest(page: Page) -> dict[str, list[float]]:
    """What the library said last of each metric and id."""
    last = {(name, metric_id): value for name, metric_id, value in await page.evaluate("measured")}
    found: dict[str, list[float]] = {}
    for (name, _), value in last.items():
        found.setdefault(name, []).append(value)
    return found


async def test_what_the_browser_measured_is_what_the_ledger_has(browser: Browser, tmp_path: Path) -> None:
    """Also when the page is hidden and shown again, and the click after it was slower."""
    async with taken_in(tmp_path) as taken, opened(browser, taken) as page:
        await clicked(page, 1)
        await page.evaluate("show('hidden')")
        first = await newest(page)
        await taken.until(first)
        assert first.keys() == {"LCP", "CLS", "INP"}
        assert first["CLS"][0] > 0.05
        assert first["INP"][0] >= 100
        await page.evaluate("show('visible')")
        await page.evaluate("(ms) => { busy_ms = ms + 100; }", first["INP"][0])
        await clicked(page, 2)
        await page.evaluate("show('hidden')")
        second = await newest(page)
        assert second["INP"][0] > first["INP"][0]
        await taken.until(second)
        await page.goto(f"{taken.origin}/next")
        assert taken.values() == second
        assert counted_days(taken) == {name: placed(name, value) for name, [value] in second.items()}


def counted_days(taken: Taken) -> dict[str, tuple[Any, ...]]:
    """What the facts of the day count of each metric: the ledger's figures."""
    facts = counted(taken.store.open_samples(), [], TERMS).facts(TERMS, 0)
    names = ("good", "needs_improvement", "poor", "buckets")
    return {str(fact.fields["metric"]): tuple(fact.fields[name] for name in names) for fact in facts}


def placed(name: str, value: float) -> tuple[Any, ...]:
    """One sample of this value, by the limits of web-vitals."""
    good, poor = {"LCP": (2500, 4000), "INP": (200, 500), "CLS": (0.1, 0.25)}[name]
    band = (value <= good, good < value <= poor, value > poor)
    index = math.ceil(math.log2(value) * 32)
    return (*map(int, band), {str(index): 1})


@pytest.mark.long
async def test_a_browser_that_a_program_drives_reports_nothing(browser: Browser, tmp_path: Path) -> None:
    async with taken_in(tmp_path) as taken, opened(browser, taken, driven=True) as page:
        await page.evaluate("report({ metrics: [{ id: 'a', name: 'LCP', value: 1 }] }); show('hidden')")
        answer = await page.evaluate(
            "async (address) => (await fetch(address, { method: 'POST', body: JSON.stringify([{ id: 'b', name: 'LCP',"
            " value: 2 }]) })).status",
            taken.address,
        )
        assert answer == 204
        assert taken.values() == {"LCP": [2]}


SEND = """async ([address, headers]) => {
  const body = JSON.stringify({ metrics: [{ id: "x", name: "LCP", value: 2400.5 }] });
  try { return (await fetch(address, { method: "POST", keepalive: true, headers, body })).status; }
  catch (error) { return error.name; }
}"""


@pytest.mark.long
async def test_a_browser_sends_json_and_a_token_once_it_was_allowed_to(browser: Browser, tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer hush", "X-Requested-With": "XMLHttpRequest", "Content-Type": "application/json"}
    rules = Rules(Trust("relay", ("hush",)), None, 60_000)
    async with taken_in(tmp_path, rules) as taken, opened(browser, taken) as page:
        assert await page.evaluate(SEND, [taken.address, headers]) == 204
        assert await page.evaluate(SEND, [taken.address, headers | {"Authorization": "Bearer no"}]) == 401
        assert taken.values() == {"LCP": [2400.5]}


@pytest.mark.long
async def test_a_page_of_another_origin_is_kept_out_by_its_browser(browser: Browser, tmp_path: Path) -> None:
    rules = Rules(Trust("open"), frozenset({"https://app.example.com"}), 60_000)
    async with taken_in(tmp_path, rules) as taken, opened(browser, taken) as page:
        assert await page.evaluate(SEND, [taken.address, {"Content-Type": "application/json"}]) == "TypeError"
        assert taken.values() == {}


@pytest.mark.long
async def test_a_beacon_that_is_json_is_sent_with_credentials_and_taken(browser: Browser, tmp_path: Path) -> None:
    async with taken_in(tmp_path) as taken, opened(browser, taken) as page:
        await page.evaluate(
            """(address) => {
                const body = JSON.stringify({ id: "x", name: "CLS", value: 0.05 });
                navigator.sendBeacon(address, new Blob([body], { type: "application/json" }));
            }""",
            taken.address,
        )
        await taken.until({"CLS": [0.05]})
