"""Recording rules that map our figures onto Sloth's names and labels, so that its public dashboards (grafana.com 14348
and 14643) work unchanged. Pure.

The names are those that Sloth generates (slok/sloth, examples/_gen/getting-started.yml): `slo:sli_error:ratio_rate*`
with `sloth_window`, and the meta series. The ratio of 30 days is made as Sloth makes it, out of the 5-minute ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
PERIOD_DAYS = 30
SLO = "availability"

_BY = "sloth_id, sloth_service, sloth_slo"
_RUNNING = "and on (month) (sla_month_end_timestamp_seconds > time())"


def alert_labels(severity: str) -> dict[str, str]:
    """What Sloth's dashboards find a burn alert by; without them they would show "OK" while it fires."""
    service = "{{ $labels.service }}"
    return {
        "sloth_id": f"{service}-{SLO}",
        "sloth_service": service,
        "sloth_slo": SLO,
        "sloth_severity": severity,
    }


def sloth_yaml(version: str) -> str:
    """A rules file for Prometheus; `version` is shown as `sloth_version`."""
    groups = [
        {"name": "minutebook-sloth-sli", "rules": list(_ratios())},
        {"name": "minutebook-sloth-meta", "rules": list(_meta(version))},
    ]
    text: str = yaml.safe_dump({"groups": groups}, sort_keys=False, width=110)
    return text


def _ratios() -> Iterator[dict[str, object]]:
    for window in WINDOWS:
        expr = _labelled(f'sla_error_ratio{{window="{window}"}}')
        yield _record(f"slo:sli_error:ratio_rate{window}", expr, {"sloth_window": window})
    series = "slo:sli_error:ratio_rate5m[30d]"
    expr = f"sum_over_time({series}) / ignoring (sloth_window) count_over_time({series})"
    yield _record("slo:sli_error:ratio_rate30d", expr, {"sloth_window": "30d"})


def _meta(version: str) -> Iterator[dict[str, object]]:
    objective = _labelled(f"(sla_objective_ratio {_RUNNING})")
    yield _record("slo:objective:ratio", objective)
    yield _record("slo:error_budget:ratio", f"1 - {objective}")
    yield _record("slo:time_period:days", f"{objective} * 0 + {PERIOD_DAYS}")
    on = f"/ on ({_BY}) group_left"
    yield _record("slo:current_burn_rate:ratio", f"slo:sli_error:ratio_rate5m {on} slo:error_budget:ratio")
    yield _record("slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate30d {on} slo:error_budget:ratio")
    yield _record("slo:period_error_budget_remaining:ratio", "1 - slo:period_burn_rate:ratio")
    info = {"sloth_mode": "minutebook", "sloth_spec": "minutebook/v1", "sloth_version": version}
    percent = f"round({objective} * 100, 0.0001)"
    yield _record("sloth_slo_info", f'count_values by ({_BY}) ("sloth_objective", {percent})', info)


def _record(name: str, expr: str, labels: dict[str, str] | None = None) -> dict[str, object]:
    return {"record": name, "expr": expr, **({"labels": labels} if labels else {})}


def _labelled(expr: str) -> str:
    """The series with Sloth's labels in the place of ours."""
    named = f'label_replace({expr}, "sloth_service", "$1", "service", "(.+)")'
    identified = f'label_replace({named}, "sloth_id", "$1-{SLO}", "service", "(.+)")'
    return f'max by ({_BY}) (label_replace({identified}, "sloth_slo", "{SLO}", "service", ".+"))'
