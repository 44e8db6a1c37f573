"""Intercom: conversations that changed, and of those that an admin answered their parts (API 2.11).

`statistics.first_admin_reply_at` may be a workflow's; the first reply is the first comment whose author is an admin who
is none of `bots`. Instants are whole seconds there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from pydantic import Field

from monitor.facts import Json
from monitor.settings import SecretText, WebUrl
from monitor.sources.desks.desk import DeskSettings, object_in, past_seconds, says_something, since_s
from monitor.sources.kind import Asked, Page, Reply, Request, Ticket, bearer
from monitor.sources.reading import LONGEST_ID, Object, Reading, object_of
from monitor.sources.settings import PostingSettings

SEARCH, CONVERSATION = "conversations", "conversation"
VERSION = "2.11"
PER_PAGE = 150


class IntercomSettings(DeskSettings, PostingSettings):
    """The conversations of one Intercom workspace."""

    access_token: SecretText = Field(description="A token that may read conversations.")
    priority_attribute: str | None = Field(None, description="The conversation attribute that holds the priority.")
    url: WebUrl = Field("https://api.intercom.io", description="Where the API is: that of their region.")


def first(settings: IntercomSettings, asked: Asked) -> tuple[Request, ...]:
    """What changed since the last poll."""
    return (_search(settings, since_s(asked), None),)


def parse(settings: IntercomSettings, asked: Asked, reply: Reply) -> Page:
    """A page of conversations, or one with its parts."""
    body = object_of(reply)
    if isinstance(body, Page):
        return body
    reading = Reading(reply.received_at)
    if reply.request.purpose == CONVERSATION:
        page = _parts(settings, reading, reply.request, body)
    else:
        page = _conversations(settings, asked, (reading, reply.request), body)
    return replace(page, problems=reading.problems)


def _search(settings: IntercomSettings, since: int, after: str | None) -> Request:
    paging: dict[str, Json] = {"per_page": PER_PAGE}
    if after is not None:
        paging["starting_after"] = after
    query: Json = {"query": {"field": "updated_at", "operator": ">", "value": since}, "pagination": paging}
    url = f"{settings.url.rstrip('/')}/conversations/search"
    return Request(SEARCH, url, _headers(settings), body=query, about={"since": since})


def _headers(settings: IntercomSettings) -> dict[str, str | SecretText]:
    return {"Authorization": bearer(settings.access_token), "Intercom-Version": VERSION}


def _conversations(settings: IntercomSettings, asked: Asked, read: tuple[Reading, Request], body: Object) -> Page:
    reading, request = read
    if not isinstance(body.get("conversations"), list):
        return Page(failed="missing_field")
    found: list[Ticket] = []
    requests: list[Request] = []
    for given in reading.objects(body, "conversations"):
        ticket = _ticket(settings, reading, given)
        if ticket is None:
            continue
        if object_in(given, "statistics").get("first_admin_reply_at") is None or ticket.id in asked.answered:
            found.append(ticket)
        else:
            requests.append(_conversation(settings, ticket))
    after, since = object_in(object_in(body, "pages"), "next").get("starting_after"), request.about.get("since")
    if isinstance(after, str) and len(after) <= 500 and isinstance(since, int):
        requests.append(_search(settings, since, after))
    return Page(tickets=tuple(found), next=tuple(requests))


def _ticket(settings: IntercomSettings, reading: Reading, given: Object) -> Ticket | None:
    item, received = reading.id(given), past_seconds(reading, given, "created_at")
    source = object_in(given, "source")
    if received is None and given.get("created_at") is None:
        reading.count("missing_field")
    if item is None or received is None or object_in(source, "author").get("type") in ("admin", "bot"):
        return None  # what we wrote to somebody first is no ticket of theirs
    attribute = object_in(given, "custom_attributes").get(settings.priority_attribute or "")
    contacts = list(reading.objects(object_in(given, "contacts"), "contacts"))
    contact: Object = contacts[0] if contacts else {}
    company = object_in(given, "company").get("id")
    return Ticket(
        id=item,
        customer=settings.customer_of(company, contact.get("external_id"), contact.get("id")),
        priority=settings.priority_of([attribute, given.get("priority")]),
        received_at=received,
        channel=reading.text(source, "type", LONGEST_ID),
    )


def _conversation(settings: IntercomSettings, ticket: Ticket) -> Request:
    url = f"{settings.url.rstrip('/')}/conversations/{quote(ticket.id, safe='')}?display_as=plaintext"
    return Request(CONVERSATION, url, _headers(settings), ticket=ticket)


def _parts(settings: IntercomSettings, reading: Reading, request: Request, body: Object) -> Page:
    ticket = request.ticket
    if ticket is None or not isinstance(body.get("conversation_parts"), dict):
        return Page(failed="missing_field")
    parts = [*reading.objects(object_in(body, "conversation_parts"), "conversation_parts")]
    return Page(tickets=(replace(ticket, first_reply_at=min(_replies(settings, reading, parts), default=None)),))


def _replies(settings: IntercomSettings, reading: Reading, parts: list[Object]) -> Iterator[int]:
    for part in parts:
        author = object_in(part, "author")
        by_person = author.get("type") == "admin" and not settings.is_bot(author.get("id"))
        if by_person and part.get("part_type") == "comment" and says_something(part.get("body")):
            replied = past_seconds(reading, part, "created_at")
            if replied is not None:
                yield replied
