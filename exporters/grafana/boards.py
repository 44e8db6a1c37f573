"""A Grafana dashboard around its panels: variables, annotations, links, time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporters.grafana.panels import DATASOURCE, SCHEMA_VERSION, Piece, Section, placed

TAG = "minutebook"


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: `name` is its uid and the name of its file."""

    name: str
    title: str
    description: str
    sections: Sequence[Section]
    variables: Sequence[Piece] = ()
    annotations: Sequence[Piece] = ()
    since: str = "now-24h"
    until: str = "now"

    def piece(self, zone: str) -> Piece:
        """The dashboard, in the SLA's zone: its months begin and end where those of the statements do."""
        return {
            "uid": self.name,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": {"from": self.since, "to": self.until},
            "timezone": "utc" if zone == "UTC" else zone,
            "links": [_OTHERS],
            "annotations": {"list": list(self.annotations)},
            "templating": {"list": [_DATASOURCES, *self.variables]},
            "panels": list(placed(self.sections)),
        }


def chosen(name: str, query: str, label: str, *, several: bool) -> Piece:
    """A variable that Prometheus is asked for the values of."""
    everything: Piece = {"includeAll": True, "allValue": ".*"} if several else {"includeAll": False}
    return {
        "name": name,
        "type": "query",
        "label": label,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        **everything,
    }


def annotated(name: str, expr: str, colour: str, title: str) -> Piece:
    """Spans of time in which `expr` has a value, marked in every panel.

    `expr`, `step` and the formats are keys of the Prometheus data source, which Grafana's type of an annotation does
    not name.
    """
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": "",
    }


_DATASOURCES: Piece = {
    "name": "datasource",
    "type": "datasource",
    "label": "Prometheus",
    "query": "prometheus",
    "refresh": 1,
    "hide": 0,
    "includeAll": False,
    "multi": False,
}

_OTHERS: Piece = {
    "title": "minutebook",
    "type": "dashboards",
    "tags": [TAG],
    "icon": "external link",
    "tooltip": "The other dashboards of minutebook",
    "asDropdown": False,
    "includeVars": True,
    "keepTime": False,
    "targetBlank": False,
}
