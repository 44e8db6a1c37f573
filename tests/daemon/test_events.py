"""An announced peak from the command to its report: recorded beside a daemon, looked at more often, summed up."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from monitor.ledger.period import HOUR, MINUTE, SECOND, format_instant, parse_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, now_ms
from tests.daemon.test_channels import hook
from tests.vendors import sentry
from tests.vendors.sentry import Sentry
from tests.vendors.serving import served

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


SENTRY = """
sources:
  - name: s
    vantage_of: {'1': web}
    sentry_uptime: {organization: optizio, url: 'URL', auth_token: {from_file: token}, events_project: web}
"""
CHANNEL = """
policies: [{effective_from: 2026-01-01, traffic_events: {event_interval: 1s}}]
customers: [{name: acme, plan: p, since: 2026-01-01, monthly_fee: 1.00 USD, channel: {webhook: {from_file: hook}}}]
"""


@pytest.mark.long
def test_the_daemon_tells_sentrys_count_in_summaries_and_metric_and_a_cancelled_peak_is_told_no_more(
    start: Callable[..., Daemon], minutebook: Minutebook, app: App, until: Until
) -> None:
    theirs = Sentry()
    theirs.watch("1", "web")
    theirs.stats |= {hour * HOUR: 40 for hour in range(now_ms() // HOUR - 2, now_ms() // HOUR + 3)}
    with hook() as (taken, address), served(theirs) as vendor:
        for file, text in (("hook", address), ("token", sentry.TOKEN)):
            (minutebook.folder / file).write_text(text)
        configuration(minutebook.folder, app, more=CHANNEL + SENTRY.replace("URL", vendor.url), interval="60s")
        daemon = start().ready()
        begin = now_ms() + 2 * SECOND

        def announce(name: str, end: int) -> None:
            span = ["--start", format_instant(begin), "--end", format_instant(end), "--author", "alice"]
            minutebook.well("event", "--customer", "acme", "--id", name, "--factor", "8", *span)

        def titles() -> list[str]:
            return [str(message["title"]) for message in taken]

        def running() -> set[str]:
            return {sample.labels["event"] for sample in daemon.page().of("sla_event_end_timestamp_seconds")}

        for count, name in enumerate(("sale", "gone"), 1):
            announce(name, begin + HOUR)
            until(partial(lambda count: len(taken) == count, count))
        assert all(any("Sentry" in line for line in message["lines"]) for message in taken)  # type: ignore[attr-defined]
        assert titles() == [f"Announced peak {name} has begun" for name in ("sale", "gone")]
        assert running() == {"sale", "gone"}
        assert "it had begun" in minutebook.well("event", "cancel", "gone", "--author", "alice")
        assert minutebook.well("event", "cancel", "gone", "--author", "alice").startswith("gone: stands recorded")
        until(lambda: running() == {"sale"})
        unknown = minutebook("event", "cancel", "other", "--author", "alice")
        assert (unknown.status, "announce it first" in unknown.err) == (2, True)
        until(lambda: (daemon.value("sla_event_sentry_events") or 0) >= 40, within_s=60.0)
        announce("sale", now_ms() + SECOND)
        until(lambda: len(taken) == 3)
        assert titles()[-1] == "Announced peak sale is over"
        assert any("Sentry received" in line for line in taken[-1]["lines"])  # type: ignore[attr-defined]
        no_report = minutebook("event", "report", "gone")
        assert (no_report.status, "'gone' is cancelled" in no_report.err) == (2, True)
        again = json.loads(minutebook.well("event", "report", "sale", "--sentry", "--format", "json"))
        assert sum(each["events"] for each in again["sentry_events"]) >= 40
        assert daemon.stop() == 0
        assert sentry.TOKEN not in daemon.said
    assert [message["thread"] for message in taken] == [
        f"event/{name}/{format_instant(begin)}" for name in ("sale", "gone", "sale")
    ]
