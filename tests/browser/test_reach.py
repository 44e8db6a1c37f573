"""The browser of the tests reaches this machine and nothing else."""

from __future__ import annotations

import pytest
from aiohttp import web
from playwright.async_api import Browser, Error

from monitor.web import Listen, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_browser_asks_this_machine_only(browser: Browser) -> None:
    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", greet)
    async with serving(app, Listen("127.0.0.1", 0)) as port, await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{port}/")
        assert await page.inner_text("body") == "here"
        for elsewhere in ("http://example.org/", "http://192.0.2.1/", "http://[2001:db8::1]/"):
            with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
                await page.goto(elsewhere)
