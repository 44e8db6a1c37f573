"""Instatus pages (design/upstreams.md, B)."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import SecretText, WebUrl
from monitor.sources.settings import PageSettings


class InstatusSettings(PageSettings):
    """An Instatus page."""

    url: WebUrl = Field(description="The public page.")
    page_id: str | None = Field(None, min_length=1, description="Its id in the Instatus API.")
    api_key: SecretText | None = Field(None, description="Reads drafts and revisions through the Instatus API.")
    webhook_secret: SecretText | None = Field(None, description="Signs what the page posts.")
