"""The worked cases of the contract, through the command that a lawyer would use: `minutebook replay`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
ANY_ORDER = {"refused": ("id", "why"), "commitments": ("commitment",)}
NOT_YET = ("18-credits-and-termination",)
BOOKED = [folder for folder in sorted(SCENARIOS.glob("*/")) if folder.name not in NOT_YET]
LATER = [SCENARIOS / name for name in NOT_YET]


def runs() -> Iterator[Any]:
    for folder in BOOKED:
        for run in json.loads((folder / "expected.json").read_text(encoding="utf-8"))["runs"]:
            yield pytest.param(folder, run, id=f"{folder.name}-{run['month']}-{run['as_of'][:16]}")


def replay(folder: Path, month: str, as_of: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "monitor.cli", "replay", "-c", str(folder / "config.yaml")]
    command += ["--facts", str(folder / "facts.jsonl"), "--month", month, "--as-of", as_of, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def differences(place: str, expected: Any, found: Any) -> Iterator[str]:
    """Objects by the fields named, lists by length and order, but for the two that may come in any."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            yield from differences(f"{place}.{name}", value, found.get(name, "nothing"))
    elif isinstance(expected, list):
        keys = ANY_ORDER.get(place.rpartition(".")[2])
        if len(expected) != len(found):
            yield f"{place}: {len(expected)} expected, {len(found)} found"
            return
        if keys is not None:
            expected, found = (sorted(rows, key=lambda row: [row[key] for key in keys]) for rows in (expected, found))
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(f"{place}[{index}]", one, other)
    elif expected != found:
        yield f"{place}: {expected!r} expected, {found!r} found"


@pytest.mark.parametrize(("folder", "run"), [*runs()])
def test_a_replay_gives_what_was_worked_by_hand(folder: Path, run: dict[str, Any]) -> None:
    found = {statement["service"]: statement for statement in replay(folder, run["month"], run["as_of"])}
    wrong = [
        line
        for expected in run["statements"]
        for line in differences(expected["service"], expected, found[expected["service"]])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("folder", LATER, ids=lambda folder: folder.name)
def test_configurations_and_facts_of_later_chapters_load(folder: Path) -> None:
    run = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["runs"][0]
    found = replay(folder, run["month"], run["as_of"])
    assert [statement["service"] for statement in found] == ["app"]


def test_a_difference_is_seen() -> None:
    assert list(differences("app", {"ms": 1, "refused": []}, {"ms": 2, "refused": [{}]})) == [
        "app.ms: 1 expected, 2 found",
        "app.refused: 0 expected, 1 found",
    ]


def test_facts_may_come_by_standard_input() -> None:
    folder = SCENARIOS / "01-blip-and-outage"
    with (folder / "facts.jsonl").open("rb") as facts:
        command = [sys.executable, "-m", "monitor.cli", "replay", "-c", str(folder / "config.yaml"), "--facts", "-"]
        done = subprocess.run(
            [*command, "--month", "2026-06", "--format", "json"], stdin=facts, capture_output=True, check=True
        )
    [stated] = json.loads(done.stdout)
    assert stated["accounts_ms"]["down"] == 600_000
