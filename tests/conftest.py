"""What every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# Time is measured by the benchmarks: a slow machine is no reason for a property to fail.
settings.register_profile("minutebook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("minutebook")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="keep the pictures of the README that the tests make")


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The path of promtool, prometheus, alertmanager...; a test whose tool is missing skips, with CI=true it fails."""
    folders = [
        os.environ.get("MINUTEBOOK_TOOLS", ""),
        str(ROOT / ".venv" / "tools" / "bin"),
        os.environ.get("PATH", ""),
    ]

    def find(name: str) -> str:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found is None:
            message = f"{name} is missing; `python3 deploy/dev.py test` fetches it"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        return found

    return find


@pytest.fixture
def later(tool: Callable[[str], str]) -> Callable[[str], str]:
    """The same of a later Debian, which nothing requires: what is not there, or does not run here, skips."""

    def find(name: str) -> str:
        found = Path(tool(name)).with_name(f"{name}-later")
        if not found.exists():
            pytest.skip(f"no later {name} here; `python3 deploy/dev.py test` fetches it where it can")
        return str(found)

    return find


@pytest.fixture(params=["of this suite", "of a later suite"])
def either(
    request: pytest.FixtureRequest, tool: Callable[[str], str], later: Callable[[str], str]
) -> Callable[[str], str]:
    """The tools of this machine's suite, and in a second run those of a later one."""
    return tool if request.param == "of this suite" else later


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(tool: Callable[[str], str]) -> AsyncIterator[Browser]:
    """A headless Chromium for the whole run. Whoever uses it runs on the session's loop:
    `pytestmark = pytest.mark.asyncio(loop_scope="session")`.

    It finds no name and no address but 127.0.0.1: what a page asks of anybody else is refused before it leaves.
    """
    from playwright.async_api import async_playwright  # noqa: PLC0415 - it takes a third of a second to import

    quiet = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    own = ["--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=tool("chromium"), args=[*quiet.split(), *own])
        yield started
        await started.close()
