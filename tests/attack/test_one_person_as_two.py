"""One person who would be two: where the promise asks for another person's approval, two proved names are two people,
and nothing else is (contracts/accounting.md section 5.3, "approved by another author")."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from monitor.facts import AnyFact, Fact, Json
from monitor.ledger.entries import admit
from monitor.ledger.exclusion import Exclusion, declared_by_person
from monitor.ledger.period import HOUR, format_instant
from monitor.ledger.terms import Policy
from monitor.people import OPERATIONS, Author, Known
from tests.faces.conftest import TERMS, Book, Served, serve
from tests.faces.samples import AS_OF

POLICY = Policy(effective_from=date(2025, 7, 1), approval_required=True)
ALICE, BOB = Author("alice", "0a"), Author("bob", "0b")
OUTAGE: dict[str, Json] = {
    "exclusion": "x1",
    "class": "customer",
    "start": format_instant(AS_OF - 2 * HOUR),
    "end": format_instant(AS_OF - HOUR),
    "reason": "misconfigured proxy",
    "evidence": "ticket 12",
}


def stands(facts: list[AnyFact]) -> Exclusion:
    [one] = declared_by_person(admit(facts, AS_OF + HOUR), "app", POLICY)
    return one


def said(author: Author, *approvers: Author) -> Exclusion:
    """The exclusion as the ledger has it once these have said so by hand."""
    facts: list[Fact] = []
    approved: dict[str, Json] = {"exclusion": "x1", "decision": "approved"}
    for operation, words, who in (("exclude", OUTAGE, author), *(("decide", approved, each) for each in approvers)):
        fact = OPERATIONS[operation](words, who, Known(facts, TERMS, AS_OF + len(facts))).fact
        assert fact is not None
        facts.append(fact)
    return stands([*facts])


def test_two_proved_names_are_two_people() -> None:
    one = said(ALICE, BOB)
    assert one.granted == [(AS_OF - 2 * HOUR, AS_OF - HOUR)]
    assert (one.shown["approver"], one.shown["approver_authenticated"]) == ("bob", True)


@pytest.mark.parametrize(
    ("author", "approver"),
    [
        (ALICE, Author("bob")),
        (Author("alice"), Author("bob")),
        (Author("alice"), BOB),
    ],
    ids=["typed approver", "both typed", "typed author"],
)
def test_a_name_that_was_only_typed_is_nobody_else(author: Author, approver: Author) -> None:
    one = said(author, approver)
    assert (one.granted, [*one.refused]) == ([], ["not_approved"])
    assert one.shown["approver"] is None


def test_who_typed_a_name_first_may_still_approve_with_a_token() -> None:
    assert said(ALICE, Author("bob"), BOB).granted


@pytest.mark.parametrize("decided", [{"authenticated_by": "token 0a"}, {"author": "alice"}])
def test_the_ledger_itself_takes_one_token_or_one_name_for_one_person(decided: dict[str, Json]) -> None:
    declared = {**OUTAGE, "author": "alice", "authenticated_by": "token 0a"}
    decision = {"exclusion": "x1", "decision": "approved", "author": "bob", "authenticated_by": "token 0b", **decided}
    one = stands([Fact("exclusion", AS_OF, declared), Fact("exclusion_decision", AS_OF, decision)])
    assert one.granted == []


def test_facts_of_a_log_that_says_nothing_of_proof_count_by_their_authors() -> None:
    declared: dict[str, Json] = {**OUTAGE, "author": "ann"}
    decision: dict[str, Json] = {"exclusion": "x1", "decision": "approved", "author": "bob"}
    assert stands([Fact("exclusion", AS_OF, declared), Fact("exclusion_decision", AS_OF, decision)]).granted


@pytest.mark.parametrize("kind", ["exclusion", "exclusion_decision"])
async def test_a_batch_of_facts_is_typed_text_and_approves_nothing(tmp_path: Path, kind: str) -> None:
    async with serve(Book(tmp_path / "tokens")) as served:
        await _by_hand_and_in_a_batch(served, kind)


async def _by_hand_and_in_a_batch(served: Served, kind: str) -> None:
    """One of the two is recorded by hand, with a token; `kind` is sent as a fact."""
    token = served.book.token("operator", name="alice")
    declared: dict[str, Json] = {"kind": "exclusion", **OUTAGE, "author": "alice"}
    decision: dict[str, Json] = {
        "kind": "exclusion_decision",
        "exclusion": "x1",
        "decision": "approved",
        "author": "bob",
    }
    if kind == "exclusion_decision":
        await _post(served, "/api/v1/exclusions", token, OUTAGE)
        await _post(served, "/api/v1/facts", token, [decision])
    else:
        await _post(served, "/api/v1/facts", token, [declared])
        bob = served.book.token("operator", name="bob")
        await _post(served, "/api/v1/exclusions/x1/decisions", bob, {"decision": "approved"})
    assert [*stands([*served.book.facts.values()]).refused] == ["not_approved"]


async def _post(served: Served, path: str, token: str, said: Json) -> None:
    headers = {"Content-Type": "application/json"}
    async with served.ask("POST", path, token, data=json.dumps(said), headers=headers) as answer:
        assert (answer.status, (await answer.json())["new"]) == (200, 1)
