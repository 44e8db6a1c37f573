"""`python -m tests.faults N`: every test of the fault catalogue, N times over; the first failure ends it."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.conftest import ROOT
from tests.faults.rows import ROWS, nodes

AT_ONCE = ("-n", "8", "--dist", "worksteal")
"""The looks wait for most of their time: on two cores eight take half as long as two."""


def main(arguments: list[str]) -> int:
    """The exit status: 0 when every run passed, pytest's own of the run that did not."""
    times = int(arguments[0]) if arguments and arguments[0].isdecimal() else 0
    if not times:
        print("expected how many times, such as: python3 deploy/dev.py test --faults 20", file=sys.stderr)
        return 2
    tests = sorted({node for number in ROWS for node in nodes(number)})
    for run in range(1, times + 1):
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", *AT_ONCE, *arguments[1:], *tests]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(
            f"run {run} of {times}: {'passed' if not status else 'FAILED'}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
