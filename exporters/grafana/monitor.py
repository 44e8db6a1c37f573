"""The dashboard *Sources and monitor*: what the figures rest on. Does it look, does it write, whom does it read?"""

from __future__ import annotations

from exporters.grafana.boards import Board
from exporters.grafana.panels import (
    NO_OR_YES,
    STACKED,
    UP_OR_DOWN,
    Column,
    Panel,
    Query,
    Section,
    Steps,
    table,
)
from exporters.rules import CRUX_STALE_S, STALE_S

_LATE: Steps = ((None, "green"), (30, "orange"), (60, "red"))


def _truth(title: str, description: str, expr: str) -> Panel:
    return Panel("stat", title, description, (Query(expr),), 4, 4, values=NO_OR_YES, none="unknown")


_HEALTH = (
    Panel(
        "stat",
        "Age of the figures",
        "They are made anew every 5 s at least; over a minute pages.",
        (Query("time() - max(minutebook_evaluation_timestamp_seconds)"),),
        4,
        4,
        unit="s",
        steps=_LATE,
        decimals=0,
        none="no monitor",
    ),
    _truth(
        "Store writable",
        "Whether the last commit succeeded. If not, results wait in memory.",
        "min(minutebook_store_writable)",
    ),
    _truth(
        "Configuration accepted",
        "Whether the file was accepted when it was last read. If not, the one before is in force.",
        "min(minutebook_config_last_reload_successful)",
    ),
    _truth(
        "Clock synchronised",
        "What the kernel says. Every instant in the book comes from this clock.",
        "min(minutebook_clock_synchronized)",
    ),
    Panel(
        "stat",
        "Checks void",
        "Checks that the daemon cannot look at now for a fault of its own: unknown time.",
        (
            Query(
                "count(count by (check) (minutebook_void_since_timestamp_seconds))"
                " or 0 * max(minutebook_evaluation_timestamp_seconds)"
            ),
        ),
        4,
        4,
        steps=((None, "green"), (1, "red")),
    ),
    Panel(
        "stat",
        "Version",
        "Of minutebook.",
        (Query("max by (version) (minutebook_build_info)", "{{version}}"),),
        4,
        4,
        options={"textMode": "name"},
    ),
)

_SOURCES = (
    table(
        Panel(
            "table", "Sources", "How long ago each was read whole and recorded; `crux` is asked every 6 h.", (), 8, 8
        ),
        (
            Column(
                "Age",
                "time() - max by (source) (minutebook_source_last_success_timestamp_seconds)",
                "s",
                ((None, "green"), (STALE_S, "yellow"), (CRUX_STALE_S, "red")),
                decimals=0,
            ),
        ),
        ("source",),
    ),
    Panel(
        "timeseries",
        "What polls could not take, in 1 h",
        "By source and reason. What stays wrong on a page counts at every poll.",
        (Query("sum by (source, reason) (increase(minutebook_source_problems_total[1h]))", "{{source}}: {{reason}}"),),
        8,
        custom=STACKED,
    ),
    Panel(
        "timeseries",
        "What providers say of their components",
        "0 operational, 1 maintenance, 2 degraded, 3 partial outage, 4 major outage.",
        (Query("max by (provider, component) (sla_provider_component_severity)", "{{provider}}/{{component}}"),),
        8,
    ),
)

_EYES = (
    Panel(
        "state-timeline",
        "Canaries",
        "What answers as long as our own network works.",
        (Query("min by (canary) (minutebook_canary_up)", "{{canary}}"),),
        height=6,
        values=UP_OR_DOWN,
    ),
    Panel(
        "state-timeline",
        "Name servers",
        "Whether each answered when it was last asked.",
        (Query("min by (resolver) (minutebook_resolver_up)", "{{resolver}}"),),
        height=6,
        values=UP_OR_DOWN,
    ),
    Panel(
        "timeseries",
        "Void this month, minutes",
        "Time that void results cover, by check and reason: our own fault, not the service's. In the statement it is"
        " unknown time.",
        (Query("max by (check, reason) (minutebook_void_seconds) / 60", "{{check}}: {{reason}}"),),
        unit="m",
        custom=STACKED,
    ),
    table(
        Panel("table", "Void now", "Since when nothing is known of a check, and why.", (), 12, 8),
        (
            Column(
                "For",
                "time() - min by (check, reason) (minutebook_void_since_timestamp_seconds)",
                "s",
                ((None, "orange"), (300, "red")),
                decimals=0,
            ),
        ),
        ("check", "reason"),
    ),
)

_INSIDE = (
    Panel(
        "timeseries",
        "Facts recorded a minute",
        "By kind.",
        (Query("sum by (kind) (rate(minutebook_facts_recorded_total[5m])) * 60", "{{kind}}"),),
        custom=STACKED,
    ),
    Panel(
        "timeseries",
        "Slots missed, in 1 h",
        "Slots of the grid in which no look was started.",
        (Query("sum(increase(minutebook_slots_missed_total[1h]))", "missed"),),
    ),
    Panel(
        "timeseries",
        "Lateness",
        "How late the latest look was started, and how late the event loop last woke up.",
        (
            Query("max(minutebook_probe_lag_seconds)", "look"),
            Query("max(minutebook_event_loop_lag_seconds)", "event loop"),
        ),
        unit="s",
    ),
    Panel(
        "timeseries",
        "Facts waiting to be committed",
        "It grows while the store cannot be written.",
        (Query("max(minutebook_queue_depth)", "waiting"),),
    ),
)

MONITOR = Board(
    "minutebook-monitor",
    "minutebook: sources and monitor",
    "Whether the monitor itself can be believed: its store, clock, network and sources.",
    (
        Section("The daemon", _HEALTH),
        Section("Sources", _SOURCES),
        Section("What it sees with", _EYES),
        Section("Inside", _INSIDE),
    ),
)
