"""What waits for an answer, kept up fact by fact, is what the model finds of all facts at once."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse, to_terms
from monitor.ledger.calendar import Class
from monitor.ledger.live import LiveBook
from monitor.ledger.period import MINUTE, parse_instant
from monitor.ledger.terms import Terms
from monitor.ledger.waiting import TicketBook
from tests.ledger.test_response import DISCOUNT_KIT, fact
from tests.model.answers import Desk, settled
from tests.model.moments import month_name
from tests.strategies.places import places
from tests.strategies.tickets import desks, tickets

FEW = settings(settings.get_profile("minutebook"), max_examples=15)
LONG = settings(settings.get_profile("minutebook"), max_examples=1500)
RECEIVED = parse_instant("2026-03-24T14:00:00.000Z")
CRITICAL: tuple[str, Class] = ("critical", "in_hours")


def terms_of(support: dict[str, Any], zone: str = "Europe/London") -> Terms:
    config = {
        "timezone": zone,
        "services": [{"name": "app", "checks": [{"name": "web", "http": {"url": "https://web.example.com/"}}]}],
        "policies": [{"effective_from": date(2020, 1, 1), "support": support}],
    }
    return to_terms(parse(yaml.safe_dump(config), "minutebook.yaml", Path(), {}))


def follow(data: st.DataObject) -> None:
    place = data.draw(places())
    support = data.draw(desks(place))
    desk, zone = Desk(support, ZoneInfo(place.zone)), ZoneInfo(place.zone)
    told = {name: data.draw(tickets(place, name, list(place.scenes))) for name in "abc"}
    every = sorted((each for facts in told.values() for each in facts), key=lambda each: each["recorded_at"])
    as_of = every[-1]["recorded_at"] + data.draw(st.integers(0, 4000)) * MINUTE
    book = TicketBook(terms_of(support, place.zone))
    for each in every:
        given_fact = fact(each["ticket"], each["recorded_at"], **without(each))
        book.take(given_fact)
        book.take(given_fact)
    found = book.view(as_of)
    open_ones: Counter[tuple[str, str]] = Counter()
    overdue: Counter[tuple[str, str]] = Counter()
    late: Counter[tuple[str, str]] = Counter()
    oldest: dict[tuple[str, str], int] = {}
    for given_facts in told.values():
        facts = standing(given_facts)
        one = settled(desk, facts, as_of)
        received, reply = facts[0]["received_at"], facts[-1]["first_reply_at"]
        where = (one["priority"], one["class"])
        if one["due"] is None or received > as_of:
            continue
        if reply is None or reply < received:
            open_ones[where] += 1
            oldest[where] = min(one["due"], oldest.get(where, one["due"]))
            overdue[where] += one["state"] == "late"
        late[where] += one["state"] == "late" and month_name(received, zone) == month_name(as_of, zone)
    assert +Counter(found.open) == open_ones
    assert found.oldest_due == oldest
    assert +Counter({place[:2]: count for place, count in found.waiting.items() if place[2] == "100"}) == +overdue
    assert +Counter(found.late) == +late


def standing(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those that say again what was said before, whatever came between: the first recorded stands."""
    return [each for place, each in enumerate(facts) if without(each) not in map(without, facts[:place])]


def without(each: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name not in ("ticket", "recorded_at")}


@given(st.data())
@FEW
def test_what_waits_is_what_the_model_finds(data: st.DataObject) -> None:
    follow(data)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(st.data())
@LONG
def test_what_waits_is_what_the_model_finds_in_many_worlds(data: st.DataObject) -> None:
    follow(data)


def test_a_ticket_goes_from_step_to_step_and_is_gone_once_it_is_answered() -> None:
    book = LiveBook(terms_of(DISCOUNT_KIT))
    book.take([fact("t", RECEIVED, priority="critical", received_at=RECEIVED)])
    steps = {
        minutes: [used for (*place, used), count in book.answering(at).waiting.items() if count]
        for minutes in (0, 14.999, 15, 23.999, 24, 30, 30.001)
        for at in [RECEIVED + int(minutes * MINUTE)]
    }
    assert [*steps.values()] == [["0"], ["0"], ["50"], ["50"], ["80"], ["80"], ["100"]]
    late = RECEIVED + 31 * MINUTE
    assert book.answering(late).late[CRITICAL] == 1
    replied = fact("t", late, priority="critical", received_at=RECEIVED, first_reply_at=late)
    book.take([replied])
    answering = book.answering(late)
    assert (answering.open[CRITICAL], answering.late[CRITICAL], answering.oldest_due) == (0, 1, {})


def test_every_priority_of_the_promise_is_shown_and_none_without_one() -> None:
    every = TicketBook(terms_of(DISCOUNT_KIT)).view(RECEIVED)
    assert len(every.waiting) == 3 * 2 * 4
    always = {**DISCOUNT_KIT, "hours": {"mon-sun": "00:00-24:00"}}
    assert len(TicketBook(terms_of(always)).view(RECEIVED).waiting) == 3 * 4
    bare = Terms(ZoneInfo("UTC"), ())
    book = TicketBook(bare)
    book.take(fact("t", RECEIVED, received_at=RECEIVED))
    assert book.view(RECEIVED).waiting == {}


@pytest.mark.parametrize("received", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_a_receipt_at_the_end_of_the_calendar_does_no_harm(received: str) -> None:
    book = TicketBook(terms_of(DISCOUNT_KIT, "America/New_York"))
    book.take(fact("t", RECEIVED, received_at=RECEIVED))
    hostile = fact("u", RECEIVED, received_at=RECEIVED)
    book.take(
        type(hostile)(hostile.kind, hostile.recorded_at, {**hostile.fields, "ticket": "u", "received_at": received})
    )
    assert sum(book.view(RECEIVED).open.values()) == 1
