"""Series of `probe_success` in a real Prometheus and a real VictoriaMetrics, and what a month of them comes to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from tests.daemon.programs import Json, free_port, wait_until

Tool = Callable[[str], str]
Samples = Sequence[tuple[int, int]]
"""Instants in UTC ms, each with 1 or 0."""


@dataclass(frozen=True)
class Series:
    """Labels and samples, in order of time."""

    labels: Mapping[str, str]
    samples: Samples

    def __str__(self) -> str:
        return "probe_success{" + ",".join(f'{name}="{value}"' for name, value in self.labels.items()) + "}"


@dataclass(frozen=True)
class Server:
    """A server with Prometheus's HTTP API."""

    port: int
    program: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> bytes | None:
        """What it answers with status 2xx; None while it does not."""
        return self._asked("GET", path)

    def post(self, path: str, body: bytes) -> None:
        assert self._asked("POST", path, body) is not None

    def value(self, query: str, at: int) -> int:
        """The one value of a query at an instant, UTC ms."""
        found = self.get("/api/v1/query?" + urlencode({"query": query, "time": at / 1000, "nocache": 1}))
        assert found is not None
        told: Json = json.loads(found)
        [one] = told["data"]["result"]
        return int(one["value"][1])

    def _asked(self, method: str, path: str, body: bytes | None = None) -> bytes | None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            read = answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        return read if answer.status < 300 else None


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int, ready: str) -> Iterator[Server]:
    with (folder / "server.log").open("wb") as log:
        server = Server(port, subprocess.Popen(command, stdout=log, stderr=log))
    try:
        wait_until(lambda: server.get(ready) is not None, within_s=60)
        yield server
    finally:
        server.program.terminate()
        server.program.wait()


@contextmanager
def prometheus(tool: Tool, folder: Path, series: Sequence[Series], config: str = "") -> Iterator[Server]:
    """A Prometheus that has these series in blocks of its own."""
    folder.mkdir()
    (folder / "prometheus.yml").write_text(config)
    lines = (f"{one} {value} {at // 1000}.{at % 1000:03}\n" for one in series for at, value in one.samples)
    (folder / "series").write_text("# TYPE probe_success gauge\n" + "".join(lines) + "# EOF\n")
    if series:
        made = [
            tool("promtool"),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            f"{folder / 'series'}",
            f"{folder / 'tsdb'}",
        ]
        subprocess.run(made, check=True, capture_output=True)
    port = free_port()
    command = [
        tool("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with _running(command, folder, port, "/-/ready") as server:
        yield server


@contextmanager
def victoria_metrics(tool: Tool, folder: Path, series: Sequence[Series]) -> Iterator[Server]:
    """A VictoriaMetrics into which these series were imported."""
    folder.mkdir()
    port = free_port()
    command = [
        tool("victoria-metrics"),
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
    ]
    with _running(command, folder, port, "/health") as server:
        lines = (f"{one} {value} {at}\n" for one in series for at, value in one.samples)
        server.post("/api/v1/import/prometheus", "".join(lines).encode())
        assert server.get("/internal/force_flush") is not None
        yield server


def implied(samples: Samples, hold: int, fall: int, month: tuple[int, int]) -> dict[str, int]:
    """What the samples of one vantage come to in the month, in ms, by the rules of contracts/accounting.md, section 2,
    written once more and as plainly as can be: `rise` is 1, and nobody is silent at the month's start."""
    ms = {"up": 0, "down": 0, "unknown": 0}
    is_down = False
    ends = [*(at for at, _ in samples[1:]), month[1]]
    for place, ((at, value), following) in enumerate(zip(samples, ends, strict=True)):
        run = [each for _, each in samples[place : place + fall]]
        if value == 1:
            is_down = False
        elif run == [0] * fall:
            is_down = True
        covered = min(following, at + hold)
        ms["down" if is_down else "up"] += _inside(at, covered, month)
        ms["unknown"] += _inside(covered, following, month)
    return ms


def _inside(start: int, end: int, month: tuple[int, int]) -> int:
    return max(0, min(end, month[1]) - max(start, month[0]))
