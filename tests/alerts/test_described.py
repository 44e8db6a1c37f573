"""README tells every alert as it is: when it fires, whom it wakes, and what a burn takes in seconds of downtime."""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction

from exporters.rules import Wanted, alert_groups
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
GROUPS = alert_groups(Wanted(optional=True))
SECONDS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21_600, "1d": 86_400, "3d": 259_200}
PROMISES = (Fraction(1, 1000), Fraction(43 * 60, 31 * 86_400))
"""The part of a month that may be down: 99.9 %, and its cap of 43 minutes in a month of 31 days."""


def test_every_alert_stands_with_its_severity_and_its_level() -> None:
    told: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for alert in (one for group in GROUPS.values() for one in group):
        told[alert.name][0].append(alert.severity)
        told[alert.name][1].append(str(alert.escalation or ""))
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([a-z, ]+) \| ([\d, ]*)\|$", README, re.MULTILINE)
    written = {name: (severities.split(", "), levels.strip().split(", ")) for name, severities, levels in rows}
    assert written == told


def test_what_a_burn_alert_takes_stands_in_seconds() -> None:
    burning = [alert for alert in GROUPS["minutebook-burn"] if alert.tier is not None]
    assert len(burning) == 4
    for alert in burning:
        windows = re.findall(r'window="(\w+)"', alert.expr)
        cells = []
        for promise in PROMISES:
            takes = [float(Fraction(str(alert.tier)) * promise * SECONDS[window]) for window in windows]
            cells.append(
                " and ".join(f"over {s:.2f} s within {window}" for s, window in zip(takes, windows, strict=True))
            )
        assert f"| `{alert.name}` | {alert.tier} | {' | '.join(cells)} |" in README.replace(", and over", " and over")
