"""What Sloth's public dashboard 14348 (SLO / Detail) asks Prometheus for, by panel, once everything is chosen.

Written down from two published copies of it (its revisions of 2021). 14643 (High level Sloth SLOs) could not be had; it
shows burn rates and the budget left over 30 days, which are among these series.
"""

from __future__ import annotations

from collections.abc import Mapping

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
_CHOSEN = 'sloth_service="${service}", sloth_slo="${slo}"'
_MONTH = (
    '1-(sum_over_time((slo:sli_error:ratio_rate1h{sloth_service="${service}",sloth_slo="${slo}"}'
    " * on() group_left() (month() == bool vector(${__to:date:M})))[32d:1h]) / on(sloth_id)"
    ' (slo:error_budget:ratio{sloth_service="${service}",sloth_slo="${slo}"}'
    " *on() group_left() (24 * days_in_month())))"
)
_14348 = {
    "Exceeded burning rate SLOs": "slo:current_burn_rate:ratio > 1",
    "objective": f"slo:objective:ratio{{{_CHOSEN}}}",
    "objective, later": f"sloth_slo_info{{{_CHOSEN}}}",
    **{
        f"SLI, {window}": f"1 - (max(slo:sli_error:ratio_rate{window}{{{_CHOSEN}}}) OR on() vector(0))"
        for window in WINDOWS
    },
    "Current burning budget %": f"slo:current_burn_rate:ratio{{{_CHOSEN}}} or on() vector(0)",
    "Remaining error budget (month)": _MONTH,
    "Remaining error budget (30d window)": f"slo:period_error_budget_remaining:ratio{{{_CHOSEN}}} or on() vector(1)",
    "Burn rate (speed) magnitude": f"slo:current_burn_rate:ratio{{{_CHOSEN}}} > 0",
    "Warning alert": f'max(ALERTS{{{_CHOSEN}, sloth_severity="ticket"}}) OR on() vector(0)',
    "Critical alert": f'max(ALERTS{{{_CHOSEN}, sloth_severity="page"}}) or on() vector(0)',
    "variable service": "slo:objective:ratio",
    "variable slo": 'slo:objective:ratio{sloth_service="${service}"}',
}


def _everything(expr: str, service: str) -> str:
    chosen = (("${service}", service), ("${slo}", "availability"), ("${__to:date:M}", "1"))
    for variable, value in chosen:
        expr = expr.replace(variable, value)
    return expr


def asked(service: str) -> Mapping[str, str]:
    """As Prometheus gets them in January."""
    return {panel: _everything(expr, service) for panel, expr in _14348.items()}


def without_made_up(expr: str) -> str:
    """A query without what it puts in the place of series that are missing."""
    for made_up in (" or on() vector(1)", " or on() vector(0)", " OR on() vector(0)"):
        expr = expr.replace(made_up, "")
    return expr
