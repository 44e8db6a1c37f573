"""Tickets by hand and as CSV: what becomes of them, and which line of a file is wrong and why."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli import minutebook
from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json, decode_line
from monitor.ledger.period import HOUR, MINUTE, format_instant
from monitor.people import Author, Known, Said
from monitor.people.tickets import COLUMNS, ticket
from monitor.web.batch import JSON_ARRAY, Sender, decode_batch
from tests.ledger.test_response import DISCOUNT_KIT, RECEIVED
from tests.ledger.test_waiting import terms_of
from tests.people.test_events import ACME

TERMS = terms_of(DISCOUNT_KIT)
NOW = RECEIVED + HOUR
ALICE = Author("alice")
HEADER = "ticket,customer,priority,received_at,first_reply_at\n"
AT, EARLY = format_instant(RECEIVED), format_instant(RECEIVED - 1)


def says(*before: Fact, **words: Json) -> Said:
    return ticket(words, ALICE, Known(before, TERMS, NOW))


def one(**changed: Json) -> dict[str, Json]:
    return {"ticket": "t1", "customer": "acme", "priority": "critical", "received_at": AT, **changed}


def test_a_ticket_is_told_at_once_when_it_is_due() -> None:
    said = says(**one())
    assert said.notes == ("in hours, critical: due 2026-03-24T14:30:00.000Z, late",)
    replied = says(*said.facts, **one(first_reply_at=format_instant(RECEIVED + 20 * MINUTE)))
    assert replied.notes == ("in hours, critical: due 2026-03-24T14:30:00.000Z, met",)
    assert says(*said.facts, *replied.facts, **one(first_reply_at=format_instant(RECEIVED + 20 * MINUTE))).facts == ()


def test_what_cures_nothing_is_recorded_and_said_to_cure_nothing() -> None:
    first = says(**one())
    said = says(*first.facts, **one(priority="low", received_at=format_instant(RECEIVED + MINUTE)))
    assert said.fact is not None
    assert said.notes[0].startswith("in hours, critical: due 2026-03-24T14:30")
    assert "changes no target" in said.notes[1]
    assert f"it stays received at {AT}" in said.notes[2]


def test_a_reply_before_its_ticket_is_refused_with_both_instants_and_the_mend() -> None:
    before = format_instant(RECEIVED - 1)
    words = (
        f"first_reply_at: ticket t1 was answered at {before}, before it was received at {AT}; give the first reply"
        " after that, or null while there is none"
    )
    with pytest.raises(FactError) as by_hand:
        says(**one(first_reply_at=before))
    assert str(by_hand.value) == words
    fields = f'"customer":"a","priority":"p","received_at":"{AT}","first_reply_at":"{before}"'
    body = f'[{{"kind":"ticket","ticket":"t1",{fields}}}]'
    with pytest.raises(FactError) as in_a_batch:
        decode_batch(body.encode(), JSON_ARRAY, Sender(NOW, None, lambda _: None))
    assert str(in_a_batch.value) == f"line 1: {words}"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"received_at": "2027-01-01T00:00:00Z"}, "received_at: is in the future"),
        ({"received_at": "0001-01-01T00:00:00Z"}, "received_at: expected an instant of the years 1900 to 8999"),
        ({"first_reply_at": "2027-01-01T00:00:00Z"}, "first_reply_at: is in the future"),
        ({"priority": "urgent"}, "priority: .* expected critical high low"),
        ({"received_at": "yesterday"}, "received_at: .* is no instant"),
        ({"customer": ""}, "customer: expected a name"),
        ({"id": "x"}, "id: is set when it is recorded"),
        ({"csv": "ticket"}, "csv: expected the text of a CSV file, and nothing beside it"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(changed: dict[str, Json], message: str) -> None:
    with pytest.raises(InputError, match=message):
        says(**one(**changed))


def test_a_customer_who_is_unknown_or_not_one_yet_is_told_and_the_ticket_counts() -> None:
    later = replace(ACME, name="later", since=date(2026, 5, 1))
    known = Known((), TERMS, NOW, (ACME, later))
    assert len(ticket(one(), ALICE, known).notes) == 1
    stranger = ticket(one(customer="acne"), ALICE, known)
    assert stranger.fact is not None
    assert stranger.notes[0] == "the configuration names no customer acne, but acme later; it counts all the same"
    assert "no customer a?b?[31m," in ticket(one(customer="a\u202eb\x1b[31m"), ALICE, known).notes[0]
    assert ticket(one(customer="later"), ALICE, known).notes[0].startswith("no customer in that month: later;")
    text = f"{HEADER}t1,acne,low,{AT},\nt2,acme,low,{AT},\n"
    told = ticket({"csv": text}, ALICE, known)
    assert (len(told.facts), told.notes[1].split(",")[0]) == (2, "the configuration names no customer acne")


# ---------------------------------------------------------------- CSV


def test_a_file_gives_a_fact_for_each_line_that_is_new_or_changed() -> None:
    text = f"{HEADER}t1,acme,critical,{AT},\nt2,globex,low,{AT},{format_instant(RECEIVED + MINUTE)}\n"
    said = says(csv=text)
    assert [fact.fields["ticket"] for fact in said.facts] == ["t1", "t2"]
    assert (said.subject, said.notes) == ("2 tickets", ("2 of them new or changed",))
    again = says(*said.facts, csv=text.replace(f"t1,acme,critical,{AT},", f"t1,acme,critical,{AT},{AT}"))
    assert [fact.fields["ticket"] for fact in again.facts] == ["t1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: is missing; expected a header of ticket customer"),
        ("ticket,customer,priority\n", "line 1: received_at is missing; expected a header of"),
        (f"{HEADER[:-1]},who\n", "line 1: a column is unknown"),
        (f"{HEADER[:-1]},ticket\n", "line 1: a column stands twice"),
        (f"{HEADER}t1,acme,low,{AT},\nt2,acme\n", "line 3: has 2 cells; expected 5"),
        (f"{HEADER}t1,acme,low,{AT},\nt1,acme,low,{AT},\n", "line 3: ticket: stands on line 2 already"),
        (f"{HEADER}t1,acme,low,{AT},\n,acme,low,{AT},\n", "line 3: ticket: is missing"),
        (f"{HEADER}t1,acme,low,24 March,\n", "line 2: received_at: .* is no instant"),
        (
            f"{HEADER}t1,acme,low,{AT},{format_instant(RECEIVED - 1)}\n",
            "line 2: first_reply_at: ticket t1 was answered at",
        ),
        (f"{HEADER}t1,acme,urgent,{AT},\n", "line 2: priority: .* expected critical high low"),
        (f'{HEADER}"t1,acme,low,{AT},\n', "line 2: is no CSV: unexpected end"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(text: str, message: str) -> None:
    with pytest.raises(FactError, match=message):
        says(csv=text)


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS.all), st.text(max_size=20), min_size=4), max_size=4))
def test_whatever_a_file_holds_is_facts_or_a_line_and_a_reason(rows: list[dict[str, str]]) -> None:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS.all)
    writer.writeheader()
    writer.writerows(rows)
    try:
        said = says(csv=file.getvalue())
    except FactError as error:
        assert re.match(r"line \d+: ", str(error)) is not None  # noqa: PT017 - either may be
    else:
        assert len(said.facts) <= len(rows)


def test_the_command_records_all_of_a_file_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINUTEBOOK_TOKEN", raising=False)
    good, bad, out = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "out.jsonl"
    (tmp_path / "minutebook.yaml").write_text(
        "services: [{name: app, checks: [{name: web, http: {url: 'https://web.example.com/'}}]}]\n"
    )
    good.write_text(f"\ufeff{HEADER}t1,acme,critical,{AT},\nt2,acme,low,{AT},{AT}\n", encoding="utf-8")
    bad.write_text(f"{HEADER}t3,acme,critical,{AT},\nt4,acme,low,{AT},{format_instant(RECEIVED - 1)}\n")
    run = CliRunner()
    refused = run.invoke(minutebook, ["ticket", "--csv", str(bad), "--author", "alice"])
    assert isinstance(refused.exception, InputError)
    assert str(refused.exception).startswith("line 3: first_reply_at: ticket t4 was answered at")
    taken = run.invoke(minutebook, ["ticket", "--csv", str(good), "--author", "alice"], catch_exceptions=False)
    assert taken.output.splitlines()[0] == "2 tickets: recorded, by alice (unauthenticated)"
    single = ["ticket", "t5", "--customer", "acme", "--priority", "low", "--received-at", AT, "--author", "alice"]
    assert "no response times are promised" in run.invoke(minutebook, single, catch_exceptions=False).output
    run.invoke(minutebook, ["export", "-o", str(out)], catch_exceptions=False)
    facts = [decode_line(line) for line in out.read_text().splitlines()]
    assert [fact.fields["ticket"] for fact in facts if isinstance(fact, Fact)] == ["t1", "t2", "t5"]


def test_the_command_says_what_is_missing() -> None:
    told = CliRunner().invoke(minutebook, ["ticket", "t1", "--customer", "acme"]).output
    assert "name the TICKET with --priority and --received-at, or a file with --csv" in told
    both = CliRunner().invoke(minutebook, ["ticket", "t1", "--csv", __file__]).output
    assert "--csv stands alone" in both


def test_an_imported_reply_before_its_ticket_is_a_bad_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = f'"kind":"ticket","ticket":"t1","customer":"a","priority":"p","received_at":"{AT}"'
    early = format_instant(RECEIVED - 1)
    (tmp_path / "facts.jsonl").write_text(f'{{{line},"first_reply_at":null}}\n{{{line},"first_reply_at":"{early}"}}\n')
    refused = CliRunner().invoke(minutebook, ["import", "facts.jsonl"])
    assert str(refused.exception).startswith("line 2: first_reply_at: ticket t1 was answered at")
