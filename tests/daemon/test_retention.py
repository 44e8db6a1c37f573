"""Retention in a running daemon: days are sealed, their results go, and a month says what it said before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.facts import AnyFact, Result
from monitor.facts.seals import seal_fact
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, format_instant
from monitor.ledger.seals import sealed
from monitor.store import open_for_writing
from tests.daemon.programs import App, Daemon, Minutebook, configuration, now_ms, wait_until


def written(folder: Path, today: int) -> None:
    """Three days of looks that ended yesterday, the first two of them sealed in time."""
    with open_for_writing(f"sqlite:///{folder / 'minutebook.db'}", today) as store:
        for start in range(today - 4 * DAY, today - DAY, DAY):
            fail = start + 12 * HOUR
            day = [
                Result(at + 40, "web", "here", at, "fail" if at == fail else "pass", hold_ms=70 * SECOND)
                for at in range(start, start + DAY, 30 * SECOND)
            ]
            store.append(day)
            if start < today - 2 * DAY:
                seal: list[AnyFact] = [seal_fact(sealed(day, start, start + DAY + HOUR))]
                store.append(seal)


@pytest.mark.long
def test_results_go_after_raw_retention_and_a_month_says_what_it_said(
    minutebook: Minutebook, start: Callable[..., Daemon], app: App, tmp_path: Path
) -> None:
    today = now_ms() // DAY * DAY
    written(tmp_path, today)
    configuration(tmp_path, app, "raw_retention: 1d\n")
    as_of = format_instant(today - DAY + 2 * HOUR + MINUTE)
    month = format_instant(today - 3 * DAY)[:7]
    asked = ("statement", "-c", "minutebook.yaml", "--month", month, "--as-of", as_of, "--format", "json")
    before = minutebook.well(*asked)
    daemon = start().ready()
    wait_until(lambda: "went under its seals" in daemon.log.read_text())
    wait_until(lambda: len(minutebook.facts("seal")) == 3)
    daemon.stop()
    left = [fact["at"] for fact in minutebook.facts("result") if fact["at"] < format_instant(today - 2 * DAY)]
    assert 100 < len(left) < 200  # half an hour around each of two fails, and around the first look of all
    assert "results went under 1 seals" in minutebook.well("verify")
    after = minutebook.well(*asked)
    assert json.loads(after) == json.loads(before)
