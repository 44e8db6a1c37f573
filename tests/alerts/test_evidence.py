"""Where an alert says that its evidence is: the report of its service and month, as an address that works."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from exporters.rules import Wanted, rules_yaml

PAGE = "https://status.example.com/"
SERIES = {
    'sla_burn_rate{service="a b+c",window="1h"}': "20x10",
    'sla_burn_rate{service="a b+c",window="5m"}': "20x10",
    'sla_error_budget_remaining_seconds{service="a b+c",month="1970-01"}': "-60x10",
    'sla_month_end_timestamp_seconds{month="1970-01"}': "2678400x10",
    'sla_month_end_timestamp_seconds{month="1969-12"}': "0x10",
    'up{job="minutebook"}': "0x10",
}


def only(rules: str, names: Mapping[str, str]) -> str:
    """These alerts alone, with nothing annotated but the evidence, and at once."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        group["rules"] = [
            {
                "alert": rule["alert"],
                "expr": rule["expr"],
                "annotations": {"evidence": rule["annotations"]["evidence_url"]},
            }
            for rule in group["rules"]
            if rule["alert"] in names
        ]
    dumped: str = yaml.safe_dump({"groups": [group for group in document["groups"] if group["rules"]]}, width=1000)
    return dumped


def test_an_alert_leads_to_the_report_of_its_service_and_month(tmp_path: Path, either: Callable[[str], str]) -> None:
    report = f"{PAGE}services/a%20b%2Bc/1970-01"
    evidence = {"SlaBurnFast": report, "SlaBreached": report, "MinutebookAbsent": PAGE}
    labels = {
        "SlaBurnFast": {"service": "a b+c", "window": "1h"},
        "SlaBreached": {"service": "a b+c", "month": "1970-01"},
        "MinutebookAbsent": {"job": "minutebook"},
    }
    (tmp_path / "rules.yml").write_text(only(rules_yaml(Wanted(evidence=PAGE)), evidence))
    asked = [
        {
            "alertname": name,
            "eval_time": "5m",
            "exp_alerts": [{"exp_labels": labels[name], "exp_annotations": {"evidence": address}}],
        }
        for name, address in evidence.items()
    ]
    inputs = [{"series": name, "values": values} for name, values in SERIES.items()]
    tests = {
        "rule_files": ["rules.yml"],
        "tests": [{"input_series": inputs, "interval": "1m", "alert_rule_test": asked}],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests, sort_keys=False))
    done = subprocess.run(
        [either("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
