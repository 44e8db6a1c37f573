"""What is known of a source's items: its own newest facts, read from the log at a start and kept up poll by poll."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

from monitor.errors import FactError, InputError
from monitor.facts import AnyFact, Fact, Json
from monitor.facts.schema import check_fields
from monitor.ledger.period import Period, format_instant, parse_instant
from monitor.sources.kind import Problem, Severity, Steps

Rows = Sequence[tuple[str, Severity]]
Kind = Literal["incident", "maintenance"]
Key = tuple[Kind, str]
"""What an item is, and its id on the page."""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as its newest fact says. `seen_at`: the last good poll whose list held it; `absent`: how many good polls
    in a row did not; `as_of`: as of when it is known to be so, by that poll or by a delivery's own word."""

    kind: Kind
    list: str
    began: int
    seen_at: int
    fields: Mapping[str, Json]
    absent: int = 0
    as_of: int = 0

    @property
    def components(self) -> Mapping[str, Rows]:
        """An incident's components as the fact spells them: instants in canonical spelling, whose order is time's."""
        return cast("Mapping[str, Rows]", self.fields.get("components", {}))

    @property
    def steps(self) -> dict[str, Steps]:
        """An incident's components, instants in UTC ms."""
        return {key: tuple((parse_instant(at), how) for at, how in rows) for key, rows in self.components.items()}

    @property
    def is_open(self) -> bool:
        """Whether the incident goes on: some component is worse than operational for ever."""
        return any(rows and max(rows)[1] != "operational" for rows in self.components.values())

    @property
    def window(self) -> Period | None:
        """A maintenance's window; None once cancelled."""
        start, end = self.fields.get("start"), self.fields.get("end")
        return (
            Period(parse_instant(start), parse_instant(end))
            if isinstance(start, str) and isinstance(end, str)
            else None
        )


OF_A_DELIVERY = ("as_of", "delivery", "delivery_sha256")
"""Fields of a fact that a delivery made: as of when it says so, its words, and the SHA-256 of all that was posted."""

Known = Mapping[Key, KnownItem]
NOTHING: Known = MappingProxyType({})


def known_of(facts: Iterable[AnyFact], sources: Iterable[str]) -> dict[str, Known]:
    """What the facts leave known of each of these sources; `facts` in order of recording."""
    known: dict[str, dict[Key, KnownItem]] = {source: {} for source in sources}
    for fact in facts:
        if isinstance(fact, Fact) and fact.source in known and fact.kind in ("incident", "maintenance"):
            kind: Kind = "incident" if fact.kind == "incident" else "maintenance"
            known[fact.source][kind, cast(str, fact.fields[kind])] = _item(kind, fact)
    return dict(known)


def _item(kind: Kind, fact: Fact) -> KnownItem:
    began, name = fact.fields.get("began"), fact.fields.get("list")
    return KnownItem(
        kind=kind,
        list=name if isinstance(name, str) else "",
        began=_instant_or(began, fact.recorded_at),
        seen_at=fact.recorded_at,
        fields=without_id(fact.fields),
        as_of=_instant_or(fact.fields.get("as_of"), fact.recorded_at),
    )


def _instant_or(given: Json, otherwise: int) -> int:
    try:
        return parse_instant(given) if isinstance(given, str) else otherwise
    except InputError:  # a fact of this source that was imported may say anything there
        return otherwise


def without_id(fields: Mapping[str, Json]) -> dict[str, Json]:
    """What a fact says, less the moment it was seen at."""
    return {name: value for name, value in fields.items() if name != "id"}


def fact_of(kind: Kind, item: str, fields: Mapping[str, Json], at: int) -> Fact | Problem:
    """The checked fact of an item seen at that moment: `source/item/moment` (facts.md)."""
    given = {**fields, "id": f"{fields['source']}/{item}/{format_instant(at)}"}
    try:
        return Fact(kind, 0, check_fields(kind, given))
    except FactError:
        return "refused"
