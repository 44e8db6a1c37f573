"""Sources: pages, monitors and ticket systems of others. A new kind is one file and one line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.sources import cloudflare_health_checks, instatus, prometheus, sentry_uptime, statuspage
from monitor.sources.desks import freshdesk, help_scout, intercom, zendesk
from monitor.sources.desks.desk import DeskSettings
from monitor.sources.kind import SourceKind
from monitor.sources.settings import PageSettings, VantageSettings

AnySource: TypeAlias = (
    SourceKind[statuspage.StatuspageSettings]
    | SourceKind[instatus.InstatusSettings]
    | SourceKind[cloudflare_health_checks.CloudflareHealthChecksSettings]
    | SourceKind[sentry_uptime.SentryUptimeSettings]
    | SourceKind[prometheus.PrometheusSettings]
    | SourceKind[zendesk.ZendeskSettings]
    | SourceKind[intercom.IntercomSettings]
    | SourceKind[freshdesk.FreshdeskSettings]
    | SourceKind[help_scout.HelpScoutSettings]
)

OF_A_DESK = 500
"""Requests of one poll of a ticket system: one for each ticket that may have been answered."""

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
    "zendesk": SourceKind(zendesk.ZendeskSettings, zendesk.first, zendesk.parse, most_requests=OF_A_DESK),
    "intercom": SourceKind(intercom.IntercomSettings, intercom.first, intercom.parse, most_requests=OF_A_DESK),
    "freshdesk": SourceKind(freshdesk.FreshdeskSettings, freshdesk.first, freshdesk.parse, most_requests=OF_A_DESK),
    "help_scout": SourceKind(help_scout.HelpScoutSettings, help_scout.first, help_scout.parse, most_requests=OF_A_DESK),
}
"""Kind, as the configuration names it, to its settings and its two functions, `first` and `parse`."""

__all__ = ["KINDS", "AnySource", "DeskSettings", "PageSettings", "VantageSettings"]
