"""Leaving, being stopped and going on: our own absence is never the app's downtime (reliability.md, B2, H1)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant, parse_instant
from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration, instant, now_ms

Start = Callable[..., Daemon]


def down_ms(minutebook: Minutebook) -> int:
    [statement] = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    down: int = statement["accounts_ms"]["down"]
    return down


def test_a_stop_is_recorded_and_the_look_under_way_is_void(
    minutebook: Minutebook, daemon: Daemon, app: App, until: Until
) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    app.answering.clear()
    asked = app.asked
    until(lambda: app.asked > asked)
    assert daemon.stop() == 0
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "stopped"]
    last = max(minutebook.facts("result"), key=lambda fact: str(fact["at"]))
    assert (last["outcome"], last["reason"]) == ("void", "self_stop")
    assert down_ms(minutebook) == 0
    assert "Traceback" not in daemon.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_either_signal_ends_it_well(daemon: Daemon, number: signal.Signals) -> None:
    assert daemon.stop(number) == 0


def test_told_twice_it_still_leaves_in_order(minutebook: Minutebook, daemon: Daemon, app: App) -> None:
    app.answering.clear()
    daemon.send(signal.SIGTERM)
    assert daemon.stop() == 0
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "stopped"]


def listens_to(process: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    caught = Path(f"/proc/{process}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(caught, 16) >> number - 1 & 1)


def test_a_stop_before_anything_has_begun_is_a_good_end(
    minutebook: Minutebook, start: Start, app: App, until: Until
) -> None:
    configuration(minutebook.folder, app)
    daemon = start()
    until(lambda: listens_to(daemon.process.pid, signal.SIGTERM))
    assert daemon.stop() == 0
    assert daemon.said == ""
    assert not (minutebook.folder / "minutebook.db").exists()


def test_a_stop_during_the_start_is_heeded(
    minutebook: Minutebook, start: Start, app: App, tmp_path: Path, until: Until
) -> None:
    configuration(minutebook.folder, app)
    daemon = start()
    until((minutebook.folder / "minutebook.db.lock").exists)
    assert daemon.stop() == 0
    events = [fact["event"] for fact in minutebook.facts("lifecycle")]
    assert events in ([], ["started", "stopped"])


def test_a_process_that_was_stopped_knows_nothing_of_that_time(
    minutebook: Minutebook, daemon: Daemon, until: Until
) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    daemon.send(signal.SIGSTOP)
    stopped = now_ms()
    until(lambda: now_ms() >= stopped + 4000)
    daemon.send(signal.SIGCONT)
    until(lambda: daemon.value("probe_success") == 1)
    went_on = now_ms()
    until(lambda: now_ms() >= went_on + 1000)
    assert daemon.stop() == 0
    results = sorted(minutebook.facts("result"), key=lambda fact: str(fact["at"]))
    assert {result["outcome"] for result in results} == {"pass", "void"}
    assert_nothing_was_made_up(results)
    scheduled = [(parse_instant(str(each["at"])), each) for each in results if not each.get("confirm")]
    covered = sum(  # a result covers until the next scheduled one at most (accounting.md, section 2.2)
        min(following - at, each["hold_ms"])
        for (at, each), (following, _) in pairwise(scheduled)
        if each["outcome"] == "void" and each["reason"] != "self_stop"
    )
    assert 2500 <= covered <= 6000, scheduled
    assert down_ms(minutebook) == 0


@pytest.mark.long
def test_a_long_suspension_is_recorded(minutebook: Minutebook, daemon: Daemon, until: Until) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    daemon.send(signal.SIGSTOP)
    stopped = now_ms()
    until(lambda: now_ms() >= stopped + 12_000)
    daemon.send(signal.SIGCONT)
    until(lambda: daemon.value("probe_success") == 1)
    assert daemon.stop() == 0
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "suspended", "stopped"]
    reasons = {result["reason"] for result in minutebook.facts("result") if result["outcome"] != "pass"}
    assert "self_suspended" in reasons
    assert reasons <= {"self_suspended", "self_stop"}
    assert down_ms(minutebook) == 0


def assert_nothing_was_made_up(results: list[Json]) -> None:
    """No burst of looks afterwards to make up for the slots that went by."""
    looks = [instant(result["at"]) for result in results if result["outcome"] == "pass" and not result.get("confirm")]
    apart = [later - earlier for earlier, later in pairwise(looks)]
    assert min(apart) > 500, apart
