"""The whole daemon as a process: beside Prometheus with blackbox_exporter, with 10,000 targets, its memory, its start
(performance.md, lines 3, 4, 11 and 12)."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from monitor.clock import SystemClock
from monitor.facts import Result
from monitor.ledger.period import Period
from monitor.store import open_for_reading
from tests.bench import Figure
from tests.bench.peers import CANARY, HOSTS, Target, blackbox, cpu_of, prometheus, resident_mib, target
from tests.bench.probes import p99

TARGETS, EACH = 10_000, 10  # checks in all, and to a service
PACED, PACED_EVERY_S = 2_500, 5  # 500 a second
PACED_WATCHED_S, PACED_ROUNDS = 20, 3
MEMORY_SETTLED_S = 20.0
SETTLED_S = 35.0  # every check has been looked at once
WATCHED_S = 60.0
PATIENCE_S = 60.0
STARTS = 3
BYTECODE = Path(sys.prefix) / "bytecode"
"""Where the daemons keep their compiled modules, as an installed program has them: also where this process may not."""


class Fleet(NamedTuple):
    """Checks of one target, so many to a service, the services on HOSTS of its addresses in turn."""

    url: str
    checks: int
    every_s: int = 30
    each: int = EACH

    def configuration(self) -> str:
        services, rest = divmod(self.checks, self.each)
        assert not rest
        timing = f"interval: {self.every_s}s, timeout: {min(10, self.every_s)}s"
        canary = self.url.replace("127.0.0.1", CANARY)
        lines = ['server: {listen: "127.0.0.1:0"}', f'probing: {{canaries: [{{http: {{url: "{canary}"}}}}]}}']
        lines.append("services:")
        for service in range(services):
            lines += [f"  - name: s{service}", "    checks:"]
            url = self.url.replace("127.0.0.1", HOSTS[service % len(HOSTS)])
            for number in range(service * self.each, (service + 1) * self.each):
                lines.append(f'      - {{name: c{number}, {timing}, http: {{url: "{url}/{number}"}}}}')
        return "\n".join(lines)


class Running(NamedTuple):
    """A daemon, and the folder of its configuration and store."""

    pid: int
    folder: Path


@contextmanager
def daemon(fleet: Fleet, authority: Path | None = None, *, one_core: bool = False) -> Iterator[Running]:
    """The daemon over the fleet; on the first core alone with `one_core`."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "minutebook.yaml"
        file.write_text(fleet.configuration(), encoding="utf-8")
        command = [sys.executable, "-m", "monitor.cli", "run", "-c", str(file)]
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        if authority is not None:
            env["SSL_CERT_FILE"] = str(authority)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env) as process:
            if one_core:
                os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            try:
                yield Running(process.pid, Path(folder))
                assert process.poll() is None, f"the daemon ended with {process.returncode}"
            finally:
                process.terminate()


def beside() -> Iterator[Figure]:
    """Line 3: 500 http probes a second, whole systems in turn; theirs is Prometheus and blackbox_exporter together."""
    ours, theirs = [], []
    with target() as app:
        for _ in range(PACED_ROUNDS):
            ours.append(_paced(app))
            theirs += [spent for spent in [_paced_theirs(app)] if spent is not None]
    looks = PACED / PACED_EVERY_S / 1e6
    spent = statistics.median(ours)
    if theirs:
        ratio = spent / statistics.median(theirs)
        yield Figure("3", "the whole daemon at 500 http/s beside Prometheus + blackbox", ratio, 0.25, "of their CPU")
        yield Figure("3", "a probe, Prometheus + blackbox_exporter", statistics.median(theirs) / looks, None, "µs")
    yield Figure("3", "a probe, the whole daemon", spent / looks, None, "µs")


def fleets() -> Iterator[Figure]:
    """Line 4: 10,000 targets every 30 s on one core; lateness as the facts have it."""
    for scheme, ceiling in (("http", 15), ("https", 75)):
        with target(tls=scheme == "https") as app:
            fleet = Fleet(app.url, TARGETS)
            with daemon(fleet, app.authority, one_core=True) as running:
                time.sleep(SETTLED_S)
                began = SystemClock().now()
                share = _share(running.pid, WATCHED_S)
                resident = resident_mib(running.pid)
                lateness, passed = _lateness(running, began)
        assert passed > TARGETS, f"{passed} looks passed"
        yield Figure("4", f"10,000 targets every 30 s, {scheme}", share * 100, ceiling, "% of a core")
        yield Figure("4", f"how late their looks start, {scheme}, p99", p99(lateness), 10, "ms")
        yield Figure("11", f"memory with 10,000 targets, {scheme}", resident, 150, "MiB")


def memory() -> Iterator[Figure]:
    """Line 11: what stays resident once it has settled."""
    _first_look()
    with target() as app:
        for what, fleet, ceiling in (
            ("idle, one target", Fleet(app.url, 1, each=1), 60),
            ("1,000 services", Fleet(app.url, 1_000, each=1), 80),
        ):
            with daemon(fleet) as running:
                time.sleep(MEMORY_SETTLED_S)
                yield Figure("11", f"memory, {what}", resident_mib(running.pid), ceiling, "MiB")


def start() -> Iterator[Figure]:
    """Line 12: CPU of the process from its first instruction until its first connection arrives."""
    _first_look()
    spent = [_first_look() for _ in range(STARTS)]
    yield Figure("12", "the whole daemon to its first look, 10,000 targets", statistics.median(spent), 0.8, "s CPU")


# ---------------------------------------------------------------- how it is measured


def _first_look() -> float:
    """CPU seconds of a start; the first of a run compiles what is new."""
    with socket.create_server(("0.0.0.0", 0), backlog=4096) as listener:
        listener.settimeout(PATIENCE_S)
        with daemon(Fleet(f"http://127.0.0.1:{listener.getsockname()[1]}", TARGETS)) as running:
            connection, _ = listener.accept()
            connection.close()
            return cpu_of(running.pid)


def _paced(app: Target) -> float:
    with daemon(Fleet(app.url, PACED, PACED_EVERY_S)) as running:
        time.sleep(2 * PACED_EVERY_S)
        return _share(running.pid, PACED_WATCHED_S)


def _paced_theirs(app: Target) -> float | None:
    """CPU seconds a second of both; None where one of them is not here."""
    with blackbox() as exporter:
        if exporter is None:
            return None
        with prometheus(_scraping(app, exporter.port)) as server:
            if server is None:
                return None
            time.sleep(2 * PACED_EVERY_S)
            before, began = cpu_of(exporter.pid) + cpu_of(server.pid), time.monotonic()
            time.sleep(PACED_WATCHED_S)
            return (cpu_of(exporter.pid) + cpu_of(server.pid) - before) / (time.monotonic() - began)


def _scraping(app: Target, exporter: int) -> str:
    """blackbox_exporter's own example of a configuration (its README, "Prometheus Configuration"), over as many
    targets as the daemon has. JSON is YAML."""
    job = {
        "job_name": "blackbox",
        "metrics_path": "/probe",
        "params": {"module": ["look"]},
        "scrape_interval": f"{PACED_EVERY_S}s",
        "scrape_timeout": f"{PACED_EVERY_S}s",
        "static_configs": [{"targets": [f"{app.url}/{number}" for number in range(PACED)]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
        ],
    }
    return json.dumps({"scrape_configs": [job]})


def _share(pid: int, seconds: float) -> float:
    """CPU seconds a second."""
    before, began = cpu_of(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_of(pid) - before) / (time.monotonic() - began)


def _lateness(running: Running, since: int) -> tuple[list[int], int]:
    """How late each look since an instant was started, in ms as the facts have it, and how many passed."""
    with open_for_reading(f"sqlite:///{running.folder}/minutebook.db") as store:
        facts = [fact for fact in store.read(Period(since, 2**62), 2**62) if isinstance(fact, Result)]
    late = [fact.at - fact.scheduled_at for fact in facts if fact.scheduled_at is not None]
    return late, sum(fact.outcome == "pass" for fact in facts)
