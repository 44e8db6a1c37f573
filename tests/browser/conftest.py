"""Pages as people open them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.world import Site, World, open_site

REPORT = "/services/shop/2026-01"
"""A closed month with an outage that a provider is to blame for."""


@dataclass
class Opened:
    """A page, where it is served, and what it did beside showing: dialogs, mistakes, requests to anybody else."""

    page: Page
    address: str
    happened: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        answer = await self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == 200

    def listen(self) -> None:
        """Writes down what must not happen."""

        async def dismiss(dialog: Any) -> None:
            self.happened.append(f"dialog {dialog.message}")
            await dialog.dismiss()

        def asked(request: Any) -> None:
            if not request.url.startswith((self.address, "data:")):
                self.happened.append(f"request {request.url}")

        self.page.on("dialog", dismiss)
        self.page.on("request", asked)
        self.page.on("pageerror", lambda error: self.happened.append(f"error {error}"))
        self.page.on("console", lambda said: self.happened.append(f"{said.type} {said.text}"))


@asynccontextmanager
async def opened(browser: Browser, address: str, **how: Any) -> AsyncIterator[Opened]:
    """A page of a browser of its own. `how` are playwright's options of a context."""
    context = await browser.new_context(**how)
    try:
        found = Opened(await context.new_page(), address)
        found.listen()
        yield found
        assert found.happened == []
    finally:
        await context.close()


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest_asyncio.fixture(loop_scope="session")
async def site(world: World, tmp_path: Path) -> Site:
    return Site(tmp_path / "tokens.json", world)


@pytest_asyncio.fixture(loop_scope="session")
async def address(site: Site) -> AsyncIterator[str]:
    async with open_site(site) as served:
        yield served
