"""`python3 deploy/dev.py stack`: the demo, a real Prometheus and a real Alertmanager, and where to look."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.daemon.programs import Json, wait_until


def answer(address: str) -> Json:
    """What is served there; None while nothing is."""
    try:
        with urllib.request.urlopen(address, timeout=5) as served:  # noqa: S310 - what the stack printed
            return json.load(served)
    except OSError:
        return None


def everything(address: str, names: set[str]) -> Json:
    """All alerts there, once these are among them."""
    alerts = answer(address) or []
    return alerts if names <= {alert["labels"]["alertname"] for alert in alerts} else None


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_stack_says_where_to_look_and_ends_as_a_whole(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("prometheus")
    said = tmp_path / "said"
    with said.open("w") as errors:
        stack = subprocess.Popen([sys.executable, ROOT / "deploy" / "dev.py", "stack"], stderr=errors)
    try:
        addresses = wait_until(lambda: re.findall(r"  (http://127\.0\.0\.1:\d+)/", said.read_text()), 120)
        page, prometheus, alertmanager = addresses
        burn = f"{prometheus}/api/v1/query?query=sla_burn_rate"
        wait_until(lambda: (found := answer(burn)) and found["data"]["result"], 60)
        groups = answer(f"{prometheus}/api/v1/rules")["data"]["groups"]
        assert "minutebook-burn" in {group["name"] for group in groups}
        expected = {"MinutebookWatchdog", "SlaBurnFast", "SlaResponseDue"}
        told = wait_until(lambda: everything(f"{alertmanager}/api/v2/alerts", expected), 180)
        assert answer(f"{page}/status.json") is not None
        evidence = {alert["annotations"].get("evidence_url") for alert in told} - {None}
        assert evidence
        assert all(address.startswith(f"{page}/") for address in evidence)
    finally:
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 130
    assert [answer(f"{address}/-/healthy") for address in addresses] == [None] * 3
