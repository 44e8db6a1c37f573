"""A statement as text and as CSV: golden files, and what a cell or a terminal must never be given."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from exporters.statement_csv import statement_csv
from exporters.statement_text import statement_text

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def stated() -> dict[str, Any]:
    """A March with DST, a breach of the cap, maintenance that excused and maintenance that did not."""
    found: dict[str, Any] = json.loads((GOLDEN / "statement.json").read_text(encoding="utf-8"))
    return found


def test_the_text_is_as_it_was_agreed(stated: dict[str, Any]) -> None:
    assert statement_text(stated) + "\n" == (GOLDEN / "statement.txt").read_text(encoding="utf-8")


def test_the_csv_is_as_it_was_agreed(stated: dict[str, Any]) -> None:
    assert statement_csv([stated]).encode() == (GOLDEN / "statement.csv").read_bytes()


def test_the_first_line_says_since_when_it_is_measured(stated: dict[str, Any]) -> None:
    first = statement_text({**stated, "measured_since": "2026-07-01T12:00:00.250Z"}).splitlines()[0]
    assert first == "app 2026-03: measured since 2026-07-01 13:00:00.250 BST (Europe/London)"
    first = statement_text({**stated, "measured_since": None}).splitlines()[0]
    assert first == "app 2026-03: not measured yet (Europe/London)"


def test_what_has_no_value_is_a_dash(stated: dict[str, Any]) -> None:
    nothing = {
        **stated,
        "budget_ms": 0,
        "burned": None,
        "coverage": None,
        "availability": dict.fromkeys(stated["availability"]),
        "burn": dict.fromkeys(stated["burn"]),
    }
    text = statement_text(nothing)
    assert "burned      - (nothing is allowed)" in text
    assert "- at best" in text
    assert "None" not in text


def test_an_unproven_month_says_what_it_may_have_been(stated: dict[str, Any]) -> None:
    text = statement_text({**stated, "verdict": "met_unproven", "remaining_ms": 1})
    assert "met unproven: 49m 30s down of 43m 00s allowed, 0.001s left; but with what nobody saw" in text
    assert "may have been 1h 50m 50s" in text


def test_a_change_of_terms_shows(stated: dict[str, Any]) -> None:
    under = {name: stated[name] for name in ("accounts_ms", "base_ms", "budget_ms", "remaining_ms", "verdict")}
    changed: dict[str, Any] = {
        "recorded_at": "2026-03-30T12:00:00.000Z",
        "before": "a",
        "digest": "b",
        "under_before": under,
    }
    text = statement_text({**stated, "terms_changed": [changed]})
    assert "changed     the terms, 2026-03-30 13:00:00 BST: b" in text
    assert "under the terms before: breached, 49m 30s down of 43m 00s allowed" in text


def test_a_terminal_is_given_nothing_to_obey(stated: dict[str, Any]) -> None:
    hostile = copy.deepcopy(stated)
    for text in ("\x1b]0;owned\x07", "a\nverdict     met", "\u202e", "\x9b2J"):
        hostile["refused"][0]["id"] = hostile["exclusions"][0]["url"] = hostile["service"] = text
        shown = statement_text(hostile)
        assert len(shown.splitlines()) == len(statement_text(stated).splitlines())
        assert all(line.isprintable() for line in shown.split("\n"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_a_spreadsheet_takes_free_text_for_text(stated: dict[str, Any], start: str) -> None:
    (row,) = csv.DictReader(statement_csv([{**stated, "service": f"{start}1+1"}]).splitlines(keepends=True))
    assert row["service"] == f"'{start}1+1"


def test_numbers_stay_numbers(stated: dict[str, Any]) -> None:
    stated["availability"]["worst"] = "-0.250000000"
    (row,) = csv.DictReader(statement_csv([stated]).splitlines(keepends=True))
    assert row["remaining_ms"] == "-390000"
    assert row["availability.worst"] == "-0.250000000"
    assert row["availability.published"] == "0.998887169"


def test_the_accounts_of_a_row_add_up(stated: dict[str, Any]) -> None:
    (row,) = csv.DictReader(statement_csv([stated]).splitlines())
    parts = sum(
        int(value) for name, value in row.items() if name.startswith("accounts_ms.") and name != "accounts_ms.month"
    )
    assert parts == int(row["accounts_ms.month"])


def test_no_statements_are_a_header(stated: dict[str, Any]) -> None:
    assert statement_csv([]) == statement_csv([stated]).splitlines(keepends=True)[0]
