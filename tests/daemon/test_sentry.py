"""The daemon's own errors and its pulse reach Sentry; nothing secret goes with them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import pairwise

import pytest

from tests.daemon.programs import App, Daemon, Json, Minutebook, Until, configuration

Start = Callable[..., Daemon]
SECRET = "hunter2" * 3


def decoded(body: bytes, encoding: str | None) -> bytes:
    """What was sent: Sentry's SDK takes Brotli where it is installed, as it is with what makes PDFs."""
    if encoding == "br":
        inflated: bytes = import_module("brotli").decompress(body)
        return inflated
    return gzip.decompress(body) if encoding == "gzip" else body


class Sentry:
    """A local Sentry that keeps the envelopes it is sent."""

    def __init__(self) -> None:
        self.envelopes: list[str] = []
        envelopes = self.envelopes

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                envelopes.append(decoded(body, self.headers.get("Content-Encoding")).decode())
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called in the library
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self._server.server_port}/1"

    def items(self, kind: str) -> list[Json]:
        """The payloads of this kind in all envelopes."""
        found = []
        for envelope in list(self.envelopes):
            lines = []
            for line in envelope.splitlines():
                with suppress(ValueError):
                    lines.append(json.loads(line))
            found += [after for before, after in pairwise(lines) if before.get("type") == kind]
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    running = Sentry()
    yield running
    running.close()


@pytest.fixture
def configured(minutebook: Minutebook, app: App, sentry: Sentry) -> Minutebook:
    """A check with a secret header, a DSN, and a monitor for the pulse."""
    path = configuration(minutebook.folder, app, more="sentry: {dsn: {from_file: dsn}, heartbeat_monitor: pulse}\n")
    header = f"http: {{url: '{app.url}?key={SECRET}', headers: {{X-Key: {{from_file: key}}}}}}"
    path.write_text(path.read_text().replace(f"http: {{url: '{app.url}'}}", header))
    (minutebook.folder / "dsn").write_text(sentry.dsn)
    (minutebook.folder / "key").write_text(SECRET)
    return minutebook


def test_an_error_that_ends_the_daemon_is_reported_without_secrets(
    configured: Minutebook, start: Start, sentry: Sentry, app: App, until: Until
) -> None:
    daemon = start().ready()
    until(lambda: daemon.value("probe_success") == 1)
    assert app.headers["X-Key"] == SECRET
    assert daemon.stop() == 0
    store = configured.folder / "minutebook.db"
    content = bytearray(store.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    store.write_bytes(content)
    assert start().process.wait(20) == 4
    [event] = sentry.items("event")
    [raised] = event["exception"]["values"][-1:]
    assert raised["type"] == "StoreDamagedError"
    assert event["server_name"] == "here"
    assert event["release"].startswith("minutebook@")
    assert SECRET not in "".join(sentry.envelopes)


def test_without_the_section_it_is_not_even_imported(minutebook: Minutebook) -> None:
    imported = "import sys, monitor.cli.daemon; sys.exit('sentry_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", imported], env=dict(minutebook.env), check=False).returncode == 0


def test_nothing_is_sent_while_all_is_well(configured: Minutebook, start: Start, sentry: Sentry, until: Until) -> None:
    daemon = start().ready()
    until(lambda: daemon.value("probe_success") == 1)
    assert daemon.stop() == 0
    assert sentry.items("event") == []
    assert SECRET not in daemon.said


@pytest.mark.long
@pytest.mark.timeout(120)
def test_the_pulse_checks_in_every_minute(configured: Minutebook, start: Start, sentry: Sentry, until: Until) -> None:
    start().ready()
    [check_in] = until(lambda: sentry.items("check_in"), within_s=80)
    assert (check_in["monitor_slug"], check_in["status"]) == ("pulse", "ok")
    assert check_in["monitor_config"]["schedule"] == {"type": "interval", "value": 1, "unit": "minute"}
    assert SECRET not in "".join(sentry.envelopes)
