"""The status page and the report in a real browser: wide and narrow, live, by keyboard, and whatever others wrote."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import REPORT, opened
from tests.browser.world import EVERY, NOW, Site, World, open_site

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTHS = (360, 768, 1440)


async def test_nothing_is_wider_than_the_window_and_an_event_brings_what_is_new(
    browser: Browser, site: Site, address: str
) -> None:
    async with opened(browser, address) as shown:
        for path in (REPORT, "/"):
            await shown.go(path)
            for width in WIDTHS:
                await shown.page.set_viewport_size({"width": width, "height": 800})
                assert await shown.page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        heading = shown.page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("All services are up")
        await shown.page.locator("summary").first.click()
        site.fails("search api", NOW)
        await expect(heading).to_have_text("1 of 2 services is down", timeout=30_000)
        assert await shown.page.locator("details[open]").count() == 1
        await expect(shown.page.get_by_role("status")).to_have_text("1 of 2 services is down")
        assert await shown.page.title() == "A service is down"


async def test_a_service_and_a_month_are_reached_by_keyboard(browser: Browser, address: str) -> None:
    async with opened(browser, address) as shown:
        await shown.go("/")
        stops = await by_keyboard(shown.page, 40)
        assert {"/services/shop/2026-03", "/services/search/2026-03", "/services/shop/2025-12"} <= {*stops}
        await shown.page.locator(f'a[href="{REPORT}"]').focus()
        await shown.page.keyboard.press("Enter")
        await shown.page.wait_for_url(f"**{REPORT}")
        await expect(shown.page.get_by_role("heading", level=1)).to_have_text("Availability of shop, 2026-01")


async def by_keyboard(page: Page, times: int) -> list[str | None]:
    """Where the Tab key leads, one after the other; every place shows that it has the focus."""
    stops = []
    for _ in range(times):
        await page.keyboard.press("Tab")
        at = "document.activeElement"
        if await page.evaluate(f"{at} === document.body"):
            break
        assert await page.evaluate(f"getComputedStyle({at}).outlineStyle") != "none"
        stops.append(await page.evaluate(f"{at}.getAttribute('href') ?? {at}.textContent"))
    return stops


HOSTILE = """</script></title><script>window.owned = 1; alert(1)</script><img src=x onerror="alert(2)">\
<svg onload="fetch('http://192.0.2.1/')">{{ 7 * 7 }}"'\u202e"""


async def test_what_others_wrote_runs_nothing_and_asks_nobody(browser: Browser, tmp_path: Path) -> None:
    given = World(HOSTILE, HOSTILE, HOSTILE, "javascript:alert(3)//https://a.b", HOSTILE, HOSTILE)
    site = Site(tmp_path / "tokens.json", given)
    site.fails("search api", NOW)
    headers = {"Authorization": f"Bearer {site.token('viewer')}"}
    async with (
        open_site(site) as address,
        opened(browser, address, extra_http_headers=headers) as shown,
    ):
        for path, least in (("/", 4), (REPORT, 2)):
            await shown.go(path)
            assert await shown.page.evaluate("window.owned") is None
            assert await shown.page.locator("img, svg[onload], [onerror]").count() == 0
            assert await shown.page.locator('a[href^="javascript"]').count() == 0
            assert (await shown.page.inner_text("main")).count("alert(1)") >= least


@pytest.mark.long
async def test_the_page_says_when_it_is_not_kept_up_to_date(browser: Browser, site: Site, address: str) -> None:
    async with opened(browser, address) as shown:
        await shown.go("/")
        site.now = NOW + EVERY  # nothing was evaluated since
        await shown.go("/")
        await expect(shown.page.get_by_role("alert")).to_contain_text("These figures are 15 min old")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("shop/2027-01", "shop, 2027-01: it has not begun"),
        ("shop/2025-11", "shop, 2025-11: nothing was measured before 2025-12"),
        ("nobody/2026-01", "there is no such service"),
    ],
)
async def test_a_month_of_which_there_is_nothing_to_tell_says_why(address: str, path: str, said: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{address}/services/{path}") as answer:
        assert answer.status == 404
        assert said in (await answer.json(content_type=None))["detail"]
