"""The policies that are shipped say what their promises say, each in its own words."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.closing import Wanted, statements
from monitor.config import Config, check, parse, to_terms
from monitor.facts import Result
from monitor.ledger.period import HOUR, MINUTE, Month, Period, midnight, moment, parse_instant
from monitor.ledger.response import Given, Ticket, settle
from monitor.ledger.terms import CreditTerms, TerminationTerms, policy_for
from monitor.routine import windows

FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
CHICAGO = ZoneInfo("America/Chicago")
YEAR = Period(midnight(date(2026, 1, 1), CHICAGO), midnight(date(2027, 1, 1), CHICAGO))


@cache
def config(name: str) -> Config:
    return check(FOLDER / f"{name}.yaml", {}).config


def targets(found: Config, version: int = 0) -> dict[str, tuple[str, str]]:
    assert found.policies is not None
    support = found.policies[version].support
    assert support is not None
    return {name: (str(due.in_hours), str(due.after_hours)) for name, due in support.respond_within.items()}


def hours(found: Config, version: int = 0) -> dict[int, str]:
    assert found.policies is not None
    support = found.policies[version].support
    assert support is not None
    return {day: ", ".join(map(str, openings)) for day, openings in support.hours.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_accepted_without_a_warning(path: Path) -> None:
    assert check(path, {}).warnings == ()


# ---------------------------------------------------------------- Discount Kit


def test_discount_kit_promises_what_its_sla_says() -> None:
    found = config("discount-kit")
    policy = policy_for(to_terms(found).policies, Month(2025, 8))
    assert (policy.objective, policy.downtime_cap_ms, policy.notice_ms) == (Fraction(999, 1000), 43 * MINUTE, 48 * HOUR)
    assert (policy.evidence, policy.approval_required) == ("corroborated", True)
    assert policy.credits == CreditTerms(Fraction(1, 10), Fraction(1), 3, frozenset({"enterprise"}))
    assert policy.termination == TerminationTerms(consecutive_months=3, breaches=4, within_months=6)
    assert policy.vitals is not None
    assert {name: str(limit) for name, limit in policy.vitals.limits.items()} == {
        "LCP": "< 2500",
        "INP": "< 200",
        "CLS": "< 0.1",
    }
    assert targets(found) == {"critical": ("30m", "2h"), "high": ("12h", "next_business_day"), "low": ("3bd", "3bd")}
    assert hours(found) == dict.fromkeys(range(5), "09:00-21:00")


def test_discount_kits_support_is_around_the_clock_from_september_2025() -> None:
    found = config("discount-kit")
    policies = to_terms(found).policies
    decides = [policy_for(policies, month).effective_from for month in (Month(2025, 8), Month(2025, 9))]
    assert decides == [date(2025, 7, 1), date(2025, 9, 1)]
    assert hours(found, 1) == dict.fromkeys(range(7), "00:00-24:00")
    assert targets(found, 1) == targets(found, 0)
    assert found.policies is not None
    assert [each.support.business_days for each in found.policies if each.support] == [(0, 1, 2, 3, 4)] * 2


def test_a_version_announced_late_takes_effect_late_and_both_the_check_and_the_statement_say_so(tmp_path: Path) -> None:
    text = (FOLDER / "discount-kit.yaml").read_text().replace("2025-07-28", "2025-08-20")
    (tmp_path / "late.yaml").write_text(text)
    [warning] = [str(each) for each in check(tmp_path / "late.yaml", {}).warnings]
    assert "announced on 2025-08-20, less than 30d ahead: it takes effect on 2025-09-19" in warning
    terms = to_terms(parse(text, "late.yaml", tmp_path, {}))
    facts = [
        Result(
            recorded_at=(at := midnight(date(2025, 8, 1), terms.zone)),
            check="admin",
            vantage="v",
            at=at,
            outcome="pass",
        )
    ]
    for month, effective, late in (
        (Month(2025, 8), "2025-07-01", None),
        (
            Month(2025, 9),
            "2025-07-01",
            [{"effective_from": "2025-09-01", "announced_on": "2025-08-20", "takes_effect": "2025-09-19"}],
        ),
        (Month(2025, 10), "2025-09-01", None),
    ):
        end = month.period(terms.zone).end
        [stated] = statements(facts, terms, Wanted(["app"], month, end))
        policy = stated["policy"]
        assert isinstance(policy, dict)
        assert (policy["effective_from"], policy.get("announced_late")) == (effective, late)


# ---------------------------------------------------------------- Logik.io

LOGIK = {
    "logik-standard": {"low": "2bd", "medium": "1bd", "urgent": "4bh", "critical": "2h"},
    "logik-premier": {"low": "1bd", "medium": "8bh", "urgent": "2bh", "critical": "1h"},
}


@pytest.mark.parametrize("region", ["", "-emea"])
@pytest.mark.parametrize("tier", LOGIK)
def test_logik_answers_by_tier_in_the_hours_of_the_region(tier: str, region: str) -> None:
    found = config(tier + region)
    assert targets(found) == {name: (due, due) for name, due in LOGIK[tier].items()}
    opening = "07:00-21:00" if region else "07:00-18:00"
    assert hours(found) == dict.fromkeys(range(5), opening)
    assert found.policies is not None
    support = found.policies[0].support
    assert support is not None
    assert str(support.timezone) == ("Europe/Berlin" if region else "America/Chicago")
    assert date(2026, 1, 1) in support.holidays
    assert all(day.weekday() < 5 for day in support.holidays)


@pytest.mark.parametrize("name", [tier + region for tier in LOGIK for region in ("", "-emea")])
def test_logiks_weekly_maintenance_is_from_friday_evening_to_sunday_morning_all_year(name: str) -> None:
    [weekend] = [each for each in config(name).routine_maintenance if each.name == "weekend"]
    found = [window for _, window in windows(weekend, CHICAGO, YEAR)]
    assert len(found) == 52
    edges = {tuple(moment(at).astimezone(CHICAGO).strftime("%a %H:%M") for at in window) for window in found}
    assert edges == {("Fri 20:00", "Sun 05:00")}
    assert {window.end - window.start for window in found} == {32 * HOUR, 33 * HOUR, 34 * HOUR}  # the clocks change


@pytest.mark.parametrize("name", [tier + region for tier in LOGIK for region in ("", "-emea")])
def test_logiks_releases_alternate_between_test_and_production(name: str) -> None:
    routines = {each.name: each for each in config(name).routine_maintenance}
    days: dict[str, list[date]] = {}
    for where, weekday in (("test", 3), ("production", 4)):
        routine = routines[f"release-{where}"]
        assert routine.services == (where,)
        days[where] = [day for day, _ in windows(routine, CHICAGO, YEAR)]
        assert {day.weekday() for day in days[where]} == {weekday}
        assert {later - day for day, later in zip(days[where], days[where][1:], strict=False)} == {timedelta(days=14)}
    weeks = [{day.isocalendar().week for day in found} for found in days.values()]
    assert not weeks[0] & weeks[1]


# ---------------------------------------------------------------- support packages


def test_a_support_package_has_four_levels() -> None:
    assert [*targets(config("support-packages"))] == ["1-emergency", "2-partial-outage", "3-high", "4-regular"]


# ---------------------------------------------------------------- the instants that they come to


def due(name: str, priority: str, received: str, version: int = 0) -> str:
    """When a ticket is due, on the wall of the policy's calendar."""
    support = to_terms(config(name)).policies[version].support
    assert support is not None
    at = parse_instant(received)
    ticket = Ticket("t1", "acme", None, (Given(at, priority, at),))
    found = settle(ticket, support, at).due
    assert found is not None
    return moment(found).astimezone(support.calendar.zone).strftime("%a %d %b %H:%M")


@pytest.mark.parametrize(
    ("name", "priority", "received", "expected"),
    [
        ("discount-kit", "critical", "2025-07-18T20:01:00Z", "Fri 18 Jul 23:01"),  # Friday 21:01, after hours
        ("discount-kit", "high", "2025-07-19T10:00:00Z", "Mon 21 Jul 21:00"),
        ("logik-standard", "low", "2026-03-05T16:00:00Z", "Mon 09 Mar 10:00"),  # Thursday 10:00 in Chicago
        ("logik-premier", "low", "2026-03-05T16:00:00Z", "Fri 06 Mar 10:00"),
        ("logik-premier", "medium", "2026-03-06T22:00:00Z", "Mon 09 Mar 13:00"),  # 2 h of Friday, 6 h of Monday
        ("logik-standard", "urgent", "2026-11-25T23:00:00Z", "Fri 27 Nov 10:00"),  # 1 h before closing, Thanksgiving
        ("logik-standard", "critical", "2026-11-26T09:00:00Z", "Thu 26 Nov 05:00"),  # around the clock
        ("logik-premier-emea", "urgent", "2026-03-06T19:30:00Z", "Mon 09 Mar 08:30"),  # Friday 20:30 in Berlin
    ],
)
def test_a_ticket_is_due_when_the_promise_says(name: str, priority: str, received: str, expected: str) -> None:
    assert due(name, priority, received) == expected


def test_with_support_around_the_clock_the_target_of_opening_hours_holds_at_night() -> None:
    assert due("discount-kit", "critical", "2025-09-13T01:00:00Z", 1) == "Sat 13 Sep 02:30"
