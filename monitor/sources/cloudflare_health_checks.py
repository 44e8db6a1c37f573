"""Cloudflare Health Checks as a vantage (design/upstreams.md, D)."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import SecretText
from monitor.sources.settings import PostingSettings, VantageSettings


class CloudflareHealthChecksSettings(VantageSettings, PostingSettings):
    """Cloudflare Health Checks of one zone."""

    zone: str = Field(min_length=1, description="The zone's id.")
    api_token: SecretText = Field(description="A token that may read the zone's health checks.")
