"""Every query of every dashboard finds data in a real Prometheus over a real daemon: ours, and those that others have
published for blackbox_exporter."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trustme

from monitor.ledger.period import DAY, HOUR, MINUTE, format_instant
from tests.daemon.programs import App, Daemon, Minutebook, ended, free_port, now_ms, running_app, wait_until
from tests.daemon.test_prometheus import Tool, prometheus
from tests.dashboards.blackbox import ASKED as OF_OTHERS
from tests.dashboards.queries import asked, filled
from tests.vendors.serving import served
from tests.vendors.statuspage import StatusPage

CONFIGURATION = """\
location: here
server: {{listen: '127.0.0.1:0'}}
probing:
  confirm_after: 0
  resolvers: ['127.0.0.1', '127.0.1.1']
  canaries: [{{tcp: {{host: '127.0.0.2', port: {canary}}}}}]
services:
  - name: shop
    down_when: {{at_least: 2}}
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: 'http://127.0.0.1:{app}/'}}, interval: 1s, timeout: 1s, warn: {{duration: 1ms}}}}
      - {{name: broken, http: {{url: 'http://127.0.0.1:{broken}/'}}, interval: 1s, timeout: 1s}}
      - name: proxied
        role: corroboration
        http: {{url: 'http://127.0.0.1:{app}/', proxy: {{url: 'http://127.0.0.1:{nobody}'}}}}
        interval: 1s
        timeout: 1s
      - name: secure
        http: {{url: 'https://localhost:{secure}/', tls: {{ca_file: ca.pem}}}}
        interval: 1s
        timeout: 1s
sources: [{{name: them, statuspage: {{url: "{page}"}}, provider: cloudflare, every: 1s}}]
policies:
  - effective_from: 2020-01-01
    third_party: {{corroborated_by: {{cloudflare: [proxied]}}}}
    web_vitals: {{min_samples: 1}}
    support:
      timezone: UTC
      hours: {{mon-sun: "00:00-24:00"}}
      business_days: mon-fri
      respond_within: {{critical: {{in_hours: 30m, after_hours: 30m}}}}
"""


@contextmanager
def over_tls(folder: Path) -> Iterator[int]:
    """A web server whose certificate is of an authority in `ca.pem`; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called in the library
            return

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def told(now: int) -> list[dict[str, object]]:
    """Forty minutes down that ended five minutes ago, an exclusion that is granted now, a maintenance to come, a sample
    of each Web Vital, and a ticket that waits for longer than it may."""
    down: list[dict[str, object]] = [
        {
            "kind": "result",
            "recorded_at": format_instant(now),
            "check": check,
            "vantage": "here",
            "at": format_instant(at),
            "outcome": "fail",
            "reason": "http_status",
            "hold_ms": 2 * MINUTE,
        }
        for at in range(now - 45 * MINUTE, now - 5 * MINUTE, MINUTE)
        for check in ("web", "broken")
    ]
    vitals: list[dict[str, object]] = [
        {
            "kind": "vital",
            "recorded_at": format_instant(now),
            "metric": metric,
            "metric_id": f"v6-{metric}",
            "value": value,
            "at": format_instant(now),
        }
        for metric, value in (("LCP", 1800), ("INP", 300), ("CLS", 0.05))
    ]
    return [
        *down,
        *vitals,
        {
            "kind": "exclusion",
            "recorded_at": format_instant(now),
            "exclusion": "flood",
            "class": "force_majeure",
            "start": format_instant(now - MINUTE),
            "end": format_instant(now + HOUR),
            "reason": "The river is in the cellar.",
            "evidence": "https://example.com/river",
            "author": "ann",
        },
        {
            "kind": "maintenance",
            "recorded_at": format_instant(now),
            "maintenance": "upgrade",
            "announced_at": format_instant(now),
            "start": format_instant(now + 3 * DAY),
            "end": format_instant(now + 3 * DAY + HOUR),
        },
        {
            "kind": "ticket",
            "recorded_at": format_instant(now),
            "ticket": "t1",
            "customer": "acme",
            "priority": "critical",
            "received_at": format_instant(now - 45 * MINUTE),
            "first_reply_at": None,
        },
    ]


@pytest.fixture
def daemon(minutebook: Minutebook, app: App) -> Iterator[Daemon]:
    """One that has everything to show that the dashboards ask for."""
    page = StatusPage({"cdn1": "CDN"})
    page.open("i1", now_ms() - MINUTE, {"cdn1": "major_outage"})
    with ExitStack() as running:
        broken, canary = (running.enter_context(running_app()) for _ in range(2))
        broken.status = 500
        vendor = running.enter_context(served(page))
        secure = running.enter_context(over_tls(minutebook.folder))
        ports = {"app": app.port, "broken": broken.port, "canary": canary.port, "secure": secure, "nobody": free_port()}
        (minutebook.folder / "minutebook.yaml").write_text(CONFIGURATION.format(page=vendor.url, **ports))
        daemon = running.enter_context(ended(minutebook.starting("run"))).ready()
        answer = daemon.post_facts(minutebook.token(), told(now_ms()))
        assert answer.status == 200, answer
        yield daemon


def points(port: int, query: str, now: int) -> int:
    """How many series a query finds from a minute ago until seven minutes from now; 0 while nobody answers."""
    asked_for = {"query": query, "start": now / 1000 - 60, "end": now / 1000 + 420, "step": 10}
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/api/v1/query_range?{urlencode(asked_for)}")
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return 0
    finally:
        connection.close()
    assert answer.status in (200, 503), (query, body)
    return len(json.loads(body)["data"]["result"]) if answer.status == 200 else 0


def edge_of_month(daemon: Daemon) -> bool:
    """Whether a month begins or ends within an hour: what has just burned and what was just asked is then not of the
    month that runs, and what is burning does not use it up."""
    page = daemon.page()
    end = page.value("sla_month_end_timestamp_seconds", month=page.month)
    length = page.value("sla_month_length_seconds", month=page.month, service="shop")
    assert end is not None
    assert length is not None
    return not end - length + 3600 < page.as_of / 1000 < end - 3600


@pytest.mark.timeout(180)
def test_every_query_finds_data(daemon: Daemon, app: App, tool: Tool, tmp_path: Path) -> None:
    wanted = {query.where: filled(query.expr, "shop") for query in asked()} | dict(OF_OTHERS)
    if edge_of_month(daemon):
        beside = ("exhaustion", "32d", "sla_response_late")
        wanted = {where: expr for where, expr in wanted.items() if not any(name in expr for name in beside)}
    with prometheus(tool("prometheus"), tmp_path, daemon.port) as port:

        def found(but: set[str]) -> bool:
            for where in [where for where, expr in wanted.items() if points(port, expr, now_ms())]:
                del wanted[where]
            return wanted.keys() <= but

        try:
            wait_until(lambda: found({"minutebook-service: Outages"}), within_s=80)
            app.status = 500
            wait_until(lambda: found(set()), within_s=40)
        except AssertionError:
            pytest.fail(f"nothing is found by {json.dumps(wanted, indent=1)}")
