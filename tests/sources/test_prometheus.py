"""What a server with Prometheus's HTTP API says, and what odder ones do."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.facts import Result, canonical_line
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period, parse_instant
from monitor.sources import prometheus
from monitor.sources.kind import PROBLEMS, Asked, Page, Reply, Request, Watched
from tests.sources.mutations import Payload, mutated

NOW = parse_instant("2026-06-10T12:00:00Z")
WEB = Watched("web", longest_hold_ms=100_000, interval_ms=30_000, timeout_ms=10_000)
ASKED = Asked("fleet", Period(NOW - MINUTE, NOW), watched={"web": WEB})


def settings_of(query: str = 'probe_success{job="blackbox"}', **more: Any) -> prometheus.PrometheusSettings:
    return prometheus.PrometheusSettings(
        url="http://prometheus:9090/", query=query, vantage_label="region", check_label="check", **more
    )


SETTINGS = settings_of()


def series(*values: object, check: object = "web", region: object = "london", every_s: int = 15) -> dict[str, Any]:
    """A series whose newest sample is at NOW."""
    start = NOW // 1000 - (len(values) - 1) * every_s
    labels = {"check": check, "region": region}
    return {"metric": labels, "values": [[start + place * every_s, value] for place, value in enumerate(values)]}


def read(*told: Payload, asked: Asked = ASKED, evaluated: bool = False) -> Page:
    body = {"status": "success", "data": {"resultType": "matrix", "result": list(told)}}
    purpose = prometheus.EVALUATED if evaluated else prometheus.SAMPLES
    return prometheus.parse(SETTINGS, asked, Reply(Request(purpose, ""), json.dumps(body).encode(), NOW))


def looks(page: Page) -> list[tuple[str, int, str]]:
    """Each result's vantage, its age in seconds, and its outcome."""
    return [(each.vantage, (NOW - each.at) // SECOND, each.outcome) for each in page.results]


def query_of(request: Request) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(request.url).query).items()}


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    "query",
    [
        "probe_success",
        "job:probe_success:min",
        'probe_success{job="blackbox"}',
        " probe_success { job =~ \"a,b}\" , env!~'x\\'y', } ",
        '{__name__="probe_success",job!=`a"b`}',
        "probe_success{}",
    ],
)
def test_of_a_plain_selector_the_raw_samples_are_asked_for_and_a_little_of_the_time_before(query: str) -> None:
    [request] = prometheus.first(settings_of(query), ASKED)
    assert request.url.startswith("http://prometheus:9090/api/v1/query?")
    asked = query_of(request)
    assert asked["query"] == f"{query.strip()}[180001ms]"
    assert asked["time"] == f"{NOW // 1000}.000"


@pytest.mark.parametrize(
    "query",
    [
        "min by (region, check) (probe_success)",
        "probe_success offset 5m",
        "probe_success == 1",
        "-probe_success",
        'probe_success{job="a"} or vector(1)',
        "probe_success[5m]",
        "1",
    ],
)
def test_anything_else_is_evaluated_at_multiples_of_the_shortest_interval(query: str) -> None:
    [request] = prometheus.first(settings_of(query), ASKED)
    asked = query_of(request)
    assert asked["query"] == query
    assert asked["step"] == "30.000"
    assert float(asked["start"]) == (NOW - 3 * MINUTE) / 1000
    assert float(asked["end"]) == NOW / 1000 - 0  # NOW is a multiple itself
    assert "query_range?" in request.url


def test_a_poll_asks_for_an_hour_at_most_in_requests_without_a_gap() -> None:
    requests = prometheus.first(SETTINGS, Asked("fleet", Period(NOW - DAY, NOW), watched={"web": WEB}))
    ends = [round(float(query_of(each)["time"]) * 1000) for each in requests]
    lengths = [int(query_of(each)["query"].partition("[")[2].removesuffix("ms]")) - 1 for each in requests]
    assert ends[-1] == NOW
    assert ends[-1] - sum(lengths) == NOW - HOUR - 2 * MINUTE
    assert all(end - length == before for before, end, length in zip(ends, ends[1:], lengths[1:], strict=False))


def test_of_the_past_the_whole_period_is_asked_for_in_range_queries_that_are_short_enough() -> None:
    asked = Asked("fleet", Period(NOW - DAY, NOW), watched={"web": Watched("web", 4_000, 1_000, 1_000)})
    assert len(prometheus.history(SETTINGS, asked)) == 1
    requests = prometheus.history(settings_of("min(probe_success)"), asked)
    points = [float(query_of(each)["end"]) - float(query_of(each)["start"]) for each in requests]
    assert max(points) < 11_000
    assert sum(points) + len(points) == DAY / 1000


def test_headers_go_along_and_a_credential_among_them_must_be_a_secret() -> None:
    [request] = prometheus.first(settings_of(headers={"X-Scope-OrgID": "shop"}), ASKED)
    assert request.headers == {"X-Scope-OrgID": "shop"}
    for headers in ({"Authorization": "Bearer x"}, {"bad name": "x"}):
        with pytest.raises(ValidationError):
            settings_of(headers=headers)


# ---------------------------------------------------------------- what was said


def test_each_sample_is_a_look_at_the_instant_that_it_was_scraped() -> None:
    page = read(series("1", "0", "1"))
    assert looks(page) == [("fleet/london", 30, "pass"), ("fleet/london", 15, "fail"), ("fleet/london", 0, "pass")]
    assert [each.reason for each in page.results] == [None, "failed", None]
    assert {each.check for each in page.results} == {"web"}
    assert page.results[0].id == "fleet/london/web/2026-06-10T11:59:30.000Z"
    assert not page.problems


def test_a_sample_keeps_its_milliseconds() -> None:
    told = series("1")
    told["values"] = [[1780272000.123, "1"], [1780272015.0005, "0"]]
    assert [each.at for each in read(told).results] == [1780272000123, 1780272015000]


@pytest.mark.parametrize(
    ("every_s", "hold_ms"), [(15, 40_000), (1, 12_000), (30, 70_000), (60, 100_000), (300, 100_000)]
)
def test_a_look_holds_by_the_interval_of_the_scrapes_and_no_longer_than_the_check_allows(
    every_s: int, hold_ms: int
) -> None:
    assert {each.hold_ms for each in read(series("1", "1", "1", every_s=every_s)).results} == {hold_ms}


def test_a_gap_lengthens_no_hold_and_a_lone_sample_holds_as_long_as_the_check_says() -> None:
    told = series("1", "1", "1", "1")
    told["values"][0][0] -= 600
    assert {each.hold_ms for each in read(told).results} == {40_000}
    assert [each.hold_ms for each in read(series("1")).results] == [None]


def test_an_evaluated_query_holds_by_its_step() -> None:
    assert {each.hold_ms for each in read(series("1", "1"), evaluated=True).results} == {70_000}


def test_every_region_is_a_vantage_and_other_checks_are_not_for_us() -> None:
    page = read(series("1"), series("0", region="paris"), series("0", check="theirs"))
    assert looks(page) == [("fleet/london", 0, "pass"), ("fleet/paris", 0, "fail")]
    assert [(each.id, each.group, each.severity) for each in page.components] == [
        ("web", "london", "operational"),
        ("web", "paris", "major_outage"),
        ("theirs", "london", "major_outage"),
    ]


def test_where_two_series_speak_at_once_neither_is_taken_and_it_is_counted() -> None:
    other = series("0", "0", "0")
    other["values"] = other["values"][1:]
    page = read(series("1", "1", "1"), other)
    assert looks(page) == [("fleet/london", 30, "pass")]
    assert Counter(page.problems) == {"ambiguous": 1}


def test_two_names_of_one_check_are_two_series_of_it() -> None:
    asked = Asked("fleet", ASKED.period, watched={"web": WEB, "www": WEB})
    page = read(series("1"), series("0", check="www"), asked=asked)
    assert (page.results, Counter(page.problems)) == ((), {"ambiguous": 1})


def test_a_series_that_follows_another_goes_on_as_the_same_vantage() -> None:
    before = series("1", "1")
    before["values"] = [[at - 60, value] for at, value in before["values"]]
    page = read(before, series("0"))
    assert looks(page) == [("fleet/london", 75, "pass"), ("fleet/london", 60, "pass"), ("fleet/london", 0, "fail")]
    assert not page.problems


@pytest.mark.parametrize("value", ["2", "NaN", "-1", "0.5", "+Inf", "", "1.0", "true"])
def test_a_value_that_is_neither_1_nor_0_is_counted_and_neither_passes_nor_fails(value: str) -> None:
    page = read(series(value))
    assert (page.results, Counter(page.problems)) == ((), {"unknown_enum": 1})


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"metric": {"region": "london"}, "values": [[1, "1"]]}, "missing_field"),
        ({"metric": {"check": "web"}, "values": [[1, "1"]]}, "missing_field"),
        ({"metric": None, "values": []}, "missing_field"),
        ({"metric": {"check": "web", "region": "a\u202eb"}, "values": []}, "wrong_type"),
        ({"metric": {"check": "web", "region": "x" * 101}, "values": []}, "too_long"),
        ({"metric": {"check": "web", "region": "r"}, "histograms": []}, "wrong_type"),
        ({"metric": {"check": "web", "region": "r"}, "values": [["1", "1"]]}, "wrong_type"),
        ({"metric": {"check": "web", "region": "r"}, "values": [[1, 1]]}, "wrong_type"),
        ({"metric": {"check": "web", "region": "r"}, "values": [[1, "1"]]}, "bad_time"),
        ({"metric": {"check": "web", "region": "r"}, "values": [[1e308, "1"]]}, "bad_time"),
        ({"metric": {"check": "web", "region": "r"}, "values": [[2**200, "1"]]}, "bad_time"),
        ({"metric": {"check": "web", "region": "r"}, "values": [[NOW / 1000 + 301, "1"]]}, "bad_time"),
        (7, "missing_field"),
    ],
)
def test_what_is_not_as_it_should_be_is_counted(told: Payload, problem: str) -> None:
    page = read(told, series("1"))
    assert looks(page) == [("fleet/london", 0, "pass")]
    assert Counter(page.problems) == {problem: 1}


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        (b"<html>", "html"),
        (b"{", "not_json"),
        (b'{"status": "error", "errorType": "bad_data"}', "wrong_type"),
        (b'{"status": "success", "data": {"resultType": "vector", "result": []}}', "wrong_type"),
        (b'{"status": "success", "data": {"resultType": "matrix", "result": {}}}', "wrong_type"),
        (b"[]", "wrong_type"),
    ],
)
def test_what_is_no_answer_is_no_poll(body: bytes, failed: str) -> None:
    assert prometheus.parse(SETTINGS, ASKED, Reply(Request(prometheus.SAMPLES, ""), body, NOW)).failed == failed


BAD = {"status": "success", "data": {"resultType": "matrix", "result": [series("0", "0"), series("0", region="b")]}}


@given(payload=mutated(BAD), evaluated=st.booleans())
@settings(max_examples=300)
def test_a_payload_that_was_not_meant_is_read_without_an_exception_and_never_passes(
    payload: Payload, evaluated: bool
) -> None:
    purpose = prometheus.EVALUATED if evaluated else prometheus.SAMPLES
    page = prometheus.parse(SETTINGS, ASKED, Reply(Request(purpose, ""), json.dumps(payload).encode(), NOW))
    assert set(page.problems) <= set(PROBLEMS)
    for result in page.results:
        assert isinstance(result, Result)
        assert result.outcome == "fail"
        assert b"\n" not in canonical_line(result)
