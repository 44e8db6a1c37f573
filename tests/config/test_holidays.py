"""`minutebook holidays` prints what can be pasted into a policy, and says what it does not know."""

from __future__ import annotations

import sys
from datetime import date

import pytest
import yaml
from click.testing import CliRunner

from monitor.cli import minutebook
from monitor.errors import InputError
from tests.ledger.test_response import DISCOUNT_KIT, ENGLAND, support_of


def printed(*arguments: str) -> str:
    return CliRunner().invoke(minutebook, ["holidays", *arguments], catch_exceptions=False).output


def refusal(*arguments: str) -> str:
    return str(CliRunner().invoke(minutebook, ["holidays", *arguments]).exception)


def test_what_is_printed_can_be_pasted_and_holds_englands_days() -> None:
    text = printed("GB-ENG", "2027", "2026")
    assert text.startswith("holidays: # GB-ENG 2026 2027, holidays ")
    days = yaml.safe_load(text)["holidays"]
    assert days == sorted(days)
    assert {day for day in ENGLAND if day.year == 2026} <= set(days)
    assert date(2027, 3, 26) in days  # Good Friday
    assert support_of({**DISCOUNT_KIT, "holidays": days}).calendar.holidays == frozenset(days)


def test_a_place_that_is_not_known_is_refused_with_what_is() -> None:
    assert "expected a code of ISO 3166" in refusal("England", "2027")
    assert "GB has no such part; it has ENG NIR SCT WLS" in refusal("GB-LND", "2027")
    assert CliRunner().invoke(minutebook, ["holidays", "GB", "2500"]).exit_code == 2


def test_without_the_package_it_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(InputError, match=r"install `minutebook\[holidays\]`"):
        CliRunner().invoke(minutebook, ["holidays", "GB", "2027"], catch_exceptions=False)
