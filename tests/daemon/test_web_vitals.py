"""Beacons into real processes: what is acknowledged is kept through kill -9, and a flood delays no look."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from monitor.ledger.period import format_instant
from monitor.store import open_for_reading
from monitor.store.vitals import OpenSample
from tests.bench.beacons import METRICS, flood
from tests.bench.probes import p99
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, ended, free_port, now_ms

VITALS = """\
web_vitals: {auth: open, max_per_minute: 1000000}
policies: [{effective_from: 2025-01-01, availability: {objective: 99.9%}, web_vitals: {LCP: "<= 2.5s"}}]
"""
KILLS = 6
BEACONS = 40


def post(port: int, metric_id: str) -> int | None:
    """The status of one beacon; None where nothing answered."""
    body = json.dumps({"metrics": [{"id": metric_id, "name": "LCP", "value": 2412.5}]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/web-vitals", body, {"Content-Type": "text/plain"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - http, as written above
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except (OSError, HTTPException):
        return None


def open_samples(folder: Path) -> list[OpenSample]:
    with open_for_reading(f"sqlite:///{folder / 'minutebook.db'}") as reader:
        return list(reader.open_samples())


def listening(minutebook: Minutebook, port: int, until: Until) -> Daemon:
    """`minutebook ingest`, taking beacons in."""
    ingest = minutebook.starting("ingest", "--listen", f"127.0.0.1:{port}")
    until(lambda: post(port, "warm-up") is not None)
    return ingest


@pytest.mark.long
@pytest.mark.timeout(180)
def test_what_a_daemon_acknowledged_is_on_its_metrics_and_on_the_statement_after_a_kill(
    minutebook: Minutebook, app: App, tmp_path: Path, until: Until
) -> None:
    configuration(tmp_path, app, VITALS)
    with ended(minutebook.starting("run")) as daemon:
        daemon.ready()
        assert {post(daemon.port, f"v6-{number}") for number in range(BEACONS)} == {204}
        assert post(daemon.port, "v6-0") == 204
        until(lambda: daemon.page().value("web_vitals_samples", metric="LCP", window="month") == BEACONS, 90)
        daemon.process.send_signal(signal.SIGKILL)
    assert len(open_samples(tmp_path)) == BEACONS
    shown = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    assert '"samples": 40' in json.dumps(shown)
    assert minutebook.facts("vital", "vitals_day") == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_what_ingest_acknowledged_reaches_the_store_whoever_is_killed(
    minutebook: Minutebook, app: App, tmp_path: Path, until: Until
) -> None:
    configuration(tmp_path, app, VITALS)
    port, acknowledged, sent = free_port(), set[str](), set[str]({"warm-up"})
    names: Iterator[str] = (f"v6-{number}" for number in range(10**6))
    daemon, ingest = minutebook.starting("run").ready(), listening(minutebook, port, until)
    try:
        for victim in [*("ingest", "run") * (KILLS // 2)]:
            for name, place in zip(names, range(BEACONS), strict=False):
                sent.add(name)
                if place == BEACONS // 2:
                    (ingest if victim == "ingest" else daemon).process.send_signal(signal.SIGKILL)
                if post(port, name) == 204:
                    acknowledged.add(name)
            if victim == "ingest":
                ingest.process.wait()
                ingest = listening(minutebook, port, until)
            else:
                daemon.process.wait()
                daemon = minutebook.starting("run").ready()
        until(lambda: len(open_samples(tmp_path)) >= len(acknowledged), 60)
    finally:
        for process in (ingest.process, daemon.process):
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
    assert len(acknowledged) >= KILLS * BEACONS // 2
    assert len(acknowledged) <= len(open_samples(tmp_path)) <= len(sent)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_flood_takes_little_memory_delays_no_look_and_nothing_that_was_acknowledged_is_missing() -> None:
    found = flood(60)
    assert found.statuses.keys() <= {204, 429, 503}
    assert found.stored == found.accepted
    assert METRICS * found.statuses[204] == found.outcomes["kept"]
    assert METRICS * found.statuses[503] == found.outcomes["unkept"]
    assert max(found.grown.values()) <= 64, found.grown
    assert p99(found.late_ms) < max(250, 5 * p99(found.late_before_ms))  # where others use the cores too


@pytest.mark.long
@pytest.mark.timeout(300)
def test_past_the_limit_of_a_minute_beacons_are_told_to_come_later() -> None:
    found = flood(10, per_minute=6_000)
    assert found.statuses.keys() == {204, 429}
    assert found.stored == found.accepted
    assert 200 <= found.statuses[204] <= 200 + 100 * 11
