"""Heartbeats of a real daemon: a job that reports and falls silent, and a daemon that goes away meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from tests.daemon.programs import Daemon, Json, Minutebook, Until, free_port, instant

Start = Callable[..., Daemon]

HOLDS_MS = 3_000


@pytest.fixture
def listening(start: Start, minutebook: Minutebook, tmp_path: Path) -> Callable[[], Daemon]:
    """Starts a daemon that has one heartbeat, on the same store each time."""
    (tmp_path / "minutebook.yaml").write_text(
        f"location: here\nserver: {{listen: '127.0.0.1:{free_port()}'}}\n"
        "services: [{name: jobs, checks: [{name: job, heartbeat: {every: 2s, grace: 1s}}]}]\n"
    )
    return lambda: start("-c", "minutebook.yaml").ready()


def report(daemon: Daemon, token: str, **words: Json) -> Json:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = daemon.ask("POST", "/api/v1/heartbeats/job", json.dumps(words).encode() if words else b"", headers)
    assert answer.status == 200, answer
    return answer.json


def in_order(minutebook: Minutebook) -> list[Json]:
    """Every result, by its instant."""
    return sorted(minutebook.facts("result"), key=lambda result: instant(result["at"]))


def end_of(result: Json) -> int:
    return instant(result["at"]) + int(result["hold_ms"])


def test_a_job_that_falls_silent_is_down_until_it_reports_or_the_daemon_goes(
    listening: Callable[[], Daemon], minutebook: Minutebook, until: Until
) -> None:
    daemon, token = listening(), minutebook.token("agent")
    assert report(daemon, token, duration_ms=1500) == {"new": 1}
    until(lambda: daemon.value("probe_success", check="job") == 1)
    assert daemon.value("probe_duration_seconds", check="job") == 1.5
    until(lambda: daemon.value("probe_fail_info", check="job", reason="heartbeat_missed") == 1)
    until(lambda: daemon.value("sla_service_up", service="jobs") == 0)
    report(daemon, token)
    until(lambda: daemon.value("sla_service_up", service="jobs") == 1)
    until(lambda: daemon.value("probe_success", check="job") == 0)
    assert daemon.stop() == 0
    results = in_order(minutebook)
    first, second = (place for place, result in enumerate(results) if result["outcome"] == "pass")
    assert results[first]["source"] == "there"
    for earlier, later in pairwise(results[first:second]):
        assert (later["reason"], instant(later["at"])) == ("heartbeat_missed", end_of(earlier))
    assert {result["hold_ms"] for result in results[first : second + 2]} == {HOLDS_MS}
    stopped = instant(minutebook.facts("lifecycle")[-1]["at"])
    assert results[-1]["reason"] == "self_stop" or end_of(results[-1]) <= stopped


@pytest.mark.long
def test_what_a_job_said_while_the_daemon_was_killed_is_no_miss(
    listening: Callable[[], Daemon], minutebook: Minutebook, until: Until
) -> None:
    daemon = listening()
    report(daemon, minutebook.token())
    daemon.kill()
    [told] = in_order(minutebook)
    until(lambda: SystemClock().now() > end_of(told))  # sooner, and the void is over before anybody asks for metrics
    daemon = listening()
    since = until(lambda: daemon.value("minutebook_void_since_timestamp_seconds", check="job", reason="self_down"))
    until(lambda: daemon.value("probe_fail_info", check="job", reason="heartbeat_missed") == 1)
    daemon.kill()
    heard, void, missed, *_ = in_order(minutebook)
    assert (heard["outcome"], void["reason"], missed["reason"]) == ("pass", "self_down", "heartbeat_missed")
    assert instant(void["at"]) == end_of(heard) == round((since or 0) * 1000)
    assert instant(missed["at"]) == end_of(void)
    [_, started] = [instant(fact["at"]) for fact in minutebook.facts("lifecycle") if fact["event"] == "started"]
    assert end_of(void) >= started + HOLDS_MS
