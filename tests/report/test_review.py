"""A quarter beside the one before: every figure is a sum of its statements', in each format, and for operators only."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pypdf
import pytest

from exporters import report_html
from exporters.report import Told, document, for_everybody
from exporters.report_markdown import markdown
from monitor.cli.proof import read_statements
from monitor.cli.reports import FORMATS
from monitor.cli.statements import read_facts
from monitor.config import customers_of, load_without_secrets, to_terms
from monitor.crediting import Reckoner
from monitor.ledger.period import parse_instant
from monitor.ledger.review import Spans, review
from monitor.reporting import Asking, quarter, told
from monitor.reviewing import about
from tests.report.parts import told as golden
from tests.report.test_pdf import needs_pango, said, tags
from tests.report.test_vitals import statement

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "18-credits-and-termination"
CONFIG = load_without_secrets(FOLDER / "config.yaml")
AS_OF = parse_instant("2026-06-10T00:00:00Z")


@pytest.fixture(scope="module")
def made() -> tuple[Sequence[Told], Any]:
    terms, facts = to_terms(CONFIG), read_facts(FOLDER / "facts.jsonl")
    asking = Asking(["app"], quarter("2026-Q2"), AS_OF, [])
    found = told(facts, terms, asking)
    return found.told, about(found, "2026-Q2", Reckoner(facts, terms, customers_of(CONFIG), AS_OF), asking)


def rows(whole: Any) -> dict[tuple[str, str], tuple[Any, Any]]:
    return {(row["group"], row["item"]): (row["now"], row["before"]) for row in whole.review["rows"]}


def test_the_quarter_stands_beside_the_one_before(made: tuple[Sequence[Told], Any]) -> None:
    found = rows(made[1])
    hour = 3_600_000
    assert (made[1].review["quarter"], made[1].review["before"]) == ("2026-Q2", "2026-Q1")
    assert found["availability", "app: down"] == (2 * hour, 2 * hour)
    assert found["availability", "app: unknown"] == (0, 2 * hour)
    assert found["availability", "app: by month"] == (
        "2026-04 breached; 2026-05 breached; 2026-06 on track",
        "2026-01 breached; 2026-02 breached; 2026-03 met unproven",
    )
    assert found["response times", "critical: late"] == (1, 0)
    assert found["incidents", "app: longest"] == (hour, hour)
    assert found["exclusions", "refused"] == (0, 0)
    assert found["credits", "breaches"] == (3, 2)
    assert found["credits", "acme: owed"][1] == "2026-01 49.90 USD; 2026-02 0.00 USD; 2026-03 0.00 USD"
    assert found["credits", "beta: credit"][0] == "2026-04 33.34 EUR; 2026-05 50.00 EUR; 2026-06 0.00 EUR"


def test_a_ratio_is_of_the_summed_accounts(made: tuple[Sequence[Told], Any]) -> None:
    accounts = [cast("dict[str, int]", part.stated["accounts_ms"]) for part in made[0]]
    down, up = (sum(each[name] for each in accounts) for name in ("down", "up"))
    published = rows(made[1])["availability", "app: published"][0]
    assert published == f"0.{10**9 * up // (up + down):09d}"


def test_every_format_has_it_and_verify_takes_the_json(made: tuple[Sequence[Told], Any], tmp_path: Path) -> None:
    parts, whole = made
    for ending in (".html", ".md"):
        text = FORMATS[ending](parts, whole).decode().replace("\\", "")
        for words in ("2026-Q2 beside 2026-Q1", "Credits for 2026-05", "74.85 USD", "may terminate since"):
            assert words in text
    (tmp_path / "q.json").write_bytes(FORMATS[".json"](parts, whole))
    assert read_statements(tmp_path / "q.json") == [part.stated for part in parts]
    assert json.loads((tmp_path / "q.json").read_text())["review"] == whole.review
    statements, _, table = FORMATS[".csv"](parts, whole).decode().partition("\r\n\r\n")
    assert len(statements.splitlines()) == 1 + len(parts)
    found = {(row["group"], row["item"]): row["2026-Q2"] for row in csv.DictReader(table.splitlines())}
    assert found["availability", "app: down"] == "7200000"


@needs_pango
@pytest.mark.long
def test_a_pdf_has_every_section_of_the_quarter_with_its_tables_as_tables(made: tuple[Sequence[Told], Any]) -> None:
    parts, whole = made
    of = document(parts, whole)
    read = pypdf.PdfReader(io.BytesIO(FORMATS[".pdf"](parts, whole)))
    text = "".join("".join(page.extract_text() for page in read.pages).split())
    titles = [section.title for section in whole.sections]
    assert titles[0] == "2026-Q2 beside 2026-Q1"
    assert {f"Credits for 2026-{month}" for month in ("04", "05", "06")} < {*titles}
    groups = [block.caption for block in whole.sections[0].blocks]
    assert groups == ["Availability", "Response times", "Incidents", "Exclusions", "Credits", "Terms"]
    cells = [cell for section in whole.sections for cell in said(section)]
    cells += [cell for part in of.parts for section in part.sections for cell in said(section)]
    assert [cell for cell in cells if "".join(cell.split()) not in text] == []
    root = cast("pypdf.generic.DictionaryObject", read.trailer["/Root"])
    assert tags(root["/StructTreeRoot"]) >= {"/H1", "/H2", "/Table", "/Caption", "/TH", "/TD", "/Figure", "/P"}
    marked = cast("pypdf.generic.DictionaryObject", root["/MarkInfo"])["/Marked"]
    assert (bool(marked), str(root["/Lang"])) == (True, "en")
    assert read.metadata is not None
    assert "2026-Q2" in str(read.metadata.title)


def test_nothing_of_credits_is_said_to_everybody(made: tuple[Sequence[Told], Any]) -> None:
    parts = [for_everybody(part) for part in made[0]]
    public = document(parts, made[1].__class__("2026-Q2"))
    for text in (report_html.page(public), markdown(public)):
        assert "credit" not in text.lower()
        assert "acme" not in text
        assert "USD" not in text


def test_exclusions_and_changed_terms_are_counted_once_whatever_the_services() -> None:
    stated = [part.stated for part in golden()]
    twice = [{**each, "service": service} for each in stated for service in ("app", "jobs")]
    one, both = (
        {(row.group, row.item): row.now for row in review(Spans(each, []), Spans([], []))} for each in (stated, twice)
    )
    for item in (("exclusions", "granted"), ("exclusions", "refused"), ("terms", "changes within months")):
        assert one[item] == both[item]
    assert cast(int, one["exclusions", "granted"]) > 0
    assert all(row.before is None for row in review(Spans(stated, []), Spans([], [])))


def test_vitals_stand_month_by_month_and_once_whatever_the_services() -> None:
    one = statement(5, LCP={"1000": 14, "3000": 6}, CLS={"0.3": 3})
    other = {**one, "service": "jobs"}
    told = {(row.group, row.item): (row.now, row.before) for row in review(Spans([one, other], [one]), Spans([], []))}
    assert told["web vitals", "LCP: samples"] == (20, 20)
    words, before = told["web vitals", "LCP: by month"]
    assert words == before
    assert str(words).startswith(f"{one['month']} missed (")
    assert told["web vitals", "CLS: by month"][0] == f"{one['month']} insufficient (0.3005)"
    assert told["web vitals", "INP: by month"][0] == f"{one['month']} no data"
