"""What the daemon shows of obligations is what the commands compute from the whole log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cli.statements import read_facts
from monitor.closer import Moment, Order, carried_out
from monitor.config import customers_of, load_without_secrets, written_terms
from monitor.crediting import Reckoner
from monitor.facts import AnyFact, Fact, Json, parse_json
from monitor.ledger.live import live_book
from monitor.ledger.obligations import Obliged
from monitor.ledger.period import Month, month_at, parse_instant
from monitor.ledger.snapshot import Obligations
from monitor.ledger.termination import standing
from monitor.people import Author

FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "18-credits-and-termination"
CONFIG = load_without_secrets(FOLDER / "config.yaml")
WRITTEN = written_terms(CONFIG)
CUSTOMERS = customers_of(CONFIG)
FIRST, LAST = Month(2025, 10), Month(2026, 4)


@pytest.fixture(scope="module")
def log() -> Sequence[AnyFact]:
    """The scenario's facts, each month closed six days into the next."""
    facts = read_facts(FOLDER / "facts.jsonl")
    said: dict[str, Json] = {"terms": parse_json(WRITTEN.written), "digest": WRITTEN.terms.digest, "id": "terms"}
    facts.append(Fact("terms", facts[0].recorded_at, said))
    month = FIRST
    while month <= LAST:
        as_of = month.period(WRITTEN.terms.zone).end + 6 * 86_400_000
        known = [fact for fact in facts if fact.recorded_at <= as_of]
        order = Order(month, None, restate=False)
        closed = carried_out(known, order, Moment(as_of, WRITTEN.terms, None), Author("ann"))
        facts += [replace(fact, recorded_at=as_of + 1) for fact in closed.facts]
        month = month.shifted(1)
    return sorted(facts, key=lambda fact: fact.recorded_at)


def shown(facts: Sequence[AnyFact], as_of: int) -> Obligations:
    book = live_book(WRITTEN.terms, [fact for fact in facts if fact.recorded_at <= as_of])
    return Obliged(CUSTOMERS).view(book, [book.view("app", as_of, public=True)], as_of)


@pytest.mark.parametrize(
    "instant",
    [
        "2026-01-09T00:00:00Z",
        "2026-02-15T00:00:00Z",
        "2026-03-08T00:00:00Z",
        "2026-05-05T23:59:59Z",
        "2026-05-06T00:00:00Z",
        "2026-05-07T12:00:00Z",
        "2026-05-20T00:00:00Z",
        "2026-06-05T00:00:00Z",
    ],
)
def test_the_metrics_are_what_the_commands_compute(log: Sequence[AnyFact], instant: str) -> None:
    as_of = parse_instant(instant)
    found = shown(log, as_of)
    running = month_at(as_of, WRITTEN.terms.zone)
    reckoner = Reckoner(log, WRITTEN.terms, CUSTOMERS, as_of)
    for month in (running.shifted(-1), running):
        by_name = reckoner.month(month).found.by_name()
        assert {name: count for (name, of), count in found.breaches.items() if of == month} == by_name
        due = {each.credit.customer: each.credit.ratio for each in reckoner.due(month)}
        assert {name: part.fraction for (name, of), part in found.credit_ratio.items() if of == month} == due
    is_closed = as_of > parse_instant("2026-05-07T00:00:00Z") or as_of < parse_instant("2026-05-06T00:00:00Z")
    for customer in CUSTOMERS:
        if is_closed and customer.is_on_it_in(running):
            stands = standing(reckoner.rights(customer)) is not None
            assert found.termination_right[customer.name, running] == stands


def test_the_right_begins_with_the_month_that_it_arose_in(log: Sequence[AnyFact]) -> None:
    found = shown(log, parse_instant("2026-05-20T00:00:00Z"))
    assert found.termination_right == {
        ("acme", Month(2026, 4)): False,
        ("acme", Month(2026, 5)): True,
        ("beta", Month(2026, 4)): False,
        ("beta", Month(2026, 5)): False,
    }


def test_months_that_an_older_version_closed_leave_it_open(log: Sequence[AnyFact]) -> None:
    def older(fact: AnyFact) -> AnyFact:
        if not isinstance(fact, Fact) or fact.kind != "closing" or fact.fields["month"] != "2026-01":
            return fact
        return Fact(fact.kind, fact.recorded_at, {k: v for k, v in fact.fields.items() if k != "breaches"})

    found = shown([older(fact) for fact in log], parse_instant("2026-05-20T00:00:00Z"))
    assert found.termination_right == {}
    assert found.breaches["availability", Month(2026, 4)] == 1


def test_a_month_without_terms_has_nothing(log: Sequence[AnyFact]) -> None:
    found = shown(log, parse_instant("2025-08-10T00:00:00Z"))
    assert {month for _, month in found.breaches} == {Month(2025, 8)}  # the policy came within July
