"""A year of made tickets, each told several times, against the model that asks minute by minute: every month of it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.facts import Fact
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, parse_instant
from monitor.ledger.response import responses, tickets_of
from monitor.ledger.waiting import TicketBook
from tests.ledger.test_response import DISCOUNT_KIT, ENGLAND, fact, support_of
from tests.ledger.test_waiting import terms_of
from tests.model.answers import Desk, settled
from tests.model.moments import month_name

LONDON = ZoneInfo("Europe/London")
START, END = parse_instant("2026-01-01T00:00:00.000Z"), parse_instant("2027-01-01T00:00:00.000Z")
TICKETS = 1_200
SUPPORT = {**DISCOUNT_KIT, "holidays": [*ENGLAND, date(2027, 1, 1)]}


def made(chance: random.Random, desk: Desk) -> list[dict[str, Any]]:
    """A ticket: received at any minute of the year, answered around when it is due or not at all, some reclassified."""
    received = START + chance.randrange((END - START) // MINUTE) * MINUTE + chance.choice((0, 0, 1, 59_999))
    priority = chance.choice(("critical", "high", "low"))
    due = desk.due(received, desk.support["respond_within"][priority][desk.klass(received)])
    first = {"customer": "acme", "priority": priority, "received_at": received, "first_reply_at": None}
    told: list[dict[str, Any]] = [{**first, "recorded_at": received + 1}]
    if chance.random() < 0.3:
        changed = {"priority": chance.choice(("critical", "high", "low")), "received_at": received + HOUR}
        told.append({**first, **changed, "recorded_at": received + 1 + chance.choice((MINUTE, HOUR, DAY, 9 * DAY))})
    if chance.random() < 0.9:
        reply = max(received, due + chance.choice((-HOUR, -1, 0, 1, HOUR)))
        told.append({**told[-1], "first_reply_at": reply, "recorded_at": max(reply, told[-1]["recorded_at"] + 1)})
    return told


@pytest.mark.long
@pytest.mark.timeout(900)
def test_each_month_of_a_year_is_what_the_model_finds() -> None:
    chance = random.Random(20_260_101)  # noqa: S311 - the same year each time
    desk, support = Desk(SUPPORT, LONDON), support_of(SUPPORT)
    as_of = END + 3 * DAY
    told = {f"t{number}": made(chance, desk) for number in range(TICKETS)}
    expected = {name: settled(desk, each, as_of) for name, each in told.items()}
    facts: list[Fact] = [
        fact(name, each["recorded_at"], **{key: value for key, value in each.items() if key != "recorded_at"})
        for name, one in told.items()
        for each in one
    ]
    facts.sort(key=lambda each: each.recorded_at)
    tickets = tickets_of(facts)
    seen = 0
    for number in range(1, 13):
        month = Month(2026, number)
        found = responses(tickets.values(), support, month.period(LONDON), as_of)
        names = {name for name, one in told.items() if month_name(one[0]["received_at"], LONDON) == str(month)}
        assert {each.ticket.ticket for each in found.tickets} == names
        for each in found.tickets:
            assert {"priority": each.priority, "class": each.klass, "due": each.due, "state": each.state} == expected[
                each.ticket.ticket
            ]
        late = Counter(expected[name]["priority"] for name in names if expected[name]["state"] == "late")
        assert {each.priority: each.breaches for each in found.commitments} == {
            priority: late[priority] for priority in ("critical", "high", "low")
        }
        seen += len(names)
    assert seen == TICKETS
    book = TicketBook(terms_of(SUPPORT))
    for one_fact in facts:
        book.take(one_fact)
    assert sum(book.view(as_of).open.values()) == sum(one[-1]["first_reply_at"] is None for one in told.values())
