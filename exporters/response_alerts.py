"""Alerts on tickets that wait for their first reply (contracts/commitments.md section 5). Pure.

`sla_response_waiting` has each open ticket under one step alone, so one that goes on to the next is told again, to the
next level, and one that is new is told although another is late already.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporters.alert import Alert, Severity

_STEPS: tuple[tuple[str, Severity, int, str], ...] = (
    ("50", "ticket", 1, "has used half of its time"),
    ("80", "page", 2, "has used four fifths of its time"),
    ("100", "page", 3, "was not answered in time"),
)


def response_alerts() -> Iterator[Alert]:
    """At 50, 80 and 100 % of a ticket's time, to level 1, 2 and 3."""
    for used, severity, escalation, words in _STEPS:
        yield Alert(
            "SlaResponseDue",
            f'sla_response_waiting{{used="{used}"}} > 0',
            severity,
            f"A {{{{ $labels.priority }}}} ticket {words}",
            f"{{{{ $value }}}} of those that came {_CAME} have no first reply, and each {words}."
            f" The first of them {'was' if used == '100' else 'is'} due at {_DUE}.",
            escalation=escalation,
        )


_CAME = '{{ if eq $labels.class "in_hours" }}in support hours{{ else }}outside support hours{{ end }}'
_DUE = (
    '{{ with printf "sla_response_oldest_due_timestamp_seconds{priority=%q,class=%q}" $labels.priority $labels.class'
    " | query }}{{ . | first | value | humanizeTimestamp }}{{ else }}an unknown instant{{ end }}"
)
