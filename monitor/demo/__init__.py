"""`minutebook demo`: two months of history, an app that fails on purpose, two status pages; on this machine alone."""

from __future__ import annotations

from pathlib import Path

from monitor.demo.history import LOCATION, history
from monitor.demo.servers import site

__all__ = ["LOCATION", "history", "site", "write_configuration"]

CONFIGURATION = """\
timezone: UTC
location: demo
storage: sqlite:///demo.db
server: {{listen: "127.0.0.1:{port}"}}
probing: {{confirm_after: 500ms}}
services:
  - name: app
    title: An app that fails on purpose
    public: true
    depends_on: [cloudflare/CDN]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:{site_port}/health"}}, interval: 2s, timeout: 1s}}
      - name: edge
        http: {{url: "http://127.0.0.1:{site_port}/edge"}}
        interval: 2s
        timeout: 1s
        role: corroboration
sources:
  - name: cloudflare-status
    statuspage: {{url: "http://127.0.0.1:{site_port}/cloudflare"}}
    provider: cloudflare
    every: 5s
  - name: own-page
    statuspage: {{url: "http://127.0.0.1:{site_port}/own"}}
    announces_maintenance: true
    components: {{App: [app]}}
    every: 5s
policies:
  - effective_from: 2020-01-01
    availability: {{objective: 99.9%, downtime_cap: 43m}}
    third_party: {{providers: [cloudflare], corroborated_by: {{cloudflare: [edge]}}}}
"""


def write_configuration(folder: Path, port: int, site_port: int) -> Path:
    """The demo's configuration in a folder, for a daemon and its site on these ports of 127.0.0.1."""
    path = folder / "minutebook.yaml"
    path.write_text(CONFIGURATION.format(port=port, site_port=site_port), encoding="utf-8")
    return path
