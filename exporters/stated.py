"""Reading the fields of a statement (contracts/statement.md), and writing its instants and free text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from monitor.facts import Json
from monitor.ledger.period import SECOND, moment, parse_instant

Statement = Mapping[str, Json]

LABEL_WIDTH = 12


def at(stated: Statement, *path: str) -> Json:
    """The field at the end of the path. A statement without it is no statement: KeyError."""
    found: Json = dict(stated)
    for name in path:
        found = cast("dict[str, Json]", found)[name]
    return found


def ms(stated: Statement, *path: str) -> int:
    """An amount in ms."""
    return cast(int, at(stated, *path))


def ratio_text(stated: Statement, *path: str) -> str | None:
    """A ratio as its decimal text, None where it has no value."""
    return cast("str | None", at(stated, *path))


def rows(stated: Statement, name: str) -> list[Statement]:
    """A list of objects."""
    return cast("list[Statement]", stated[name])


def plain(value: Json) -> str:
    """Free text on one line, with nothing in it that a terminal would obey."""
    text = value if isinstance(value, str) else "-" if value is None else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def late_policies(stated: Statement) -> Iterator[str]:
    """In words what `policy.announced_late` lists."""
    policy = cast("dict[str, Json]", stated["policy"])
    for each in cast("list[Statement]", policy.get("announced_late", [])):
        effective, announced, takes = (plain(each[name]) for name in ("effective_from", "announced_on", "takes_effect"))
        yield f"the version effective from {effective} was announced on {announced}: it takes effect on {takes}"


def labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    """The label stands before the first line, the others below it."""
    for place, line in enumerate(lines):
        yield f"{label if place == 0 else '':<{LABEL_WIDTH}}{line}".rstrip()


class Wall:
    """A clock on the wall of the policy's zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def shown(self, instant: Json) -> str:
        """`2026-03-29 02:00:00 BST`, with milliseconds where there are some; `-` for null."""
        if instant is None:
            return "-"
        local, exactness = self._local(instant)
        return f"{local.replace(tzinfo=None).isoformat(' ', exactness)} {local.tzname()}"

    def dated(self, instant: Json) -> str:
        """`2026-03-29 02:00:00+01:00`: with the offset, which a name of a zone only tells those who know it."""
        if instant is None:
            return "-"
        local, exactness = self._local(instant)
        return local.isoformat(" ", exactness)

    def _local(self, instant: Json) -> tuple[datetime, str]:
        given = parse_instant(cast(str, instant))
        exactness = "milliseconds" if given % SECOND else "seconds"
        try:
            return moment(given).astimezone(self._zone), exactness
        except OverflowError:  # the first and the last hours that have a date at all
            return moment(given), exactness
