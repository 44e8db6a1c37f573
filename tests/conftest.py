"""What every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# Time is measured by the benchmarks: a slow machine is no reason for a property to fail.
settings.register_profile("minutebook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("minutebook")


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
