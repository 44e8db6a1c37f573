"""A new configuration while the daemon runs: all of it or nothing (reliability.md, H2)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, instant, now_ms

LAST_RELOAD = "minutebook_config_last_reload_successful"
Ask = Callable[[Daemon], None]


@pytest.fixture
def operator(minutebook: Minutebook) -> str:
    """A token that may reload."""
    return minutebook.well("token", "add", "operator").strip()


def scheduled(minutebook: Minutebook) -> list[int]:
    """The slots that were looked in, UTC ms."""
    return [instant(result["scheduled_at"]) for result in minutebook.facts("result") if not result.get("confirm")]


@pytest.mark.parametrize("how", ["signal", "request"])
def test_a_bad_file_changes_nothing(
    minutebook: Minutebook, daemon: Daemon, operator: str, until: Until, how: str
) -> None:
    file = minutebook.folder / "minutebook.yaml"
    file.write_text(file.read_text().replace("interval: 1s", "intervall: 1s"))
    if how == "signal":
        daemon.send(signal.SIGHUP)
    else:
        answer = daemon.reload(operator)
        assert answer.status == 422
        assert "intervall" in answer.json["problems"][0]
    until(lambda: daemon.value(LAST_RELOAD) == 0)
    if how == "signal":
        assert "the configuration stays as it is" in daemon.said
        assert "minutebook.yaml:4:" in daemon.said
    seen = daemon.value("minutebook_facts_recorded_total", kind="result") or 0
    until(lambda: (daemon.value("minutebook_facts_recorded_total", kind="result") or 0) > seen + 1)
    assert len(minutebook.facts("terms")) == 1


@pytest.mark.parametrize("how", ["signal", "request"])
def test_a_good_file_is_swapped_in_and_the_statement_says_so(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until, how: str
) -> None:
    until(lambda: daemon.value("minutebook_facts_recorded_total", kind="result"))
    configuration(minutebook.folder, app, fall=5)
    if how == "signal":
        daemon.send(signal.SIGHUP)
    else:
        assert daemon.reload(operator).json == {"reloaded": True}
    until(lambda: len(minutebook.facts("terms")) == 2)
    assert daemon.value(LAST_RELOAD) == 1
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "config_changed"]
    [statement] = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    [changed] = statement["terms_changed"]
    first, second = minutebook.facts("terms")
    assert second["terms"]["services"][0]["checks"][0]["fall"] == 5
    assert first["digest"] != second["digest"] == statement["terms"]["digest"]
    assert changed["at"] == second["recorded_at"]


def test_an_unchanged_check_keeps_its_slots_and_a_new_one_is_looked_at(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until
) -> None:
    until(lambda: (daemon.value("minutebook_facts_recorded_total", kind="result") or 0) >= 2)
    path = configuration(minutebook.folder, app)
    more = f"{{name: other, http: {{url: '{app.url}?other'}}, interval: 1s, timeout: 1s}}"
    path.write_text(path.read_text().replace("checks: [", f"checks: [{more}, "))
    for _ in range(3):
        assert daemon.reload(operator).status == 200
    until(lambda: daemon.value("probe_success", check="other") == 1)
    assert daemon.stop() == 0
    slots = sorted(
        instant(result["scheduled_at"]) for result in minutebook.facts("result") if result["check"] == "web"
    )
    assert {later - earlier for earlier, later in pairwise(slots)} == {1000}
    assert daemon.said.count("Traceback") == 0


def test_a_removed_check_leaves_the_page(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until
) -> None:
    until(lambda: daemon.value("probe_success", check="web") == 1)
    path = configuration(minutebook.folder, app)
    path.write_text(path.read_text().replace("name: web", "name: web2"))
    assert daemon.reload(operator).status == 200
    until(lambda: daemon.value("probe_success", check="web2") == 1)
    assert daemon.page().of("probe_success", check="web") == []


def test_what_needs_a_restart_stays_as_it_is(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until
) -> None:
    path = configuration(minutebook.folder, app)
    path.write_text(path.read_text().replace("location: here", "location: elsewhere") + "storage: sqlite:///new.db\n")
    assert daemon.reload(operator).status == 200
    until(lambda: daemon.value("probe_success", vantage="here") == 1)
    until(lambda: "location: changed in the file; it takes effect at the next start" in daemon.said)
    assert "storage: changed in the file" in daemon.said
    assert daemon.stop() == 0
    path.write_text(path.read_text().replace("storage: sqlite:///new.db\n", ""))
    assert {result["vantage"] for result in minutebook.facts("result")} == {"here"}
    assert {fact["source"] for fact in minutebook.facts("lifecycle", "terms")} == {"here"}


def test_reloads_that_overlap_leave_the_newest_file(
    minutebook: Minutebook, daemon: Daemon, app: App, until: Until, tmp_path: Path
) -> None:
    for fall in range(3, 13):
        configuration(tmp_path, app, fall=fall)
        daemon.send(signal.SIGHUP)
    until(lambda: minutebook.facts("terms")[-1]["terms"]["services"][0]["checks"][0]["fall"] == 12)
    assert daemon.value(LAST_RELOAD) == 1
    assert daemon.stop() == 0
