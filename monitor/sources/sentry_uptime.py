"""Sentry Uptime as a vantage (design/upstreams.md, E)."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import SecretText
from monitor.sources.settings import PostingSettings, VantageSettings


class SentryUptimeSettings(VantageSettings, PostingSettings):
    """Uptime monitors of one Sentry organization."""

    organization: str = Field(min_length=1, description="The organization's slug.")
    auth_token: SecretText = Field(description="A token that may read its uptime monitors.")
