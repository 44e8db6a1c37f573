"""Alerts on Web Vitals: only on a verdict that is missed and clear (design/vitals.md, section 6). Pure.

Windows of consecutive days share 27 of their 28 days, so that many in a row prove nothing; an alert ends once the good
share is well above the promise instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporters.alert import Alert

_MISSED = 'web_vitals_verdict_info{{window="{window}",verdict="missed",confidence="clear"}}'
_SHARE = 'web_vitals_good_ratio{{window="{window}"}}'
_PROMISED = 'web_vitals_objective_ratio{{window="{window}"}}'

STILL = "0.92"
"""The alert goes on while at least this part of the samples that may be over the limit is: where 0.75 are promised it
ends above 0.77, where 0.9 are above 0.908."""

RESTART = "15m"
"""What it goes on by is itself: without that it would end when the daemon restarts, and not come back until the verdict
is clear again."""


def vital_alerts() -> Iterator[Alert]:
    """The 28 days that Shopify judges wake somebody; the month, which is the promise, is a matter for office hours."""
    recent, month = ({"window": window} for window in ("28d", "month"))
    yield Alert(
        "WebVitalsMissed",
        f"{_SHARE.format(**recent)} and on (metric) {_MISSED.format(**recent)}"
        f" or {_SHARE.format(**recent)} <= 1 - {STILL} * (1 - {_PROMISED.format(**recent)})"
        ' and on (metric) ALERTS{alertname="WebVitalsMissed",alertstate="firing"}',
        "page",
        "{{ $labels.metric }} of real users is worse than promised",
        "Only {{ $value | humanizePercentage }} of the samples of 28 days are within the limit of {{ $labels.metric }},"
        " which is too few by more than chance: it counts against the app with Shopify.",
        for_="1h",
        escalation=1,
        keeps=RESTART,
    )
    yield Alert(
        "WebVitalsMonthMissed",
        f"{_SHARE.format(**month)} and on (metric) {_MISSED.format(**month)}",
        "ticket",
        "{{ $labels.metric }} misses its promise this month",
        "{{ $value | humanizePercentage }} of the samples of the running month are within the limit of"
        " {{ $labels.metric }}, too few by more than chance. At the month's end that is a breach.",
        for_="1h",
        escalation=2,
    )
