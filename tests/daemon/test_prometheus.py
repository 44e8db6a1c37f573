"""What Prometheus itself makes of the page of /metrics."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from tests.conftest import ROOT
from tests.daemon.programs import App, Daemon, Json, Until, free_port

Tool = Callable[[str], str]


def test_promtool_accepts_the_page(daemon: Daemon, until: Until, tool: Tool) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    checked = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=daemon.get("/metrics").body,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@contextmanager
def prometheus(program: str, folder: Path, target: int) -> Iterator[int]:
    """A Prometheus with the configuration of deploy/, over a daemon on another port and each second; its port."""
    written = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    assert "honor_labels: true" in written
    written = written.replace("127.0.0.1:9843", f"127.0.0.1:{target}").replace(
        "scrape_interval: 15s", "scrape_interval: 1s"
    )
    (folder / "prometheus.yml").write_text(written)
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield port
    finally:
        running.terminate()
        running.wait()


def found(port: int, query: str) -> list[Json]:
    """What a query finds now; nothing while Prometheus does not answer yet."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/api/v1/query?query={quote(query)}")
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return []
    finally:
        connection.close()
    result: list[Json] = json.loads(body)["data"]["result"] if answer.status == 200 else []
    return result


def test_a_real_prometheus_keeps_our_labels(daemon: Daemon, app: App, until: Until, tool: Tool, tmp_path: Path) -> None:
    until(lambda: daemon.value("probe_success") == 1)
    page = daemon.page()
    with prometheus(tool("prometheus"), tmp_path, daemon.port) as port:
        [budget] = until(lambda: found(port, f'sla_error_budget_remaining_seconds{{month="{page.month}"}}'))
        [success] = found(port, "probe_success")
        [up] = found(port, "up")
    assert budget["metric"]["service"] == "app"
    assert 0 < float(budget["value"][1]) < 3000
    assert success["metric"] == {
        "__name__": "probe_success",
        "job": "minutebook",
        "instance": app.url,
        "service": "app",
        "check": "web",
        "vantage": "here",
    }
    assert success["value"][1] == "1"
    assert (up["metric"]["instance"], up["value"][1]) == (f"127.0.0.1:{daemon.port}", "1")
