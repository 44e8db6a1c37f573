"""The worked months of scenario 18: what stands beside its statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.statements import read_facts
from monitor.config import customers_of, load_without_secrets, to_terms
from monitor.crediting import Reckoner
from monitor.credits_told import told_credits, told_termination
from monitor.facts import AnyFact
from monitor.ledger.period import parse_instant, parse_month
from tests.ledger.test_scenarios import differences

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "18-credits-and-termination"
RUNS = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))["runs"]
CONFIG = load_without_secrets(FOLDER / "config.yaml")


@pytest.fixture(scope="module")
def facts() -> Sequence[AnyFact]:
    return read_facts(FOLDER / "facts.jsonl")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run['month']}-{run['as_of'][:10]}")
def test_breaches_credits_claims_and_the_right_are_as_worked_by_hand(run: dict[str, Any], facts: Any) -> None:
    reckoner = Reckoner(facts, to_terms(CONFIG), customers_of(CONFIG), parse_instant(run["as_of"]))
    statements = reckoner.month(parse_month(run["month"])).statements
    assert [
        line
        for expected, stated in zip(run["statements"], statements, strict=True)
        for line in differences("app", expected, stated)
    ] == []
    told: Any = told_credits(reckoner, parse_month(run["month"]))
    acme: Any = told_termination(reckoner, "acme")[0]
    right = acme["right"]
    found = {
        "breaches": told["breaches"],
        "credits": [{name: each[name] for name in ("customer", "ratio", "credit")} for each in told["credits"]],
        "claims": [
            {name: claim[name] for name in ("claim", "in_time", "decision")}
            for each in told["credits"]
            for claim in each["claims"]
        ],
        "termination": right and {"month": right["month"], "arises": right["arises"]},
    }
    assert {name: found[name] for name in run["beside"]} == run["beside"]
