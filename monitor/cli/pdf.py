"""A report as PDF, by WeasyPrint in a process of its own: it takes 2 s to load and may fail to.

Run as a program it reads a page from standard input and writes a tagged PDF to standard output.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from monitor.errors import InputError

MISSING = 20
"""Exit status of the process where the library, or what it needs of the system, is not there."""
OPTIONAL = "minutebook[pdf]"
PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What Debian calls the parts of Pango that WeasyPrint loads."""


def as_pdf(html: str) -> bytes:
    """The page as PDF/UA. Raises InputError where it cannot be made, with what is missing."""
    command = [sys.executable, "-m", "monitor.cli.pdf"]
    done = subprocess.run(command, input=html.encode(), capture_output=True, check=False)  # noqa: S603 - ourselves
    if done.returncode == MISSING:
        raise InputError(
            f"no PDF can be made here ({done.stderr.decode(errors='replace').strip()}): install the package weasyprint"
            f" (pip install '{OPTIONAL}') and Pango (apt-get install {PANGO}); html, md, json and csv need neither"
        )
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        raise InputError(f"WeasyPrint made no PDF of it: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout


def main() -> None:
    """Typesets standard input."""
    try:
        weasyprint = import_module("weasyprint")
    except (ImportError, OSError) as error:
        sys.stderr.write(str(error).strip().splitlines()[0])
        sys.exit(MISSING)

    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())  # a report is whole in itself
    html = weasyprint.HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=nothing)
    sys.stdout.buffer.write(html.write_pdf(pdf_variant="pdf/ua-1", full_fonts=False))


if __name__ == "__main__":
    main()
