"""What an alert is, and how it is written as a rule of Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from exporters.sloth import alert_labels

Severity = Literal["page", "ticket", "info", "none"]

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a configuration the rules depend on; durations in seconds.

    `sources` by name: how long after its last good poll each is stale; without any, all are after 15 minutes.
    `runbooks` is the address that the name of an alert is put behind, `evidence` where the status page is, with a
    slash at its end. `optional` adds the burn of 3 over a day.
    """

    notice_s: int = 48 * 3_600
    final_after_s: int = 6 * DAY_S
    sources: Mapping[str, int] = field(default_factory=dict)
    runbooks: str = "deploy/runbooks/"
    evidence: str = "http://127.0.0.1:9843/"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule: when it holds `for_`, the alert fires. `tier` is the burn of a burn alert, and of no other.

    `left`: it tells what is left of the budget. `keeps`: for how long it fires on where it holds no more.
    """

    name: str
    expr: str
    severity: Severity
    summary: str
    description: str
    for_: str | None = None
    escalation: int | None = None
    tier: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    left: bool = False
    keeps: str | None = None

    def rule(self, wanted: Wanted) -> dict[str, object]:
        labels = {"severity": self.severity, **self.labels}
        if self.escalation is not None:
            labels["escalation"] = str(self.escalation)
        if self.tier is not None:
            labels |= {"burn_tier": self.tier, **alert_labels(self.severity)}
        annotations = {"summary": self.summary, "description": self.description}
        if self.left:
            annotations["left"] = _LEFT
        if self.severity != "none":
            annotations |= {
                "evidence_url": f"{wanted.evidence}{_REPORT}",
                "runbook_url": f"{wanted.runbooks}{self.name}.md",
            }
        times = {"for": self.for_, "keep_firing_for": self.keeps}
        held = {key: span for key, span in times.items() if span is not None}
        return {"alert": self.name, "expr": self.expr, **held, "labels": labels, "annotations": annotations}


_REPORT = (
    '{{ with $labels.service }}services/{{ urlquery . | reReplaceAll "\\\\+" "%20" }}/'
    "{{ with $labels.month }}{{ . }}{{ else }}"
    '{{ with query "sla_month_end_timestamp_seconds > time()" }}{{ . | first | label "month" }}{{ end }}'
    "{{ end }}{{ end }}"
)
"""Behind the address of the status page: the report of the alert's service and month, or of the running month."""

_LEFT = (
    '{{ with printf "sla_error_budget_remaining_seconds{service=%q} and on (month) '
    '(sla_month_end_timestamp_seconds > time())" $labels.service | query }}'
    "{{ . | first | value | humanizeDuration }}{{ else }}unknown{{ end }}"
)
