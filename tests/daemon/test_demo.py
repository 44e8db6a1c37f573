"""`minutebook demo`: something to look at in under a minute, with no network and nothing to set up."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.ledger.period import DAY, SECOND, Month
from tests.daemon.programs import Daemon, Json, Minutebook, Until, ended

FINAL_AFTER_S = 5 * DAY // SECOND
"""`finalise_after` by default."""


@pytest.fixture
def demo(minutebook: Minutebook) -> Iterator[Daemon]:
    with ended(minutebook.starting("demo")) as daemon:
        yield daemon


@pytest.mark.timeout(240)  # tens of thousands of facts are written and read
def test_the_demo_shows_two_months_and_leaves_nothing_behind(
    minutebook: Minutebook, demo: Daemon, until: Until
) -> None:
    until(demo.is_ready, within_s=50)
    assert demo.results.read_text().startswith(f"minutebook demo: http://127.0.0.1:{demo.port}/ ")
    assert demo.ask("GET", "/").status == 200
    page = demo.page()
    last = str(Month(*map(int, page.month.split("-"))).shifted(-1))
    excused = {one.labels["class"]: one.value for one in page.of("sla_account_seconds", month=last, account="excused")}
    assert excused["maintenance"] == 30 * 60
    assert excused["third_party"] > 0
    assert page.of("sla_account_seconds", month=last, account="down")[0].value > 0
    until(lambda: demo.value("probe_success", check="web") is not None)
    until(lambda: demo.value("sla_maintenance_notice_seconds", source="own-page") == 72 * 3600)
    until(lambda: len(demo.page().of("minutebook_source_last_success_timestamp_seconds")) == 2)
    ends = page.value("sla_month_end_timestamp_seconds", month=last)
    assert ends is not None
    if page.as_of / 1000 > ends + FINAL_AFTER_S:
        until(lambda: demo.value("sla_statement_final", month=last) == 1)
    command = re.search(r"minutebook (statement -c (\S+) --month \S+)", demo.said)
    assert command is not None
    [statement] = stated(minutebook, command[1], last)
    assert statement["accounts_ms"]["excused"]["maintenance"] == 30 * 60_000
    assert demo.stop(signal.SIGINT) == 0
    assert not Path(command[2]).parent.exists()
    assert "Traceback" not in demo.said


def stated(minutebook: Minutebook, command: str, month: str) -> Json:
    """The statement of a month, by the command that the demo names."""
    words = command.split()
    return minutebook(*words[:-1], month, "--format", "json").json
