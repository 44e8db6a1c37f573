"""Panels on tickets that wait for their first reply, for the dashboard *Budget*: they belong to no service. Pure."""

from __future__ import annotations

from exporters.grafana.panels import LINES, Panel, Query

_WAIT = "sum by (priority) (max by (priority, class) (sla_response_open))"
_SOONEST = "min(sla_response_oldest_due_timestamp_seconds) - time()"

TICKETS = (
    Panel(
        "stat",
        "Open",
        "Tickets without a first reply by a person.",
        (Query("sum(max by (priority, class) (sla_response_open))"),),
        6,
        4,
    ),
    Panel(
        "stat",
        "Next due in",
        "Until the first open ticket is due; below zero it is late.",
        (Query(_SOONEST),),
        6,
        4,
        unit="s",
        steps=((None, "red"), (0, "orange"), (3600, "green")),
    ),
    Panel(
        "stat",
        "Late and open",
        "Tickets that are late and still have no reply.",
        (Query('sum(max by (priority, class) (sla_response_waiting{used="100"}))'),),
        6,
        4,
        steps=((None, "green"), (1, "red")),
    ),
    Panel(
        "stat",
        "Late this month",
        "Tickets received this month that are late, answered or not; as a rule each is a breach.",
        (Query("sum(max by (priority, class) (sla_response_late))"),),
        6,
        4,
        steps=((None, "green"), (1, "red")),
    ),
    Panel(
        "timeseries",
        "Open tickets",
        "By priority.",
        (Query(_WAIT, "{{priority}}"),),
        24,
        8,
        custom=LINES,
    ),
)
