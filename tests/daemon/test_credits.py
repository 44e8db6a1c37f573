"""A late answer beside a running daemon: what it is worth, who claims it, and who never hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.ledger.period import HOUR, format_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, now_ms

POLICY = """
policies:
  - effective_from: 2026-01-01
    support:
      hours: {mon-sun: "00:00-24:00"}
      respond_within: {critical: {in_hours: 30m, after_hours: 30m}}
    credits: {per_breach: 10%}
    termination: {}
customers: [{name: acme, plan: any, since: 2026-01-01, monthly_fee: 499.00 USD}]
"""


@pytest.mark.long
def test_a_breach_is_shown_claimed_and_granted_through_the_daemon_and_told_to_operators_only(
    start: Callable[..., Daemon], minutebook: Minutebook, app: App, until: Until, tmp_path: Path
) -> None:
    configuration(tmp_path, app, POLICY)
    daemon = start().ready()
    token = minutebook.well("token", "add", "operator", "--name", "ann").strip()
    received = now_ms() - 2 * HOUR
    ticket = {"ticket": "t1", "customer": "acme", "priority": "critical", "received_at": format_instant(received)}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert daemon.ask("POST", "/api/v1/tickets", json.dumps(ticket).encode(), headers).status == 200
    month = format_instant(received)[:7]
    breach = f'sla_breaches{{commitment="response:critical",month="{month}"}} 1'
    until(lambda: breach in daemon.get("/metrics").body)
    shown = daemon.get("/metrics").body
    assert f'sla_credit_ratio{{customer="acme",month="{month}"}} 0.100000000' in shown
    assert f'sla_termination_right{{customer="acme",month="{month}"}} 0' in shown
    asked = ("--customer", "acme", "--month", month, "--commitment", "response:critical")
    assert "in time" in minutebook.well("claim", "c1", *asked, "--author", "ann")
    assert minutebook.well("claim", "c1", "--grant", "--author", "ben").startswith("c1: recorded, by ben")
    again = minutebook("claim", "c1", "--refuse", "--reason", "no", "--author", "ben")
    assert (again.status, "granted, which is final" in again.err) == (2, True)
    assert "owed 49.90 USD" in minutebook.well("credits", "--month", month)
    path = f"/services/app/{month}"
    if daemon.get(path).status == 200:  # not where two hours ago was the month before, which nobody looked at
        whole = daemon.ask("GET", path, b"", {"Authorization": f"Bearer {token}"}).body
        assert "49.90 USD" in whole
        for public in (path, "/", "/status.json"):
            told = daemon.get(public).body
            assert "acme" not in told
            assert "USD" not in told
