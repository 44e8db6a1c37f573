"""An announced peak from the command to its report: recorded beside a daemon, looked at more often, summed up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from monitor.ledger.period import HOUR, MINUTE, SECOND, format_instant, parse_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, now_ms

CUSTOMERS = """
policies: [{effective_from: 2026-01-01, traffic_events: {notice: 7d, factor: 5, event_interval: 1s}}]
customers: [{name: acme, plan: enterprise, since: 2026-01-01, monthly_fee: 499.00 USD}]
"""


@pytest.mark.long
def test_a_peak_is_recorded_looked_at_more_often_and_reported(
    start: Callable[..., Daemon], minutebook: Minutebook, app: App, until: Until
) -> None:
    configuration(minutebook.folder, app, more=CUSTOMERS, interval="60s", timeout="1s")
    daemon = start().ready()
    begin, end = now_ms() - MINUTE, now_ms() + HOUR
    span = ["--start", format_instant(begin), "--end", format_instant(end), "--factor", "8", "--author", "alice"]
    said = minutebook.well("event", "--customer", "acme", "--id", "sale", *span)
    assert said.splitlines()[0] == "sale: recorded, by alice (unauthenticated)"
    assert "late: the notice is" in said
    refused = minutebook("event", "--customer", "nobody", *span)
    assert (refused.status, "there is no customer" in refused.err) == (2, True)
    again = minutebook.well("event", "announce", "--customer", "acme", "--id", "sale", *span)
    assert again.startswith("sale: stands recorded already")

    until(lambda: len(minutebook.facts("result")) >= 4)  # without the peak it is one a minute
    assert daemon.stop() == 0
    planned = [parse_instant(str(fact["scheduled_at"])) for fact in minutebook.facts("result")]
    assert {at % SECOND for at in planned} == {planned[0] % SECOND}
    told = json.loads(minutebook.well("event", "report", "sale", "--format", "json"))
    assert (told["late"], told["below_factor"], told["services"][0]["verdict"]) == (True, False, "running")
    assert told["services"][0]["up_ms"] > 0
    assert "Announced peak sale" in minutebook.well("event", "report", "sale")
    alone = minutebook("event", "report", "sale", "--sentry")
    assert (alone.status, "events_project" in alone.err) == (2, True)
    missing = minutebook("event", "report", "other")
    assert (missing.status, "recorded are: sale" in missing.err) == (2, True)
