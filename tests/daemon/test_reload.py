"""A new configuration while the daemon runs: all of it or nothing (reliability.md, H2)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, free_port, instant, now_ms

LAST_RELOAD = "minutebook_config_last_reload_successful"


@pytest.fixture
def operator(minutebook: Minutebook) -> str:
    """A token that may reload."""
    return minutebook.token()


@pytest.fixture
def bad_file(minutebook: Minutebook) -> Iterator[None]:
    """A slip of the pen in the file, until the block is left."""
    file = minutebook.folder / "minutebook.yaml"
    good = file.read_text()
    file.write_text(good.replace("interval: 1s", "intervals: 1s"))
    yield
    file.write_text(good)


def assert_goes_on(daemon: Daemon, until: Until) -> None:
    """The old checks are still looked at."""
    seen = results(daemon)
    until(lambda: results(daemon) > seen + 1)


def results(daemon: Daemon) -> float:
    return daemon.value("minutebook_facts_recorded_total", kind="result") or 0


def test_a_bad_file_changes_nothing(daemon: Daemon, operator: str, until: Until, bad_file: None) -> None:
    answer = daemon.reload(operator)
    assert answer.status == 422
    assert "minutebook.yaml:4:" in answer.json["problems"][0]
    assert "intervals" in answer.json["problems"][0]
    assert daemon.value(LAST_RELOAD) == 0
    assert_goes_on(daemon, until)


def test_a_bad_file_after_a_signal_is_told_in_the_log(daemon: Daemon, until: Until, bad_file: None) -> None:
    daemon.send(signal.SIGHUP)
    until(lambda: daemon.value(LAST_RELOAD) == 0)
    until(lambda: "the configuration stays as it is: minutebook.yaml:4:" in daemon.said)
    assert_goes_on(daemon, until)


def test_a_file_that_is_gone_changes_nothing_and_its_return_is_taken(
    minutebook: Minutebook, daemon: Daemon, operator: str, until: Until
) -> None:
    file = minutebook.folder / "minutebook.yaml"
    file.rename(file.with_suffix(".away"))
    assert daemon.reload(operator).status == 422
    assert_goes_on(daemon, until)
    file.with_suffix(".away").rename(file)
    assert daemon.reload(operator).status == 200
    assert daemon.value(LAST_RELOAD) == 1
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "config_changed"]


def test_a_good_file_is_swapped_in_and_the_statement_says_so(
    minutebook: Minutebook, daemon: Daemon, app: App, until: Until
) -> None:
    until(lambda: results(daemon))
    configuration(minutebook.folder, app, fall=5)
    daemon.send(signal.SIGHUP)
    until(lambda: len(minutebook.facts("terms")) == 2)
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started", "config_changed"]
    [statement] = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    [changed] = statement["terms_changed"]
    first, second = minutebook.facts("terms")
    assert second["terms"]["services"][0]["checks"][0]["fall"] == 5
    assert (changed["before"], changed["digest"]) == (first["digest"], second["digest"])
    assert changed["recorded_at"] == second["recorded_at"]
    assert statement["terms"]["digest"] == second["digest"]


def test_an_unchanged_check_keeps_its_slots_and_a_new_one_is_looked_at(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until
) -> None:
    until(lambda: results(daemon) >= 2)
    path = configuration(minutebook.folder, app)
    more = f"{{name: other, http: {{url: '{app.url}?other'}}, interval: 1s, timeout: 1s}}"
    path.write_text(path.read_text().replace("checks: [", f"checks: [{more}, "))
    for _ in range(3):
        assert daemon.reload(operator).status == 200
    until(lambda: daemon.value("probe_success", check="other") == 1)
    assert daemon.stop() == 0
    slots = sorted(instant(result["scheduled_at"]) for result in minutebook.facts("result") if result["check"] == "web")
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


def test_a_removed_service_leaves_no_series_behind(
    minutebook: Minutebook, daemon: Daemon, app: App, operator: str, until: Until
) -> None:
    """Neither of its month, nor of its looks, nor of what was void."""
    path = configuration(minutebook.folder, app)
    without, nobody = path.read_text(), free_port()
    proxy = f"proxy: {{url: 'http://127.0.0.1:{nobody}'}}"
    often = "interval: 1s, timeout: 1s"
    void = f"{{name: blind, http: {{url: '{app.url}', {proxy}}}, {often}}}"
    seen = f"{{name: seen, http: {{url: '{app.url}'}}, {often}, warn: {{duration: 1ms}}}}"
    path.write_text(without.replace("services: [", f"services: [{{name: gone, checks: [{void}, {seen}]}}, "))

    def left() -> set[str]:
        gone = {("service", "gone"), ("check", "blind"), ("check", "seen")}
        return {one.name for one in daemon.page().samples if gone & set(one.labels.items())}

    assert daemon.reload(operator).status == 200
    all_kinds = {"probe_success", "sla_account_seconds", "sla_burn_rate", "minutebook_void_seconds"}
    until(lambda: left() >= all_kinds | {"minutebook_void_since_timestamp_seconds", "minutebook_check_warning"})
    path.write_text(without)
    assert daemon.reload(operator).status == 200
    until(lambda: not left())


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
