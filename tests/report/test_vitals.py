"""Web Vitals in words: what the statement counts, who says what, and how far any of it can be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from exporters.report import About, document, for_everybody
from exporters.report_markdown import markdown
from exporters.statement_csv import statement_csv
from exporters.vitals_text import overall, section, vital_lines
from tests.report.parts import told
from tests.vitals.test_stated import many, recorded, stated, terms_of


def statement(least: int = 1, **values: dict[str, int]) -> dict[str, Any]:
    reports = [said for metric, counts in values.items() for said in many(metric, counts)]
    return stated(recorded(reports), terms_of(least=least))[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"LCP": {"1": 9}, "INP": {"1": 9}, "CLS": {"0.01": 9}}, "met"),
        ({"LCP": {"1": 9}, "INP": {"900": 9}, "CLS": {"0.01": 9}}, "missed: INP"),
        ({"LCP": {"9000": 9}, "CLS": {"1": 9}}, "missed: LCP and CLS"),
        ({"LCP": {"1": 9}, "INP": {"1": 2}}, "not assessed: INP has too few samples and CLS has no samples"),
    ],
)
def test_a_month_is_met_only_by_all_three(values: dict[str, dict[str, int]], words: str) -> None:
    found = statement(5, **values)
    assert overall([each for each in found["commitments"] if each["commitment"] != "availability"]) == words


def test_a_terminal_has_verdict_percentile_and_counts() -> None:
    lines = [*vital_lines(statement(5, LCP={"1000": 14, "3000": 6}, CLS={"0.3": 30}))]
    assert lines == [
        "web vitals  missed: LCP and CLS",
        "  LCP <= 2500: missed, borderline: chance alone could have turned it; about 2991.8 ms, 14 of 20 good (70.0 %),"
        " on 20 days only",
        "  INP <= 200: no data; -, 0 of 0 good (-), on 0 days only",
        "  CLS <= 0.1: missed, clear; about 0.3005, 0 of 30 good (0.0 %)",
        "",
    ]


def test_a_spreadsheet_has_the_same_figures() -> None:
    head, row = statement_csv([statement(1, CLS={"0.05": 3})]).splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert [cells[f"CLS.{name}"] for name in ("verdict", "confidence", "samples", "good")] == [
        "met",
        "borderline",
        "3",
        "3",
    ]
    assert [cells[f"LCP.{name}"] for name in ("verdict", "result")] == ["no_data", ""]


def test_nothing_is_said_where_nothing_is_promised() -> None:
    silent = {"commitments": [{"commitment": "availability"}, {"commitment": "response:high"}]}
    assert [*section(silent)] == []  # type: ignore[arg-type]
    assert [*vital_lines(silent)] == []  # type: ignore[arg-type]


def test_customers_see_the_figure_beside_ours_and_not_who_entered_it() -> None:
    page = markdown(document([for_everybody(told()[0])], About("2026-06")))
    assert "Shopify's dashboard, entered by hand" in page
    assert "ann" not in page.partition("### Web Vitals")[2].partition("###")[0].replace("dashboard", "")
    assert "anything but a browser can pretend to be" in page, "how far samples can be trusted is told to everybody"
