"""Vantages from the Prometheus HTTP API: blackbox_exporter fleets that are there already."""

from __future__ import annotations

from pydantic import Field

from monitor.settings import WebUrl
from monitor.sources.settings import VantageSettings


class PrometheusSettings(VantageSettings):
    """A Prometheus server, or one that speaks its HTTP API, that holds `probe_success`."""

    url: WebUrl = Field(description="The server's address, without /api.")
    query: str = Field(min_length=1, description='An instant vector of 1 and 0, such as probe_success{job="blackbox"}.')
    vantage_label: str = Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$", description="The label that names the vantage.")
    check_label: str = Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$", description="The label that names the check.")
