"""Freshdesk: tickets that changed, with their stats, and of those that were answered their conversation (API v2).

`stats.first_responded_at` says that an agent wrote, and not whether a person did: the first reply is the first outgoing
public message in the conversation by somebody who is none of `bots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from pydantic import Field

from monitor.ledger.period import SECOND, moment
from monitor.settings import Secret, SecretText, WebUrl
from monitor.sources.desks.desk import DeskSettings, basic, object_in, says_something, since_s
from monitor.sources.kind import Asked, Page, Reply, Request, Ticket
from monitor.sources.reading import Object, Reading, body_of

TICKETS, CONVERSATION = "tickets", "conversation"
PER_PAGE = 100
REPLY = 0
"""`source` of a message that is a reply; 2 is a note, 5 and above are others."""
PRIORITIES: Mapping[int, str] = {1: "low", 2: "medium", 3: "high", 4: "urgent"}
CHANNELS: Mapping[int, str] = {1: "email", 2: "portal", 3: "phone", 7: "chat", 9: "feedback"}
OUTBOUND = 10
"""`source` of a ticket that an agent began by writing to somebody."""


class FreshdeskSettings(DeskSettings):
    """The tickets of one Freshdesk account."""

    url: WebUrl = Field(description="The account, as https://example.freshdesk.com.")
    api_key: SecretText = Field(description="The key of an agent who sees all tickets.")


def first(settings: FreshdeskSettings, asked: Asked) -> tuple[Request, ...]:
    """What changed since the last poll."""
    return (_list(settings, moment(since_s(asked) * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ"), 1),)


def parse(settings: FreshdeskSettings, asked: Asked, reply: Reply) -> Page:
    """A page of tickets, or the conversation of one."""
    body = body_of(reply)
    if isinstance(body, Page):
        return body
    if not isinstance(body, list):
        return Page(failed="wrong_type")
    reading = Reading(reply.received_at)
    given = [*reading.objects({"list": body}, "list")]
    if reply.request.purpose == CONVERSATION:
        page = _conversation(settings, reading, reply.request, given)
    else:
        page = _tickets(settings, asked, (reading, reply.request), given)
    return replace(page, problems=reading.problems)


def _list(settings: FreshdeskSettings, since: str, page: int) -> Request:
    query = {"updated_since": since, "include": "stats", "order_by": "updated_at", "order_type": "asc"}
    request = _request(settings, TICKETS, "tickets", {**query, "per_page": str(PER_PAGE), "page": str(page)})
    return replace(request, about={"since": since, "page": page})


def _request(settings: FreshdeskSettings, purpose: str, path: str, query: Mapping[str, str]) -> Request:
    url = f"{settings.url.rstrip('/')}/api/v2/{path}?{urlencode(query)}"
    key = settings.api_key
    return Request(purpose, url, {"Authorization": basic(key.reveal(), Secret("X", key.origin))})


def _tickets(settings: FreshdeskSettings, asked: Asked, read: tuple[Reading, Request], given: list[Object]) -> Page:
    reading, request = read
    found: list[Ticket] = []
    requests: list[Request] = []
    for each in given:
        ticket = _ticket(settings, reading, each)
        if ticket is None:
            continue
        if object_in(each, "stats").get("first_responded_at") is None or ticket.id in asked.answered:
            found.append(ticket)
        else:
            requests.append(_conversation_request(settings, ticket, 1))
    since, page = request.about.get("since"), request.about.get("page")
    if len(given) >= PER_PAGE and isinstance(since, str) and isinstance(page, int):
        requests.append(_list(settings, since, page + 1))
    return Page(tickets=tuple(found), next=tuple(requests))


def _ticket(settings: FreshdeskSettings, reading: Reading, given: Object) -> Ticket | None:
    item, received = reading.id(given), reading.past(given, "created_at")
    if received is None and given.get("created_at") is None:
        reading.count("missing_field")
    if item is None or received is None or given.get("spam") is True or given.get("source") == OUTBOUND:
        return None  # what we wrote to somebody first is no ticket of theirs
    priority, source = given.get("priority"), given.get("source")
    name = PRIORITIES.get(priority) if isinstance(priority, int) else None
    return Ticket(
        id=item,
        customer=settings.customer_of(given.get("company_id"), object_in(given, "company").get("name")),
        priority=settings.priority_of([name, priority]),
        received_at=received,
        channel=CHANNELS.get(source) if isinstance(source, int) else None,
        url=f"{settings.url.rstrip('/')}/a/tickets/{quote(item, safe='')}",
    )


def _conversation_request(settings: FreshdeskSettings, ticket: Ticket, page: int) -> Request:
    path = f"tickets/{quote(ticket.id, safe='')}/conversations"
    request = _request(settings, CONVERSATION, path, {"per_page": str(PER_PAGE), "page": str(page)})
    return replace(request, ticket=ticket, about={"page": page})


def _conversation(settings: FreshdeskSettings, reading: Reading, request: Request, given: list[Object]) -> Page:
    ticket = request.ticket
    page = request.about.get("page")
    if ticket is None:
        return Page(failed="missing_field")
    replied = min(_replies(settings, reading, given), default=None)
    if replied is None and len(given) >= PER_PAGE and isinstance(page, int):
        return Page(next=(_conversation_request(settings, ticket, page + 1),))
    return Page(tickets=(replace(ticket, first_reply_at=replied),))


def _replies(settings: FreshdeskSettings, reading: Reading, given: list[Object]) -> Iterator[int]:
    for message in given:
        is_reply = message.get("incoming") is False and message.get("private") is False
        text = message.get("body_text") or message.get("body")
        by_person = not settings.is_bot(message.get("user_id"))
        if is_reply and message.get("source") == REPLY and by_person and says_something(text):
            replied = reading.past(message, "created_at")
            if replied is not None:
                yield replied
