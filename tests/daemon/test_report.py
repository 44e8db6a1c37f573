"""`report`: every format from a store, what is bad input, and what is left as it was."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.daemon.programs import Daemon, Minutebook, Until, environment

CASE = ROOT / "tests" / "scenarios" / "12-budget-cap-february"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, bytecode: Path) -> Path:
    """A store with four months of one service, made once."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "minutebook.yaml").write_bytes((CASE / "config.yaml").read_bytes())
    Minutebook(folder, environment(bytecode)).well("import", CASE / "facts.jsonl")
    return folder


@pytest.fixture
def store(minutebook: Minutebook, prepared: Path) -> Path:
    """A copy of it in the command's folder."""
    shutil.copytree(prepared, minutebook.folder, dirs_exist_ok=True)
    return minutebook.folder


def test_every_format_is_of_the_same_statement(minutebook: Minutebook, store: Path) -> None:
    stated = json.loads(minutebook.well("statement", "--month", "2026-03", "--service", "app", "--format", "json"))
    for ending in ("html", "md", "json", "csv"):
        minutebook.well("report", "--month", "2026-03", "--as-of", stated["as_of"], "-o", f"report.{ending}")
    assert json.loads((store / "report.json").read_text(encoding="utf-8")) == stated
    for ending in ("html", "md"):
        text = (store / f"report.{ending}").read_text(encoding="utf-8").replace("\\", "")
        assert stated["digest"] in text
    with (store / "report.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["digest"] == stated["digest"]
    assert sorted(path.name for path in store.iterdir() if path.name.startswith(".report")) == []


def test_without_a_file_it_is_printed_and_a_breach_can_be_told_by_the_status(
    minutebook: Minutebook, store: Path
) -> None:
    done = minutebook("report", "--month", "2026-03", "--fail-on-breach")
    assert done.out.startswith("# Availability of app, 2026-03\n\n**")
    stated = json.loads(minutebook.well("statement", "--month", "2026-03", "--service", "app", "--format", "json"))
    assert done.status == (3 if stated["verdict"] == "breached" else 0)


def test_a_quarter_and_a_year_are_one_document_and_name_what_they_leave_out(
    minutebook: Minutebook, store: Path
) -> None:
    done = minutebook("report", "--quarter", "2026-Q1")
    assert (done.status, done.out.count("\n## app, 2026")) == (0, 2)
    assert "left out: app, 2026-01: nothing was measured before 2026-02" in done.err
    done = minutebook("report", "--year", "2026", "-o", "year.json")
    months = [each["month"] for each in json.loads((store / "year.json").read_text(encoding="utf-8"))]
    assert months[:4] == ["2026-02", "2026-03", "2026-04", "2026-05"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--month", "2199-01"), "app, 2199-01: it has not begun"),
        (("--month", "2025-12"), "app, 2025-12: nothing was measured before 2026-02"),
        (("--month", "2026-03", "--service", "never"), "there is no service 'never'"),
        (("--month", "2026-13"), "write it as YYYY-MM"),
        (("--quarter", "2026-Q5"), "write it as YYYY-Qn"),
        (("--year", "26"), "write it as YYYY"),
        (("--month", "2026-03", "--year", "2026"), "name one of --month, --quarter and --year"),
        ((), "name one of --month, --quarter and --year"),
        (("--month", "2026-03", "-o", "report.docx"), "expected a name that ends in one of .html .pdf .md .json .csv"),
        (("--month", "2026-03", "-o", "no-such-folder/report.md"), "cannot be written: No such file or directory"),
    ],
)
def test_bad_input_is_told_with_its_mend(
    minutebook: Minutebook, store: Path, asked: tuple[str, ...], told: str
) -> None:
    done = minutebook("report", *asked)
    assert done.status == 2
    assert told in done.err
    assert done.out == ""


def test_without_the_pdf_library_the_message_names_it_and_the_old_file_stays(
    minutebook: Minutebook, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "gone").mkdir()
    (store / "gone" / "weasyprint.py").write_text("raise ImportError('No module named weasyprint')\n")
    (store / "report.pdf").write_text("the old one")
    done = minutebook("report", "--month", "2026-03", "-o", "report.pdf", env={"PYTHONPATH": str(store / "gone")})
    assert done.status == 2
    assert "pip install 'minutebook[pdf]'" in done.err
    assert (store / "report.pdf").read_text(encoding="utf-8") == "the old one"


def test_a_daemon_shows_the_report_of_a_month(daemon: Daemon, until: Until) -> None:
    until(lambda: daemon.page().accounts_ms()["up"] > 0)
    month = daemon.page().month
    page = daemon.get(f"/services/app/{month}")
    assert page.status == 200, page
    assert "Availability of app, " in page.body
    assert "without what only operators see" in page.body
    assert '<link rel="stylesheet" href="/report.css">' in page.body
    assert daemon.get("/report.css").status == 200
    assert daemon.get("/services/never/2026-03").status == 404
    assert daemon.get("/services/app/2199-01").status in (404, 503)
    assert f'href="/services/app/{month}"' in daemon.get("/").body


def test_a_closed_month_is_reported_as_it_was_closed(minutebook: Minutebook, store: Path) -> None:
    minutebook.well("close", "--month", "2026-03", "--author", "ann")
    stated = json.loads(minutebook.well("statement", "--month", "2026-03", "--service", "app", "--format", "json"))
    assert stated["status"] == "final"
    minutebook.well("report", "--month", "2026-03", "-o", "report.json")
    minutebook.well("report", "--month", "2026-03", "-o", "report.md")
    assert json.loads((store / "report.json").read_text(encoding="utf-8")) == stated
    text = (store / "report.md").read_text(encoding="utf-8")
    assert "statement: final, revision 1, as of " in text
    assert " by ann (not authenticated)" in text
    assert "Nothing came late." in text
    assert "minutebook verify REPORT.json --facts facts.jsonl" in text
    assert minutebook.well("report", "--month", "2026-03", "--draft").count("statement: draft, as of ") == 1


def test_of_a_draft_nothing_is_late_and_that_is_said(minutebook: Minutebook, store: Path) -> None:
    del store
    told = minutebook("statement", "--month", "2026-03", "--late")
    assert (told.status, told.out, told.err) == (0, "", "app 2026-03 is not closed, so nothing is late for it\n")


def test_a_closed_month_is_told_also_of_a_service_that_was_taken_out(minutebook: Minutebook, store: Path) -> None:
    minutebook.well("close", "--month", "2026-03", "--author", "ann")
    config = store / "minutebook.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("name: app", "name: shop"), encoding="utf-8")
    told = minutebook.well("report", "--quarter", "2026-Q1", "--service", "app")
    assert "statement: final, revision 1, as of " in told
    never = minutebook("report", "--month", "2026-03", "--service", "never")
    assert (never.status, "there is no service 'never'; the configuration names: shop" in never.err) == (2, True)
