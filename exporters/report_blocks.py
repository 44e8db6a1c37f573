"""What a report is made of, whatever it is written as: sections of tables, pairs, sentences and drawings.

Everything in here is text to be shown as it is; escaping is the business of each format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exporters.stated import plain
from monitor.facts import Json

_WEB = re.compile(r"https?://[^\s\"'<>\\^`{|}]+", re.IGNORECASE | re.ASCII)
"""What becomes a link: nothing that a browser would run, and nothing that ends an attribute."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address that can be followed."""

    url: str


Cell: TypeAlias = str | Link


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head; the first cell names its row. `numbers` are the columns set to the right."""

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    numbers: frozenset[int] = frozenset()
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and what they are."""

    rows: Sequence[tuple[str, Cell]]
    kind: str = "pairs"


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    text: str
    kind: str = "prose"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed, or to be read one below the other."""

    lines: Sequence[str]
    kind: str = "code"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as SVG markup, what it shows in words, and lines that draw it without one."""

    svg: str
    words: str
    lines: Sequence[str]
    kind: str = "drawing"


Block: TypeAlias = "Table | Pairs | Prose | Code | Drawing | Section"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]
    kind: str = "section"


@dataclass(frozen=True, slots=True)
class Part:
    """One service and month. `said` is what the verdict comes to in a sentence, `tone` good, bad or doubt."""

    title: str
    anchor: str
    verdict: str
    tone: str
    said: str
    head: Pairs
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Document:
    """A report: its parts, what they come to side by side where there are several, what it has nothing about, and
    sections about all of it."""

    title: str
    parts: Sequence[Part]
    overview: Table | None
    absent: Sequence[str]
    sections: Sequence[Section] = ()


def address(value: Json) -> Cell:
    """A link where it is one of the web, else the text alone."""
    return Link(value) if isinstance(value, str) and _WEB.fullmatch(value) else plain(value)


def text_of(cell: Cell) -> str:
    """What a cell shows."""
    return cell if isinstance(cell, str) else cell.url
