"""The report as PDF: its text and its tags read back; skipped aloud where Pango is missing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import pypdf
import pytest

from exporters import report_html
from exporters.report import document
from exporters.report_blocks import Block, Drawing, Pairs, Prose, Section, Table, text_of
from monitor.cli.pdf import as_pdf
from monitor.errors import InputError
from tests.report.parts import ABOUT, told

PANGO = find_library("pangoft2-1.0") and find_library("harfbuzz-subset")
needs_pango = pytest.mark.skipif(
    not PANGO and os.environ.get("CI") != "true",
    reason="Pango is missing: apt-get install -y --no-install-recommends libpangoft2-1.0-0 libharfbuzz-subset0",
)


@needs_pango
def test_a_pdf_has_its_text_its_tags_and_its_title_and_is_the_same_again() -> None:
    page = report_html.alone(document(told()[1:], ABOUT))
    made = as_pdf(page)
    read = pypdf.PdfReader(io.BytesIO(made))
    text = " ".join(" ".join(page.extract_text() for page in read.pages).split())
    assert "Availability of app, 2026-03" in text
    assert "breached" in text.lower()
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert read.trailer["/Root"]["/Lang"] == "en"  # type: ignore[index]
    assert tags(read.trailer["/Root"]["/StructTreeRoot"]) >= {"/H1", "/H2", "/Table", "/TH", "/TD", "/Figure", "/P"}  # type: ignore[index]
    assert read.metadata is not None
    assert read.metadata.title == "Availability of app, 2026-03"
    assert as_pdf(page) == made


@needs_pango
@pytest.mark.long
def test_a_pdf_says_all_that_the_document_says_and_its_drawings_in_words() -> None:
    of = document(told(), ABOUT)
    read = pypdf.PdfReader(io.BytesIO(as_pdf(report_html.alone(of))))
    text = "".join("".join(page.extract_text() for page in read.pages).split())
    cells = [*said(of.overview)] if of.overview is not None else []
    for part in of.parts:
        cells += [part.title, part.said, *said(part.head)]
        cells += [cell for section in part.sections for cell in said(section)]
    assert len(cells) > 500
    missing = [cell for cell in cells if "".join(cell.split()) not in text]
    assert missing == []
    alternatives = [str(figure["/Alt"]) for figure in figures(read.trailer["/Root"]["/StructTreeRoot"])]  # type: ignore[index]
    drawings = [block.words for part in of.parts for section in part.sections for block in drawn(section)]
    assert alternatives == drawings


def said(block: Block) -> Iterator[str]:
    """Every text of a block that is set as text."""
    if isinstance(block, Section):
        yield block.title
        for inner in block.blocks:
            yield from said(inner)
    elif isinstance(block, Pairs):
        for name, cell in block.rows:
            yield from (name, text_of(cell))
    elif isinstance(block, Table):
        yield from (block.caption, *block.head)
        yield from (text_of(cell) for row in block.rows for cell in row)
    elif isinstance(block, Prose):
        yield block.text


def drawn(block: Block) -> Iterator[Drawing]:
    if isinstance(block, Drawing):
        yield block
    elif isinstance(block, Section):
        for inner in block.blocks:
            yield from drawn(inner)


def figures(element: object) -> list[pypdf.generic.DictionaryObject]:
    """The figures of a tree of structure, in order."""
    each = element.get_object() if isinstance(element, pypdf.generic.IndirectObject) else element
    if isinstance(each, pypdf.generic.ArrayObject):
        return [figure for inner in each for figure in figures(inner)]
    if not isinstance(each, pypdf.generic.DictionaryObject):
        return []
    found = figures(each["/K"]) if "/K" in each else []
    return [each, *found] if each.get("/S") == "/Figure" else found


def tags(element: object) -> set[str]:
    """Every kind of structure element below one."""
    found: set[str] = set()
    waiting = [element]
    while waiting:
        each = waiting.pop()
        each = each.get_object() if isinstance(each, pypdf.generic.IndirectObject) else each
        if isinstance(each, pypdf.generic.ArrayObject):
            waiting += each
        elif isinstance(each, pypdf.generic.DictionaryObject):
            found |= {str(each["/S"])} if "/S" in each else set()
            waiting += [each[name] for name in ("/K",) if name in each]
    return found


@needs_pango
def test_a_pdf_fetches_nothing() -> None:
    made = as_pdf('<html lang="en"><title>x</title><p>text<img alt="a" src="file:///etc/passwd"></p></html>')
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 1
    assert b"root:" not in made


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpangoft2-1.0-0')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(InputError, match=r"libpangoft2.*pip install 'minutebook\[pdf\]'.*apt-get install.*html, md"):
        as_pdf("<html></html>")


@needs_pango
@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ({"cpu_s": 1}, "it takes over 1 s of CPU, and what it may take is bounded; ask for fewer services or months"),
        ({"wall_s": 0.01}, "it takes over 0.01 s, and"),
    ],
)
def test_a_pdf_that_takes_too_long_is_given_up(bound: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        as_pdf("<p>x</p>" * 20_000, **bound)


def test_the_library_is_loaded_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-c", "import monitor.cli.reports, sys; sys.exit('weasyprint' in sys.modules)"]
    assert subprocess.run(command, check=False).returncode == 0
