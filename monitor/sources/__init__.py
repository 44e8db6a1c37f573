"""Sources: pages and monitors of others. A new kind is one file beside this one and one line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.settings import Settings
from monitor.sources.kinds import (
    CloudflareHealthChecksSettings,
    InstatusSettings,
    PageSettings,
    PrometheusSettings,
    SentryUptimeSettings,
    StatuspageSettings,
    VantageSettings,
)

KINDS: Mapping[str, type[Settings]] = {
    "statuspage": StatuspageSettings,
    "instatus": InstatusSettings,
    "cloudflare_health_checks": CloudflareHealthChecksSettings,
    "sentry_uptime": SentryUptimeSettings,
    "prometheus": PrometheusSettings,
}
"""Kind, as the configuration names it, to its settings."""

__all__ = ["KINDS", "PageSettings", "VantageSettings"]
