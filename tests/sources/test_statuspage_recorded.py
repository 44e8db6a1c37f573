"""Recorded pages of Statuspage's kind, where their folder is present: no exception, and the durations that they say."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.ledger.period import HOUR, Period, parse_instant
from monitor.sources import statuspage
from monitor.sources.kind import Asked, Incident, Reply, Request
from tests.sources.statuspage_payloads import (
    ALL,
    NOW,
    SETTINGS,
    listing,
    maintenances,
    one_incident,
    one_maintenance,
    page_of,
)

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "statuspage"


def of(found: Incident) -> dict[str, list[tuple[int, str]]]:
    return {name: list(steps) for name, steps in found.components.items()}


def recorded(name: str) -> bytes:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"the recorded payloads are not here: {path}")
    return path.read_bytes()


def test_the_recorded_incidents_of_github_last_as_long_as_their_updates_say() -> None:
    now = parse_instant("2026-07-31T00:00:00Z")
    asked = Asked("github", Period(now - HOUR, now), ALL, is_provider=True)
    reply = Reply(Request(statuspage.INCIDENTS, ""), recorded("github_incidents_no_page_2026-07-30.json"), now)
    page = statuspage.parse(SETTINGS, asked, reply)
    spent: Counter[str] = Counter()
    for item in listing(page).items:
        assert isinstance(item, Incident)
        for steps in item.components.values():
            assert steps[-1][1] == "operational"
            for (begin, severity), (end, _) in pairwise(steps):
                spent[severity] += end - begin
    assert len(listing(page).items) == 5
    assert {severity: ms // 1000 for severity, ms in spent.items()} == {
        "degraded": 11_074,
        "partial_outage": 851,
        "major_outage": 1_687,
    }
    assert not +Counter(page.problems)


@pytest.mark.parametrize("purpose", list(statuspage._LISTS))
def test_every_recorded_payload_is_read_without_an_exception(purpose: str) -> None:
    recorded("claude_incidents_trimmed_2026-06.json")
    asked = Asked("page", Period(NOW - HOUR, NOW), ALL, is_provider=True)
    for path in sorted(FIXTURES.glob("*.json")):
        statuspage.parse(
            SETTINGS, asked, Reply(Request(purpose, ""), path.read_bytes(), parse_instant("2026-08-01T00:00:00Z"))
        )


def test_the_recorded_incidents_of_claude_hold_a_maintenance_and_an_impact_that_nobody_knows() -> None:
    now = parse_instant("2026-06-30T00:00:00Z")
    asked = Asked("claude", Period(now - HOUR, now), ALL, is_provider=True)
    reply = Reply(Request(statuspage.INCIDENTS, ""), recorded("claude_incidents_trimmed_2026-06.json"), now)
    by_id = {item.id: item for item in listing(statuspage.parse(SETTINGS, asked, reply)).items}
    real = by_id["6ptd5skgmy3v"]
    assert isinstance(real, Incident)
    assert of(real)["claude.ai"] == [
        (parse_instant("2026-06-06T18:37:44.395Z"), "degraded"),
        (parse_instant("2026-06-06T19:05:27.178Z"), "operational"),
    ]
    work, weird = by_id["maint01"], by_id["weird01"]
    assert isinstance(work, Incident)
    assert isinstance(weird, Incident)
    assert of(work) == {"claude.ai": [(parse_instant("2026-06-04T02:05:00.500Z"), "maintenance")]}
    assert not any(weird.components.values())


def test_the_recorded_page_of_huobi_has_an_open_incident_and_planned_work() -> None:
    body = json.loads(recorded("huobi_summary_with_maintenance_2022.json"))
    found = one_incident(page_of("incidents", body["incidents"], statuspage.INCIDENTS))
    assert of(found) == {"Market data": [(parse_instant("2020-02-11T03:15:02Z"), "degraded")]}
    window = one_maintenance(maintenances(*body["scheduled_maintenances"])).window
    assert window is not None
    assert window.start < window.end
