"""The page of /metrics: what it says, what it leaves out, and that nothing written into a label can break it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporters.catalogue import CATALOGUE, MetricName
from exporters.columns import MONTHS, PROBES, SERVICES, Attributes
from exporters.labels import VALUE_LIMIT, label_value, pair, shown_target
from exporters.prometheus import ROWS, Exposition
from exporters.self_metrics import SelfMetrics
from monitor.facts import Result
from monitor.ledger.period import DAY, MINUTE, SECOND
from monitor.ledger.snapshot import Snapshot, WarnLimits
from tests.conftest import ROOT
from tests.faces.samples import AS_OF, MARCH, SELF, figures, newest, result, snapshot, view, with_maintenance

METRIC_NAME = re.compile(r"(?:sla|probe|minutebook|web_vitals)_[a-z][a-z0-9_]*(?:/[a-z]+)?")
NO_METRICS = {"probe_once"}

TLS: Attributes = {
    "probe_http_version": 1.1,
    "probe_http_redirects": 0,
    "probe_http_content_length": 120,
    "probe_tls_version_info": "TLS 1.3",
    "probe_http_ssl": 1,
}

OTHERS: Attributes = {
    "probe_icmp_duration_seconds/resolve": 0.001,
    "probe_icmp_duration_seconds/rtt": 0.02,
    "probe_icmp_reply_hop_limit": 57,
    "probe_dns_answer_rrs": 2,
    "probe_dns_authority_rrs": 0,
    "probe_dns_additional_rrs": 1,
    "probe_dns_query_succeeded": 1,
    "probe_dns_duration_seconds/connect": 0.002,
    "probe_dns_duration_seconds/request": 0.004,
    "probe_dns_serial": 2026112501,
    "probe_grpc_ssl": 1,
    "probe_grpc_status_code": 0,
    "probe_grpc_healthcheck_response": "NOT_SERVING",
    "probe_websocket_connection_upgraded": 1,
    "probe_websocket_status_code": 101,
    "probe_websocket_failed_due_to_regex": 0,
}


def page(of: Snapshot | None, own: SelfMetrics = SELF, exposition: Exposition | None = None) -> str:
    attributes = {("admin", "london"): TLS, ("api", "london"): OTHERS}
    return "".join((exposition or Exposition()).render(of, attributes, own))


def samples(text: str) -> dict[str, list[Sample]]:
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def value(text: str, name: str, **labels: str) -> float | None:
    """The value of the one sample that has these labels among its own."""
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


LIMITS = WarnLimits(certificate_ms=14 * DAY, duration_ms=5_000)
FULL = snapshot(with_maintenance(view("app")), view("jobs", up=None), looks=(replace(newest(result()), warn=LIMITS),))


def test_prometheus_reads_every_figure_of_the_month() -> None:
    text = page(FULL)
    of = figures("app")
    month = {"service": "app", "month": "2026-03"}
    assert value(text, "sla_objective_ratio", **month) == 0.999
    assert value(text, "sla_month_length_seconds", **month) == 743 * 3600
    assert value(text, "sla_account_seconds", **month, account="down", **{"class": ""}) == 61.234
    assert value(text, "sla_account_seconds", **month, account="excused", **{"class": "maintenance"}) == 240
    assert value(text, "sla_error_budget_seconds", **month) == of.budget / 1000
    assert value(text, "sla_error_budget_remaining_seconds", **month) == of.remaining / 1000
    assert value(text, "sla_verdict_info", **month, verdict="on_track") == 1
    assert value(text, "sla_verdict_info", **month, verdict="met") is None
    assert value(text, "sla_verdict_info", service="app", month="2026-02", verdict="met") == 1
    assert value(text, "sla_month_end_timestamp_seconds", month="2026-03") == of.period.end / 1000
    assert value(text, "sla_burn_rate", service="app", window="5m") == pytest.approx(204.113333333)
    assert value(text, "sla_exclusion_active", service="app", source="own-page", **{"class": "maintenance"}) == 1
    assert value(text, "sla_maintenance_notice_seconds", service="app") == 50 * 3600
    assert value(text, "sla_provider_component_severity", provider="cloudflare", component="CDN") == 3
    assert value(text, "minutebook_void_seconds", check="admin", reason="self_network") == 60
    since = value(text, "minutebook_void_since_timestamp_seconds", check="admin", reason="self_network")
    assert since == (AS_OF - 7 * MINUTE) / 1000
    assert value(text, "minutebook_evaluation_timestamp_seconds") == AS_OF / 1000


def test_the_accounts_on_the_page_add_up_to_the_month() -> None:
    accounts = [
        sample
        for sample in samples(page(FULL))["sla_account_seconds"]
        if sample.labels["service"] == "app" and sample.labels["month"] == "2026-03"
    ]
    assert len(accounts) == 9
    assert sum(round(sample.value * 1000) for sample in accounts) == 743 * 3600 * 1000


def test_a_look_is_shown_under_the_names_of_blackbox_exporter() -> None:
    text = page(FULL)
    labels = {"instance": "https://app.example.com/health", "service": "app", "check": "admin", "vantage": "london"}
    assert samples(text)["probe_success"] == [Sample("probe_success", labels, 1.0)]
    assert value(text, "probe_duration_seconds") == 0.08425
    assert value(text, "probe_http_status_code") == 200
    assert value(text, "probe_http_duration_seconds", phase="tls") == 0.03025
    assert value(text, "probe_dns_lookup_time_seconds") == 0.0015
    assert value(text, "probe_ip_protocol") == 4
    assert value(text, "probe_failed_due_to_regex") == 0
    assert value(text, "probe_http_version") == 1.1
    assert value(text, "probe_tls_version_info", version="TLS 1.3") == 1
    assert value(text, "probe_ssl_earliest_cert_expiry") == 1780272000
    assert value(text, "probe_fail_info") is None


def test_a_look_at_a_name_server_shows_what_was_counted_and_measured() -> None:
    text = page(snapshot(view("app"), looks=(newest(result()), newest(result("api", status=None)))))
    assert value(text, "probe_dns_answer_rrs", check="api") == 2
    assert value(text, "probe_dns_serial", check="api") == 2026112501
    assert value(text, "probe_dns_duration_seconds", check="api", phase="request") == 0.004
    assert value(text, "probe_dns_answer_rrs", check="admin") is None


def test_a_look_at_a_health_service_is_shown_under_the_names_of_blackbox_exporter() -> None:
    text = page(snapshot(view("app"), looks=(newest(result()), newest(result("api", status=None)))))
    response = "probe_grpc_healthcheck_response"
    assert value(text, response, check="api", serving_status="NOT_SERVING") == 1
    assert value(text, response, check="api", serving_status="SERVING") == 0
    assert value(text, "probe_grpc_ssl", check="api") == 1
    assert value(text, "probe_grpc_duration_seconds", check="api", phase="resolve") == 0.0015
    assert value(text, "probe_grpc_duration_seconds", check="api", phase="check") == pytest.approx(0.08425 - 0.0015)
    assert value(text, "probe_grpc_duration_seconds", check="admin", phase="check") is None


def test_a_failed_look_says_why() -> None:
    failed = result(outcome="fail", reason="http_content", ip="2001:db8::1")
    text = page(snapshot(view("app"), looks=(newest(failed),)))
    assert value(text, "probe_success") == 0
    assert value(text, "probe_fail_info", reason="http_content") == 1
    assert value(text, "probe_failed_due_to_regex") == 1
    assert value(text, "probe_ip_protocol") == 6


@pytest.mark.parametrize(
    "look",
    [
        newest(result(outcome="void", reason="self_network")),
        replace(newest(result()), covers_until=AS_OF),
    ],
    ids=["void", "hold over"],
)
def test_what_we_do_not_know_of_a_check_is_absent(look: object) -> None:
    text = page(snapshot(view("app"), looks=(look,)))  # type: ignore[arg-type]
    assert not [name for name in samples(text) if name.startswith("probe_")]


def test_what_has_no_value_is_absent() -> None:
    empty = replace(figures("app"), published=None, coverage=None, burned=None)
    text = page(snapshot(view("app", empty, up=None)))
    assert value(text, "sla_service_up", service="app") is None
    assert value(text, "sla_coverage_ratio", service="app") is None
    assert value(text, "sla_error_budget_burned_ratio", service="app") is None
    assert value(text, "sla_availability_ratio", service="app", bound="published") is None
    assert value(text, "sla_availability_ratio", service="app", bound="gross") is not None


def test_before_the_first_evaluation_only_the_daemon_speaks_of_itself() -> None:
    names = set(samples(page(None)))
    assert names
    assert all(name.startswith("minutebook_") for name in names)
    assert "minutebook_evaluation_timestamp_seconds" not in names


def test_the_first_fact_of_a_kind_will_be_an_increase() -> None:
    text = page(None)
    assert value(text, "minutebook_facts_recorded_total", kind="result") == 120
    assert value(text, "minutebook_facts_recorded_total", kind="maintenance") == 0


def test_what_the_daemon_cannot_know_of_itself_is_absent() -> None:
    text = page(None, SelfMetrics(version="1", python="3", clock_synchronized=None))
    assert value(text, "minutebook_clock_synchronized") is None
    assert value(text, "minutebook_probe_lag_seconds") is None
    assert value(text, "minutebook_store_writable") == 1


def test_services_come_and_go_with_the_snapshot() -> None:
    exposition = Exposition()
    for names in (("app", "jobs"), ("jobs",), ("jobs", "shop", "app"), ()):
        text = page(snapshot(*map(view, names)), exposition=exposition)
        assert {sample.labels["service"] for sample in samples(text).get("sla_service_up", [])} == set(names)
        assert text == page(snapshot(*map(view, names)))


def test_two_pages_rendered_at_once_do_not_mix() -> None:
    exposition = Exposition()
    of = [snapshot(*(view(name) for name in names)) for names in (("a", "b"), ("c",))]
    pieces = list(zip_longest(*(exposition.render(each, {}, SELF) for each in of), fillvalue=""))
    for place, each in enumerate(of):
        assert "".join(both[place] for both in pieces) == "".join(Exposition().render(each, {}, SELF))


def test_a_slice_is_bounded() -> None:
    many = snapshot(*(view(f"s{index}") for index in range(ROWS + 10)))
    slices = list(Exposition().render(many, {}, SELF))
    assert max(piece.count("\n") for piece in slices) <= ROWS
    assert len(samples("".join(slices))["sla_service_up"]) == ROWS + 10


def test_every_name_has_one_row_in_the_catalogue() -> None:
    assert tuple(CATALOGUE) == get_args(MetricName)
    tables = {column.name for table in (PROBES, MONTHS, SERVICES) for column in table.columns}
    assert all(CATALOGUE[name].issue is None for name in tables)


def test_a_name_says_its_unit_and_its_type() -> None:
    for name, metric in CATALOGUE.items():
        assert name.endswith("_total") == (metric.type == "counter")
        for unit in ("seconds", "ratio", "bytes"):
            assert metric.unit == unit or not name.endswith(f"_{unit}"), name
        assert metric.help.endswith(".")
        assert "\n" not in metric.help
        assert "\\" not in metric.help


def named_in(folder: Path) -> set[str]:
    """Every text in code that reads as the name of one of our metrics, or as name/phase."""
    return {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and METRIC_NAME.fullmatch(node.value)
    }


def test_code_names_no_metric_that_is_not_in_the_catalogue() -> None:
    named = named_in(ROOT / "monitor") | named_in(ROOT / "exporters")
    assert named >= {"probe_http_ssl", "probe_icmp_duration_seconds/rtt", "sla_service_up"}
    assert {name.partition("/")[0] for name in named} - CATALOGUE.keys() <= NO_METRICS


def test_what_a_probe_measures_for_the_page_has_a_column_there() -> None:
    written = {name for name in named_in(ROOT / "monitor" / "probes") if name.startswith("probe_")}
    columns = {column.name for column in PROBES.columns} | {column.attribute for column in PROBES.columns}
    assert written - NO_METRICS <= columns


def test_every_metric_of_now_is_on_a_full_page_with_the_labels_of_the_catalogue() -> None:
    looks = (replace(newest(result()), warn=LIMITS), newest(result("api", outcome="fail", reason="timeout")))
    text = page(snapshot(with_maintenance(view("app")), looks=looks))
    shown: dict[str, set[frozenset[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            shown.setdefault(sample.name, set()).add(frozenset(sample.labels))
    now = {name for name, metric in CATALOGUE.items() if metric.issue is None}
    assert shown.keys() == now
    assert all(labels == {frozenset(CATALOGUE[name].labels)} for name, labels in shown.items())  # type: ignore[index]


HOSTILE = st.text(st.characters(), max_size=300) | st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "} 0\nfake 1",
        "\0",
        "\ud800",
        "\u202e",
        "x" * 10_000,
        "\\n",
        '\\"',
        "\r\n",
        "a\u2028b",
        "é" * 150,
    ]
)


@given(HOSTILE, HOSTILE)
def test_no_label_value_breaks_the_page(service: str, target: str) -> None:
    shown = snapshot(view(service), looks=(newest(result(), target=target),))
    text = page(shown)
    found = samples(text.encode().decode())
    assert found.keys() == samples(page(snapshot(view("app"), looks=(newest(result()),)))).keys()
    assert [sample.labels["service"] for sample in found["sla_service_up"]] == [label_value(service)]
    assert [sample.labels["instance"] for sample in found["probe_success"]] == [label_value(shown_target(target))]


@given(st.lists(HOSTILE, unique=True, max_size=5))
def test_two_values_never_become_one_series(values: list[str]) -> None:
    assert len({label_value(value) for value in values}) == len(values)
    assert all(len(label_value(value).encode()) <= VALUE_LIMIT for value in values)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://user:secret@app.example.com/health", "https://app.example.com/health"),
        ("https://app.example.com/h?token=secret&x=", "https://app.example.com/h?token=***&x=***"),
        ("https://app.example.com/h?secret", "https://app.example.com/h?***"),
        ("app.example.com:443", "app.example.com:443"),
        ("https://app.example.com/@me", "https://app.example.com/@me"),
    ],
)
def test_a_target_is_shown_without_its_secrets(target: str, shown: str) -> None:
    assert shown_target(target) == shown


def test_promtool_accepts_the_page(tool: Callable[[str], str]) -> None:
    nasty = view('q"u\\o\nte')
    text = page(snapshot(with_maintenance(view("app")), nasty, looks=(newest(result()),)))
    checked = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=text.encode(), capture_output=True, timeout=30, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()


def test_a_label_is_escaped_as_the_format_asks() -> None:
    assert pair("service", 'a"b\\c\nd') == 'service="a\\"b\\\\c\\nd"'
    assert str(MARCH) == "2026-03"


# ---------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("look", "limits", "certificate", "slow"),
    [
        (result(), LIMITS, 0, 0),
        (result(), WarnLimits(), None, None),
        (result(certificate_expires=AS_OF - 10 * SECOND + 14 * DAY), LIMITS, 0, 0),
        (result(certificate_expires=AS_OF - 10 * SECOND + 14 * DAY - 1), LIMITS, 1, 0),
        (result(certificate_expires=AS_OF - DAY, outcome="fail", reason="tls_expired"), LIMITS, 1, 0),
        (result(certificate_expires=None, duration_ms=5000.0), LIMITS, None, 0),
        (result(certificate_expires=None, duration_ms=5000.001), LIMITS, None, 1),
        (result(certificate_expires=None, duration_ms=None), LIMITS, None, None),
        (result(outcome="void", reason="self_network", duration_ms=9000.0), LIMITS, None, None),
    ],
)
def test_a_look_warns_of_what_was_measured(
    look: Result, limits: WarnLimits, certificate: int | None, slow: int | None
) -> None:
    text = page(snapshot(view("app"), looks=(replace(newest(look), warn=limits),)))
    named = {"service": "app", "check": "admin", "vantage": "london"}
    assert value(text, "minutebook_check_warning", **named, warning="certificate_days") == certificate
    assert value(text, "minutebook_check_warning", **named, warning="duration") == slow
