"""When each alert must fire and when it must be silent, as promtool takes it: series by the minute, and an instant."""

from __future__ import annotations

from tests.alerts.budget_cases import BUDGET_CASES
from tests.alerts.case import Case
from tests.alerts.monitor_cases import MONITOR_CASES
from tests.alerts.series import month
from tests.alerts.vital_cases import VITAL_CASES

ENDED_BY_THE_HOUR = 'sla_month_end_timestamp_seconds{month="1969-12"} 0x200'


def waiting(used: str, count: str) -> str:
    return f'sla_response_waiting{{priority="critical",class="in_hours",used="{used}"}} {count}'


CASES: tuple[Case, ...] = (
    *BUDGET_CASES,
    *MONITOR_CASES,
    # promises
    Case(
        "SlaMaintenanceNoticeTooShort",
        "a second too little",
        ('sla_maintenance_notice_seconds{service="app",class="maintenance",source="own-page"} 172799x5',),
        "2m",
        ("source=own-page",),
    ),
    Case(
        "SlaMaintenanceNoticeTooShort",
        "exactly enough",
        ('sla_maintenance_notice_seconds{service="app",class="maintenance",source="own-page"} 172800x5',),
        "2m",
    ),
    Case(
        "SlaStatementNotFinal",
        "a day after it should have been",
        (
            month("sla_statement_final", "0x200", "1969-12"),
            month("sla_coverage_ratio", "0.99x200", "1969-12"),
            ENDED_BY_THE_HOUR,
        ),
        "146h",
        ("month=1969-12",),
        interval="1h",
    ),
    Case(
        "SlaStatementNotFinal",
        "a month before the first look, of which there is nothing to close",
        (
            month("sla_statement_final", "0x200", "1969-12"),
            month("sla_coverage_ratio", "0x200", "1969-12"),
            ENDED_BY_THE_HOUR,
        ),
        "146h",
        interval="1h",
    ),
    Case(
        "SlaStatementNotFinal",
        "there is time left",
        (
            month("sla_statement_final", "0x200", "1969-12"),
            month("sla_coverage_ratio", "0.99x200", "1969-12"),
            ENDED_BY_THE_HOUR,
        ),
        "144h",
        interval="1h",
    ),
    Case(
        "SlaStatementNotFinal",
        "it is closed",
        (
            month("sla_statement_final", "1x200", "1969-12"),
            month("sla_coverage_ratio", "0.99x200", "1969-12"),
            ENDED_BY_THE_HOUR,
        ),
        "146h",
        interval="1h",
    ),
    # response times
    Case("SlaResponseDue", "half of its time", (waiting("50", "1x5"),), "2m", ("escalation=1",)),
    Case("SlaResponseDue", "four fifths of its time", (waiting("80", "1x5"),), "2m", ("escalation=2",)),
    Case("SlaResponseDue", "it is late", (waiting("100", "1x5"),), "2m", ("escalation=3",)),
    Case("SlaResponseDue", "it is new", (waiting("0", "1x5"), *(waiting(u, "0x5") for u in ("50", "80", "100"))), "2m"),
    Case("SlaResponseDue", "it was answered", (waiting("80", "1 1 0 0 0 0"),), "4m"),
    *VITAL_CASES,
)
