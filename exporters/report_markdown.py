"""The report as Markdown (CommonMark with the tables of GFM): for a terminal, a wiki or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.report_blocks import Block, Cell, Code, Document, Drawing, Link, Pairs, Part, Prose, Section, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$^])")
_STARTS = re.compile(r"^(\s*)([-+=](?![0-9])|\d+(?=[.)](?:\s|$)))")
_BARE = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(?=:)|\b(www)(?=\.)|(@)")
"""What GFM turns into a link without being told to: broken by an empty comment, so that only our own links are."""


def markdown(document: Document) -> str:
    """The whole text, with a last line end."""
    lines: list[str] = []
    many = len(document.parts) > 1
    if many or not document.parts:
        lines += [f"# {escaped(document.title)}", ""]
    if document.overview is not None:
        lines += _block(document.overview, 2)
    for absent in document.absent:
        lines += [escaped(absent), ""]
    whole = [line for section in document.sections for line in _block(section, 2)]
    lines += whole if many else []
    for part in document.parts:
        lines += _part(part, document.title if not many else part.title, 2 if many else 1)
    lines += [] if many else whole
    return "\n".join(lines).rstrip("\n") + "\n"


def escaped(text: str) -> str:
    """Text that stays text: no markup, no HTML, no link."""
    safe = _SPECIAL.sub(r"\\\1", text)
    safe = _BARE.sub(lambda match: f"{match[0]}<!-- -->", safe)
    return _STARTS.sub(_apart, safe)


def _apart(match: re.Match[str]) -> str:
    """A sign or a number that would begin a list."""
    return f"{match[1]}\\{match[2]}" if not match[2].isdigit() else f"{match[1]}{match[2]}\\"


def _part(part: Part, title: str, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {escaped(title)}", "")
    yield from (f"**{escaped(part.verdict.upper())}**: {escaped(part.said)}", "")
    yield from _block(part.head, level + 1)
    for section in part.sections:
        yield from _block(section, level + 1)


def _block(block: Block, level: int) -> Iterator[str]:
    match block:
        case Section():
            yield from (f"{'#' * level} {escaped(block.title)}", "")
            for inner in block.blocks:
                yield from _block(inner, level + 1)
        case Prose():
            yield from (escaped(block.text), "")
        case Code():
            yield from ("```", *block.lines, "```", "")
        case Drawing():
            yield from ("```", *block.lines, "```", "", escaped(block.words), "")
        case Pairs():
            yield from (f"- {escaped(name)}: {_cell(value)}" for name, value in block.rows)
            yield ""
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield from (f"{escaped(table.caption)}:", "")
    yield f"| {' | '.join(map(escaped, table.head))} |"
    yield "|" + "|".join("---:" if place in table.numbers else "---" for place in range(len(table.head))) + "|"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in table.rows)
    yield ""


def _cell(cell: Cell) -> str:
    return f"<{cell.url.replace('|', '%7C')}>" if isinstance(cell, Link) else escaped(cell)
