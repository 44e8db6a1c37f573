"""`python -m tests.bench [name...]`: runs the named benchmarks, or all, and prints each figure beside its target."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table

from tests.bench import Figure, beacons, daemon, exposition, ledger, probes, sealed, store

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "recording": store.recording,
    "import": store.importing,
    "reading": store.reading,
    "probes": probes.looks,
    "beside": daemon.beside,
    "fleets": daemon.fleets,
    "scheduler": probes.scheduling,
    "beacons": beacons.load,
    "memory": daemon.memory,
    "start": daemon.start,
    "ledger": ledger.ledger,
    "sealed": sealed.sealed_days,
    "exposition": exposition.exposition,
}

WIDTH = 140
"""Of the table in a file or a pipe, where nobody says how wide it is."""


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"{unknown[0]}: no such benchmark; there are {' '.join(BENCHMARKS)}\n")
        return 2
    table = Table("line", "what", "measured", "target", "unit", "ratio", "")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    for name in names or BENCHMARKS:
        with console.status(name):
            figures = list(BENCHMARKS[name]())
        for figure in figures:
            table.add_row(*_row(figure))
    console.print(table)
    return 0


def _row(figure: Figure) -> tuple[str, ...]:
    """Without a target there is nothing to compare with."""
    measured = f"{figure.measured:,.4g}" if figure.measured < 1000 else f"{figure.measured:,.0f}"
    if figure.target is None or figure.ratio is None:
        return figure.line, figure.what, measured, "", figure.unit, "", ""
    target = f"{'>=' if figure.at_least else '<='} {figure.target:,g}"
    return (
        figure.line,
        figure.what,
        measured,
        target,
        figure.unit,
        f"{figure.ratio:.2f}",
        "reached" if figure.reached else "not reached",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
