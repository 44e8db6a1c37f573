"""Pages end to end: a real app or daemon fails, and a real Prometheus and Alertmanager tell a receiver of it.

Short intervals in the fast tests, those of deploy/ in the long ones. The receiver is a webhook of the test.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.ledger.period import HOUR, MINUTE, format_instant, month_at
from tests.daemon.programs import (
    App,
    Daemon,
    Json,
    Minutebook,
    Until,
    configuration,
    ended,
    environment,
    instant,
    now_ms,
    wait_until,
)
from tests.daemon.test_full_disk import fill, small_disk
from tests.paging.programs import Program, found, paging
from tests.paging.receivers import Receivers, receiving

__all__ = ["small_disk"]

Tool = Callable[[str], str]
Start = Callable[..., Daemon]

STRICT = "policies: [{effective_from: 2020-01-01, availability: {objective: 99.99%}}]\n"
STRICT_TAKES_MS = 5_184
"""14.4 x 0.01 % of an hour: a tenth of what 99.9 % takes, so that a test need not wait for it."""
TAKES_MS = 51_840


@dataclass(frozen=True)
class Stage:
    """An app, the command in a folder, and where alerts end."""

    app: App
    minutebook: Minutebook
    start: Start
    receivers: Receivers
    tool: Tool

    def daemon(self, more: str = "") -> Daemon:
        """A daemon over the app that has seen it well for two hours: what is unknown of a window raises its burn."""
        configuration(self.minutebook.folder, self.app, more=more)
        known = self.minutebook.folder / "known.jsonl"
        now = now_ms()
        instants = map(format_instant, range(now - 2 * HOUR, now, MINUTE))
        looks = [{"kind": "result", "recorded_at": at, "check": "web", "at": at, "outcome": "pass"} for at in instants]
        known.write_text(
            "".join(json.dumps({**look, "vantage": "here", "hold_ms": 2 * MINUTE}) + "\n" for look in looks)
        )
        self.minutebook.well("import", known)
        daemon = self.start().ready()
        wait_until(lambda: daemon.value("probe_success") == 1)
        return daemon

    def paging(self, *daemons: Daemon, short: bool = True) -> AbstractContextManager[Program]:
        """A Prometheus over these daemons and an Alertmanager."""
        ports = [daemon.port for daemon in daemons]
        return paging(self.tool, self.minutebook.folder, self.receivers, ports, short=short)

    def told(self, name: str, status: str = "firing", within_s: float = 50.0, **labels: str) -> Json:
        """The first alert of this name, with these labels, that comes."""

        def first() -> Json:
            alerts = self.receivers.alerts("/tickets", name, status)
            return next((alert for alert in alerts if labels.items() <= alert["labels"].items()), None)

        return wait_until(first, within_s)


@pytest.fixture
def stage(app: App, minutebook: Minutebook, start: Start, tool: Tool) -> Iterator[Stage]:
    with receiving() as receivers:
        yield Stage(app, minutebook, start, receivers, tool)


@pytest.mark.timeout(150)
def test_an_app_that_dies_pages_and_what_is_excused_is_told_to_be_over(stage: Stage, until: Until) -> None:
    daemon = stage.daemon(STRICT)
    with stage.paging(daemon) as prometheus:
        stopped = now_ms()
        stage.app.stop()
        page = stage.told("SlaBurnFast")
        stage.app.start()
        until(lambda: daemon.value("sla_service_up") == 1)
        assert instant(page["startsAt"]) >= stopped + STRICT_TAKES_MS
        assert (page["labels"]["severity"], page["labels"]["service"]) == ("page", "app")
        assert "app was down for" in page["annotations"]["description"]
        assert "error expanding" not in str(page)
        assert page["annotations"]["left"].endswith("s")
        assert found(prometheus, "ALERTS{alertname='SlaUnknownTime'}") == []
        span = ["--start", format_instant(stopped - 1000), "--end", format_instant(now_ms()), "--author", "alice"]
        why = ["--class", "customer", "--reason", "their own change", "--evidence", "https://tickets.example/1"]
        stage.minutebook.well("exclude", "--id", "x1", *span, *why)
        stage.minutebook.well("approve", "x1", "--author", "bob")
        over = stage.told("SlaBurnFast", "resolved")
    assert instant(over["endsAt"]) > instant(page["startsAt"])


@pytest.mark.timeout(150)
def test_a_daemon_that_stands_or_is_killed_pages_and_is_told_to_be_back(stage: Stage, until: Until) -> None:
    stands, killed = stage.daemon(), stage.daemon("storage: sqlite:///other.db\n")
    with stage.paging(stands, killed) as prometheus:
        until(lambda: len(found(prometheus, "minutebook_evaluation_timestamp_seconds")) == 2)
        stands.send(signal.SIGSTOP)
        killed.kill()
        for daemon in (stands, killed):
            page = stage.told("MinutebookAbsent", instance=f"127.0.0.1:{daemon.port}")
            assert page["labels"]["severity"] == "page"
        stands.send(signal.SIGCONT)
        stage.told("MinutebookAbsent", "resolved", instance=f"127.0.0.1:{stands.port}")


@pytest.mark.timeout(150)
def test_a_full_disk_pages_and_is_told_to_be_over(stage: Stage, small_disk: Path) -> None:
    daemon = stage.daemon(f"storage: sqlite:///{small_disk}/minutebook.db\n")
    with stage.paging(daemon):
        ballast = fill(small_disk)
        page = stage.told("MinutebookStoreNotWritable")
        ballast.unlink()
        stage.told("MinutebookStoreNotWritable", "resolved")
    assert page["labels"]["severity"] == "page"


@pytest.mark.long
@pytest.mark.timeout(150)
def test_a_later_prometheus_and_alertmanager_tell_the_same(stage: Stage, later: Tool) -> None:
    staged = replace(stage, tool=later)
    daemon = staged.daemon(STRICT)
    with staged.paging(daemon):
        staged.app.stop()
        page = staged.told("SlaBurnFast")
        daemon.kill()
        staged.told("MinutebookAbsent")
    assert "error expanding" not in str(page)
    assert "app was down for" in page["annotations"]["description"]


# ---------------------------------------------------------------- with the intervals of deploy/

SLACK_MS = 20_000
"""What a loaded machine may add."""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_99_9_percent_pages_after_52_seconds_and_resolves_after_the_outage(stage: Stage, until: Until) -> None:
    """Scrape and evaluation 15 s, group_wait 10 s; the short window of 5 minutes forgets the outage."""
    daemon = stage.daemon()
    with stage.paging(daemon, short=False) as prometheus:
        until(lambda: found(prometheus, "sla_service_up"))
        stopped = now_ms()
        stage.app.stop()
        page = stage.told("SlaBurnFast", within_s=150)
        received = now_ms()
        stage.app.start()
        assert instant(page["startsAt"]) >= stopped + TAKES_MS
        assert received - stopped <= TAKES_MS + 1_000 + 15_000 + 15_000 + 10_000 + SLACK_MS
        stage.told("SlaBurnFast", "resolved", within_s=500)
        assert [one for one in found(prometheus, "ALERTS") if one["metric"]["alertname"] == "MinutebookAbsent"] == []


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_daemon_that_is_killed_or_stands_or_has_no_disk_pages_within_3_minutes(
    stage: Stage, bytecode: Path, small_disk: Path, until: Until
) -> None:
    with ExitStack() as daemons:
        started = []
        for name in ("killed", "stopped", "full"):
            folder = stage.minutebook.folder / name
            folder.mkdir()
            where = f"storage: sqlite:///{small_disk}/minutebook.db\n" if name == "full" else ""
            configuration(folder, stage.app, more=where)
            started.append(daemons.enter_context(ended(Minutebook(folder, environment(bytecode)).starting("run"))))
        for daemon in started:
            wait_until(daemon.is_ready, 90)
        killed, stopped, full = started
        daemons.enter_context(stage.paging(killed, stopped, full, short=False))
        before = now_ms()
        killed.kill()
        stopped.send(signal.SIGSTOP)
        fill(small_disk)
        for daemon in (killed, stopped):
            stage.told("MinutebookAbsent", within_s=200, instance=f"127.0.0.1:{daemon.port}")
        stage.told("MinutebookStoreNotWritable", within_s=200, instance=f"127.0.0.1:{full.port}")
        assert now_ms() - before <= 180_000


# ---------------------------------------------------------------- tickets

SUPPORT = (
    "policies: [{effective_from: 2020-01-01, support: {hours: {mon-sun: '00:00-24:00'}, business_days: mon-sun,"
    " respond_within: {critical: {in_hours: 60s, after_hours: 60s}}}}]\n"
)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_ticket_that_waits_goes_from_level_to_level_and_is_told_to_be_answered(stage: Stage, until: Until) -> None:
    daemon = stage.daemon(SUPPORT)
    with stage.paging(daemon) as prometheus:
        until(lambda: found(prometheus, "sla_response_open"))
        received = now_ms()
        words = ["ticket", "t1", "--customer", "acme", "--priority", "critical", "--author", "alice"]
        words += ["--received-at", format_instant(received)]
        assert "due" in stage.minutebook.well(*words)
        for escalation, severity, used in (("1", "ticket", 30), ("2", "page", 48), ("3", "page", 60)):
            told = stage.told("SlaResponseDue", within_s=100, escalation=escalation)
            assert instant(told["startsAt"]) >= received + used * 1000
            assert told["labels"]["severity"] == severity
            assert (told["labels"]["priority"], told["labels"]["class"]) == ("critical", "in_hours")
            assert "error expanding" not in str(told)
        stage.minutebook.well(*words, "--first-reply-at", format_instant(now_ms()))
        stage.told("SlaResponseDue", "resolved", within_s=100, escalation="3")
        until(lambda: daemon.value("sla_response_late") == 1)


@pytest.mark.long
@pytest.mark.timeout(200)
def test_a_second_broken_month_in_a_row_reaches_the_head_of_product(stage: Stage, until: Until) -> None:
    daemon = stage.daemon(SUPPORT)
    with stage.paging(daemon) as prometheus:
        begun = month_at(now_ms(), ZoneInfo("UTC")).period(ZoneInfo("UTC")).start

        def late(ticket: str, received: int) -> None:
            words = ["--customer", "acme", "--priority", "critical", "--author", "alice"]
            stage.minutebook.well("ticket", ticket, *words, "--received-at", format_instant(received))

        late("this-month", begun)
        until(lambda: len(found(prometheus, 'sla_breaches{commitment="response:critical"} > 0')) == 1, within_s=150.0)
        assert stage.receivers.alerts("/tickets", "SlaPromiseBrokenAgain") == []
        late("last-month", begun - HOUR)
        told = stage.told("SlaPromiseBrokenAgain", escalation="3", severity="ticket")
        assert told["labels"]["month"] == format_instant(begun)[:7]
        mails = until(lambda: [mail for mail in stage.receivers.mails if "SlaPromiseBrokenAgain" in mail["Subject"]])
        assert {mail["To"] for mail in mails} == {"head-of-product@example.com"}
