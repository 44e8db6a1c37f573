"""The dashboard *Budget*: every service at once. What is left, how fast it goes, and how the months ended."""

from __future__ import annotations

from exporters.grafana.boards import Board, chosen
from exporters.grafana.panels import (
    BURN,
    LEFT,
    LINES,
    UP_OR_DOWN,
    USED,
    VERDICTS,
    Column,
    Panel,
    Query,
    Section,
    coloured,
    running,
    table,
)
from exporters.grafana.tickets import TICKETS

_CHOSEN = 'service=~"$service"'
_REMEMBERED = "400d"
"""How far back the months are looked for; Prometheus keeps 15 days unless it is told otherwise."""
_SERVICE = "/d/minutebook-service?var-service=${__data.fields.service:percentencode}"

_LEFT = f"last_over_time(sla_error_budget_remaining_seconds{{{_CHOSEN}}}[{_REMEMBERED}])"
_END = f"max by (month) (last_over_time(sla_month_end_timestamp_seconds[{_REMEMBERED}]))"
_VERDICT = f'last_over_time(sla_verdict_info{{{_CHOSEN},verdict="met_unproven"}}[{_REMEMBERED}])'
_BREACHED = f"({_LEFT} < 0) * 0 + on (month) group_left () {_END}"
_KEPT = f"(({_LEFT} >= 0) unless on (service, month) {_VERDICT}) * 0 + on (month) group_left () ({_END} <= time())"
_LAST_KEPT = f"max by (service) ({_KEPT})"

STREAK = (
    f"count by (service) (({_BREACHED}) > on (service) group_left () {_LAST_KEPT})"
    f" or count by (service) (({_BREACHED}) unless on (service) {_LAST_KEPT})"
    f" or max by (service) (0 * {_LEFT})"
)
"""How many breached months end later than the last month that was met; one that is met but not proved ends no row."""


def _of_services(series: str, labels: str = "service") -> str:
    return f"max by ({labels}) ({series})"


def _month(name: str) -> str:
    return running(f"{name}{{{_CHOSEN}}}")


def _burn(window: str) -> Column:
    series = f'sla_burn_rate{{{_CHOSEN},window="{window}"}}'
    return Column(f"Burn {window}", _of_services(series), steps=BURN, decimals=1)


def _stat(title: str, description: str, expr: str, unit: str = "none") -> Panel:
    red = LEFT if unit == "m" else ((None, "green"), (1, "red"))
    decimals = 1 if unit == "m" else 0
    return Panel("stat", title, description, (Query(expr),), 6, 4, unit=unit, steps=red, decimals=decimals)


_NOW = (
    _stat(
        "Over budget",
        "Services whose downtime this month is more than their budget.",
        f"sum({_month('sla_error_budget_remaining_seconds')} < bool 0)",
    ),
    _stat(
        "Least minutes left",
        "Of the service that is worst off this month.",
        f"min({_month('sla_error_budget_remaining_seconds')}) / 60",
        "m",
    ),
    _stat("Down now", "Services that are down.", f"sum(sla_service_up{{{_CHOSEN}}} == bool 0)"),
    Panel(
        "stat",
        "Fastest burn, 1 h",
        "Of the service that burns fastest: 1 uses up the budget in a month, 14.4 pages.",
        (Query(f'max(sla_burn_rate{{{_CHOSEN},window="1h"}})'),),
        6,
        4,
        steps=BURN,
        decimals=1,
    ),
)

_SERVICES = table(
    Panel(
        "table",
        "Services",
        "The month that runs. A verdict is final only in a closed statement.",
        (),
        24,
        10,
        overrides=(coloured("verdict", VERDICTS),),
    ),
    (
        Column("", _of_services(_month("sla_verdict_info"), "service, verdict")),
        Column(
            "Minutes left",
            _of_services(_month("sla_error_budget_remaining_seconds")) + " / 60",
            steps=LEFT,
            decimals=1,
        ),
        Column("Budget, minutes", _of_services(_month("sla_error_budget_seconds")) + " / 60", decimals=1),
        Column("Used", _of_services(_month("sla_error_budget_burned_ratio")), "percentunit", USED, decimals=1),
        _burn("1h"),
        _burn("6h"),
        _burn("3d"),
        Column("Now", _of_services(f"sla_service_up{{{_CHOSEN}}}"), values=UP_OR_DOWN),
        Column("Coverage", _of_services(_month("sla_coverage_ratio")), "percentunit", decimals=2),
        Column("Breached in a row", STREAK, steps=((None, "green"), (1, "orange"), (2, "red")), decimals=0),
    ),
    ("service", "verdict"),
    _SERVICE,
)

_GOES = (
    Panel(
        "timeseries",
        "Minutes left",
        "What is left of each budget. A late fact can raise it again; a new month begins with all of it.",
        (
            Query(
                _of_services(_month("sla_error_budget_remaining_seconds")) + " / 60",
                "{{service}}",
            ),
        ),
        unit="m",
        steps=LEFT,
        custom=LINES,
    ),
    Panel(
        "timeseries",
        "Burn over 1 h",
        "How many times as fast as allowed. Over 14.4, and over 5 minutes too, it pages; 6 pages over 6 h.",
        (Query(f'max by (service) (sla_burn_rate{{{_CHOSEN},window="1h"}})', "{{service}}"),),
        steps=BURN,
        custom=LINES,
    ),
    Panel(
        "state-timeline",
        "Up and down",
        "Down is what the ledger says after all checks and vantages; a gap is unknown.",
        (Query(_of_services(f"sla_service_up{{{_CHOSEN}}}"), "{{service}}"),),
        24,
        8,
        values=UP_OR_DOWN,
    ),
)

_MONTHS = table(
    Panel(
        "table",
        "Months",
        f"The last that Prometheus knows of each month, at most {_REMEMBERED}: it keeps 15 days unless it is told"
        " otherwise. What a customer is owed is in the statements.",
        (),
        24,
        10,
    ),
    (
        Column("Minutes left", f"max by (service, month) ({_LEFT}) / 60", steps=LEFT, decimals=1),
        Column(
            "Availability",
            "max by (service, month) (last_over_time("
            f'sla_availability_ratio{{{_CHOSEN},bound="published"}}[{_REMEMBERED}]))',
            "percentunit",
            decimals=4,
        ),
        Column(
            "Promised",
            f"max by (service, month) (last_over_time(sla_objective_ratio{{{_CHOSEN}}}[{_REMEMBERED}]))",
            "percentunit",
            decimals=2,
        ),
        Column(
            "Final",
            f"max by (service, month) (last_over_time(sla_statement_final{{{_CHOSEN}}}[{_REMEMBERED}]))",
            values={"0": ("draft", "text"), "1": ("final", "green")},
        ),
    ),
    ("service", "month"),
    _SERVICE,
)

BUDGET = Board(
    "minutebook-budget",
    "minutebook: budget",
    "Every service: minutes left of the month's budget, burn, verdict, months breached in a row; and who waits.",
    (
        Section("This month", (*_NOW, _SERVICES)),
        Section("How it goes", _GOES),
        Section("The months before", (_MONTHS,)),
        Section("Tickets", TICKETS),
    ),
    (chosen("service", "label_values(sla_objective_ratio, service)", "Service", several=True),),
)
