"""Series of the month as the cases of alerts write them.

Prometheus's unit tests begin at the epoch: the month that runs is 1970-01, the one before 1969-12.
"""

from __future__ import annotations

MONTH_S = 31 * 86_400
RUNS = f'sla_month_end_timestamp_seconds{{month="1970-01"}} {MONTH_S}x3000'
ENDED = 'sla_month_end_timestamp_seconds{month="1969-12"} 0x3000'


def ends_at(month: str, values: str, more: str = "") -> str:
    return f'sla_month_end_timestamp_seconds{{month="{month}"{more}}} {values}'


def month(name: str, value: str, month: str = "1970-01", more: str = "") -> str:
    return f'{name}{{service="app",month="{month}"{more}}} {value}'
