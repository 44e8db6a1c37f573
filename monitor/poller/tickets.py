"""From the tickets that a poll saw to facts: one where a ticket says something new of itself (facts.md, `ticket`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.errors import FactError
from monitor.facts import AnyFact, Fact, Json, check_entry
from monitor.facts.schema import check_fields
from monitor.ledger.period import format_instant
from monitor.sources.kind import Ticket


@dataclass(slots=True)
class KnownTickets:
    """The newest fact of each ticket of one source, by its id there; and when the last was recorded, UTC ms."""

    fields: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    newest: int | None = None

    @property
    def answered(self) -> frozenset[str]:
        """The tickets whose first reply is known."""
        return frozenset(name for name, fields in self.fields.items() if fields["first_reply_at"] is not None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a poll saw that is new: the facts, what each ticket says now, and how many could be no facts."""

    facts: tuple[Fact, ...]
    known: Mapping[str, Mapping[str, Json]]
    refused: int


def name_of(source: str, item: str) -> str:
    """What a ticket is called in the ledger: several systems may count from 1."""
    return f"{source}/{item}"


def known_tickets(facts: Iterable[AnyFact], sources: Iterable[str]) -> dict[str, KnownTickets]:
    """What facts leave known of these sources; in order of recording."""
    known = {source: KnownTickets() for source in sources}
    for fact in facts:
        if isinstance(fact, Fact) and fact.kind == "ticket" and fact.source in known:
            of, start = known[fact.source], name_of(fact.source, "")
            name = str(fact.fields["ticket"])
            if name.startswith(start):
                of.fields[name.removeprefix(start)] = _without_id(fact.fields)
                of.newest = fact.recorded_at
    return known


def ticket_facts(source: str, seen: Iterable[Ticket], known: KnownTickets, at: int) -> Seen:
    """A reply that is known stays known where a page does not tell of it."""
    facts: list[Fact] = []
    told: dict[str, Mapping[str, Json]] = {}
    refused = 0
    for ticket in seen:
        before = told.get(ticket.id, known.fields.get(ticket.id))
        fact = _fact(source, ticket, before, at)
        if fact is None:
            refused += 1
            continue
        fields = _without_id(fact.fields)
        if fields != before:
            facts = [each for each in facts if each.fields["ticket"] != fact.fields["ticket"]]
            facts.append(fact)
        told[ticket.id] = fields
    return Seen(tuple(facts), told, refused)


def _fact(source: str, ticket: Ticket, before: Mapping[str, Json] | None, at: int) -> Fact | None:
    replied: Json = None if ticket.first_reply_at is None else format_instant(ticket.first_reply_at)
    if replied is None and before is not None:
        replied = before["first_reply_at"]
    name = name_of(source, ticket.id)
    texts: dict[str, Json] = {"channel": ticket.channel, "evidence": ticket.url}
    given: dict[str, Json] = {
        "ticket": name,
        "customer": ticket.customer,
        "priority": ticket.priority,
        "received_at": format_instant(ticket.received_at),
        "first_reply_at": replied,
        **{field_name: text for field_name, text in texts.items() if text is not None},
        "source": source,
        "id": f"{name}/{format_instant(at)}",
    }
    try:
        fact = check_entry(Fact("ticket", 0, check_fields("ticket", given)))
    except FactError:
        return None
    return fact if isinstance(fact, Fact) else None


def _without_id(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: value for name, value in fields.items() if name != "id"}
