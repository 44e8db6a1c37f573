"""The dashboards are what Grafana's own types allow, and ask only for what there is.

fixtures/grafana.schema.json holds JSON Schemas of Grafana's types, extra keys forbidden. No Grafana loads them here.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from exporters.catalogue import CATALOGUE, Metric
from exporters.grafana import BOARDS, dashboards
from exporters.grafana.budget import STREAK
from exporters.grafana.panels import COLUMNS
from monitor.cli import minutebook
from monitor.errors import InputError
from tests.conftest import ROOT
from tests.dashboards.queries import Asked, Json, asked, board, filled, panels

TYPES: Json = json.loads((Path(__file__).parent / "fixtures" / "grafana.schema.json").read_text(encoding="utf-8"))
DEPLOYED = ROOT / "deploy" / "grafana"
BEST_KNOWN = ROOT.parent / "shared" / "fixtures" / "grafana" / "dashboard.schema.json"
OF_PROMETHEUS = {"expr", "step", "titleFormat", "textFormat", "tagKeys"}
"""Keys of an annotation that belong to the Prometheus data source; Grafana's type of an annotation has none of them."""

NAMES = [each.name for each in BOARDS]
SERIES = re.compile(r"\b(\w+)(?:\{([^}]*)\})?")
MONTHLY = {name for name, metric in CATALOGUE.items() if "month" in metric.labels}
GROUPED = re.compile(r"\b(?:by|on|group_left) \(([^)]*)\)")


def dashboard_types() -> list[Json]:
    """Ours, and the same as it was made by somebody else where that is at hand."""
    return [TYPES["dashboard"], *([json.loads(BEST_KNOWN.read_text())] if BEST_KNOWN.exists() else [])]


# ---------------------------------------------------------------- types


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_is_one_by_grafanas_types(name: str) -> None:
    dashboard = board(name)
    for annotation in dashboard["annotations"]["list"]:
        for key in OF_PROMETHEUS:
            del annotation[key]
    for types in dashboard_types():
        jsonschema.Draft7Validator(types).validate(dashboard)


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_has_the_options_of_its_kind(name: str) -> None:
    for panel in panels(board(name)):
        jsonschema.Draft7Validator(TYPES["options"][panel["type"]]).validate(panel["options"])
        custom = panel["fieldConfig"]["defaults"]["custom"]
        if panel["type"] in TYPES["custom"]:
            jsonschema.Draft7Validator(TYPES["custom"][panel["type"]]).validate(custom)
        else:
            assert custom == {}
        properties = [each for override in panel["fieldConfig"]["overrides"] for each in override["properties"]]
        drawn = {
            one["id"].removeprefix("custom."): one["value"] for one in properties if one["id"].startswith("custom.")
        }
        if drawn:
            jsonschema.Draft7Validator(TYPES["custom"][panel["type"]]).validate({**custom, **drawn})


def test_the_types_refuse_what_grafana_does_not_know() -> None:
    dashboard = board(NAMES[0])
    dashboard["panels"][1]["colour"] = "red"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(TYPES["dashboard"]).validate(dashboard)


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    every = board(name)["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    places = [panel["gridPos"] for panel in every]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        apart = [
            one[at] + one[length] <= other[at] or other[at] + other[length] <= one[at]
            for at, length in (("x", "w"), ("y", "h"))
        ]
        assert any(apart), (one, other)


def test_a_table_names_no_column_that_its_queries_do_not_give() -> None:
    for name in NAMES:
        for panel in panels(board(name)):
            if panel["type"] != "table":
                continue
            references = {f"Value #{target['refId']}" for target in panel["targets"]}
            options = panel["transformations"][1]["options"]
            labels = {label for target in panel["targets"] for label in labels_of(target["expr"])}
            assert set(options["indexByName"]) <= references | labels
            assert references == options["renameByName"].keys() | (options["excludeByName"].keys() - {"Time"})


# ---------------------------------------------------------------- queries


def labels_of(expr: str) -> set[str]:
    return {label.strip() for group in GROUPED.findall(expr) for label in group.split(",") if label.strip()}


def series_of(expr: str) -> list[tuple[str, str]]:
    """Each metric that is named, with what stands in its braces."""
    found = SERIES.findall(expr)
    return [(name, braces) for name, braces in found if re.match(r"(sla|probe|minutebook|web_vitals)_", name)]


@pytest.mark.parametrize("query", [*asked()], ids=lambda query: query.where)
def test_a_query_names_only_metrics_and_labels_of_the_catalogue(query: Asked) -> None:
    series = series_of(query.expr)
    assert series
    emitted: dict[str, Metric] = {name: metric for name, metric in CATALOGUE.items() if metric.issue is None}
    assert {name for name, _ in series} <= emitted.keys()
    for name, braces in series:
        assert set(re.findall(r"(\w+)\s*[=!]", braces)) <= set(emitted[name].labels)
    known = {label for name, _ in series for label in emitted[name].labels}
    assert labels_of(query.expr) <= known
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= labels_of(query.expr)


@pytest.mark.parametrize("query", [*asked()], ids=lambda query: query.where)
def test_a_query_over_months_is_bound_to_the_month_that_runs_or_shows_each(query: Asked) -> None:
    monthly = [name for name, _ in series_of(query.expr) if name in MONTHLY]
    if monthly:
        assert "> time())" in query.expr or "service, month" in query.expr


def test_a_variable_asks_for_a_label_that_there_is() -> None:
    for name in NAMES:
        for variable in board(name)["templating"]["list"]:
            if variable["type"] == "query":
                [(series, label)] = re.findall(r"^label_values\((\w+), (\w+)\)$", variable["query"]["query"])
                [labels] = [metric.labels for metric in CATALOGUE.values() if metric.name == series]
                assert label in labels


def test_months_in_a_row_are_counted_from_the_last_month_that_was_met(
    tmp_path: Path, tool: Callable[[str], str]
) -> None:
    """Months of ten days each: `app` met the first, broke the second and third and, unproved between them, not the
    fourth, and breaks the fifth, which runs. `ok` has met every one; `new` has only broken."""

    def months(service: str, *left: int) -> list[dict[str, str]]:
        return [
            {
                "series": f'sla_error_budget_remaining_seconds{{service="{service}",month="m{number}"}}',
                "values": f"_x{number * 240} {value}x240",
            }
            for number, value in enumerate(left)
        ]

    ends = [
        {"series": f'sla_month_end_timestamp_seconds{{month="m{number}"}}', "values": f"{(number + 1) * 864_000}x1440"}
        for number in range(5)
    ]
    unproven = 'sla_verdict_info{service="app",month="m3",verdict="met_unproven"}'
    series = [
        *months("app", 5, -1, -2, 7, -3),
        *months("ok", 5, 5, 5, 5, 5),
        *months("new", *[-1] * 5),
        *ends,
        {"series": unproven, "values": "_x720 1x240"},
    ]
    samples = [("app", 3), ("ok", 0), ("new", 5)]
    expected = [{"labels": f'{{service="{service}"}}', "value": value} for service, value in samples]
    question = {"expr": STREAK.replace("$service", ".*"), "eval_time": "45d", "exp_samples": expected}
    test = {"interval": "1h", "input_series": series, "promql_expr_test": [question]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({"tests": [test]}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


GIVEN = {
    "service": ["shop"],
    "month": ["1970-01"],
    "window": ["1h", "6h", "1d", "3d", "month", "28d"],
    "bound": ["published"],
    "used": ["0", "50", "80", "100"],
}


def twice(metric: Metric) -> list[dict[str, str]]:
    """Its series as two daemons give them, half an hour long: 0, but for when the month ends."""
    values = "2678400x30" if metric.name == "sla_month_end_timestamp_seconds" else "0x30"
    every = product(*(GIVEN.get(label, ["down"]) for label in metric.labels), ("1", "2"))
    named = [dict(zip((*metric.labels, "pod"), one, strict=True)) for one in every]
    texts = [",".join(f'{label}="{value}"' for label, value in labels.items()) for labels in named]
    return [{"series": f"{metric.name}{{{text}}}", "values": values} for text in texts]


def test_a_query_finds_data_also_where_two_daemons_give_it(tmp_path: Path, tool: Callable[[str], str]) -> None:
    questions = [
        {
            "expr": f"count({filled(query.expr, 'shop')}) > bool 0",
            "eval_time": "15m",
            "exp_samples": [{"value": 1}],
        }
        for query in asked()
    ]
    inputs = [series for metric in CATALOGUE.values() for series in twice(metric)]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": questions}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({"tests": [test]}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- what is deployed


def test_the_deployed_dashboards_are_those_that_the_command_writes() -> None:
    deployed = {path.name: path.read_text(encoding="utf-8") for path in (DEPLOYED / "dashboards").iterdir()}
    assert deployed == dashboards("UTC")


def test_a_dashboard_is_in_the_zone_of_the_months() -> None:
    for text in dashboards("Europe/London").values():
        assert json.loads(text)["timezone"] == "Europe/London"


def test_provisioning_points_at_the_dashboards_and_names_the_data_source() -> None:
    [source] = yaml.safe_load((DEPLOYED / "provisioning" / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    [provider] = yaml.safe_load((DEPLOYED / "provisioning" / "dashboards" / "minutebook.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_compose_mounts_what_provisioning_names_where_it_names_it() -> None:
    """The paths are Grafana's own defaults, the address of the data source is a service of the same file."""
    services = yaml.safe_load((ROOT / "deploy" / "container" / "compose.yaml").read_text())["services"]
    mounts = dict(mount.split(":")[:2] for mount in services["grafana"]["volumes"])
    [provider] = yaml.safe_load((DEPLOYED / "provisioning" / "dashboards" / "minutebook.yaml").read_text())["providers"]
    assert mounts["../grafana/dashboards"] == provider["options"]["path"]
    assert mounts["../grafana/provisioning"] == "/etc/grafana/provisioning"
    [source] = yaml.safe_load((DEPLOYED / "provisioning" / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    address = urlsplit(source["url"])
    assert address.hostname in services
    assert any(port.endswith(f":{address.port}") for port in services[address.hostname]["ports"])
    assert address.hostname in services["grafana"]["depends_on"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_dashboard_asks_goes_to_the_data_source_that_is_chosen(name: str) -> None:
    """It is the default one, which provisioning makes, until somebody chooses another."""
    dashboard = board(name)
    [chosen] = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    assert (chosen["name"], chosen["query"]) == ("datasource", "prometheus")
    asking = [*panels(dashboard), *dashboard["annotations"]["list"]]
    asking += [target for panel in panels(dashboard) for target in panel["targets"]]
    asking += [one for one in dashboard["templating"]["list"] if one["type"] == "query"]
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    assert [one for one in asking if one.get("datasource") != wanted] == []


def test_the_command_prints_them_and_writes_them_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minutebook.yaml").write_text(
        "timezone: Europe/London\nservices: [{name: app, checks: [{name: web, http: {url: 'http://127.0.0.1:1/'}}]}]\n"
    )
    command, runner = cast(click.Command, minutebook.get_command(click.Context(minutebook), "dashboards")), CliRunner()
    printed = runner.invoke(command, [])
    assert printed.exit_code == 0, printed
    assert json.loads(printed.stdout) == [json.loads(text) for text in dashboards("Europe/London").values()]
    assert runner.invoke(command, ["-o", "made"]).exit_code == 0
    assert {path.name: path.read_text() for path in (tmp_path / "made").iterdir()} == dashboards("Europe/London")
    (tmp_path / "file").touch()
    refused = runner.invoke(command, ["-o", "file/below"])
    assert isinstance(refused.exception, InputError)
    assert "file/below: cannot be written: Not a directory" in str(refused.exception)
