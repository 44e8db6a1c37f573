"""Beacons at full speed from many connections, into `minutebook ingest` beside a daemon that looks (issue: Web Vitals).

What was answered is compared with what is in the store afterwards, and how late the looks began meanwhile with the
facts.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.parser import text_string_to_metric_families

from monitor.beacons import OUTCOMES
from monitor.clock import SystemClock
from monitor.facts import Result
from monitor.ledger.period import Period
from monitor.store import Reader, open_for_reading
from tests.bench import Figure
from tests.bench.daemon import BYTECODE, Fleet
from tests.bench.peers import resident_mib, target
from tests.bench.probes import p99

CONNECTIONS = 50
METRICS = 10
"""In a beacon."""

REPORTS = 4
"""Of each sample: a page reports again when it is hidden again."""

FLOOD_S = 60.0
NO_LIMIT = 100_000_000
PATIENCE_S = 180.0
HEAD = b"POST /v1/web-vitals HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
SETTLED_S = 8.0
CHECKS, EVERY_S = 20, 1


@dataclass
class Flood:
    """What was sent and answered, what is in the store, how the processes grew (MiB), how late looks began (ms)."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set, repr=False)  # of beacons that were acknowledged
    stored: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    grown: dict[str, float] = field(default_factory=dict)
    late_ms: list[int] = field(default_factory=list)
    late_before_ms: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Samples of which a report was acknowledged."""
        return METRICS * len(self.names)


def load() -> Iterator[Figure]:
    """Batches of 10 metrics from 50 connections for a minute, without a limit and with the default one."""
    found = flood(FLOOD_S)
    assert found.stored == found.accepted, found
    yield Figure(
        "",
        "beacons of 10 metrics kept, `ingest` beside 20 checks a second",
        found.statuses[204] / FLOOD_S,
        None,
        "a second",
    )
    yield Figure("", "memory that the flood takes, `ingest`", found.grown["ingest"], 64, "MiB")
    yield Figure("", "memory that the flood takes, the daemon", found.grown["run"], 64, "MiB")
    yield Figure("", "how late looks start beside the flood, p99", p99(found.late_ms), 250, "ms")


def flood(seconds: float, per_minute: int = NO_LIMIT) -> Flood:
    """Sends as fast as answers come, waits until all of it is handed over, and counts."""
    found = Flood(seconds)
    with target() as app, TemporaryDirectory() as name:
        folder = Path(name)
        fleet = Fleet(app.url, CHECKS, every_s=EVERY_S)
        (folder / "minutebook.yaml").write_text(
            f"{fleet.configuration()}\nweb_vitals: {{auth: open, max_per_minute: {per_minute}}}\n", encoding="utf-8"
        )
        port = _free_port()
        with _running(folder, "run") as daemon, _running(folder, "ingest", "--listen", f"127.0.0.1:{port}") as ingest:
            _answering(port)
            time.sleep(SETTLED_S)
            before = {"run": resident_mib(daemon), "ingest": resident_mib(ingest)}
            began = SystemClock().now()
            quiet = Period(began - int(SETTLED_S * 1000) // 2, began)
            most = asyncio.run(_flooded(port, found, {"run": daemon, "ingest": ingest}))
            ended = SystemClock().now()
            _handed_over(port, found)
        found.grown = {which: most[which] - before[which] for which in before}
        with open_for_reading(f"sqlite:///{folder / 'minutebook.db'}") as reader:
            found.stored = sum(1 for _ in reader.open_samples())
            found.late_ms, found.late_before_ms = _late(reader, Period(began, ended)), _late(reader, quiet)
    return found


def _late(reader: Reader, period: Period) -> list[int]:
    """How late the looks of a period began, ms."""
    return [
        fact.at - fact.scheduled_at
        for fact in reader.read(period, 2**62)
        if isinstance(fact, Result) and fact.scheduled_at is not None and not fact.confirm
    ]


@contextmanager
def _running(folder: Path, *command: str) -> Iterator[int]:
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", *command], cwd=folder, stderr=subprocess.DEVNULL, env=env
    ) as process:
        try:
            yield process.pid
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
        finally:
            process.terminate()


async def _flooded(port: int, found: Flood, pids: Mapping[str, int]) -> dict[str, float]:
    """Floods, and answers the most that each process had resident meanwhile, MiB."""
    until = time.monotonic() + found.seconds
    senders = [asyncio.create_task(_send(number, port, until, found)) for number in range(CONNECTIONS)]
    most = dict.fromkeys(pids, 0.0)
    while not all(sender.done() for sender in senders):
        await asyncio.sleep(1)
        most = {which: max(most[which], resident_mib(pid)) for which, pid in pids.items()}
    await asyncio.gather(*senders)
    return most


async def _send(sender: int, port: int, until: float, found: Flood) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    try:
        while time.monotonic() < until:
            name = f"{sender}-{number // REPORTS}"
            body = _beacon(name)
            writer.write(HEAD % len(body) + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            found.statuses[int(answer[9:12])] += 1
            if answer[9:12] == b"204":
                found.names.add(name)
            length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
            await reader.readexactly(int(length or 0))
            number += 1
    finally:
        writer.close()


def _beacon(name: str) -> bytes:
    names = ("LCP", "INP", "CLS")
    metrics = [
        {"id": f"v6-{name}-{n}", "name": names[n % 3], "value": (n * 37 + len(name)) / 10} for n in range(METRICS)
    ]
    return json.dumps({"metrics": metrics}).encode()


def _handed_over(port: int, found: Flood) -> None:
    """Waits until nothing is left in the spool; takes what the process counted."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        page = _page(port)
        if page["minutebook_queue_depth"] == 0:
            break
        assert time.monotonic() < deadline, "the spool is not empty"
        time.sleep(0.5)
    found.outcomes = {outcome: int(page[outcome]) for outcome in OUTCOMES}


def _page(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.labels.get("outcome", sample.name): sample.value for sample in samples}


def _answering(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, "nothing listens"
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
