"""A real Alertmanager and a real Prometheus with what deploy/ holds, with short intervals and addresses of the test."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

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


def alertmanager_configuration(folder: Path, receivers: Receivers) -> Path:
    """deploy/alertmanager, with the addresses of the receivers, secrets of its own, and waits of a second."""
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
def alertmanager(binary: str, folder: Path, receivers: Receivers) -> Iterator[Program]:
    port = free_port()
    command = [
        binary,
        f"--config.file={alertmanager_configuration(folder, receivers)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with program(command, port, folder / "alertmanager.log") as running:
        yield running


def tell(running: Program, alerts: Sequence[Mapping[str, Mapping[str, str]]]) -> None:
    """Gives it alerts, as Prometheus does."""
    assert running.ask("POST", "/api/v2/alerts", [dict(alert) for alert in alerts]) is not None
