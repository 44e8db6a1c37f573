"""The dashboard *Service*: one service and its month, from the promise down to single looks."""

from __future__ import annotations

from exporters.grafana.boards import Board, annotated, chosen
from exporters.grafana.panels import (
    BURN,
    GRANTED,
    LEFT,
    LINES,
    PASS_OR_FAIL,
    RAISED,
    STACKED,
    UP_OR_DOWN,
    USED,
    Column,
    Panel,
    Query,
    Section,
    Steps,
    drawn,
    running,
    table,
)

_CHOSEN = 'service="$service"'
_MONTH_AT_MOST = "32d"


def _month(name: str, more: str = "") -> str:
    return running(f"{name}{{{_CHOSEN}{more}}}")


def _held(name: str) -> str:
    """The month's last value, also where there is none yet: the part of the month that is still to come."""
    ends = f"last_over_time(sla_month_end_timestamp_seconds[{_MONTH_AT_MOST}])"
    return f"(last_over_time({name}{{{_CHOSEN}}}[{_MONTH_AT_MOST}]) and on (month) ({ends} > time()))"


# ---------------------------------------------------------------- now


def _stat(title: str, description: str, expr: str, unit: str, steps: Steps) -> Panel:
    decimals = 1 if unit == "m" else None
    return Panel("stat", title, description, (Query(expr),), 4, 4, unit=unit, steps=steps, decimals=decimals)


_GREEN: Steps = ((None, "green"),)

_NOW = (
    _stat(
        "Minutes left",
        "Of this month's budget; below zero the promise is broken.",
        f"max({_month('sla_error_budget_remaining_seconds')}) / 60",
        "m",
        LEFT,
    ),
    _stat(
        "Used",
        "Downtime as a part of the budget.",
        f"max({_month('sla_error_budget_burned_ratio')})",
        "percentunit",
        USED,
    ),
    Panel(
        "stat",
        "Verdict",
        "What the month comes to as things stand.",
        (Query(f"max by (verdict) ({_month('sla_verdict_info')})", "{{verdict}}"),),
        4,
        4,
        steps=_GREEN,
        options={"textMode": "name"},
    ),
    Panel(
        "stat",
        "Now",
        "What the ledger says after all checks and vantages.",
        (Query(f"max(sla_service_up{{{_CHOSEN}}})"),),
        4,
        4,
        values=UP_OR_DOWN,
        none="unknown",
    ),
    Panel(
        "stat",
        "Used up",
        "When the budget is gone at the rate of the last 6 h.",
        (Query(f'min(sla_budget_exhaustion_timestamp_seconds{{{_CHOSEN},window="6h"}}) * 1000'),),
        4,
        4,
        unit="dateTimeFromNow",
        none="not this month",
    ),
    Panel(
        "stat",
        "Next maintenance",
        "The first that is announced.",
        (Query(f"min(sla_maintenance_start_timestamp_seconds{{{_CHOSEN}}}) * 1000"),),
        4,
        4,
        unit="dateTimeFromNow",
        none="none announced",
    ),
)

# ---------------------------------------------------------------- the month

_SINCE_EVALUATED = f"(time() - max(last_over_time(minutebook_evaluation_timestamp_seconds[{_MONTH_AT_MOST}])) > 300)"
_DAY_RATIO = f'last_over_time(sla_error_ratio{{{_CHOSEN},window="1d"}}[{_MONTH_AT_MOST}])'
_PROJECTED = f"(max({_held('sla_error_budget_remaining_seconds')}) - max({_DAY_RATIO}) * {_SINCE_EVALUATED}) / 60"
_TO_COME = f"(min(last_over_time(sla_month_end_timestamp_seconds[{_MONTH_AT_MOST}]) > time()) - time())"
_EVENLY = f"max({_held('sla_error_budget_seconds')}) / max({_held('sla_month_length_seconds')}) * {_TO_COME} / 60"

_BURN_DOWN = Panel(
    "timeseries",
    "Burn-down of the month, minutes",
    "What is left of the budget; the cap it began with; how it would go if it were used evenly; and where it ends at"
    " the rate of the last day. Excused and unknown time burns nothing.",
    (
        Query(f"max({_month('sla_error_budget_remaining_seconds')}) / 60", "left"),
        Query(f"max({_held('sla_error_budget_seconds')}) / 60", "cap"),
        Query(_EVENLY, "evenly"),
        Query(_PROJECTED, "at the rate of the last day"),
    ),
    24,
    10,
    unit="m",
    steps=LEFT,
    custom={**LINES, "axisSoftMin": 0},
    overrides=(
        drawn("left", fillOpacity=15, lineWidth=3),
        drawn("cap", lineStyle={"fill": "dash", "dash": [10, 10]}),
        drawn("evenly", lineStyle={"fill": "dot", "dash": [0, 10]}, lineInterpolation="linear"),
        drawn("at the rate of the last day", lineStyle={"fill": "dash", "dash": [4, 6]}, lineInterpolation="linear"),
    ),
)

_NOT_UP = ',account!~"up|pending"'

_ACCOUNTS = table(
    Panel("table", "Accounts", "All of the month, each millisecond in one account.", (), 8, 10),
    (
        Column(
            "Minutes",
            f"max by (account, class) ({_month('sla_account_seconds')}) / 60",
            decimals=1,
        ),
    ),
    ("account", "class"),
)
_BESIDE_UP = Panel(
    "timeseries",
    "Not up, minutes",
    "What the month holds beside up and what is still to come.",
    (
        Query(
            f"max by (account, class) ({_month('sla_account_seconds', _NOT_UP)}) / 60",
            "{{account}} {{class}}",
        ),
    ),
    16,
    10,
    unit="m",
    custom=STACKED,
)
_BOUNDS = Panel(
    "timeseries",
    "Availability",
    "As published, and its bounds: looks are instants, and what hides between them is not known. Gross counts excused"
    " time as down.",
    (
        Query(f"max by (bound) ({_month('sla_availability_ratio')})", "{{bound}}"),
        Query(f"max({_month('sla_objective_ratio')})", "promised"),
    ),
    unit="percentunit",
    decimals=4,
)
_COVERAGE = Panel(
    "timeseries",
    "Coverage",
    "Part of the month so far in which the state was known. The rest is unknown time, and earns no budget.",
    (Query(f"max({_month('sla_coverage_ratio')})", "known"),),
    unit="percentunit",
    decimals=3,
)

# ---------------------------------------------------------------- burn

_BURNS = (
    Panel(
        "timeseries",
        "Burn by window",
        "How many times as fast as allowed. Pages: over 14.4 for 1h and 5m, over 6 for 6h and 30m. Ticket: over 1 for"
        " 3d and 6h.",
        (Query(f"max by (window) (sla_burn_rate{{{_CHOSEN}}})", "{{window}}"),),
        16,
        steps=BURN,
        custom=LINES,
    ),
    Panel(
        "bargauge",
        "Burn now",
        "By window.",
        (Query(f"max by (window) (sla_burn_rate{{{_CHOSEN}}})", "{{window}}"),),
        8,
        steps=BURN,
        decimals=1,
    ),
)

# ---------------------------------------------------------------- outages and what excuses them

_EXCUSES = (
    Panel(
        "state-timeline",
        "Up and down",
        "Down is what the ledger says after all checks and vantages; a gap is unknown.",
        (Query(f"max(sla_service_up{{{_CHOSEN}}})", "$service"),),
        height=6,
        values=UP_OR_DOWN,
    ),
    Panel(
        "state-timeline",
        "Exclusions",
        "What is granted, by class and source. Only downtime in it is excused.",
        (Query(f"max by (class, source) (sla_exclusion_active{{{_CHOSEN}}})", "{{class}} {{source}}"),),
        height=6,
        values=GRANTED,
    ),
    table(
        Panel("table", "Maintenance announced", "The next window of each source; notice as it was given.", (), 24, 5),
        (
            Column(
                "Starts",
                f"min by (class, source) (sla_maintenance_start_timestamp_seconds{{{_CHOSEN}}}) * 1000",
                "dateTimeAsIso",
            ),
            Column("Notice", f"min by (class, source) (sla_maintenance_notice_seconds{{{_CHOSEN}}})", "s"),
        ),
        ("class", "source"),
    ),
)

# ---------------------------------------------------------------- looks

_LOOKS = (
    Panel(
        "state-timeline",
        "Looks by check and vantage",
        "The newest scheduled look of each; a gap is void. Several vantages make one state by quorum.",
        (Query(f"max by (check, vantage) (probe_success{{{_CHOSEN}}})", "{{check}} from {{vantage}}"),),
        24,
        values=PASS_OR_FAIL,
    ),
    Panel(
        "timeseries",
        "Vantages: part of looks that passed, 1 h",
        "As looked at, without confirmation, quorum or exclusions: not the availability.",
        (Query(f"avg by (vantage) (avg_over_time(probe_success{{{_CHOSEN}}}[1h]))", "{{vantage}}"),),
        unit="percentunit",
    ),
    Panel(
        "timeseries",
        "Why looks fail",
        "Checks and vantages whose newest look failed, by reason.",
        (Query(f"sum by (check, reason) (probe_fail_info{{{_CHOSEN}}})", "{{check}}: {{reason}}"),),
        custom=STACKED,
    ),
    Panel(
        "timeseries",
        "Phases",
        "Mean over the checks and vantages that speak HTTP.",
        (Query(f"avg by (phase) (probe_http_duration_seconds{{{_CHOSEN}}})", "{{phase}}"),),
        unit="s",
        custom=STACKED,
    ),
    Panel(
        "timeseries",
        "Duration",
        "How long the newest look took.",
        (Query(f"max by (check, vantage) (probe_duration_seconds{{{_CHOSEN}}})", "{{check}} from {{vantage}}"),),
        unit="s",
    ),
    table(
        Panel("table", "Certificates", "Days until the first certificate of the chain ends.", (), 12, 6),
        (
            Column(
                "Days",
                f"(min by (check, instance) (probe_ssl_earliest_cert_expiry{{{_CHOSEN}}}) - time()) / 86400",
                steps=((None, "red"), (7, "orange"), (30, "green")),
                decimals=0,
            ),
        ),
        ("check", "instance"),
    ),
    Panel(
        "state-timeline",
        "Warnings",
        "A certificate that ends soon, a slow look: never downtime.",
        (
            Query(
                f"max by (check, vantage, warning) (minutebook_check_warning{{{_CHOSEN}}})",
                "{{check}} from {{vantage}}: {{warning}}",
            ),
        ),
        height=6,
        values=RAISED,
    ),
)

SERVICE = Board(
    "minutebook-service",
    "minutebook: service",
    "One service: its month, what burned the budget, what is excused, and every look.",
    (
        Section("Now", _NOW),
        Section("The month", (_BURN_DOWN, _ACCOUNTS, _BESIDE_UP, _BOUNDS, _COVERAGE)),
        Section("Burn", _BURNS),
        Section("Outages and exclusions", _EXCUSES),
        Section("Looks", _LOOKS),
    ),
    (chosen("service", "label_values(sla_objective_ratio, service)", "Service", several=False),),
    (
        annotated("Outages", f"max(sla_service_up{{{_CHOSEN}}}) == 0", "red", "Down"),
        annotated(
            "Exclusions",
            f"max by (class, source) (sla_exclusion_active{{{_CHOSEN}}})",
            "blue",
            "Excused: {{class}}, {{source}}",
        ),
    ),
    since="now/M",
    until="now/M",
)
