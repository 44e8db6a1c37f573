"""Sources: pages and monitors of others. A new kind is one file beside this one and one line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.sources import cloudflare_health_checks, instatus, prometheus, sentry_uptime, statuspage
from monitor.sources.kind import SourceKind
from monitor.sources.settings import PageSettings, VantageSettings

AnySource: TypeAlias = (
    SourceKind[statuspage.StatuspageSettings]
    | SourceKind[instatus.InstatusSettings]
    | SourceKind[cloudflare_health_checks.CloudflareHealthChecksSettings]
    | SourceKind[sentry_uptime.SentryUptimeSettings]
    | SourceKind[prometheus.PrometheusSettings]
)

KINDS: Mapping[str, AnySource] = {
    "statuspage": SourceKind(statuspage.StatuspageSettings, statuspage.first, statuspage.parse),
    "instatus": SourceKind(instatus.InstatusSettings, instatus.first, instatus.parse),
    "cloudflare_health_checks": SourceKind(
        cloudflare_health_checks.CloudflareHealthChecksSettings,
        cloudflare_health_checks.first,
        cloudflare_health_checks.parse,
    ),
    "sentry_uptime": SourceKind(sentry_uptime.SentryUptimeSettings, sentry_uptime.first, sentry_uptime.parse),
    "prometheus": SourceKind(prometheus.PrometheusSettings, prometheus.first, prometheus.parse, prometheus.history),
}
"""Kind, as the configuration names it, to its settings and its two functions, `first` and `parse`."""

__all__ = ["KINDS", "AnySource", "PageSettings", "VantageSettings"]
