"""The sections of a report about the life of its statement: who closed it, what came late, what changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from exporters.numbers import duration
from exporters.report_blocks import Block, Cell, Pairs, Prose, Section, Table
from exporters.report_sections import words
from exporters.revision_text import changed_amounts
from exporters.stated import Statement, Wall, ms, plain, rows


def life(beside: Statement, wall: Wall) -> Section:
    """Who closed the month, and what came since with what restating would change."""
    pairs: list[tuple[str, Cell]] = [
        ("closed", f"{wall.dated(beside['closed_at'])} by {_author(beside)}"),
        ("signature", plain(beside["signature"]) if beside["signature"] is not None else "none"),
    ]
    blocks: list[Block] = [Pairs(pairs)]
    if rows(beside, "late"):
        blocks.append(_facts("What came late, and counts for nothing until somebody restates", beside, "late", wall))
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
        blocks.append(_restated(stated["restatement"], wall))
    if blocks:
        yield Section("What changed", blocks)


def _restated(restatement: Statement, wall: Wall) -> Section:
    """Which revision it supersedes, on whose word and why, with which facts, and what they changed."""
    before = cast(Statement, restatement["supersedes"])
    pairs: list[tuple[str, Cell]] = [
        ("supersedes", f"revision {plain(before['revision'])} as of {wall.dated(before['as_of'])}"),
        ("its digest", plain(before["digest"])),
        ("restated by", _author(restatement)),
        ("reason", plain(restatement["reason"])),
    ]
    difference = changed_amounts(cast(Statement, restatement["difference"]))
    facts = _facts("What came late, and is taken in", restatement, "facts", wall)
    return Section("Restated", [Pairs(pairs), facts, Prose(f"All of it together changed: {difference}.")])


def _facts(caption: str, holder: Statement, name: str, wall: Wall) -> Table:
    late: list[tuple[Cell, ...]] = [
        (
            f"{plain(fact['kind'])} {plain(fact['subject'])}{_vantage(fact)}",
            plain(fact["count"]),
            wall.dated(fact["recorded_at"]),
            changed_amounts(cast(Statement, fact["effect"])) if isinstance(fact["effect"], dict) else "",
        )
        for fact in rows(holder, name)
    ]
    return Table(caption, ("fact", "count", "recorded", "alone it would change"), late, frozenset({1}))


def _vantage(fact: Statement) -> str:
    return f" from {plain(fact['vantage'])}" if "vantage" in fact else ""


def _author(holder: Statement) -> str:
    author = plain(holder["author"])
    typed = "" if holder["author_authenticated"] is True or author == "minutebook" else " (not authenticated)"
    return author + typed
