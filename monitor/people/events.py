"""A customer's announced peak (contracts/commitments.md section 4): taken in late or small too, and told what it lacks.

A later word under the same name moves the event or corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json
from monitor.ledger.credits import Customer, find_customer
from monitor.ledger.peaks import TrafficEvent, is_cancelled, peak_terms, shortfalls, traffic_events
from monitor.ledger.period import format_instant, local_date
from monitor.ledger.terms import Terms
from monitor.people.known import (
    Author,
    ConflictError,
    Known,
    Said,
    UnknownSubjectError,
    check_window,
    instant_of,
    renamed,
    same,
    spoken,
    with_id,
)
from monitor.settings import format_duration


def traffic_event(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """An event, or the next word on one that is named; notified now unless `notified_at` says when. Without a name of
    its own it is named by customer and start."""
    fields: dict[str, Json] = {"event": "unnamed", "notified_at": format_instant(known.now), **said}
    fact = spoken("traffic_event", {**fields, "author": author.name}, author, known)
    is_named = "event" in said
    if not is_named:
        fact = renamed(fact, "event", f"{fact.fields['customer']}-{fact.fields['start']}")
    subject = cast(str, fact.fields["event"])
    _check(fact, known)
    event = traffic_events([fact])[0]
    before = known.of("traffic_event", "event", subject)
    if before:
        _check_is_the_same_customers(before[-1], event)
    if before and not is_cancelled(before[-1]):
        if "notified_at" not in said:  # it was given before: a later word is no later notice
            fact = Fact(fact.kind, fact.recorded_at, {**fact.fields, "notified_at": before[-1].fields["notified_at"]})
            event = traffic_events([fact])[0]
        if same(before[-1], fact):
            return Said(subject, None, notes=tuple(_notes(event, known)))
        if not is_named:
            raise ConflictError("event: another one of this customer starts then; name that one to correct it")
    return Said(subject, with_id(fact, subject), notes=tuple(_notes(event, known)))


def cancel_event(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """The event will not be, or is no more: a later word on it that takes no time."""
    subject = said.get("event")
    before = known.of("traffic_event", "event", subject) if isinstance(subject, str) else []
    if not isinstance(subject, str) or not before:
        raise UnknownSubjectError(f"there is no event {subject!r}; announce it first, or look at its name again")
    newest = before[-1].fields
    if is_cancelled(before[-1]):
        return Said(subject, None)
    kept = {name: newest[name] for name in ("customer", "start", "notified_at", "expected_factor")}
    for field in (*kept, "end"):
        if field in said:
            raise FactError(f"{field}: a cancellation changes nothing else; leave it out")
    fields: dict[str, Json] = {**said, **kept, "end": newest["start"], "author": author.name}
    fact = with_id(spoken("traffic_event", fields, author, known), subject)
    return Said(subject, fact, notes=_ended(before[-1], known))


def _ended(fact: Fact, known: Known) -> tuple[str, ...]:
    """What cancelling comes to for one that is over, or runs."""
    if instant_of(fact, "end") <= known.now:
        return ("it was over: what was told of it stays told, and it has no report any more",)
    if instant_of(fact, "start") <= known.now:
        return ("it had begun: checks are looked at as ever, and nothing more is told of it",)
    return ()


def _check(fact: Fact, known: Known) -> None:
    """Raises InputError for a window that is none, a customer unknown or not ours then, notice from the future."""
    start, end = check_window(fact, known.terms)
    if instant_of(fact, "notified_at") > known.now:
        raise InputError("notified_at: is in the future; say when the customer told us")
    customer = find_customer(known.customers, cast(str, fact.fields["customer"]))
    _refuse_stranger(customer, known.terms, start, end)


def _refuse_stranger(customer: Customer, terms: Terms, start: int, end: int) -> None:
    if local_date(end - 1, terms.zone) < customer.since:
        raise InputError(f"customer: {customer.name} is a customer since {customer.since}, after the event")
    if customer.until is not None and local_date(start, terms.zone) >= customer.until:
        raise InputError(f"customer: {customer.name} was a customer until {customer.until}, before the event")


def _check_is_the_same_customers(before: Fact, event: TrafficEvent) -> None:
    if before.fields["customer"] != event.customer:
        raise ConflictError("event: this name stands for another customer's; choose another name")


def _notes(event: TrafficEvent, known: Known) -> list[str]:
    """What the policy asks for and the announcement lacks, and what is done all the same."""
    asked = peak_terms(known.terms, event)
    lacks = shortfalls(event, asked)
    notes: list[str] = []
    if lacks.late:
        given, wanted = event.notice_ms, format_duration(asked.notice_ms)
        when = (
            f"{format_duration(given)} before the start" if given >= 0 else f"{format_duration(-given)} after the start"
        )
        notes.append(f"late: the notice is {when}, the policy asks for {wanted}")
    if lacks.below_factor:
        factor = f"{float(event.factor):g}"
        notes.append(
            f"the expected factor of {factor} is not above the policy's, {asked.factor}; it is an event all the same"
        )
    if event.end <= known.now:
        notes.append("it is over: nothing was looked at more often for it")
    else:
        notes.append(f"checks are looked at every {asked.interval_ms / 1000:g} s at least while it lasts")
    return notes
