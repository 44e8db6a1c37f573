"""A customer's ticket, entered by hand (contracts/facts.md, `ticket`): the newest recorded fact of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from monitor.errors import InputError
from monitor.facts import Json
from monitor.people.known import Author, Known, Said, instant_of, same, spoken, with_id


def ticket(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """A ticket as it is now; `first_reply_at` is null until there was one."""
    fact = spoken("ticket", {"first_reply_at": None, **said}, author, known)
    subject, received = cast(str, fact.fields["ticket"]), instant_of(fact, "received_at")
    if received > known.now:
        raise InputError("received_at: is in the future")
    if fact.fields["first_reply_at"] is not None:
        replied = instant_of(fact, "first_reply_at")
        if replied < received:
            raise InputError("first_reply_at: is before received_at")
        if replied > known.now:
            raise InputError("first_reply_at: is in the future")
    before = known.of("ticket", "ticket", subject)
    if before and same(before[-1], fact):
        return Said(subject, None)
    return Said(subject, with_id(fact, subject))
