"""`credits`, `termination` and `claim` over a store, as their user meets them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.cli.statements import read_facts
from monitor.errors import MinutebookError
from monitor.store import open_for_writing

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "18-credits-and-termination"
THEN = ("--as-of", "2026-06-10T00:00:00Z")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command over a store of the scenario's facts; an expected error is its text and exit status."""
    folder = tmp_path_factory.mktemp("store")
    config = folder / "minutebook.yaml"
    config.write_text((FOLDER / "config.yaml").read_text() + f"storage: sqlite:///{folder / 'minutebook.db'}\n")
    facts = read_facts(FOLDER / "facts.jsonl")
    with open_for_writing(f"sqlite:///{folder / 'minutebook.db'}", facts[-1].recorded_at) as store:
        store.append(facts)

    def ran(*words: str) -> str:
        done = CliRunner().invoke(minutebook, [*words, "-c", str(config)])
        if isinstance(done.exception, MinutebookError):
            return f"{done.exception.exit_status}: {done.exception}"
        assert done.exception is None, done.output
        return done.stdout

    return ran


def test_a_month_is_told_with_its_claims_and_what_is_owed(run: Run) -> None:
    assert run("credits", "--month", "2026-01", *THEN) == (
        "2026-01 (draft), as of 2026-06-10T00:00:00.000Z: 1 breach\n"
        "  availability of app: 1\n"
        "acme: 10 % of 499.00 USD = 49.90 USD; owed 49.90 USD\n"
        "  c1, availability: requested 2026-04-30T23:59:59.999Z, in time (last day 2026-04-30);"
        " granted by ann (not authenticated)\n"
        "  c2, availability: requested 2026-05-01T00:00:00.000Z, late (last day 2026-04-30); not decided\n"
        "credits 49.90 USD; owed, as claimed and granted: 49.90 USD\n"
    )


def test_json_and_csv_say_the_same_and_currencies_stay_apart(run: Run) -> None:
    told: Any = json.loads(run("credits", "--month", "2026-04", "--format", "json", *THEN))
    assert told["totals"] == {"credit": ["33.34 EUR", "49.90 USD"], "owed": ["0.00 EUR", "0.00 USD"]}
    assert told["applies_to"] == "2026-05"
    rows = list(csv.DictReader(run("credits", "--month", "2026-04", "--format", "csv", *THEN).splitlines()))
    assert [(row["customer"], row["credit"], row["currency"]) for row in rows] == [
        ("acme", "49.90", "USD"),
        ("beta", "33.34", "EUR"),
    ]


def test_who_may_terminate_and_by_which_months(run: Run) -> None:
    assert run("termination", *THEN) == (
        "acme: may terminate since 2026-05-06T00:00:00.000Z, when 2026-04 became final:"
        " 3 months with a breach in a row (2026-01, 2026-02, 2026-04)\n"
        "beta: no right\n"
    )
    assert run("termination", "--customer", "acme", "--as-of", "2026-05-05T23:59:59.999Z") == "acme: no right\n"


def test_a_claim_is_recorded_and_granted_by_hand(run: Run) -> None:
    words = ("--customer", "beta", "--month", "2026-04", "--commitment", "availability", "--author", "ann")
    assert "in time" in run("claim", "b1", *words, "--requested-at", "2026-05-02T00:00:00Z")
    assert run("claim", "b1", "--grant", "--author", "ben").startswith("b1: recorded, by ben (unauthenticated)\n")
    told: Any = json.loads(run("credits", "--month", "2026-04", "--customer", "beta", "--format", "json"))
    assert (told["credits"][0]["owed"], told["totals"]["owed"]) == ("33.34 EUR", ["33.34 EUR"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("credits", "--month", "2026-01", "--customer", "nobody"), "there is no customer 'nobody'"),
        (("credits", "--month", "2026-01", "--customer", "beta"), "beta is on the plan from 2026-03-15 on"),
        (("credits", "--month", "2025-06"), "no policy is in force in 2025-06"),
        (("credits", "--month", "June"), "'June' is no month"),
        (("termination", "--customer", "nobody"), "there is no customer 'nobody'"),
        (("claim", "c1", "--refuse", "--reason", "no", "--author", "ben"), "this claim is granted, which is final"),
    ],
)
def test_bad_input_is_exit_2_with_the_reason(run: Run, words: tuple[str, ...], told: str) -> None:
    assert run(*words).startswith(f"2: {told}")
