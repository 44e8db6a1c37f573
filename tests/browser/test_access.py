"""For everybody: axe finds nothing on page and report, light and dark, and the page is read without a script."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from monitor.ledger.snapshot import nothing_recent
from tests.browser.conftest import REPORT, opened
from tests.browser.world import NOW, Site, open_site

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]

README = Path(__file__).resolve().parents[2] / "deploy" / "readme"
PICTURE_BYTES = 200_000


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")])
@pytest.mark.parametrize("path", ["/", REPORT, "/services/search/2026-03"])
async def test_axe_finds_nothing(browser: Browser, site: Site, path: str, width: int, scheme: str) -> None:
    site.fails("search api", NOW)
    how = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
    async with open_site(site) as address, opened(browser, address, **how) as shown:
        await shown.go(path)
        found = await Axe().run(shown.page)
        assert not found.violations_count, found.generate_report()


@pytest.mark.parametrize("trouble", ["not evaluated", "no services", "many services", "a month is not computed again"])
async def test_axe_finds_nothing_where_little_is_known(browser: Browser, site: Site, trouble: str) -> None:
    known = site.snapshot
    assert known is not None
    first = known.services[0]
    site.snapshot = {
        "not evaluated": None,
        "no services": replace(known, services=()),
        "many services": replace(
            known,
            services=tuple(
                replace(first, service=f"s{place}", title=f"Service {place}", up=up, recent=nothing_recent)
                for place, up in enumerate((True, False, None, True))
            ),
        ),
        "a month is not computed again": replace(known, closed={("shop", "2026-02"): 3}),
    }[trouble]
    async with open_site(site) as address, opened(browser, address, bypass_csp=True) as shown:
        await shown.go("/")
        found = await Axe().run(shown.page)
        assert not found.violations_count, found.generate_report()


async def test_the_page_is_read_without_a_script(browser: Browser, address: str) -> None:
    async with opened(browser, address, java_script_enabled=False) as shown:
        await shown.go("/")
        await expect(shown.page.get_by_role("heading", level=1)).to_have_text("All services are up")
        await expect(shown.page.get_by_text("14 min 34 s of 44 min 34 s left in 2026-03")).to_be_visible()
        await shown.page.locator("summary").first.click()
        await expect(shown.page.get_by_role("listitem").filter(has_text="2026-03-11: 30m 00s down")).to_be_visible()


async def test_pictures_for_the_readme(
    browser: Browser, site: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`--pictures` keeps them: `python3 deploy/dev.py test tests/browser -m long -k pictures --pictures`."""
    folder = README if request.config.getoption("--pictures") else tmp_path
    site.fails("search api", NOW)
    size = {"width": 1000, "height": 1250}
    async with open_site(site) as address, opened(browser, address, viewport=size) as shown:
        for name, path in (("status-page", "/"), ("report", REPORT)):
            await shown.go(path)
            picture = folder / f"{name}.png"
            await shown.page.screenshot(path=picture)
            assert 10_000 < picture.stat().st_size < PICTURE_BYTES
