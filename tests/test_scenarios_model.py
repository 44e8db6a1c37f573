"""The brute-force model and the worked scenarios say the same: so the model may judge the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.model.brute import statements
from tests.model.compare import by_service, differences

SCENARIOS = Path(__file__).parent / "scenarios"
AVAILABILITY = sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir() and folder.name[:2] <= "15")


def load(scenario: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Configuration, facts in their order, and the expected runs of a scenario."""
    folder = SCENARIOS / scenario
    lines = (folder / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return config, [json.loads(line) for line in lines if line.strip()], expected["runs"]


@pytest.mark.parametrize("scenario", AVAILABILITY)
def test_the_model_gives_what_the_scenario_was_worked_out_to(scenario: str) -> None:
    config, facts, runs = load(scenario)
    for run in runs:
        found = by_service(statements(config, facts, run["month"], run["as_of"]))
        for expected in run["statements"]:
            assert differences(found[expected["service"]], expected, expected["service"]) == []


@pytest.mark.parametrize(
    ("scenario", "minutes"), [("01-blip-and-outage", 1), ("07-maintenance-revisions", 10), ("10-overlap-precedence", 5)]
)
def test_asking_at_every_step_of_a_grid_gives_the_same_as_asking_at_every_edge(scenario: str, minutes: int) -> None:
    config, facts, runs = load(scenario)
    for run in runs:
        by_edge = statements(config, facts, run["month"], run["as_of"])
        assert statements(config, facts, run["month"], run["as_of"], step=minutes * 60_000) == by_edge
