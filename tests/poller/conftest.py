"""A provider's page that is polled: the page, the vendor who serves it, and the poller with its store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.config import Config, parse
from monitor.ledger.period import parse_instant
from tests.poller.polled import IMPATIENT_S, Polled, polling
from tests.vendors.serving import Vendor, serving
from tests.vendors.statuspage import StatusPage

START = parse_instant("2026-06-10T08:00:00Z")
CONFIG = """\
services:
  - name: app
    depends_on: [cloudflare/CDN, cloudflare/kv1]
    checks:
      - {{name: web, http: {{url: "http://127.0.0.1:1/"}}}}
      - {{name: edge, http: {{url: "http://127.0.0.1:1/"}}, role: corroboration}}
policies:
  - {{effective_from: 2026-01-01, third_party: {{corroborated_by: {{cloudflare: [edge]}}}}}}
sources:
  - {{name: page, statuspage: {{url: "{url}"}}, provider: cloudflare, every: 60s}}
"""


def configured(url: str, folder: Path) -> Config:
    return parse(CONFIG.format(url=url), "minutebook.yaml", folder, {})


@pytest.fixture
def page() -> StatusPage:
    """A provider's page with two components."""
    return StatusPage({"cdn1": "Edge - CDN", "kv1": "Edge - KV", "pop1": "Amsterdam - (AMS)"})


@pytest.fixture
async def vendor(page: StatusPage) -> AsyncIterator[Vendor]:
    async with serving(Vendor(page.answer)) as served:
        yield served


@pytest.fixture
async def polled(vendor: Vendor, tmp_path: Path) -> AsyncIterator[Polled]:
    async with polling(tmp_path, configured(vendor.url, tmp_path), START, timeout_s=IMPATIENT_S * 20) as made:
        yield made
