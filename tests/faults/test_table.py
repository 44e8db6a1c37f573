"""The table of rows.py is whole: each row of the fault catalogue has tests, and they run in the fast suite."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults.rows import NOT_YET, OF_LATER_WORK, ROWS, nodes

LAST_ROW = 102


@pytest.fixture(scope="module")
def collected() -> frozenset[str]:
    """Every test of the fast suite in the files that the table names, as `file::function`."""
    files = sorted({node.partition("::")[0] for number in ROWS for node in nodes(number)})
    present = [file for file in files if (ROOT / file).is_file()]
    if not present:
        return frozenset()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not long", "-p", "no:cacheprovider"]
    told = subprocess.run([*command, *present], cwd=ROOT, text=True, capture_output=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return frozenset(line.partition("[")[0] for line in told.stdout.splitlines() if "::" in line)


def test_the_table_has_every_row_of_the_catalogue_once() -> None:
    assert list(ROWS) == list(range(1, LAST_ROW + 1))


def test_a_row_has_a_test_or_is_said_to_have_none() -> None:
    without = {number for number in ROWS if not nodes(number)}
    assert without == NOT_YET | set(OF_LATER_WORK), "fill ROWS, or take the row out of NOT_YET"


def test_every_test_of_the_table_is_collected(collected: frozenset[str]) -> None:
    missing = {number: [node for node in nodes(number) if node not in collected] for number in ROWS}
    assert not {number: gone for number, gone in missing.items() if gone}
