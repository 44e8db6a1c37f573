"""Every query of the dashboards, as Prometheus gets it from Grafana."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from exporters.grafana import BOARDS, dashboards

Json = Any


class Asked(NamedTuple):
    """Where a query stands, what it is, and its legend."""

    where: str
    expr: str
    legend: str


def board(name: str) -> Json:
    """A dashboard as Grafana reads it."""
    return json.loads(dashboards("UTC")[f"{name}.json"])


def panels(dashboard: Json) -> list[Json]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def asked() -> Iterator[Asked]:
    """Of every panel and annotation."""
    for each in BOARDS:
        dashboard = board(each.name)
        for panel in panels(dashboard):
            for target in panel["targets"]:
                where = f"{each.name}: {panel['title']}, {target['refId']}"
                yield Asked(where, target["expr"], target["legendFormat"])
        for annotation in dashboard["annotations"]["list"]:
            yield Asked(f"{each.name}: {annotation['name']}", annotation["expr"], annotation["titleFormat"])


def filled(expr: str, service: str) -> str:
    """As Grafana asks it once a service is chosen."""
    return expr.replace("$service", service)
