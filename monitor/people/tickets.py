"""A customer's ticket, entered by hand (contracts/facts.md, `ticket`): one, or a file of them as CSV.

Of a file everything is taken or nothing: a line that is wrong is named with its number and the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json, check_entry
from monitor.ledger.period import format_instant, month_at
from monitor.ledger.response import Settled, settle, tickets_of
from monitor.ledger.terms import policy_for
from monitor.people.known import Author, Known, Said, instant_of, same, spoken, with_id
from monitor.people.table import Columns, rows

COLUMNS = Columns(("ticket", "customer", "priority", "received_at"), ("first_reply_at", "channel", "evidence"))
"""Of a CSV file."""


def ticket(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """A ticket as it is now; `first_reply_at` is null until there was one. `csv` instead of the fields: many."""
    if "csv" in said:
        return _from_csv(said, author, known)
    fact = _checked(said, author, known)
    subject = cast(str, fact.fields["ticket"])
    before = known.of("ticket", "ticket", subject)
    notes = tuple(_notes(fact, [*before, fact], known))
    return Said(subject, None if before and same(before[-1], fact) else with_id(fact, subject), notes=notes)


def _checked(said: Mapping[str, Json], author: Author, known: Known) -> Fact:
    fact = spoken("ticket", {"first_reply_at": None, **said}, author, known)
    check_entry(fact)
    received = instant_of(fact, "received_at")
    if received > known.now:
        raise InputError("received_at: is in the future")
    if fact.fields["first_reply_at"] is not None and instant_of(fact, "first_reply_at") > known.now:
        raise InputError("first_reply_at: is in the future")
    promised = _priorities(received, known)
    if promised and fact.fields["priority"] not in promised:
        raise InputError(f"priority: the policy of that month names none of that name; expected {' '.join(promised)}")
    return fact


def _priorities(received: int, known: Known) -> list[str]:
    """Those that the policy of that month names; empty where it promises no response times."""
    try:
        support = policy_for(known.terms.policies, month_at(received, known.terms.zone)).support
    except InputError:
        return []
    return [] if support is None else sorted(support.respond_within)


def _notes(fact: Fact, facts: list[Fact], known: Known) -> Iterator[str]:
    """What it comes to, in words."""
    yield from _strangers([fact], known)
    settled = _settled(facts, known)
    if settled is None:
        yield "no response times are promised for that month"
    elif settled.due is not None:
        klass = settled.klass.replace("_", " ")
        yield f"{klass}, {settled.priority}: due {format_instant(settled.due)}, {settled.state}"
        if settled.priority != fact.fields["priority"]:
            yield "a lower priority, or one that was given after it was due, changes no target"
        if settled.ticket.received_at != instant_of(fact, "received_at"):
            yield f"it stays received at {format_instant(settled.ticket.received_at)}, which was recorded first"


def _strangers(facts: list[Fact], known: Known) -> Iterator[str]:
    """Customers that the configuration does not name, or who were none then: their tickets count, for a late answer is
    late, but a name may be misspelled."""
    customers = {customer.name: customer for customer in known.customers}
    told = {
        (cast(str, fact.fields["customer"]), month_at(instant_of(fact, "received_at"), known.terms.zone))
        for fact in facts
        if customers
    }
    unknown = sorted({name for name, _ in told} - customers.keys())
    if unknown:
        yield f"the configuration names no customer {_some(unknown)}, but {_some([*customers])}; it counts all the same"
    absent = sorted({name for name, month in told if name in customers and not customers[name].is_on_it_in(month)})
    if absent:
        yield f"no customer in that month: {_some(absent)}; it counts all the same"


def _some(names: list[str]) -> str:
    """At most ten of them, made printable: a file may be somebody else's."""
    told = " ".join(names[:10]) + (" ..." if len(names) > 10 else "")
    return "".join(character if character.isprintable() else "?" for character in told)


def _settled(facts: list[Fact], known: Known) -> Settled | None:
    [told] = tickets_of(facts).values()
    try:
        support = policy_for(known.terms.policies, month_at(told.received_at, known.terms.zone)).support
    except InputError:
        return None
    return None if support is None else settle(told, support, known.now)


# ---------------------------------------------------------------- a file of them


def _from_csv(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    text = said["csv"]
    if len(said) > 1 or not isinstance(text, str):
        raise InputError("csv: expected the text of a CSV file, and nothing beside it")
    newest = {cast(str, fact.fields["ticket"]): fact for fact in known.facts if fact.kind == "ticket"}
    lines: dict[str, int] = {}
    facts: list[Fact] = []
    for line, words in rows(text, COLUMNS):
        try:
            fact = _checked(words, author, known)
        except FactError as error:
            raise FactError(error.reason, line) from None
        except InputError as error:
            raise FactError(str(error), line) from None
        subject = cast(str, fact.fields["ticket"])
        if subject in lines:
            raise FactError(f"ticket: stands on line {lines[subject]} already; keep one line for each", line)
        lines[subject] = line
        if subject not in newest or not same(newest[subject], fact):
            facts.append(with_id(fact, subject))
    first, more = (facts[0], tuple(facts[1:])) if facts else (None, ())
    notes = (f"{len(facts)} of them new or changed", *_strangers(facts, known))
    return Said(f"{len(lines)} tickets", first, notes=notes, more=more)
