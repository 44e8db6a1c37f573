"""What a fact must be to come in, beside what it must be to be read: a log of before holds what it holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.errors import FactError
from monitor.facts.kinds import AnyFact, Fact

LONGEST_EVENT = timedelta(days=31)
"""Of an announced peak: what runs is booked hour by hour, and whoever says when it began must not say how many."""


def check_entry(fact: AnyFact) -> AnyFact:
    """The same fact. Raises FactError for a ticket that was answered before it was received, or is of no year that
    calendars are made for, and for a peak of more than 31 days."""
    if isinstance(fact, Fact) and fact.kind == "ticket":
        _check_ticket(fact)
    if isinstance(fact, Fact) and fact.kind == "traffic_event":
        _check_event(fact)
    return fact


def _check_event(fact: Fact) -> None:
    start, end = (datetime.fromisoformat(str(fact.fields[name])) for name in ("start", "end"))
    if end - start > LONGEST_EVENT:
        raise FactError("end: expected at most 31 days after start; record longer ones in parts")


def _check_ticket(fact: Fact) -> None:
    received, replied = fact.fields["received_at"], fact.fields["first_reply_at"]
    if isinstance(received, str) and not "1900-01-02" <= received < "8999-12-31":
        raise FactError(f"received_at: expected an instant of the years 1900 to 8999; found {received[:30]}")
    # both are canonical: the order of the texts is that of time
    if isinstance(received, str) and isinstance(replied, str) and replied < received:
        raise FactError(
            f"first_reply_at: ticket {str(fact.fields['ticket'])[:100]} was answered at {replied}, before it was"
            f" received at {received}; give the first reply after that, or null while there is none"
        )
