"""An app that goes away and comes back: the outage is booked where it was, and every face says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Json, Minutebook, Page, Until, configuration, instant, now_ms

Start = Callable[..., Daemon]

JUST_BEFORE_MS = 50
"""The app may answer this long before it is known to."""


class Truth(NamedTuple):
    """When the app really was away, UTC ms."""

    start: int
    end: int


def take_away(app: App, daemon: Daemon, until: Until, away_s: int) -> Truth:
    """Stops the app for so long and starts it again, until the daemon has seen both."""
    until(lambda: daemon.value("sla_service_up") == 1, within_s=40)
    stopped = app.stop()
    until(lambda: now_ms() >= stopped + away_s * 1000, within_s=away_s + 1)
    assert daemon.value("sla_service_up") == 0
    started = app.start()
    until(lambda: daemon.value("sla_service_up") == 1, within_s=40)
    return Truth(stopped, started)


def settled(daemon: Daemon, until: Until) -> Page:
    """A page whose evaluation began after everything that the one before knew."""
    before = daemon.page().as_of
    until(lambda: daemon.page().as_of > before)
    return daemon.page()


def stated(minutebook: Minutebook, page: Page, *arguments: str) -> Json:
    """The statement as of the page's instant."""
    as_of = ("--month", page.month, "--as-of", format_instant(page.as_of), "--format", "json")
    [statement] = minutebook("statement", *as_of, *arguments).json
    return statement


def accounts_of(statement: Json) -> Mapping[str, int]:
    amounts = statement["accounts_ms"]
    excused = {f"excused{name}": ms for name, ms in amounts["excused"].items()}
    return {**{name: amounts[name] for name in ("up", "down", "unknown", "pending")}, **excused}


def assert_true_to(truth: Truth, statement: Json, within_ms: int) -> None:
    """One outage, whose edges are those of the truth but for what one look sees late."""
    [outage] = statement["outages"]
    assert 0 <= instant(outage["start"]) - truth.start <= within_ms, (outage, truth)
    assert -JUST_BEFORE_MS <= instant(outage["end"]) - truth.end <= within_ms, (outage, truth)
    assert outage["ms"] == statement["accounts_ms"]["down"]
    assert outage["reasons"].keys() <= {"tcp_refused", "tcp_reset", "http_reset"}


def assert_all_say_the_same(minutebook: Minutebook, daemon: Daemon, page: Page, *arguments: str) -> Json:
    """/metrics, the command and the API, of one instant; the accounts add up to the month."""
    statement = stated(minutebook, page, *arguments)
    accounts = accounts_of(statement)
    assert page.accounts_ms() == accounts
    assert sum(accounts.values()) == statement["accounts_ms"]["month"]
    assert page.value("sla_month_length_seconds", month=page.month) == statement["accounts_ms"]["month"] / 1000
    remaining = page.value("sla_error_budget_remaining_seconds", month=page.month)
    assert remaining == pytest.approx(statement["remaining_ms"] / 1000, abs=0.0005)
    path = f"/api/v1/statements/{statement['service']}/{page.month}?as_of={format_instant(page.as_of)}"
    assert daemon.get(path).status == 401
    return statement


def test_an_outage_is_booked_where_it_was_on_every_face(
    minutebook: Minutebook, daemon: Daemon, app: App, until: Until
) -> None:
    truth = take_away(app, daemon, until, away_s=8)
    page = settled(daemon, until)
    statement = assert_all_say_the_same(minutebook, daemon, page)
    assert_true_to(truth, statement, within_ms=1500)
    assert page.value("probe_success", instance=app.url, service="app", check="web", vantage="here") == 1
    token = minutebook.token("viewer")
    path = f"/api/v1/statements/app/{page.month}?as_of={format_instant(page.as_of)}"
    assert daemon.ask("GET", path, headers={"Authorization": f"Bearer {token}"}).json == statement


@pytest.mark.long
@pytest.mark.timeout(240)
def test_ninety_seconds_are_true_within_two_and_a_half(
    minutebook: Minutebook, start: Start, app: App, tmp_path: Path, until: Until
) -> None:
    configuration(tmp_path, app, interval="2s")
    daemon = start().ready()
    truth = take_away(app, daemon, until, away_s=90)
    statement = assert_all_say_the_same(minutebook, daemon, settled(daemon, until))
    assert_true_to(truth, statement, within_ms=2500)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_address_alone_is_true_within_its_default_interval(
    minutebook: Minutebook, start: Start, app: App, until: Until, default_port: None
) -> None:
    daemon = start(app.url).ready()
    truth = take_away(app, daemon, until, away_s=90)
    page = settled(daemon, until)
    statement = assert_all_say_the_same(minutebook, daemon, page)
    assert_true_to(truth, statement, within_ms=30_500)
    assert page.value("probe_success", instance=app.url) == 1


def test_an_address_alone_is_enough(minutebook: Minutebook, start: Start, app: App, default_port: None) -> None:
    daemon = start(app.url).ready()
    page = daemon.page()
    [length] = page.of("sla_month_length_seconds", month=page.month)
    assert sum(page.accounts_ms().values()) == length.value * 1000
    assert daemon.get("/").status == 200
    assert daemon.stop() == 0
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "stopped"]
    first_line = minutebook.well("statement", "--month", page.month).splitlines()[0]
    assert "measured" in first_line
