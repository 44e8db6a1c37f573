"""The dashboard *Web Vitals*: what real users measured, against what is promised, in the month and over 28 days."""

from __future__ import annotations

from exporters.grafana.boards import Board
from exporters.grafana.panels import (
    LINES,
    Column,
    Panel,
    Query,
    Section,
    coloured,
    table,
)

_VERDICTS = {
    "met": ("met", "green"),
    "missed": ("missed", "red"),
    "insufficient": ("too few samples", "yellow"),
    "no_data": ("no data", "text"),
}
_CONFIDENCES = {"clear": ("clear", "text"), "borderline": ("borderline", "yellow")}


def _window(window: str) -> str:
    return f'{{window="{window}"}}'


def _verdicts(title: str, description: str, window: str) -> Panel:
    chosen = _window(window)
    return table(
        Panel(
            "table",
            title,
            description,
            (),
            12,
            6,
            overrides=(coloured("verdict", _VERDICTS), coloured("confidence", _CONFIDENCES)),
        ),
        (
            Column("", f"max by (metric, verdict, confidence) (web_vitals_verdict_info{chosen})"),
            Column("Good", f"max by (metric) (web_vitals_good_ratio{chosen})", "percentunit", decimals=1),
            Column("Promised", f"max by (metric) (web_vitals_objective_ratio{chosen})", "percentunit", decimals=0),
            Column("Samples", f"max by (metric) (web_vitals_samples{chosen})", decimals=0),
        ),
        ("metric", "verdict", "confidence"),
    )


def _good(window: str) -> tuple[Query, ...]:
    chosen = _window(window)
    return (
        Query(f"max by (metric) (web_vitals_good_ratio{chosen})", "{{metric}}"),
        Query(f"max(web_vitals_objective_ratio{chosen})", "promised"),
    )


def _against_limit(title: str, description: str, name: str, unit: str) -> Panel:
    """The percentile and its limit; both windows."""
    return Panel(
        "timeseries",
        title,
        description,
        (
            Query(f"max by (metric, window) (web_vitals_p75_{name})", "{{metric}} {{window}}"),
            Query(f"max by (metric) (web_vitals_limit_{name})", "{{metric}} limit"),
        ),
        unit=unit,
        custom=LINES,
    )


_NOW = (
    _verdicts("The month", "The promise. A verdict is final only in a closed statement.", "month"),
    _verdicts("28 days", "What Shopify judges. It pages where it is missed, and chance does not explain it.", "28d"),
)

_GOES = (
    Panel(
        "timeseries",
        "Good, 28 days",
        "Part of the samples within the limit, and the part that is promised. A day changes a 28th of it.",
        _good("28d"),
        unit="percentunit",
        custom=LINES,
    ),
    Panel(
        "timeseries",
        "Good, the month",
        "Begins anew with each month: the first days are noisy.",
        _good("month"),
        unit="percentunit",
        custom=LINES,
    ),
    _against_limit("LCP and INP", "On the side of the limit where the counts have it.", "seconds", "s"),
    _against_limit("CLS", "Without a unit.", "score", "none"),
    Panel(
        "timeseries",
        "Samples",
        "Few samples prove little: under the promised number there is no verdict.",
        (Query("max by (metric, window) (web_vitals_samples)", "{{metric}} {{window}}"),),
        24,
        custom=LINES,
    ),
)

VITALS = Board(
    "minutebook-vitals",
    "minutebook: Web Vitals",
    "LCP, INP and CLS of real users: verdict and its certainty, the part of good samples, percentiles, samples.",
    (Section("Verdicts", _NOW), Section("How it goes", _GOES)),
    since="now-30d",
)
