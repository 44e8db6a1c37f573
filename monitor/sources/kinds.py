"""What each kind of source is told: a page announces maintenance and incidents, a vantage has results of checks."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import SecretText, Settings, WebUrl


class PageSettings(Settings):
    """A status page: of a provider, or our own."""


class VantageSettings(Settings):
    """A monitor of somebody else's that looks at our checks from another place."""


class StatuspageSettings(PageSettings):
    """An Atlassian Statuspage, or a page that speaks its API v2."""

    url: WebUrl = Field(description="The page, without /api.")
    webhook_secret: SecretText | None = Field(None, description="Ends the address that the page posts to.")


class InstatusSettings(PageSettings):
    """An Instatus page."""

    url: WebUrl = Field(description="The public page.")
    page_id: str | None = Field(None, min_length=1, description="Its id in the Instatus API.")
    api_key: SecretText | None = Field(None, description="Reads drafts and revisions through the Instatus API.")
    webhook_secret: SecretText | None = Field(None, description="Signs what the page posts.")


class CloudflareHealthChecksSettings(VantageSettings):
    """Cloudflare Health Checks of one zone."""

    zone: str = Field(min_length=1, description="The zone's id.")
    api_token: SecretText = Field(description="A token that may read the zone's health checks.")
    webhook_secret: SecretText | None = Field(None, description="Signs what Cloudflare posts.")


class SentryUptimeSettings(VantageSettings):
    """Uptime monitors of one Sentry organization."""

    organization: str = Field(min_length=1, description="The organization's slug.")
    auth_token: SecretText = Field(description="A token that may read its uptime monitors.")
    webhook_secret: SecretText | None = Field(None, description="Signs what Sentry posts.")


class PrometheusSettings(VantageSettings):
    """A Prometheus server, or one that speaks its HTTP API, that holds `probe_success`."""

    url: WebUrl = Field(description="The server's address, without /api.")
    query: str = Field(min_length=1, description='An instant vector of 1 and 0, such as probe_success{job="blackbox"}.')
    vantage_label: str = Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$", description="The label that names the vantage.")
    check_label: str = Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$", description="The label that names the check.")
