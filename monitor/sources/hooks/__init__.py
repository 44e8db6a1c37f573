"""What sources post: a kind that does is one file here and one line in HOOKS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.sources.cloudflare_health_checks import CloudflareHealthChecksSettings
from monitor.sources.desks.help_scout import HelpScoutSettings
from monitor.sources.desks.intercom import IntercomSettings
from monitor.sources.desks.zendesk import ZendeskSettings
from monitor.sources.hooks import cloudflare, desks, instatus, sentry, statuspage
from monitor.sources.hooks.kind import (
    Delivery,
    HookKind,
    Ignored,
    News,
    Refusal,
    ends_address,
    sends_secret,
    signs_body,
)
from monitor.sources.instatus import InstatusSettings
from monitor.sources.sentry_uptime import SentryUptimeSettings
from monitor.sources.statuspage import StatuspageSettings

AnyHook: TypeAlias = (
    HookKind[StatuspageSettings]
    | HookKind[InstatusSettings]
    | HookKind[SentryUptimeSettings]
    | HookKind[CloudflareHealthChecksSettings]
    | HookKind[ZendeskSettings]
    | HookKind[IntercomSettings]
    | HookKind[HelpScoutSettings]
)

HOOKS: Mapping[str, AnyHook] = {
    "statuspage": HookKind(StatuspageSettings, ends_address, statuspage.parse, in_path=True),
    "instatus": HookKind(InstatusSettings, signs_body(instatus.HEADER), instatus.parse),
    "sentry_uptime": HookKind(SentryUptimeSettings, signs_body(sentry.HEADER), sentry.parse),
    "cloudflare_health_checks": HookKind(
        CloudflareHealthChecksSettings, sends_secret(cloudflare.HEADER), cloudflare.parse
    ),
    "zendesk": HookKind(ZendeskSettings, desks.zendesk, desks.parse),
    "intercom": HookKind(IntercomSettings, desks.intercom, desks.parse),
    "help_scout": HookKind(HelpScoutSettings, desks.help_scout, desks.parse),
}
"""Kind, as the configuration names it, to how it posts."""

__all__ = ["HOOKS", "AnyHook", "Delivery", "HookKind", "Ignored", "News", "Refusal"]
