"""What people record on the command line, beside a running daemon and without one, until it stands on the statement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.ledger.period import HOUR, format_instant
from tests.daemon.programs import App, Daemon, Minutebook, configuration, now_ms

POLICY = "policies: [{effective_from: 2026-01-01, declared_by_person: {approval: required}}]\n"


def outage(*more: str) -> list[str]:
    now = now_ms()
    span = ["--start", format_instant(now - 2 * HOUR), "--end", format_instant(now - HOUR)]
    told = ["--class", "connectivity", "--reason", "fibre cut", "--evidence", "https://carrier.example/1"]
    return ["exclude", *span, *told, *more]


@pytest.fixture
def configured(minutebook: Minutebook, app: App) -> Path:
    return configuration(minutebook.folder, app, POLICY)


def test_beside_a_running_daemon_what_is_said_reaches_its_ledger(
    start: Callable[..., Daemon], minutebook: Minutebook, configured: Path
) -> None:
    daemon = start().ready()
    socket = minutebook.folder / "minutebook.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    said = minutebook.well(*outage("--id", "x1", "--author", "alice"))
    assert said.splitlines()[0] == "x1: recorded, by alice (unauthenticated)"
    assert "not approved" in said
    refused = minutebook("approve", "x1", "--author", "alice")
    assert (refused.status, "another person" in refused.err) == (2, True)
    assert minutebook.well("approve", "x1", "--author", "bob").startswith("x1: recorded, by bob (unauthenticated)")
    recorded = [fact["kind"] for fact in minutebook.facts("exclusion", "exclusion_decision")]
    assert recorded == ["exclusion", "exclusion_decision"]
    assert daemon.stop() == 0
    assert not socket.exists()


def test_without_a_daemon_it_goes_into_the_store_and_a_token_proves_the_name(
    start: Callable[..., Daemon], minutebook: Minutebook, configured: Path
) -> None:
    assert start().ready().stop() == 0
    text = minutebook.well("token", "add", "operator", "--name", "carol").strip()
    done = minutebook(*outage("--id", "x1"), env={"MINUTEBOOK_TOKEN": text})
    assert (done.status, done.out.splitlines()[0]) == (0, "x1: recorded, by carol")
    again = minutebook(*outage("--id", "x1"), env={"MINUTEBOOK_TOKEN": text})
    assert again.status == 2  # two hours ago is another instant by now
    assert "stands for something else" in again.err
    wrong = minutebook("revoke", "x1", env={"MINUTEBOOK_TOKEN": text[:-1] + "?"})
    assert (wrong.status, "no operator's token" in wrong.err) == (2, True)
    nobody = minutebook("revoke", "x1")
    assert (nobody.status, "who does this?" in nobody.err) == (2, True)
    [fact] = minutebook.facts("exclusion")
    assert (fact["author"], fact["source"]) == ("carol", "person:carol")
    assert fact["authenticated_by"] == f"token {text.split('_')[2]}"


def test_a_maintenance_is_announced_with_too_short_a_notice_and_is_told_so_at_once(
    start: Callable[..., Daemon], minutebook: Minutebook, configured: Path
) -> None:
    start().ready()
    now = now_ms()
    said = minutebook.well(
        *("maintenance", "announce", "--start", format_instant(now + HOUR), "--end", format_instant(now + 2 * HOUR)),
        *("--url", "https://status.example.com/m/1", "--id", "m1", "--author", "alice"),
    )
    assert "notice too short" in said
    assert "the first start that earns it is 20" in said
    assert minutebook.well("maintenance", "cancel", "m1", "--author", "alice").startswith("m1: recorded")
    assert [fact["start"] is None for fact in minutebook.facts("maintenance")] == [False, True]
    unknown = minutebook("maintenance", "complete", "m2", "--author", "alice")
    assert (unknown.status, "there is no maintenance" in unknown.err) == (2, True)


def test_a_socket_left_by_a_daemon_that_was_killed_is_no_obstacle(
    start: Callable[..., Daemon], minutebook: Minutebook, configured: Path
) -> None:
    start().ready().kill()
    assert (minutebook.folder / "minutebook.sock").exists()
    assert minutebook.well(*outage("--id", "x1", "--author", "alice")).startswith("x1: recorded")
    start().ready()
    assert minutebook.well("revoke", "x1", "--author", "bob").startswith("x1: recorded")
