"""What the golden files of a report are made of: two months of worked cases with a little of everything in them.

`python -m tests.report.parts` writes the golden files anew, to be read before they are kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from exporters import report_html
from exporters.report import About, Told, document, for_everybody
from exporters.report_markdown import markdown
from exporters.statement_csv import statement_csv

GOLDEN = Path(__file__).resolve().parent / "golden"
ABOUT = About("2026-H1", ["app, 2026-07: it has not begun"])


def told() -> list[Told]:
    """The first a restated month with exclusions, the second a breach of the cap."""
    return [Told(**part) for part in json.loads((GOLDEN / "told.json").read_text(encoding="utf-8"))]


RENDERED: Mapping[str, Callable[[], str]] = {
    "report.html": lambda: report_html.alone(document(told(), ABOUT)),
    "report.md": lambda: markdown(document(told(), ABOUT)),
    "report.csv": lambda: statement_csv(part.stated for part in told()),
    "public.md": lambda: markdown(document([for_everybody(told()[0])], About("2026-06"))),
}
"""Each golden file and how it is made."""


def main() -> None:
    """Writes them, or with a name prints that one."""
    if len(sys.argv) > 1:
        sys.stdout.buffer.write(RENDERED[sys.argv[1]]().encode())
        return
    for name, made in RENDERED.items():
        (GOLDEN / name).write_bytes(made().encode())


if __name__ == "__main__":
    main()
