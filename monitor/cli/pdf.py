"""A report as PDF, by WeasyPrint in a process of its own: it takes 2 s to load and may fail to.

Run as a program it reads a page from standard input and writes a tagged PDF to standard output. What it may take of a
machine is bounded: a month that somebody filled with claims must not hold it for ever.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from importlib import import_module

from monitor.errors import InputError

MISSING = 20
"""Exit status of the process where the library, or what it needs of the system, is not there."""
OPTIONAL = "minutebook[pdf]"
CPU_S = 300
"""CPU seconds for one document. A month of one service takes two to three, and two of them load the library."""
WALL_S = 1800
"""Seconds for it on the wall, where the machine is busy with others or does not wake up."""
PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What Debian calls the parts of Pango that WeasyPrint loads."""


def as_pdf(html: str, cpu_s: int = CPU_S, wall_s: float = WALL_S) -> bytes:
    """The page as PDF/UA. Raises InputError where it cannot be made, with what is missing, and where it takes more of
    the machine than that."""
    command = [sys.executable, "-m", "monitor.cli.pdf", str(cpu_s)]
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            command, input=html.encode(), capture_output=True, check=False, timeout=wall_s
        )
    except subprocess.TimeoutExpired:
        raise _too_large(f"{wall_s:g} s") from None
    if done.returncode == -signal.SIGXCPU:
        raise _too_large(f"{cpu_s} s of CPU")
    if done.returncode == MISSING:
        raise InputError(
            f"no PDF can be made here ({done.stderr.decode(errors='replace').strip()}): install the package weasyprint"
            f" (pip install '{OPTIONAL}') and Pango (apt-get install {PANGO}); html, md, json and csv need neither"
        )
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise InputError(f"WeasyPrint made no PDF of it: {said or f'it ended with status {done.returncode}'}")
    return done.stdout


def _too_large(what: str) -> InputError:
    return InputError(
        f"no PDF was made: it takes over {what}, and what it may take is bounded; ask for fewer services or months at"
        " once, or for html, which has no such bound"
    )


def main() -> None:
    """Typesets standard input, within the CPU seconds that the argument allows."""
    cpu_s = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
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
