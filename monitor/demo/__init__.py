"""`minutebook demo`: two months of history, an app that fails on purpose, two status pages; on this machine alone.

Whatever a dashboard asks for is there, so that each of its panels has something to show.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from monitor.demo.history import LOCATION, history
from monitor.demo.servers import site
from monitor.interfaces import Clock

__all__ = ["LOCATION", "Ports", "history", "served", "site", "write_configuration"]

HOST = "127.0.0.1"
CANARY = "127.0.0.2"
"""Of this machine too, and of no check."""

AUTHORITY = Path(__file__).parent / "certificates" / "authority.pem"
CERTIFICATE = AUTHORITY.with_name("localhost.pem")

CONFIGURATION = """\
timezone: UTC
location: demo
storage: sqlite:///demo.db
server: {{listen: "127.0.0.1:{port}"}}
probing:
  confirm_after: 500ms
  canaries: [{{tcp: {{host: {canary}, port: {site}}}}}]
services:
  - name: app
    title: An app that fails on purpose
    public: true
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:{site}/health"}}, interval: 2s, timeout: 1s}}
      - name: login
        http: {{url: "https://localhost:{secure}/login", tls: {{ca_file: "{authority}"}}}}
        warn: {{duration: 100ms, certificate_days: 14}}
        interval: 2s
        timeout: 1s
      - name: edge
        http: {{url: "http://127.0.0.1:{site}/edge"}}
        interval: 2s
        timeout: 1s
        role: corroboration
      - name: by-proxy # which is not there: nothing is known of this check
        http: {{url: "http://127.0.0.1:{site}/edge", proxy: {{url: "http://127.0.0.1:{nobody}"}}}}
        interval: 2s
        timeout: 1s
        role: corroboration
sources:
  - name: cloudflare-status
    statuspage: {{url: "http://127.0.0.1:{site}/cloudflare"}}
    provider: cloudflare
    every: 5s
  - name: own-page
    statuspage: {{url: "http://127.0.0.1:{site}/own"}}
    announces_maintenance: true
    components: {{App: [app]}}
    every: 5s
policies:
  - effective_from: 2020-01-01
    availability: {{objective: 99.9%, downtime_cap: 43m}}
    third_party: {{providers: [cloudflare], corroborated_by: {{cloudflare: [edge]}}}}
    web_vitals: {{min_samples: 100}}
    support:
      hours: {{mon-sun: "00:00-24:00"}}
      respond_within:
        critical: {{in_hours: 30m, after_hours: 30m}}
        normal: {{in_hours: 4h, after_hours: 4h}}
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the daemon and its site listen on 127.0.0.1; the site over TLS too. On `nobody` nobody does."""

    daemon: int
    site: int
    secure: int
    nobody: int


def write_configuration(folder: Path, ports: Ports) -> Path:
    """The demo's configuration in a folder."""
    path = folder / "minutebook.yaml"
    text = CONFIGURATION.format(
        port=ports.daemon,
        site=ports.site,
        secure=ports.secure,
        nobody=ports.nobody,
        canary=CANARY,
        authority=AUTHORITY,
    )
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def served(clock: Clock, ports: Ports) -> AsyncIterator[None]:
    """The site, until the block is left."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    runner = web.AppRunner(site(clock), access_log=None)
    await runner.setup()
    try:
        for host in (HOST, CANARY):
            await web.TCPSite(runner, host, ports.site).start()
        await web.TCPSite(runner, HOST, ports.secure, ssl_context=context).start()
        yield
    finally:
        await runner.cleanup()
