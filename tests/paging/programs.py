"""A real Alertmanager and a real Prometheus with what deploy/ holds, with short intervals and addresses of the test."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import yaml

from tests.conftest import ROOT
from tests.daemon.programs import Json, free_port, wait_until
from tests.paging.receivers import Receivers

ALERTMANAGER = ROOT / "deploy" / "alertmanager"
PROMETHEUS = ROOT / "deploy" / "prometheus"
SECRETS = ("slack-url", "smtp-password", "pagerduty-support", "pagerduty-lead", "pagerduty-head")
TOKENS = ("watchdog-token", "webhook-token")


@dataclass(frozen=True)
class Program:
    """A running server, and what it said."""

    port: int
    log: Path

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        """What it answers; None while it does not, or not well."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        if answer.status != 200:
            return None
        return json.loads(said) if said[:1] in (b"{", b"[") else said.decode()


@contextmanager
def program(command: Sequence[str], port: int, log: Path) -> Iterator[Program]:
    """The program, once it says that it is ready, until the block is left."""
    with log.open("wb") as errors:
        running = subprocess.Popen(command, stdout=errors, stderr=errors)
    started = Program(port, log)
    try:
        wait_until(lambda: running.poll() is not None or started.ask("GET", "/-/ready") is not None)
        assert running.poll() is None, log.read_text()
        yield started
    finally:
        running.terminate()
        running.wait(30)


def alertmanager_configuration(folder: Path, receivers: Receivers, *, short: bool = True) -> Path:
    """deploy/alertmanager, with the addresses of the receivers and secrets of its own; `short`: hardly any waits."""
    address = f"http://127.0.0.1:{receivers.port}"
    secrets = folder / "secrets"
    text = (
        (ALERTMANAGER / "alertmanager.yml")
        .read_text(encoding="utf-8")
        .replace("/etc/alertmanager/secrets", str(secrets))
    )
    config = yaml.safe_load(re.sub(r"https://(\w+)\.example\.com/\S*", rf"{address}/\1", text))
    config["templates"] = [str(ALERTMANAGER / "templates" / "*.tmpl")]
    config["global"] |= {
        "smtp_smarthost": f"127.0.0.1:{receivers.mail_port}",
        "smtp_require_tls": False,
        "pagerduty_url": f"{address}/v2/enqueue",
    }
    if short:
        _shortened(config["route"])
    secrets.mkdir()
    for name in (*SECRETS, *TOKENS):
        (secrets / name).write_text(f"{address}/slack" if name == "slack-url" else f"secret-of-{name}")
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def _shortened(route: dict[str, Json]) -> None:
    for key, short in (("group_wait", "0s"), ("group_interval", "1s"), ("repeat_interval", "1h")):
        if key in route:
            route[key] = "500ms" if route["receiver"] == "watchdog" and key == "repeat_interval" else short
    for inner in route.get("routes", ()):
        _shortened(inner)


@contextmanager
def alertmanager(binary: str, folder: Path, receivers: Receivers, *, short: bool = True) -> Iterator[Program]:
    port = free_port()
    command = [
        binary,
        f"--config.file={alertmanager_configuration(folder, receivers, short=short)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with program(command, port, folder / "alertmanager.log") as running:
        yield running


def prometheus_configuration(folder: Path, targets: Sequence[int], alerts_to: int, *, short: bool) -> Path:
    """deploy/prometheus over these daemons; `short`: looked at and evaluated each second, and no alert waits."""
    text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
    rules = (PROMETHEUS / "minutebook.rules.yml").read_text(encoding="utf-8")
    ports = ", ".join(f'"127.0.0.1:{port}"' for port in targets)
    text = text.replace('"127.0.0.1:9843"', ports).replace("127.0.0.1:9093", f"127.0.0.1:{alerts_to}")
    if short:
        text = text.replace("interval: 15s", "interval: 1s")
        rules = re.sub(r"^    for: \w+$", "    for: 1s", rules, flags=re.MULTILINE)
    (folder / "minutebook.rules.yml").write_text(rules)
    path = folder / "prometheus.yml"
    path.write_text(text)
    return path


@contextmanager
def prometheus(binary: str, folder: Path, configuration: Path, *more: str) -> Iterator[Program]:
    port = free_port()
    command = [
        binary,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *more,
    ]
    with program(command, port, folder / "prometheus.log") as running:
        yield running


@contextmanager
def paging(
    tool: Callable[[str], str], folder: Path, receivers: Receivers, targets: Sequence[int], *, short: bool = True
) -> Iterator[Program]:
    """Both beside daemons on these ports, once Prometheus has found Alertmanager; gives Prometheus.

    Prometheus drops what it has to tell before it has found Alertmanager, which is up to 5 s after its start, and tells
    it anew after the resend delay: a minute, unless it is told otherwise.
    """
    soon = ("--rules.alert.resend-delay=1s",) if short else ()
    with alertmanager(tool("alertmanager"), folder, receivers, short=short) as notifier:
        configuration = prometheus_configuration(folder, targets, notifier.port, short=short)
        with prometheus(tool("prometheus"), folder, configuration, *soon) as running:
            wait_until(lambda: notified(running))
            yield running


def notified(running: Program) -> bool:
    """Whether it has found an Alertmanager."""
    answer = running.ask("GET", "/api/v1/alertmanagers")
    return bool(answer and answer["data"]["activeAlertmanagers"])


def found(running: Program, query: str, at: str | None = None) -> list[Json]:
    """What a query finds, now or at an instant (Unix time)."""
    moment = "" if at is None else f"&time={at}"
    answer = running.ask("GET", f"/api/v1/query?query={quote(query)}{moment}")
    result: list[Json] = answer["data"]["result"] if answer else []
    return result


def tell(running: Program, alerts: Sequence[Mapping[str, Mapping[str, str]]]) -> None:
    """Gives it alerts, as Prometheus does."""
    assert running.ask("POST", "/api/v2/alerts", [dict(alert) for alert in alerts]) is not None
