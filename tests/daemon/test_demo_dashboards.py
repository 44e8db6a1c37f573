"""Whoever looks at `minutebook demo` with our dashboards sees something in every panel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from exporters.grafana import BOARDS
from tests.daemon.programs import Daemon, Json, Minutebook, ended, now_ms, wait_until
from tests.daemon.test_prometheus import Tool, prometheus
from tests.dashboards.blackbox import ASKED as OF_OTHERS
from tests.dashboards.queries import board, filled, panels

HOUR_S = 3600
AHEAD_S = 600
"""Some lines go on to the end of the month: they are asked for in ten minutes as well."""


class Question(NamedTuple):
    """What Grafana asks Prometheus for: a path of its API and the query's own parameters."""

    where: str
    path: str
    asked: Mapping[str, str]


def answer(port: int, path: str, asked: Mapping[str, object]) -> list[Json]:
    """What Prometheus finds; nothing while nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"/api/v1/{path}?{urlencode(asked)}")
        got = connection.getresponse()
        body = got.read()
    except OSError:
        return []
    finally:
        connection.close()
    assert got.status in (200, 503), (asked, body)
    data = json.loads(body)["data"] if got.status == 200 else []
    found: list[Json] = data["result"] if isinstance(data, dict) else data
    return found


def choices_of(port: int, variable: Json) -> list[str]:
    """What may be chosen: the first value that Prometheus has, and what stands for all where there is such."""
    series, label = variable["query"]["query"].removeprefix("label_values(").removesuffix(")").split(", ")
    named = wait_until(lambda: answer(port, f"label/{label}/values", {"match[]": series}))
    return [min(named), *([variable["allValue"]] if variable["includeAll"] else [])]


def questions(port: int) -> Iterator[Question]:
    """Each query of each panel and annotation for each choice: over time, and at an instant."""
    for each in BOARDS:
        dashboard = board(each.name)
        variables = [one for one in dashboard["templating"]["list"] if one["type"] == "query"]
        assert [one["name"] for one in variables] in ([], ["service"])
        choices = choices_of(port, variables[0]) if variables else [""]
        queries = [
            (f"{each.name}: {panel['title']}, {target['refId']}", target["expr"])
            for panel in panels(dashboard)
            for target in panel["targets"]
        ]
        queries += [(f"{each.name}: {one['name']}", one["expr"]) for one in dashboard["annotations"]["list"]]
        for choice in choices:
            for where, expr in queries:
                query = filled(expr, choice)
                yield from (
                    Question(f"{where} ({choice})", path, {"query": query}) for path in ("query", "query_range")
                )


def finds(port: int, question: Question) -> bool:
    now = now_ms() / 1000
    if question.path == "query_range":
        span = {"start": now - 300, "end": now + AHEAD_S, "step": 15}
        return bool(answer(port, question.path, {**question.asked, **span}))
    return any(answer(port, question.path, {**question.asked, "time": at}) for at in (now, now + AHEAD_S))


def beside(demo: Daemon) -> tuple[str, ...]:
    """What there rightly is none of at the edges of a month: a budget that would last until its end, and tickets that
    came in the one that has just begun."""
    page = demo.page()
    end = page.value("sla_month_end_timestamp_seconds", month=page.month)
    length = page.value("sla_month_length_seconds", month=page.month, service="app")
    assert end is not None
    assert length is not None
    now = page.as_of / 1000
    lasts = ("exhaustion",) if now > end - 9 * HOUR_S else ()
    return (*lasts, "sla_response_late") if now < end - length + HOUR_S else lasts


@pytest.fixture
def demo(minutebook: Minutebook) -> Iterator[Daemon]:
    with ended(minutebook.starting("demo")) as daemon:
        wait_until(daemon.is_ready, within_s=120)
        yield daemon


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_query_of_every_dashboard_finds_data_over_the_demo(demo: Daemon, tool: Tool, tmp_path: Path) -> None:
    """The provider's first outage is in the second 45 s: all that a dashboard shows has been there by then."""
    with prometheus(tool("prometheus"), tmp_path, demo.port) as port:
        none = beside(demo)
        asked = [*questions(port), *(Question(where, "query", {"query": expr}) for where, expr in OF_OTHERS.items())]
        wanted = [question for question in asked if not any(name in question.asked["query"] for name in none)]
        assert len(wanted) > 200

        def all_found() -> bool:
            wanted[:] = [question for question in wanted if not finds(port, question)]
            return not wanted

        try:
            wait_until(all_found, within_s=300)
        except AssertionError:
            pytest.fail(f"nothing is found by {json.dumps(wanted, indent=1)}")
