"""A CSV file that a person records: its first line names the columns, in any order; an empty cell is none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from monitor.errors import FactError


class Columns(NamedTuple):
    """What a header must name, and what it may."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.required + self.optional


def rows(text: str, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number and its cells by column. Raises FactError with the line."""
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if header is None:
                header = _header(row, columns)
            elif row:
                if len(row) != len(header):
                    raise FactError(f"has {len(row)} cells; expected {len(header)}, as the first line", reader.line_num)
                yield reader.line_num, {name: cell for name, cell in zip(header, row, strict=True) if cell != ""}
    except csv.Error as error:
        raise FactError(f"is no CSV: {error}", reader.line_num) from None
    if header is None:
        raise FactError(f"is missing; expected a header of {' '.join(columns.all)}", 1)


def _header(row: list[str], columns: Columns) -> list[str]:
    names = [cell.strip() for cell in row]
    missing = [name for name in columns.required if name not in names]
    unknown = [name for name in names if name not in columns.all]
    if missing or unknown or len(set(names)) < len(names):
        what = f"{missing[0]} is missing" if missing else "a column is unknown" if unknown else "a column stands twice"
        optional = {2: "two", 3: "three"}.get(len(columns.optional), str(len(columns.optional)))
        raise FactError(f"{what}; expected a header of {' '.join(columns.all)}, the last {optional} optional", 1)
    return names
