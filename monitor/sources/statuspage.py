"""Atlassian Statuspage, and pages that speak its API v2 (design/upstreams.md, A)."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import SecretText, WebUrl
from monitor.sources.settings import PageSettings


class StatuspageSettings(PageSettings):
    """An Atlassian Statuspage, or a page that speaks its API v2."""

    url: WebUrl = Field(description="The page, without /api.")
    webhook_secret: SecretText | None = Field(None, description="Ends the address that the page posts to.")
