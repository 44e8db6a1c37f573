"""The sections of a report about the life of its statement: who closed it, what came late, what changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from exporters.numbers import duration
from exporters.report_blocks import Block, Cell, Pairs, Prose, Section, Table
from exporters.report_sections import words
from exporters.revision_text import changed_amounts
from exporters.stated import Statement, Wall, ms, plain, rows
from monitor.facts import Json


def life(beside: Statement, wall: Wall) -> Section:
    """Who closed the month, and what came since with what restating would change."""
    typed = "" if beside["author_authenticated"] is True or beside["author"] == "minutebook" else " (not authenticated)"
    pairs: list[tuple[str, Cell]] = [
        ("closed", f"{wall.dated(beside['closed_at'])} by {plain(beside['author'])}{typed}"),
        ("signature", plain(beside["signature"]) if beside["signature"] is not None else "none"),
    ]
    blocks: list[Block] = [Pairs(pairs)]
    late: list[tuple[Cell, ...]] = [
        (
            f"{plain(fact['kind'])} {plain(fact['subject'])}",
            plain(fact["count"]),
            wall.dated(fact["recorded_at"]),
            changed_amounts(cast(Statement, fact["effect"])) if isinstance(fact["effect"], dict) else "",
        )
        for fact in rows(beside, "late")
    ]
    if late:
        head = ("fact", "count", "recorded", "alone it would change")
        blocks.append(
            Table("What came late, and counts for nothing until somebody restates", head, late, frozenset({1}))
        )
        if isinstance(beside["effect"], dict):
            blocks.append(Prose(f"Restating would change: {changed_amounts(cast(Statement, beside['effect']))}."))
    else:
        blocks.append(Prose("Nothing came late."))
    return Section("Closed", blocks)


def changes(stated: Statement, wall: Wall) -> Iterator[Section]:
    """What changed in the terms within the month, and in a restated statement against the one before."""
    blocks: list[Block] = []
    for change in rows(stated, "terms_changed"):
        parts = change.get("changes")
        told: list[tuple[Cell, ...]] = [
            (plain(part["path"]), plain(part["before"]), plain(part["after"]))
            for part in (cast("list[Statement]", parts) if isinstance(parts, list) else ())
        ]
        about: list[Block] = [Pairs([("from", plain(change["before"])), ("to", plain(change["digest"]))])]
        if told:
            about.append(Table("What changed", ("where", "before", "after"), told))
        under = change["under_before"]
        if isinstance(under, dict):
            down, allowed = duration(ms(under, "accounts_ms", "down")), duration(ms(under, "budget_ms"))
            verdict = words(under["verdict"])
            about.append(Prose(f"Under the terms before: {verdict}, {down} down of {allowed} allowed."))
        blocks.append(Section(f"Terms changed at {wall.dated(change['recorded_at'])}", about))
    if isinstance(stated["restatement"], dict):
        told = [*_flat("", stated["restatement"])]
        blocks.append(Section("Restated", [Table("What the restatement says", ("", ""), told)]))
    if blocks:
        yield Section("What changed", blocks)


def _flat(path: str, value: Json) -> Iterator[tuple[Cell, ...]]:
    """Every leaf of an object with its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{plain(name)}" if path else plain(name), inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _flat(f"{path}.{place}", inner)
    else:
        yield path, plain(value)
