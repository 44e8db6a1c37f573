"""Alerts of announced peaks, of promises broken month after month, and of channels that take nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.alert import Alert

FAILING_S = 900
"""How long a channel takes nothing before somebody is told: its own retries are that far apart."""


def peak_alerts() -> Iterator[Alert]:
    """While a peak runs its own short budget is watched (commitments.md section 4)."""
    yield Alert(
        "SlaEventBudgetUsed",
        "sla_event_error_budget_burned_ratio >= 1",
        "page",
        "{{ $labels.service }} has used what the announced peak {{ $labels.event }} allows",
        "A customer told us of this peak. Downtime in it is {{ $value | humanizePercentage }} of the budget of the peak"
        " alone, which is the promised part of its time.",
        escalation=2,
    )


def again_alerts() -> Iterator[Alert]:
    """A breach in a month after a breached one raises level 3, whichever commitment (commitments.md section 5)."""
    broken = "sum by (month) (sla_breaches) > 0"
    running = "and on (month) (sla_month_end_timestamp_seconds > time())"
    ended = "and on (month) (sla_month_end_timestamp_seconds <= time())"
    yield Alert(
        "SlaPromiseBrokenAgain",
        f"({broken} {running}) and on () ({broken} {ended})",
        "ticket",
        "A promise is broken in {{ $labels.month }}, as in the month before",
        "{{ $value }} commitments are broken in {{ $labels.month }}, of availability, Web Vitals or response times, and"
        " some were in the month before. A third month gives customers the right to leave.",
        escalation=3,
    )


def channel_alerts() -> Iterator[Alert]:
    """A channel that fails tells nobody of it."""
    yield Alert(
        "MinutebookChannelFailing",
        f"time() - minutebook_channel_failing_since_timestamp_seconds > {FAILING_S}",
        "ticket",
        "Channel {{ $labels.channel }} has taken nothing for {{ $value | humanizeDuration }}",
        "Whoever is told over it is not told of outages, closed months and announced peaks. Messages wait for a day;"
        " the daemon's log says why they are refused.",
        escalation=1,
    )
