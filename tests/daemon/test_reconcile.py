"""`reconcile` from the store, as its reader calls it."""

from __future__ import annotations

import json
from pathlib import Path

from monitor.ledger.period import MINUTE, format_instant, parse_instant
from tests.daemon.programs import Minutebook

START = parse_instant("2026-06-01T00:00:00Z")
CONFIG = """\
services: [{name: app, checks: [{name: web, fall: 1, http: {url: 'https://app.example.com/'}}]}]
sources:
  - {name: own-page, instatus: {url: 'https://s.example.com'}, announces_maintenance: true, components: {App: [app]}}
"""


def test_the_witnesses_of_a_month_are_told_apart(minutebook: Minutebook, tmp_path: Path) -> None:
    (tmp_path / "minutebook.yaml").write_text(CONFIG)
    looks = [("london", 0, "pass"), ("london", 10, "fail"), ("london", 20, "pass"), ("sentry", 5, "pass")]
    facts = [
        {
            "kind": "result",
            "check": "web",
            "vantage": vantage,
            "at": format_instant(START + at * MINUTE),
            "outcome": outcome,
            "hold_ms": 1200000,
        }
        for vantage, at, outcome in looks
    ]
    (tmp_path / "facts.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    assert minutebook("import", "facts.jsonl").status == 0
    [found] = minutebook("reconcile", "--month", "2026-06", "--format", "json").json
    assert [each["witness"] for each in found["witnesses"]] == ["london", "sentry", "own-page"]
    assert [each["down"] for each in found["disagreements"]] == [["london"]]
    shown = minutebook.well("reconcile", "--month", "2026-06", "--service", "app")
    assert "down by london; up by sentry, own-page" in shown
