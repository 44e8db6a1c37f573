"""Statements for a spreadsheet: one row a service and month, RFC 4180, safe to open.

Amounts stay in ms and ratios as decimal text, exactly as in the JSON; free text that a spreadsheet would take for a
formula gets an apostrophe in front (design/reliability.md, promise I5).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import cast

from exporters.stated import Statement, at, rows
from exporters.vitals_text import METRICS, vitals_of
from monitor.facts import EXCLUSION_CLASSES, Json

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")

_FIELDS: tuple[tuple[str, ...], ...] = (
    ("service",),
    ("month",),
    ("timezone",),
    ("start",),
    ("end",),
    ("as_of",),
    ("measured_since",),
    ("status",),
    ("revision",),
    ("supersedes",),
    ("verdict",),
    ("objective",),
    ("base_ms",),
    ("budget_ms",),
    ("budget_bound_by",),
    ("remaining_ms",),
    ("burned",),
    *(("accounts_ms", name) for name in ("month", "up", "down", "unknown", "pending")),
    *(("accounts_ms", "excused", name) for name in EXCLUSION_CLASSES),
    *(("third_party_ms", name) for name in ("corroborated", "declared")),
    *(("bounds_ms", name) for name in ("down_shortest", "down_longest", "excused_shortest", "excused_longest")),
    *(("availability", name) for name in ("published", "gross", "windows_removed", "worst", "best")),
    ("coverage",),
    ("unknown_inside_outage_ms",),
    ("facts", "count"),
    ("facts", "digest"),
    ("facts", "head"),
    ("digest",),
)
_NUMBERS = frozenset({"objective", "burned", "availability", "coverage"})
"""Fields whose text is a number."""


_VITAL = ("verdict", "confidence", "result", "samples", "good")
"""What of a Web Vital has a column."""


class Lines(list[str]):
    """What csv writes to."""

    write = list.append


def statement_csv(statements: Iterable[Statement]) -> str:
    """A header, and a row for each statement. Nested names are joined by a point: `accounts_ms.up`."""
    lines = Lines()
    writer = csv.writer(lines)
    vitals = [f"{metric}.{name}" for metric in METRICS for name in _VITAL]
    counted = ("outages", "exclusions", "refused")
    writer.writerow([*map(".".join, _FIELDS), *counted, *vitals, "tickets", "tickets_late"])
    for stated in statements:
        counts = [len(rows(stated, name)) for name in counted]
        tickets = rows(stated, "tickets")
        answered = [len(tickets), sum(each["state"] == "late" for each in tickets)]
        writer.writerow([*(_cell(path, at(stated, *path)) for path in _FIELDS), *counts, *_vitals(stated), *answered])
    return "".join(lines)


def _vitals(stated: Statement) -> Iterator[str | int]:
    """Each metric's figures; empty where nothing is promised of it."""
    told = {each["commitment"]: each for each in vitals_of(stated)}
    for metric in METRICS:
        each = told.get(metric, {})
        yield from (_cell(("availability" if name == "result" else name,), each.get(name)) for name in _VITAL)


def _cell(path: tuple[str, ...], value: Json) -> str | int:
    if value is None:
        return ""
    if isinstance(value, int) or path[0] in _NUMBERS:
        return cast("str | int", value)
    return safe(str(value))


def safe(text: str) -> str:
    """The same, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
