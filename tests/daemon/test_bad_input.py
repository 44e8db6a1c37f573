"""What is wrong is refused with its place, the mend and the documented status; nothing is lost (interface.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Done, Minutebook, configuration, now_ms

Start = Callable[..., Daemon]
INPUT, DAMAGED, NEWER, BREACH = 2, 4, 5, 3


def refused(done: Done, status: int, *words: str) -> None:
    """Ended with that status and one message, which says all of these."""
    assert done.status == status, done
    assert done.out == ""
    assert done.err.startswith("minutebook: ")
    assert "Traceback" not in done.err
    missing = [word for word in words if word not in done.err]
    assert not missing, (missing, done.err)


def digests(folder: Path) -> dict[str, str]:
    """Every file of the store but its lock."""
    files = [path for path in folder.glob("minutebook.db*") if path.suffix != ".lock"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def store(minutebook: Minutebook, app: App) -> Path:
    """A configuration and its store of some facts, closed."""
    configuration(minutebook.folder, app)
    facts = minutebook.folder / "facts.jsonl"
    lines = [
        {"kind": "result", "check": "web", "vantage": "here", "at": format_instant(at), "outcome": "pass"}
        for at in range(now_ms() - 60_000, now_ms(), 1000)
    ]
    facts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    minutebook.well("import", facts)
    return minutebook.folder / "minutebook.db"


# ---------------------------------------------------------------- the configuration


CONFIGURATIONS = {
    "an unknown key": ("timezone: UTC", "timezones: UTC", "timezones"),
    "a duplicate key": ("timezone: UTC", "timezone: UTC\ntimezone: UTC", "timezone"),
    "a bad duration": ("interval: 5s", "interval: 5 seconds", "interval"),
    "a timeout longer than the interval": ("timeout: 2s", "timeout: 6s", "timeout"),
    "a hold over its bound": ("timeout: 2s", "timeout: 2s, hold: 18s", "hold"),
    "a service without checks": ("checks: [{name: job", "checks: [] #", "checks"),
    "two checks of one name": ("name: api", "name: web", "web"),
    "an objective of 100 %": ("99.9%", "100%", "objective"),
    "an objective over 100 %": ("99.9%", "100.5%", "objective"),
    "a corroborating check without its role": (", role: corroboration", "", "role"),
    "an unknown zone": ("timezone: UTC", "timezone: Europe/Londres", "Europe/Londres"),
    "a missing secret file": ("headers: {}", "headers: {X-Key: {from_file: secrets/none}}", "secrets/none"),
}
GOOD = """\
timezone: UTC
services:
  - name: app
    depends_on: [cdn/*]
    checks:
      - {name: web, http: {url: "http://127.0.0.1:1/", headers: {}}, interval: 5s, timeout: 2s}
      - {name: api, http: {url: "http://127.0.0.1:1/a"}}
      - {name: edge, http: {url: "http://127.0.0.1:1/b"}, role: corroboration}
  - name: jobs
    checks: [{name: job, http: {url: "http://127.0.0.1:1/c"}}]
policies:
  - effective_from: 2026-01-01
    availability: {objective: 99.9%}
    third_party: {corroborated_by: {cdn: [edge]}}
"""


def test_the_good_file_is_good(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(GOOD)
    assert "no errors" in minutebook.well("check-config", "minutebook.yaml")


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_a_mistake_in_the_configuration_is_named_with_its_place(minutebook: Minutebook, case: str) -> None:
    right, mistake, named = CONFIGURATIONS[case]
    assert GOOD.count(right) >= 1
    (minutebook.folder / "minutebook.yaml").write_text(GOOD.replace(right, mistake, 1))
    done = minutebook("run")
    refused(done, INPUT, "minutebook.yaml:", named)
    assert list(minutebook.folder.glob("minutebook.db*")) == []
