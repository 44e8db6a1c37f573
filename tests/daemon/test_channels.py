"""Channels end to end: a real daemon, an app that fails, and a webhook that hears of it once, also after a kill."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration

CUSTOMERS = """
customers:
  - {name: acme, plan: enterprise, since: 2026-01-01, monthly_fee: 499.00 USD, channel: {webhook: {from_file: hook}}}
"""


@contextmanager
def hook() -> Iterator[tuple[list[dict[str, object]], str]]:
    taken: list[dict[str, object]] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield taken, f"http://127.0.0.1:{server.server_port}/very-secret"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kinds(taken: Sequence[Mapping[str, object]]) -> list[str]:
    """What was told, each key once, as a receiver takes them."""
    keys = dict.fromkeys(str(message["key"]) for message in taken)
    return [key.rsplit("/", 1)[-1] for key in keys]


@pytest.mark.long
def test_an_outage_is_told_once_over_a_kill_and_no_log_has_the_address(
    start: Callable[..., Daemon], minutebook: Minutebook, app: App, until: Until
) -> None:
    configuration(minutebook.folder, app, more=CUSTOMERS)
    with hook() as (taken, address):
        (minutebook.folder / "hook").write_text(address)
        daemon = start().ready()
        until(lambda: daemon.value("sla_service_up") == 1)
        app.stop()
        until(lambda: len(taken) == 1)
        daemon.send(signal.SIGKILL)
        daemon = start().ready()
        until(lambda: daemon.value("sla_service_up") == 0)
        app.start()
        until(lambda: "end" in kinds(taken))
        until(lambda: daemon.value("minutebook_channel_waiting") == 0)
        tried = minutebook("channels", "test", "acme")
        assert (tried.status, tried.out) == (0, "acme took it\n")
        dry = minutebook("channels", "test", "acme", "--dry-run")
        assert (dry.status, "very-secret" in dry.out) == (0, False)
        assert daemon.stop() == 0
        assert "very-secret" not in daemon.said
    assert kinds(taken)[:2] == ["start", "end"]
    assert len(kinds(taken)) == 3
    assert len(taken) <= 4  # killed between the hook's answer and its own note of it, it tells once more by that key
    assert taken[0]["thread"] == next(each for each in taken if kinds([each]) == ["end"])["thread"]
