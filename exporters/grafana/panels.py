"""What a Grafana dashboard is made of, as plain dicts: queries, panels and how they are placed. Pure.

The keys are those of Grafana's own types (npm @grafana/schema: Dashboard, and the Options and FieldConfig of each kind
of panel); tests/dashboards holds every dashboard to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Literal

from exporters.rules import RUNNING

Piece = dict[str, object]
Kind = Literal["bargauge", "stat", "state-timeline", "table", "timeseries"]
Steps = Sequence[tuple[float | None, str]]
"""Where a colour begins; the first one begins nowhere (None)."""

DATASOURCE: Piece = {"type": "prometheus", "uid": "${datasource}"}
SCHEMA_VERSION = 39
"""That of Grafana 11: a later one brings it up to its own when it loads the file."""
COLUMNS = 24
"""Width of a dashboard."""

UP_OR_DOWN: Mapping[str, tuple[str, str]] = {"0": ("down", "red"), "1": ("up", "green")}
PASS_OR_FAIL: Mapping[str, tuple[str, str]] = {"0": ("fail", "red"), "1": ("pass", "green")}
NO_OR_YES: Mapping[str, tuple[str, str]] = {"0": ("no", "red"), "1": ("yes", "green")}
RAISED: Mapping[str, tuple[str, str]] = {"0": ("no", "green"), "1": ("warns", "orange")}
GRANTED: Mapping[str, tuple[str, str]] = {"1": ("excused", "blue")}
VERDICTS: Mapping[str, tuple[str, str]] = {
    "on_track": ("on track", "green"),
    "met": ("met", "green"),
    "met_unproven": ("met, unproven", "yellow"),
    "breached": ("breached", "red"),
}

PLAIN: Steps = ((None, "text"),)
LEFT: Steps = ((None, "red"), (0, "green"))
USED: Steps = ((None, "green"), (0.5, "yellow"), (0.75, "orange"), (1, "red"))
BURN: Steps = ((None, "green"), (1, "yellow"), (6, "orange"), (14.4, "red"))
"""Where the burn alerts stand (exporters.rules)."""


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and the legend of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `custom` are fields of the kind's FieldConfig and `options` of its Options, beside the usual ones.

    `none` is shown where there is no value: absent is a statement too.
    """

    kind: Kind
    title: str
    description: str
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    unit: str = "none"
    decimals: int | None = None
    steps: Steps = PLAIN
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    none: str | None = None
    custom: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    overrides: Sequence[Piece] = ()
    transformations: Sequence[Piece] = ()

    def piece(self, identity: int, x: int, y: int) -> Piece:
        """The panel at its place."""
        defaults: Piece = {
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
            "custom": {**_CUSTOM[self.kind], **self.custom},
            "mappings": mappings(self.values),
            "thresholds": thresholds(self.steps),
            "unit": self.unit,
        }
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.none is not None:
            defaults["noValue"] = self.none
        return {
            "id": identity,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": {**_OPTIONS[self.kind], **self.options},
            "targets": [self._target(*each) for each in zip(ascii_uppercase, self.queries, strict=False)],
            "transformations": list(self.transformations),
        }

    def _target(self, reference: str, query: Query) -> Piece:
        over_time = self.kind in ("timeseries", "state-timeline")
        return {
            "refId": reference,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "format": "table" if self.kind == "table" else "time_series",
            "instant": not over_time,
            "range": over_time,
            "legendFormat": query.legend or "__auto",
        }


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading, from left to right and then below."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Its query gives the labels that name a row; without a title only they are shown."""

    title: str
    expr: str
    unit: str = "none"
    steps: Steps = PLAIN
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    decimals: int | None = None


def table(panel: Panel, columns: Sequence[Column], names: Sequence[str], link: str | None = None) -> Panel:
    """A table of `columns`, its rows named by the labels `names`; the first of them leads to `link`."""
    values = [f"Value #{letter}" for letter, _ in zip(ascii_uppercase, columns, strict=False)]
    titled = [(value, column) for value, column in zip(values, columns, strict=True) if column.title]
    shown = {value: column.title for value, column in titled}
    hidden = {"Time": True, **{value: True for value in values if value not in shown}}
    order = {name: place for place, name in enumerate((*names, *values))}
    overrides = [_column(column) for _, column in titled]
    if link is not None:
        lead = {"id": "links", "value": [{"title": "Look at it", "url": link}]}
        overrides.append({"matcher": {"id": "byName", "options": names[0]}, "properties": [lead]})
    return Panel(
        "table",
        panel.title,
        panel.description,
        tuple(Query(column.expr) for column in columns),
        panel.width,
        panel.height,
        overrides=(*overrides, *panel.overrides),
        transformations=(
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {"excludeByName": hidden, "indexByName": order, "renameByName": shown},
            },
        ),
    )


def coloured(column: str, values: Mapping[str, tuple[str, str]]) -> Piece:
    """A label that is shown as a column, in colours."""
    properties = [
        {"id": "mappings", "value": mappings(values)},
        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
    ]
    return {"matcher": {"id": "byName", "options": column}, "properties": properties}


def drawn(series: str, **custom: object) -> Piece:
    """How one series of a panel is drawn."""
    properties = [{"id": f"custom.{name}", "value": value} for name, value in custom.items()]
    return {"matcher": {"id": "byName", "options": series}, "properties": properties}


def _column(column: Column) -> Piece:
    properties: list[Piece] = [
        {"id": "unit", "value": column.unit},
        {"id": "thresholds", "value": thresholds(column.steps)},
        {"id": "mappings", "value": mappings(column.values)},
    ]
    if column.steps is not PLAIN or column.values:
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    if column.decimals is not None:
        properties.append({"id": "decimals", "value": column.decimals})
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def thresholds(steps: Steps) -> Piece:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in steps]}


def mappings(values: Mapping[str, tuple[str, str]]) -> list[Piece]:
    if not values:
        return []
    shown = {
        value: {"text": text, "color": colour, "index": place}
        for place, (value, (text, colour)) in enumerate(values.items())
    }
    return [{"type": "value", "options": shown}]


def running(series: str) -> str:
    """The series of the month that runs."""
    return f"({series} {RUNNING})"


_LEGEND: Piece = {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": True}
_REDUCED: Piece = {"calcs": ["lastNotNull"], "fields": "", "values": False}

_OPTIONS: Mapping[Kind, Piece] = {
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": _REDUCED,
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    },
    "state-timeline": {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    },
    "table": {"cellHeight": "sm", "frameIndex": 0, "showHeader": True},
    "bargauge": {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "orientation": "horizontal",
        "reduceOptions": _REDUCED,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    },
}

_CUSTOM: Mapping[Kind, Piece] = {
    "timeseries": {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "never",
        "spanNulls": False,
    },
    "stat": {},
    "state-timeline": {"fillOpacity": 80, "lineWidth": 0},
    "table": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
    "bargauge": {},
}

STACKED: Piece = {"fillOpacity": 40, "lineWidth": 1, "stacking": {"group": "A", "mode": "normal"}}
LINES: Piece = {"thresholdsStyle": {"mode": "line"}}
"""The thresholds are drawn across the panel."""


def placed(sections: Iterable[Section]) -> Iterator[Piece]:
    """Rows and panels with a number and a place each."""
    identity, y = 1, 0
    for section in sections:
        yield {
            "id": identity,
            "type": "row",
            "title": section.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
        }
        identity, y, x, tallest = identity + 1, y + 1, 0, 0
        for panel in section.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield panel.piece(identity, x, y)
            identity, x, tallest = identity + 1, x + panel.width, max(tallest, panel.height)
        y += tallest
