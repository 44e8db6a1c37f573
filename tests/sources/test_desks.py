"""What ticket systems send: which reply is the first of a person; and nothing hostile gets further than a count."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse
from monitor.facts import Json, canonical_line
from monitor.ledger.period import DAY, MINUTE, Period, parse_instant
from monitor.poller.tickets import KnownTickets, ticket_facts
from monitor.settings import Settings
from monitor.sources import KINDS, AnySource
from monitor.sources.desks.desk import UNSET, DeskSettings, says_something
from monitor.sources.kind import PROBLEMS, Asked, Page, Reply, Request, Ticket
from tests.sources.mutations import mutated
from tests.vendors.desks import SYSTEMS, TOKEN

NOW = parse_instant("2026-06-10T12:00:00Z")
T = "2026-06-10T"
ASKED = Asked("desk", Period(NOW - DAY, NOW))
TICKET = Ticket("1", "acme", "urgent", parse_instant(f"{T}08:00:00Z"))
SECONDS = TICKET.received_at // 1000
FEW = settings(settings.get_profile("minutebook"), max_examples=25)

LISTS: dict[str, tuple[str, Any]] = {
    "zendesk": (
        "tickets",
        {
            "tickets": [
                {"id": 1, "created_at": f"{T}08:00:00Z", "priority": "urgent", "status": "open", "organization_id": 5},
                {"id": 2, "created_at": f"{T}08:00:00Z", "status": "deleted"},
            ],
            "after_cursor": "c",
            "end_of_stream": True,
        },
    ),
    "freshdesk": (
        "tickets",
        [
            {"id": 1, "created_at": f"{T}08:00:00Z", "priority": 4, "company_id": 5, "stats": {}, "source": 1},
            {"id": 2, "created_at": f"{T}08:00:00Z", "priority": 4, "company_id": 5, "stats": {}, "source": 10},
        ],
    ),
    "intercom": (
        "conversations",
        {
            "conversations": [
                {
                    "id": "1",
                    "created_at": SECONDS,
                    "priority": "priority",
                    "source": {"type": "email", "author": {"type": "user"}},
                    "contacts": {"contacts": [{"id": "c1", "external_id": None}]},
                    "statistics": {"first_admin_reply_at": None},
                },
                {"id": "2", "created_at": SECONDS, "source": {"author": {"type": "admin"}}},
            ],
            "pages": {"next": None},
        },
    ),
    "help_scout": (
        "conversations",
        {
            "_embedded": {
                "conversations": [
                    {
                        "id": 1,
                        "createdAt": f"{T}08:00:00Z",
                        "createdBy": {"type": "customer"},
                        "primaryCustomer": {"id": 9, "email": "a@example.com"},
                        "tags": [{"tag": "urgent"}],
                        "_embedded": {
                            "threads": [
                                {
                                    "type": "message",
                                    "createdAt": f"{T}09:00:00Z",
                                    "createdBy": {"type": "user", "id": 7},
                                    "body": "hi",
                                }
                            ]
                        },
                    }
                ]
            },
            "page": {"totalPages": 1},
        },
    ),
}


def comment(at: str, author: int, **more: Any) -> dict[str, Any]:
    via = {"channel": more.pop("via", "web")}
    return {"author_id": author, "public": True, "plain_body": "mended", "created_at": f"{T}{at}Z", "via": via, **more}


def message(at: str, **more: Any) -> dict[str, Any]:
    told = {"user_id": 7, "incoming": False, "private": False, "source": 0, "body_text": "mended"}
    return {**told, "created_at": f"{T}{at}Z", **more}


def part(minute: int, **more: Any) -> dict[str, Any]:
    told = {"part_type": "comment", "author": {"type": "admin", "id": "7"}, "body": "<p>mended</p>"}
    return {**told, "created_at": SECONDS + 60 * minute, **more}


USERS = [{"id": 7, "role": "agent"}, {"id": 8, "role": "admin"}, {"id": 5, "role": "end-user"}]
REPLIES: dict[str, tuple[str, Any]] = {
    "zendesk": (
        "comments",
        {
            "comments": [
                comment("08:00:00", 7),  # an agent entered what a customer said on the phone
                comment("08:00:01", 7, via="rule"),
                comment("08:10:00", 7, public=False),
                comment("08:20:00", 5),
                comment("08:25:00", 900),  # nobody knows who that is
                comment("08:30:00", 8, plain_body="  \n"),
                comment("09:00:00", 8),
                comment("09:30:00", 7),
            ],
            "users": USERS,
            "meta": {"has_more": False},
        },
    ),
    "freshdesk": (
        "conversation",
        [
            message("08:00:01", user_id=900),
            message("08:10:00", private=True, source=2),
            message("08:20:00", incoming=True),
            message("08:30:00", body_text="...", body=None),
            message("08:40:00", source=8),
            message("09:00:00"),
            message("09:30:00"),
        ],
    ),
    "intercom": (
        "conversation",
        {
            "conversation_parts": {
                "conversation_parts": [
                    part(0, author={"type": "bot", "id": "1"}),
                    part(5, author={"type": "admin", "id": "900"}),
                    part(10, part_type="note"),
                    part(20, author={"type": "user", "id": "5"}),
                    part(30, body="<p><img src='a.png'></p>"),
                    part(40, part_type="close", body=None),
                    part(60),
                    part(90),
                ]
            }
        },
    ),
}


def kind_of(name: str, more: str = "") -> tuple[AnySource, Settings]:
    section = SYSTEMS[name][1].replace("URL", "https://desk.example").replace("MORE", more)
    if "bots" not in section:
        section = section[:-1] + ', bots: ["900"]}'
    text = "services: [{name: app, checks: [{name: web, http: {url: 'http://a.example/'}}]}]\n"
    config = parse(f"{text}sources: [{{name: desk, {name}: {section}}}]", "minutebook.yaml", Path(), {"T": TOKEN})
    return KINDS[name], config.sources[0].settings


def read(name: str, purpose: str, payload: Any, asked: Asked = ASKED) -> Page:
    kind, of = kind_of(name)
    asking = Request(
        purpose, "https://desk.example/", {"Authorization": "x"}, about={"since": f"{T}00:00:00Z", "page": 1}
    )
    asking = replace(
        asking, ticket=TICKET, about={**asking.about, "since": SECONDS if name == "intercom" else f"{T}00:00:00Z"}
    )
    return kind.read(of, asked, Reply(asking, json.dumps(payload).encode(), NOW))


@pytest.mark.parametrize("name", REPLIES)
def test_the_first_reply_is_of_a_person_and_says_something(name: str) -> None:
    [ticket] = read(name, *REPLIES[name]).tickets
    assert ticket.first_reply_at == parse_instant(f"{T}09:00:00Z")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_gives_tickets_or_asks_for_their_replies(name: str) -> None:
    page = read(name, *LISTS[name])
    found = [*page.tickets, *(each.ticket for each in page.next if each.ticket is not None)]
    assert [(each.id, each.received_at) for each in found] == [("1", TICKET.received_at)]
    assert page.problems == {}
    known = read(name, *LISTS[name], replace(ASKED, answered=frozenset({"1"})))
    assert [each.id for each in known.tickets] == ["1"]
    assert known.next == ()


@pytest.mark.parametrize("name", SYSTEMS)
def test_secrets_stay_where_only_the_poller_reveals_them(name: str) -> None:
    kind, of = kind_of(name)
    [request] = kind.begin(of, ASKED)
    assert TOKEN not in repr(request)
    assert request.url.startswith("https://desk.example/")


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"<!DOCTYPE html>", "html"), (b"{", "not_json"), (b"7", "wrong_type"), (b"{}", None), (b"[]", None)],
)
@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_no_list_of_tickets_is_no_poll(name: str, body: bytes, problem: str | None) -> None:
    kind, of = kind_of(name)
    page = kind.read(of, ASKED, Reply(Request(LISTS[name][0], "https://desk.example/"), body, NOW))
    if problem is not None:
        assert page.failed == problem
    elif not (name == "freshdesk" and body == b"[]"):
        assert page.failed in ("wrong_type", "missing_field")


def test_priorities_and_customers_are_in_our_words() -> None:
    of = DeskSettings.model_validate({"priorities": {"p1": "critical"}, "customers": {"5": "acme"}, "bots": ("900",)})
    given: list[list[Json]] = [["p1"], ["x", "p1"], ["x"], [None, ""], [True], [[]]]
    assert [of.priority_of(words) for words in given] == ["critical", "critical", "x", UNSET, UNSET, UNSET]
    names: list[tuple[Json, ...]] = [(5, "Acme Ltd"), (None, "Globex"), ()]
    assert [of.customer_of(*words) for words in names] == ["acme", "Globex", "unknown"]
    assert of.priority_of(["a\u202e\r\n" + "x" * 1000]) == "a " + "x" * 98


@pytest.mark.parametrize(
    ("text", "says"),
    [("ok", True), ("<p>&nbsp;</p>", False), ("<img alt='x'>", False), ("…", False), ("<b>1</b>", True), (None, False)],
)
def test_only_what_can_be_read_says_something(text: str | None, says: bool) -> None:
    assert says_something(text) is says


def test_a_page_that_does_not_tell_of_a_reply_takes_none_away() -> None:
    known = KnownTickets()
    first = ticket_facts("desk", [replace(TICKET, first_reply_at=NOW)], known, NOW)
    known.fields.update(first.known)
    assert ticket_facts("desk", [TICKET], known, NOW + MINUTE).facts == ()
    assert known.answered == {"1"}
    early = ticket_facts("desk", [replace(TICKET, first_reply_at=TICKET.received_at - 1)], KnownTickets(), NOW)
    assert (early.facts, early.refused) == ((), 1)


@pytest.mark.parametrize("name", SYSTEMS)
@given(st.data())
@FEW
def test_whatever_is_sent_is_facts_that_the_log_can_hold(name: str, data: st.DataObject) -> None:
    purpose, payload = data.draw(st.sampled_from([LISTS[name], REPLIES.get(name, LISTS[name])]))
    page = read(name, purpose, data.draw(mutated(payload)))
    assert set(page.problems) <= set(PROBLEMS)
    told = ticket_facts("desk", page.tickets, KnownTickets(), NOW)
    for fact in told.facts:
        assert len(canonical_line(fact)) < 4_000
        assert all(text.isprintable() for text in fact.fields.values() if isinstance(text, str))
