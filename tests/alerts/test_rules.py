"""Each alert fires when it must and is silent when it must, by Prometheus's own promtool; and each has its runbook."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.catalogue import CATALOGUE
from exporters.rules import Alert, Wanted, alert_groups, rules_yaml
from exporters.sloth import sloth_yaml
from monitor import __version__
from tests.alerts.case import Case
from tests.alerts.cases import CASES
from tests.dashboards.sloth import asked as sloth_asks
from tests.dashboards.sloth import without_made_up

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYED = ROOT / "deploy" / "prometheus"
SINCE = "minutebook_source_last_success_timestamp_seconds"
WANTED = Wanted(sources={"shop": 900}, optional=True)
ALERTS: dict[str, list[Alert]] = defaultdict(list)
for _alerts in alert_groups(WANTED).values():
    for _alert in _alerts:
        ALERTS[_alert.name].append(_alert)


def labels_of(alert: Alert) -> dict[str, str]:
    rule = alert.rule(WANTED)["labels"]
    assert isinstance(rule, dict)
    return rule


def series_labels(case: Case, alert: Alert) -> dict[str, str]:
    """Those that the alert takes from its series: of the first one, or where there is none from what is absent."""
    if alert.name == "MinutebookWatchdog" or (alert.name == "MinutebookAbsent" and "up{" not in "".join(case.series)):
        return {}
    text = alert.expr if alert.name == "MinutebookSourceStale" else case.series[0]
    dropped = {"reason"} if alert.name == "MinutebookBlind" else set()
    return {name: value for name, value in re.findall(r'(\w+)="([^"]*)"', text) if name not in dropped}


def expected(case: Case) -> list[dict[str, object]]:
    """What promtool is told to find: the alerts with the labels that the case names."""
    found: list[dict[str, object]] = []
    for named in case.fires:
        name, _, value = named.partition("=")
        both = [{**series_labels(case, one), **labels_of(one)} for one in ALERTS[case.alert]]
        [alert] = [labels for labels in both if labels.get(name) == value]
        labels = {key: text.replace("{{ $labels.service }}", alert.get("service", "")) for key, text in alert.items()}
        labels = {key: text for key, text in labels.items() if text}
        found.append({"exp_labels": labels})
    return found


def written(case: Case) -> dict[str, Any]:
    test = {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected(case)}
    return {
        "name": f"{case.alert}: {case.what}",
        "interval": case.interval,
        "input_series": case.input_series(),
        "alert_rule_test": [test],
    }


def without_annotations(text: str) -> str:
    """promtool compares annotations too; what they say is tried in a test of its own."""
    document = yaml.safe_load(text)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    dumped: str = yaml.safe_dump(document, sort_keys=False)
    return dumped


def tried(promtool: str, folder: Path, cases: Sequence[Case]) -> None:
    """Every case, in small worlds: one for each series until each instant, and each group of rules by itself."""
    document = yaml.safe_load(without_annotations(rules_yaml(WANTED)))
    files: list[str] = []
    for group, interval in product(document["groups"], ("1m", "1h")):
        names = {rule["alert"] for rule in group["rules"]}
        worlds: dict[tuple[tuple[str, ...], str], dict[str, Any]] = {}
        for case in cases:
            if case.alert in names and case.interval == interval:
                world = written(case)
                same = worlds.setdefault((case.series, case.at), {**world, "alert_rule_test": []})
                same["alert_rule_test"] += world["alert_rule_test"]
        if not worlds:
            continue
        rules, tests = f"{group['name']}.rules.yml", f"{group['name']}-{interval}.yml"
        (folder / rules).write_text(yaml.safe_dump({"groups": [group]}, sort_keys=False))
        asked = {"rule_files": [rules], "evaluation_interval": interval, "tests": list(worlds.values())}
        (folder / tests).write_text(yaml.safe_dump(asked, sort_keys=False))
        files.append(tests)
    assert files
    done = subprocess.run([promtool, "test", "rules", *files], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_and_is_silent_as_its_cases_say(tmp_path: Path, either: Callable[[str], str]) -> None:
    assert {case.interval for case in CASES} == {"1m", "1h"}
    tried(either("promtool"), tmp_path, CASES)


def test_every_alert_has_a_case_that_fires_and_one_that_is_silent() -> None:
    fires, silent = {case.alert for case in CASES if case.fires}, {case.alert for case in CASES if not case.fires}
    assert fires == ALERTS.keys()
    assert silent == ALERTS.keys() - {"MinutebookWatchdog"}


def test_the_deployed_rules_are_those_of_the_defaults(tool: Callable[[str], str]) -> None:
    assert (DEPLOYED / "minutebook.rules.yml").read_text(encoding="utf-8") == rules_yaml(Wanted())
    assert (DEPLOYED / "sloth.rules.yml").read_text(encoding="utf-8") == sloth_yaml(__version__)
    files = [str(path) for path in sorted(DEPLOYED.glob("*.rules.yml"))]
    subprocess.run([tool("promtool"), "check", "rules", *files], check=True, capture_output=True)


@pytest.mark.parametrize("text", [rules_yaml(WANTED), sloth_yaml(__version__)], ids=["alerts", "sloth"])
def test_rules_name_only_metrics_of_the_catalogue(text: str) -> None:
    known = {name for name, metric in CATALOGUE.items() if metric.issue is None}
    expressions = [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    named = set(re.findall(r"\b(?:sla|minutebook|probe|web_vitals)_[a-z0-9_]+", " ".join(expressions)))
    assert named
    assert named <= known


def test_an_alert_says_who_is_woken_and_only_burn_has_a_tier() -> None:
    for alerts in ALERTS.values():
        for alert in alerts:
            assert (alert.tier is not None) == alert.name.startswith("SlaBurn")
            assert (alert.escalation is None) == (alert.severity == "none")
            assert ("(sla_month_end_timestamp_seconds > time())" in alert.expr) == (
                re.search(r"sla_(error_budget|account|verdict|breaches)", alert.expr) is not None
            )


def test_a_source_with_a_hostile_name_is_quoted(tmp_path: Path, tool: Callable[[str], str]) -> None:
    (tmp_path / "rules.yml").write_text(rules_yaml(Wanted(sources={'a"} or vector(1) #\\': 900, "{{ x }}": 900})))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, check=False, text=True
    )
    assert (done.returncode, "FAILED" in done.stdout + done.stderr) == (0, False), done.stderr


LABELLED = '%s{sloth_id="app-availability",sloth_service="app",sloth_slo="availability"}'
SLOTHS = {
    *(f"slo:sli_error:ratio_rate{window}" for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")),
    *(f"slo:{name}:ratio" for name in ("objective", "error_budget", "current_burn_rate", "period_burn_rate")),
    "slo:period_error_budget_remaining:ratio",
    "slo:time_period:days",
    "sloth_slo_info",
}
"""All that Sloth itself records for an SLO over 30 days, its error ratios and its metadata rules: what any dashboard
for it can ask for."""


def test_sloths_series_come_out_of_ours(tmp_path: Path, tool: Callable[[str], str]) -> None:
    (tmp_path / "rules.yml").write_text(sloth_yaml(__version__))
    labels = 'sloth_id="app-availability",sloth_service="app",sloth_slo="availability"'
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {
                        "series": 'sla_error_ratio{service="app",window="5m",instance="x",job="y"}',
                        "values": "0.002x10 0.004x10",
                    },
                    {"series": 'sla_objective_ratio{service="app",month="1970-01"}', "values": "0.999x30"},
                    {"series": 'sla_month_end_timestamp_seconds{month="1970-01"}', "values": "2678400x30"},
                ],
                "promql_expr_test": [
                    {
                        "expr": "slo:sli_error:ratio_rate5m",
                        "eval_time": "20m",
                        "exp_samples": [
                            {"labels": f'slo:sli_error:ratio_rate5m{{{labels},sloth_window="5m"}}', "value": 0.004}
                        ],
                    },
                    {
                        "expr": "round(slo:sli_error:ratio_rate30d * 10000)",
                        "eval_time": "20m",
                        "exp_samples": [{"labels": f'{{{labels},sloth_window="30d"}}', "value": 30}],
                    },
                    {
                        "expr": "round(slo:current_burn_rate:ratio * 100)",
                        "eval_time": "20m",
                        "exp_samples": [{"labels": f'{{{labels},sloth_window="5m"}}', "value": 400}],
                    },
                    {
                        "expr": "slo:time_period:days",
                        "eval_time": "20m",
                        "exp_samples": [{"labels": f"slo:time_period:days{{{labels}}}", "value": 30}],
                    },
                ],
            }
        ],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests, sort_keys=False))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_of_sloths_dashboard_finds_what_burns(tmp_path: Path, tool: Callable[[str], str]) -> None:
    """Without what it puts in the place of series that are missing: a page that fires must not read as OK."""
    (tmp_path / "sloth.yml").write_text(sloth_yaml(__version__))
    (tmp_path / "rules.yml").write_text(without_annotations(rules_yaml(WANTED)))
    windows = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    series = {
        **{f'sla_error_ratio{{service="app",window="{window}"}}': "0.02x200" for window in windows},
        **{f'sla_burn_rate{{service="app",window="{window}"}}': "20x200" for window in windows},
        'sla_objective_ratio{service="app",month="1970-01"}': "0.999x200",
        'sla_month_end_timestamp_seconds{month="1970-01"}': "2678400x200",
    }
    questions = [
        {"expr": f"count({without_made_up(expr)}) > bool 0", "eval_time": "3h", "exp_samples": [{"value": 1}]}
        for expr in (*sloth_asks("app").values(), *(LABELLED % name for name in sorted(SLOTHS)))
    ]
    objective = {
        "expr": "count by (sloth_objective) (sloth_slo_info)",
        "eval_time": "3h",
        "exp_samples": [{"labels": '{sloth_objective="99.9"}', "value": 1}],
    }
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [*questions, objective]}
    tests = {"rule_files": ["rules.yml", "sloth.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests, sort_keys=False))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
