"""deploy/alertmanager: each alert reaches those it is for, in plain words, and nothing it says is markup."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from exporters.rules import Alert, Wanted, alert_groups
from tests.conftest import ROOT
from tests.daemon.programs import Json, wait_until
from tests.paging.programs import ALERTMANAGER, SECRETS, TOKENS, Program, alertmanager, tell
from tests.paging.receivers import Receivers, receiving

CONFIG = ALERTMANAGER / "alertmanager.yml"
Tool = Callable[[str], str]

ROUTES = {
    "alertname=MinutebookWatchdog severity=none": "watchdog",
    "severity=page escalation=1": "support-page",
    "severity=page escalation=2": "lead-page",
    "severity=page escalation=3": "head-page",
    "severity=page": "support-page",
    "severity=ticket escalation=1": "support-ticket",
    "severity=ticket escalation=2": "lead-ticket",
    "severity=ticket escalation=3": "head-ticket",
    "severity=ticket": "support-ticket",
    "severity=info escalation=1": "told",
    "alertname=SomebodyElses": "support-ticket",
}


def test_amtool_accepts_the_configuration(either: Tool) -> None:
    done = subprocess.run([either("amtool"), "check-config", str(CONFIG)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout


@pytest.mark.parametrize(("labels", "receiver"), ROUTES.items())
def test_amtool_routes_by_severity_and_level(labels: str, receiver: str, tool: Tool) -> None:
    command = [tool("amtool"), "config", "routes", "test", f"--config.file={CONFIG}"]
    done = subprocess.run([*command, f"--verify.receivers={receiver}", *labels.split()], check=False)
    assert done.returncode == 0


def test_every_receiver_has_a_route_that_is_tried() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert {receiver["name"] for receiver in config["receivers"]} == set(ROUTES.values())


ALERTS = [alert for group in alert_groups(Wanted()).values() for alert in group]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.escalation}")
def test_every_alert_of_ours_goes_where_its_severity_and_level_say(alert: Alert, tool: Tool) -> None:
    who = {1: "support", 2: "lead", 3: "head", None: ""}[alert.escalation]
    wanted = {"none": "watchdog", "info": "told"}.get(alert.severity, f"{who}-{alert.severity}")
    labels = [f"alertname={alert.name}", f"severity={alert.severity}", f"escalation={alert.escalation or ''}"]
    command = [tool("amtool"), "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={wanted}"]
    assert subprocess.run([*command, *labels], check=False).returncode == 0


def test_the_readme_says_what_each_receiver_takes() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| .* \| ([^|]+) \|$", readme, re.MULTILINE))
    for receiver in config["receivers"]:
        files = {*re.findall(r"/secrets/([\w-]+)", yaml.safe_dump(receiver))}
        files |= {"slack-url"} if "slack_configs" in receiver else set()
        files |= {"smtp-password"} if "email_configs" in receiver else set()
        assert {*re.findall(r"`([\w-]+)`", rows[receiver["name"]])} == files


def test_no_secret_stands_in_the_configuration() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    assert {*re.findall(r"/etc/alertmanager/secrets/([\w-]+)", text)} == {*SECRETS, *TOKENS}
    assert not re.search(r"(?:password|routing_key|service_key|credentials|api_url|token): ", text)


# ---------------------------------------------------------------- what comes out of it


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with receiving() as running:
        yield running


@pytest.fixture
def running(receivers: Receivers, tmp_path: Path, either: Tool) -> Iterator[Program]:
    with alertmanager(either("alertmanager"), tmp_path, receivers) as started:
        yield started


def alert(name: str, severity: str, level: int, service: str = "app", **labels: str) -> dict[str, dict[str, str]]:
    """As Prometheus sends it."""
    about = {"alertname": name, "severity": severity, "escalation": str(level), "service": service, **labels}
    annotations = {
        "summary": f"{service} burns its budget 16.7 times as fast as promised",
        "description": f"{service} was down for 1.667% of the last 1h.",
        "left": "42m 0s",
        "evidence_url": "https://status.example.com/",
        "runbook_url": f"https://runbooks.example.com/{name}.md",
    }
    return {"labels": {key: text for key, text in about.items() if text}, "annotations": annotations}


SINCE = re.compile(r"Alerting since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n")


def test_a_page_says_what_burned_since_when_and_what_is_left(running: Program, receivers: Receivers) -> None:
    tell(running, [alert("SlaBurnFast", "page", 1)])
    wait_until(lambda: receivers.at("/slack") and receivers.at("/v2/enqueue") and receivers.at("/tickets"))
    [slack], [pager] = receivers.at("/slack"), receivers.at("/v2/enqueue")
    [attached] = slack.body["attachments"]
    assert slack.body["channel"] == "#incidents"
    assert (attached["title"], attached["title_link"]) == ("[PAGE] app SlaBurnFast", "https://status.example.com/")
    assert attached["color"] == "danger"
    assert SINCE.sub("Alerting since then\n", attached["text"]) == (
        "app burns its budget 16.7 times as fast as promised\n"
        "app was down for 1.667% of the last 1h.\n"
        "Alerting since then\n"
        "Left of this month's budget: 42m 0s\n"
        "Evidence: <https://status.example.com/>\n"
        "What to do: <https://runbooks.example.com/SlaBurnFast.md>\n"
        "\n1 in all."
    )
    assert pager.body["routing_key"] == "secret-of-pagerduty-support"
    payload = pager.body["payload"]
    assert payload["severity"] == "critical"
    assert payload["summary"].startswith("[PAGE] app SlaBurnFast: app burns its budget 16.7 times")
    assert (
        "Left of this month's budget: 42m 0s\nEvidence: https://status.example.com/"
        in payload["custom_details"]["what"]
    )
    assert SINCE.search(payload["custom_details"]["what"])
    assert receivers.at("/tickets")[0].authorization == "Bearer secret-of-webhook-token"


@pytest.mark.parametrize(("level", "key"), [(2, "pagerduty-lead"), (3, "pagerduty-head")])
def test_a_page_of_a_higher_level_wakes_that_level(
    level: int, key: str, running: Program, receivers: Receivers
) -> None:
    tell(running, [alert("ResponseDue", "page", level)])
    [pager] = wait_until(lambda: receivers.at("/v2/enqueue"))
    assert pager.body["routing_key"] == f"secret-of-{key}"


def test_a_ticket_of_a_higher_level_is_mailed(running: Program, receivers: Receivers) -> None:
    tell(running, [alert("SlaBreachedAgain", "ticket", 3, month="2026-06")])
    [mail] = wait_until(lambda: receivers.mails)
    assert mail["To"] == "head-of-product@example.com"
    assert mail["Subject"].startswith("[TICKET] app SlaBreachedAgain: app burns")
    assert receivers.mail_logins == ["\0minutebook@example.com\0secret-of-smtp-password"]
    plain, marked = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert marked is not None
    assert "Left of this month's budget: 42m 0s" in plain.get_content()
    assert '<a href="https://status.example.com/">' in marked.get_content()


def test_the_watchdog_goes_outside_alone_and_again_and_again(running: Program, receivers: Receivers) -> None:
    dog = {"labels": {"alertname": "MinutebookWatchdog", "severity": "none"}, "annotations": {"summary": "works"}}
    tell(running, [dog])
    wait_until(lambda: len(receivers.at("/watchdog")) >= 3)
    assert {one.path for one in receivers.deliveries} == {"/watchdog"}
    assert receivers.at("/watchdog")[0].authorization == "Bearer secret-of-watchdog-token"


def muted(running: Program) -> dict[str, str]:
    """Whether each alert is told or waits, by its name and step."""
    told: list[Json] = running.ask("GET", "/api/v2/alerts") or []
    return {one["labels"]["alertname"] + one["labels"].get("used", ""): one["status"]["state"] for one in told}


def test_a_page_makes_the_tickets_of_its_service_wait_and_no_others(running: Program) -> None:
    tell(
        running,
        [
            alert("SlaBurnFast", "page", 1),
            alert("SlaBurnSlow", "ticket", 1),
            alert("OfAnother", "ticket", 1, service="other"),
            alert("MinutebookAbsent", "page", 1, service=""),
            alert("MinutebookConfigNotReloaded", "ticket", 1, service=""),
        ],
    )
    wanted = {
        "SlaBurnFast": "active",
        "SlaBurnSlow": "suppressed",
        "OfAnother": "active",
        "MinutebookAbsent": "active",
        "MinutebookConfigNotReloaded": "active",
    }
    wait_until(lambda: muted(running) == wanted)


def test_of_the_steps_of_a_budget_only_the_last_is_told(running: Program) -> None:
    steps = ("50", "75", "90", "100")
    tell(running, [alert("SlaBudgetUsed", "ticket", 1, month="2026-06", used=step) for step in steps])
    states = {f"SlaBudgetUsed{step}": "active" if step == "100" else "suppressed" for step in steps}
    wait_until(lambda: muted(running) == states)


HOSTILE = "<!channel> & <https://evil.example|click> \"'`*{{ .Labels }}<script>alert(1)</script>"


def test_what_a_label_says_is_never_markup(running: Program, receivers: Receivers) -> None:
    hostile = alert("SlaBreached", "ticket", 2, service=HOSTILE)
    hostile["annotations"]["runbook_url"] = "javascript:alert(1)"
    tell(running, [hostile])
    wait_until(lambda: receivers.at("/slack") and receivers.mails)
    [attached] = receivers.at("/slack")[0].body["attachments"]
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert attached["title"] == f"[TICKET] {escaped} SlaBreached"
    assert attached["fallback"] == attached["title"]
    assert re.findall(r"<[^>]*>", attached["text"]) == ["<https://status.example.com/>"]
    assert attached["text"].count(escaped) == 2
    [mail] = receivers.mails
    assert "\n" not in mail["Subject"]
    marked = mail.get_body(("html",))
    assert marked is not None
    text = marked.get_content()
    assert "<script" not in text
    assert "<!channel" not in text
    assert 'href="javascript' not in text
    assert html.unescape(text).count(HOSTILE) == 2


def test_of_many_alerts_ten_are_told_and_all_are_counted(running: Program, receivers: Receivers) -> None:
    tell(running, [alert("CheckCertificateEnds", "ticket", 1, check=f"check-{number}") for number in range(40)])

    def texts() -> list[str]:
        return [slack.body["attachments"][0]["text"] for slack in receivers.at("/slack")]

    wait_until(lambda: [text for text in texts() if text.endswith("\n40 in all, of which ten are shown.")])
    assert texts()[-1].count("Alerting since") == 10


def test_a_line_break_in_a_summary_is_no_header_of_a_mail(running: Program, receivers: Receivers) -> None:
    hostile = alert("SlaBreached", "ticket", 2)
    hostile["annotations"]["summary"] = "down\r\nBcc: everybody@example.com\r\n\r\n<b>hello</b>"
    tell(running, [hostile])
    [mail] = wait_until(lambda: receivers.mails)
    assert mail["Bcc"] is None
    assert mail["To"] == "technical-lead@example.com"
