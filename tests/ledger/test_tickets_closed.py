"""Tickets in the life of a statement: as of, closing, what comes late, restating, and the proof from their facts."""

from __future__ import annotations

from typing import Any, cast

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.closer import Moment, Order, carried_out
from monitor.closing import Wanted, beside, recorded_of, standing, statements
from monitor.facts import AnyFact, Fact
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, parse_instant
from monitor.people import ConflictError
from monitor.proof import differences
from tests.ledger.test_closings import ANN, Ledger, look, promised, terms_fact
from tests.ledger.test_response import DISCOUNT_KIT, fact

OCTOBER = Month(2026, 10)
START, END = parse_instant("2026-10-01T00:00:00Z"), parse_instant("2026-11-01T00:00:00Z")
WRITTEN = promised(
    yaml.safe_dump(
        {
            "services": [
                {"name": name, "checks": [{"name": f"web-{name}", "http": {"url": "https://app.example.com/"}}]}
                for name in ("app", "shop")
            ],
            "policies": [{"effective_from": "2020-01-01", "support": DISCOUNT_KIT}],
        }
    ).replace("'2020-01-01'", "2020-01-01")
)
RECEIVED = END - 10 * HOUR  # a Saturday afternoon: after hours
DUE = RECEIVED + 2 * HOUR


def ledger(*tickets: Fact) -> Ledger:
    looks: list[AnyFact] = [look(START)._replace(check=f"web-{name}") for name in ("app", "shop")]
    return Ledger([terms_fact(WRITTEN, START - DAY), *looks, *tickets], WRITTEN, OCTOBER)


def stated(of: Ledger, as_of: int) -> list[dict[str, Any]]:
    return statements(of.known(as_of), of.terms, Wanted(["app", "shop"], OCTOBER, as_of))


def critical(statement: dict[str, Any]) -> dict[str, Any]:
    [row] = [row for row in statement["commitments"] if row["commitment"] == "response:critical"]
    return cast("dict[str, Any]", row)


def test_every_service_has_the_tickets_and_their_facts_are_in_its_proof() -> None:
    bare, with_ticket = ledger(), ledger(fact("t", RECEIVED, priority="critical", received_at=RECEIVED))
    for without, stands in zip(stated(bare, END), stated(with_ticket, END), strict=True):
        assert [ticket["ticket"] for ticket in stands["tickets"]] == ["t"]
        assert critical(stands) == {
            "commitment": "response:critical",
            "target": "in hours 30m, after hours 2h",
            "result": "1 late of 1",
            "verdict": "missed",
            "breaches": 1,
            "tickets": {"met": 0, "late": 1, "pending": 0},
        }
        assert stands["facts"]["count"] == without["facts"]["count"] + 1
        assert differences(stands, with_ticket.facts, lambda _: None) == []
        assert differences(stands, bare.facts, lambda _: None)


def test_a_statement_is_as_of_what_was_recorded_by_then() -> None:
    told = ledger(
        fact("t", RECEIVED, priority="critical", received_at=RECEIVED),
        fact("t", DUE + DAY, priority="critical", received_at=RECEIVED, first_reply_at=RECEIVED + HOUR),
    )
    verdicts = [critical(stated(told, at)[0])["verdict"] for at in (RECEIVED - 1, DUE, DUE + 1, DUE + DAY)]
    assert verdicts == ["met", "pending", "missed", "met"]


def test_a_reply_that_is_recorded_late_stands_beside_the_closed_month_with_the_breach_it_takes_away() -> None:
    of = ledger(fact("t", RECEIVED, priority="critical", received_at=RECEIVED))
    of.carry_out(END + DAY, restate=False)
    of.facts.append(fact("t", END + 2 * DAY, priority="critical", received_at=RECEIVED, first_reply_at=DUE))
    of.facts.append(fact("u", END + 2 * DAY, priority="critical", received_at=END + DAY))  # of November
    [stands] = standing(recorded_of(of.facts), of.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert critical(dict(stands.statement))["breaches"] == 1
    told: Any = beside(recorded_of(of.facts), stands, END + 3 * DAY)
    assert [(late["kind"], late["subject"]) for late in told["late"]] == [("ticket", "t")]
    assert told["effect"]["breaches"]["response:critical"] == -1
    of.carry_out(END + 4 * DAY, restate=True)
    restated = of.given[-1]
    assert (critical(restated)["breaches"], restated["restatement"]["difference"]["breaches"]["response:critical"]) == (
        0,
        -1,
    )


def test_a_month_that_was_closed_while_a_ticket_waited_can_be_restated_once_it_is_late() -> None:
    received = END - MINUTE
    of = ledger(fact("t", received, priority="critical", received_at=received))
    of.carry_out(END + HOUR, restate=False)
    assert critical(of.given[0])["verdict"] == "pending"
    with pytest.raises(ConflictError, match="nothing came since"):
        carried_out(
            of.known(END + HOUR + 2), Order(OCTOBER, None, True, "why"), Moment(END + HOUR + 2, of.terms, None), ANN
        )
    of.carry_out(END + 3 * HOUR, restate=True)
    assert critical(of.given[-1])["breaches"] == 1


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_in_which_a_log_is_read_changes_nothing(chance: Any) -> None:
    of = ledger(
        *(
            fact("t", RECEIVED + n, priority=priority, received_at=RECEIVED)
            for n, priority in enumerate(("low", "critical", "high"))
        )
    )
    shuffled = [*of.facts]
    chance.shuffle(shuffled)
    wanted = Wanted(["app"], OCTOBER, END)
    assert statements(shuffled, of.terms, wanted) == statements(of.facts, of.terms, wanted)
