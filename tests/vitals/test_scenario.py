"""The worked case: what stands beside its statements, which `tests/ledger/test_scenarios.py` does not compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.config import parse, to_terms
from monitor.facts import decode_line
from monitor.ledger.period import parse_instant
from tests.vitals.test_stated import stated, vitals

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "16-web-vitals"
RUNS: list[dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))["runs"]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run["month"]))
def test_samples_verdicts_and_confidence_are_what_was_worked_by_hand(run: dict[str, Any]) -> None:
    terms = to_terms(parse((FOLDER / "config.yaml").read_text(encoding="utf-8"), "config.yaml", FOLDER, {}))
    facts = [decode_line(line) for line in (FOLDER / "facts.jsonl").read_text(encoding="utf-8").splitlines()]
    [statement] = stated(facts, terms, parse_instant(run["as_of"]), run["month"])
    found = {
        metric: {
            "n": told["samples"],
            "good": told["good"],
            "verdict": told["verdict"],
            "confidence": told["confidence"],
        }
        for metric, told in vitals(statement).items()
    }
    assert found == {metric: {"confidence": None, **told} for metric, told in run["beside"]["vitals"].items()}
