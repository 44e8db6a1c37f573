"""Sections of a report for operators only: credits and the right to terminate, and a quarter beside the one before."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import cast

from exporters.credits_text import breaches_words, claim_words, commitment_words, right_words
from exporters.numbers import duration, percent, promised
from exporters.report_blocks import Block, Cell, Prose, Section, Table
from exporters.stated import Statement, plain, rows
from exporters.statement_csv import Lines, safe
from monitor.facts import Json


def credits_section(told: Statement) -> Section:
    """One month's breaches, what they are worth to whom, and what was claimed."""
    blocks: list[Block] = [Prose(f"{plain(told['month'])}, {plain(told['status'])}: {breaches_words(told)}.")]
    missed: list[tuple[Cell, ...]] = [
        (commitment_words(each), plain(each["breaches"])) for each in rows(told, "commitments") if each["breaches"]
    ]
    if missed:
        blocks.append(Table("What was missed", ("commitment", "breaches"), missed, frozenset({1})))
    worth: list[tuple[Cell, ...]] = [
        (
            plain(each["customer"]),
            promised(cast(str, each["ratio"])),
            *(plain(each[name]) for name in ("fee", "credit", "owed")),
        )
        for each in rows(told, "credits")
    ]
    if worth:
        head = ("customer", "part", "of the fee", "credit", "owed")
        blocks.append(Table("What it is worth, and what of it is owed", head, worth, frozenset({1, 2, 3, 4})))
    claims: list[tuple[Cell, ...]] = [
        (plain(each["customer"]), claim_words(claim))
        for each in rows(told, "credits")
        for claim in rows(each, "claims")
    ]
    if claims:
        blocks.append(Table("Claims", ("customer", "claim"), claims))
    return Section(f"Credits for {plain(told['month'])}", blocks)


def termination_section(told: Sequence[Json]) -> Iterator[Section]:
    """Who may leave, and what a restatement took away; nothing where there is neither."""
    found: list[tuple[Cell, ...]] = []
    for each in cast("Sequence[Statement]", told):
        if isinstance(each["right"], dict):
            found.append((plain(each["customer"]), right_words(cast(Statement, each["right"]))))
        found += [
            (plain(each["customer"]), f"taken away {plain(gone['taken_away'])}: {right_words(gone)}")
            for gone in rows(each, "taken_away")
        ]
    if found:
        yield Section("Right to terminate", [Table("Who may terminate", ("customer", "right"), found)])


def review_section(review: Statement) -> Section:
    """A table for each group, the quarter beside the one before."""
    head = ("", plain(review["quarter"]), plain(review["before"]))
    blocks = [
        Table(
            plain(group).capitalize(),
            head,
            [(plain(row["item"]), *(_shown(row, name) for name in ("now", "before"))) for row in of_group],
        )
        for group, of_group in groupby(rows(review, "rows"), key=lambda row: row["group"])
    ]
    return Section(f"{plain(review['quarter'])} beside {plain(review['before'])}", blocks)


def _shown(row: Statement, name: str) -> str:
    value = row[name]
    if value is None:
        return "-"
    if row["unit"] == "ms":
        return duration(cast(int, value))
    return percent(cast(str, value)) if row["unit"] == "ratio" else plain(value)


def review_csv(review: Statement) -> str:
    """A table of its own: amounts in ms, ratios as decimal text."""
    lines = Lines()
    writer = csv.writer(lines)
    writer.writerow(["group", "item", "unit", plain(review["quarter"]), plain(review["before"])])
    for row in rows(review, "rows"):
        values = ["" if row[name] is None else row[name] for name in ("now", "before")]
        texts = [value if isinstance(value, int) else safe(str(value)) for value in values]
        writer.writerow([row["group"], safe(str(row["item"])), row["unit"], *texts])
    return "".join(lines)


def review_json(statements: Sequence[Statement], review: Statement) -> bytes:
    """The statements, as `verify` takes them, beside the review."""
    return (json.dumps({"review": review, "statements": [*statements]}, indent=2, ensure_ascii=False) + "\n").encode()
