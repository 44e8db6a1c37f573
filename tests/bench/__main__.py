"""`python -m tests.bench [name...]`: runs the named benchmarks, or all, and prints each figure beside its target."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table

from tests.bench import Figure, exposition, ledger, probes, start, store

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "recording": store.recording,
    "import": store.importing,
    "reading": store.reading,
    "probes": probes.looks,
    "scheduler": probes.scheduling,
    "construct": probes.starting,
    "start": start.start,
    "ledger": ledger.ledger,
    "exposition": exposition.exposition,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"{unknown[0]}: no such benchmark; there are {' '.join(BENCHMARKS)}\n")
        return 2
    table = Table("line", "what", "measured", "target", "unit", "ratio", "")
    console = Console()
    for name in names or BENCHMARKS:
        with console.status(name):
            figures = list(BENCHMARKS[name]())
        for figure in figures:
            table.add_row(
                figure.line,
                figure.what,
                f"{figure.measured:,.4g}" if figure.measured < 1000 else f"{figure.measured:,.0f}",
                f"{'>=' if figure.at_least else '<='} {figure.target:,g}",
                figure.unit,
                f"{figure.ratio:.2f}",
                "reached" if figure.reached else "not reached",
            )
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
