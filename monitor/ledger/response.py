"""Who was answered in time: tickets, their due instants, and what is owed by month (commitments.md section 2). Pure.

`received_at` is the first recorded, and fixes class and month. The target is that of the highest priority given before
the ticket was due: the one whose target is due soonest. What is recorded of either later is listed and cures nothing.
Of everything else the newest recorded fact stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast

from monitor.facts import Fact, Json
from monitor.ledger.calendar import Calendar, Class, Target
from monitor.ledger.period import Period, format_instant, parse_instant

Count = Literal["per_ticket", "per_class"]
State = Literal["met", "pending", "late", "no_target"]
ResponseVerdict = Literal["met", "missed", "pending"]


class Targets(NamedTuple):
    """How soon a first reply is due, by the class of a ticket."""

    in_hours: Target
    after_hours: Target


@dataclass(frozen=True, slots=True)
class Support:
    """What one version of the promise says of response times. `count` is what a breach is: each late ticket, or each
    priority with one."""

    calendar: Calendar
    respond_within: Mapping[str, Targets]
    count: Count = "per_ticket"


class Given(NamedTuple):
    """What a fact says of what only its first telling, or a higher priority in time, decides."""

    recorded_at: int
    priority: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its facts tell it; `given` has the first fact, and each that said something new of the two."""

    ticket: str
    customer: str
    first_reply_at: int | None
    given: tuple[Given, ...]

    @property
    def received_at(self) -> int:
        """The first recorded."""
        return self.given[0].received_at


@dataclass(frozen=True, slots=True)
class Settled:
    """A ticket under a promise, at an instant. `priority` is the one whose target counts; `due` None: it has none.

    `first_reply_at` is None where there is none, or one from before the ticket, which is no reply to it.
    """

    ticket: Ticket
    priority: str
    klass: Class
    due: int | None
    first_reply_at: int | None
    state: State


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a month comes to for one priority. Breaches as the policy counts them."""

    priority: str
    targets: Targets
    counts: Mapping[State, int]
    verdict: ResponseVerdict
    breaches: int


@dataclass(frozen=True, slots=True)
class Responses:
    """The tickets of a month in order of their id, and what each priority comes to."""

    tickets: tuple[Settled, ...] = ()
    commitments: tuple[Commitment, ...] = ()


NOTHING_PROMISED = Responses()


def told(known: Ticket | None, fact: Fact) -> Ticket:
    """A ticket with one more `ticket` fact of it, in order of recording."""
    received, replied = _instant(fact, "received_at"), fact.fields["first_reply_at"]
    given = Given(fact.recorded_at, cast(str, fact.fields["priority"]), received)
    customer = cast(str, fact.fields["customer"])
    first_reply_at = _instant(fact, "first_reply_at") if replied is not None else None
    if known is None:
        return Ticket(cast(str, fact.fields["ticket"]), customer, first_reply_at, (given,))
    is_new = known.given[-1][1:] != given[1:]
    return replace(
        known,
        customer=customer,
        first_reply_at=first_reply_at,
        given=(*known.given, given) if is_new else known.given,
    )


def tickets_of(facts: Iterable[Fact]) -> dict[str, Ticket]:
    """By id, from `ticket` facts in order of recording."""
    found: dict[str, Ticket] = {}
    for fact in facts:
        name = cast(str, fact.fields["ticket"])
        found[name] = told(found.get(name), fact)
    return found


def settle(ticket: Ticket, support: Support, as_of: int) -> Settled:
    """Met when the first reply is at or before it is due; without one pending while `as_of <= due`, then late."""
    received = ticket.received_at
    klass = support.calendar.klass(received)
    priority, due = _deciding(ticket, support, klass)
    replied = ticket.first_reply_at
    if replied is not None and replied < received:
        replied = None
    state: State = "no_target"
    if due is not None:
        answered = replied if replied is not None else as_of
        state = "late" if answered > due else "pending" if replied is None else "met"
    return Settled(ticket, priority, klass, due, replied, state)


def _deciding(ticket: Ticket, support: Support, klass: Class) -> tuple[str, int | None]:
    """The priority whose target counts, and when the ticket is due by it."""
    priority, due = ticket.given[0].priority, None
    for given in ticket.given:
        target = target_of(support, given.priority, klass)
        if target is None or (due is not None and given.recorded_at >= due):
            continue
        by_it = support.calendar.due(ticket.received_at, target)
        if due is None or by_it < due:
            priority, due = given.priority, by_it
    return priority, due


def target_of(support: Support, priority: str, klass: Class) -> Target | None:
    """None for a priority that the policy does not name."""
    targets = support.respond_within.get(priority)
    if targets is None:
        return None
    return targets.in_hours if klass == "in_hours" else targets.after_hours


def responses(tickets: Iterable[Ticket], support: Support, month: Period, as_of: int) -> Responses:
    """The month of these tickets: each belongs to that of its `received_at`."""
    of_month = [ticket for ticket in tickets if month.start <= ticket.received_at < month.end]
    settled = [settle(ticket, support, as_of) for ticket in sorted(of_month, key=lambda ticket: ticket.ticket)]
    by_priority: dict[str, Counter[State]] = {priority: Counter() for priority in support.respond_within}
    for each in settled:
        if each.due is not None:
            by_priority[each.priority][each.state] += 1
    return Responses(
        tuple(settled), tuple(_commitment(support, priority, counts) for priority, counts in by_priority.items())
    )


def _commitment(support: Support, priority: str, counts: Counter[State]) -> Commitment:
    late = counts["late"]
    verdict: ResponseVerdict = "missed" if late else "pending" if counts["pending"] else "met"
    return Commitment(priority, support.respond_within[priority], counts, verdict, breaches_in(support, late))


def breaches_in(support: Support, late: int) -> int:
    """What so many late tickets of one priority are: each a breach, or all together one."""
    return late if support.count == "per_ticket" else min(late, 1)


# ---------------------------------------------------------------- as a statement says it


def commitment_json(commitment: Commitment) -> dict[str, Json]:
    """A row of `commitments` (statement.md); `result` counts the late of those whose state is settled or late."""
    counts = {state: commitment.counts.get(state, 0) for state in ("met", "late", "pending")}
    return {
        "commitment": f"response:{commitment.priority}",
        "target": f"in hours {commitment.targets.in_hours.text}, after hours {commitment.targets.after_hours.text}",
        "result": f"{counts['late']} late of {sum(counts.values())}",
        "verdict": commitment.verdict,
        "breaches": commitment.breaches,
        "tickets": dict(counts),
    }


def ticket_json(settled: Settled) -> dict[str, Json]:
    """A row of `tickets` (statement.md). `changes` are later words on priority or receipt that did not count."""
    ticket = settled.ticket
    replied = ticket.first_reply_at
    return {
        "ticket": ticket.ticket,
        "priority": settled.priority,
        "class": settled.klass,
        "received_at": format_instant(ticket.received_at),
        "due": format_instant(settled.due) if settled.due is not None else None,
        "first_reply_at": format_instant(replied) if replied is not None else None,
        "state": settled.state,
        "changes": [
            {
                "recorded_at": format_instant(given.recorded_at),
                "priority": given.priority,
                "received_at": format_instant(given.received_at),
            }
            for given in ticket.given[1:]
        ],
    }


def _instant(fact: Fact, field_name: str) -> int:
    return parse_instant(cast(str, fact.fields[field_name]))
