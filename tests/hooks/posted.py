"""Sources that post, their secrets, and deliveries of our own in each vendor's dialect."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from monitor.config import Config, parse
from monitor.ledger.period import parse_instant

NOW = parse_instant("2026-06-10T12:00:00Z")
SECRETS = {"NEW": "n" * 40, "OLD": "o" * 40, "PATH": "p" * 40, "CF": "c" * 40}
CONFIG = """\
services:
  - name: app
    checks: [{name: web, http: {url: "http://127.0.0.1:1/"}, interval: 30s, timeout: 10s}]
sources:
  - name: own
    instatus: {url: "https://own.example", webhook_secret: {from_env: NEW}, previous_webhook_secret: {from_env: OLD}}
    announces_maintenance: true
    components: {App: [app]}
  - {name: them, statuspage: {url: "https://them.example", webhook_secret: {from_env: PATH}}, provider: cloudflare}
  - {name: silent, statuspage: {url: "https://silent.example"}, provider: shopify}
  - name: sentry
    sentry_uptime: {organization: o, auth_token: {from_env: NEW}, webhook_secret: {from_env: NEW}}
    vantage_of: {"42": web}
  - name: cf
    cloudflare_health_checks: {zone: z, api_token: {from_env: CF}, webhook_secret: {from_env: CF}}
    vantage_of: {hc1: web}
"""
HOLD = 3 * 30_000 + 10_000
Object = dict[str, Any]


def configured(folder: Path) -> Config:
    return parse(CONFIG, "minutebook.yaml", folder, SECRETS)


def signature(body: bytes, secret: str = SECRETS["NEW"]) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def issue(action: str = "created", **more: Any) -> Object:
    """An uptime issue of Sentry's, as its documentation has issues."""
    told = {
        "id": "7",
        "shortId": "APP-7",
        "title": "Downtime detected for https://app.example",
        "status": "unresolved",
        "issueType": "uptime_domain_failure",
        "issueCategory": "outage",
        "level": "error",
        "firstSeen": "2026-06-10T11:58:00.000000Z",
        "lastSeen": "2026-06-10T11:59:00.000000Z",
        "metadata": {"detectorId": 42},
        **more,
    }
    return {"action": action, "installation": {"uuid": "u"}, "data": {"issue": told}, "actor": {"type": "application"}}


def notification(status: str = "Unhealthy", **more: Any) -> Object:
    """A notification of Cloudflare's about a health check."""
    data = {
        "time": "2026-06-10 11:59:30 +0000 UTC",
        "status": status,
        "reason": "Response code mismatch",
        "name": "hc",
        "expected_codes": "200",
        "actual_code": 503,
        "health_check_id": "hc1",
    }
    return {
        "name": "n",
        "text": "t",
        "data": data,
        "ts": NOW // 1000,
        "account_id": "a",
        "policy_id": "p",
        "policy_name": "p",
        "alert_type": "health_check_status_notification",
        "alert_correlation_id": "c1",
        "alert_event": "ALERT_STATE_EVENT_START",
        **more,
    }


def posted(source: str, payload: object) -> tuple[str, bytes, dict[str, str]]:
    """The path, the body and the headers with which a source posts."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {
        "own": {"x-instatus-webhook-signature": signature(body)},
        "them": {},
        "sentry": {
            "Sentry-Hook-Signature": signature(body),
            "Sentry-Hook-Resource": "issue",
            "Sentry-Hook-Timestamp": "1781006400",
            "Request-ID": "r",
        },
        "cf": {"cf-webhook-auth": SECRETS["CF"]},
    }[source]
    path = f"/hooks/{source}" + (f"/{SECRETS['PATH']}" if source == "them" else "")
    return path, body, {"Content-Type": "application/json", **headers}
