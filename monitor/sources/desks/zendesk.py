"""Zendesk Support: the incremental export of tickets, and of each that waits its comments (API v2).

The first reply is the first public comment by an agent or admin after the description, not made by a rule or a bot.
An export leaves out the last minute; the next poll has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from pydantic import Field

from monitor.facts import Json
from monitor.ledger.period import MINUTE, SECOND
from monitor.settings import SecretText, WebUrl
from monitor.sources.desks.desk import DeskSettings, basic, object_in, says_something, since_s
from monitor.sources.kind import Asked, Page, Reply, Request, Ticket
from monitor.sources.reading import LONGEST_ID, Object, Reading, object_of
from monitor.sources.settings import PostingSettings

TICKETS, COMMENTS = "tickets", "comments"
PEOPLE = ("agent", "admin")
MACHINES = ("rule", "system", "answer_bot", "answer_bot_for_agents", "answer_bot_for_web_widget", "bot")
"""Channels (`via.channel`) of comments that no person made."""


class ZendeskSettings(DeskSettings, PostingSettings):
    """The tickets of one Zendesk account."""

    url: WebUrl = Field(description="The account, as https://example.zendesk.com.")
    email: str = Field(min_length=3, description="Whose token it is; an admin, for the export.")
    api_token: SecretText = Field(description="A token that may read tickets.")


def first(settings: ZendeskSettings, asked: Asked) -> tuple[Request, ...]:
    """What changed since the last poll."""
    start = min(since_s(asked), (asked.now - 2 * MINUTE) // SECOND)  # later than a minute ago is refused
    return (_request(settings, TICKETS, "incremental/tickets/cursor.json", {"start_time": str(start)}),)


def parse(settings: ZendeskSettings, asked: Asked, reply: Reply) -> Page:
    """A page of tickets, or the comments of one."""
    body = object_of(reply)
    if isinstance(body, Page):
        return body
    reading = Reading(reply.received_at)
    if reply.request.purpose == COMMENTS:
        page = _comments(settings, (reading, reply.request), body)
    else:
        page = _tickets(settings, asked, reading, body)
    return replace(page, problems=reading.problems)


def _request(settings: ZendeskSettings, purpose: str, path: str, query: Mapping[str, str]) -> Request:
    url = f"{settings.url.rstrip('/')}/api/v2/{path}?{urlencode(query)}"
    return Request(purpose, url, {"Authorization": basic(f"{settings.email}/token", settings.api_token)})


def _tickets(settings: ZendeskSettings, asked: Asked, reading: Reading, body: Object) -> Page:
    if not isinstance(body.get("tickets"), list):
        return Page(failed="missing_field")
    found: list[Ticket] = []
    requests: list[Request] = []
    for given in reading.objects(body, "tickets"):
        ticket = _ticket(settings, reading, given)
        if ticket is None:
            continue
        if ticket.id in asked.answered:
            found.append(ticket)
        else:
            requests.append(_comments_request(settings, ticket, given.get("requester_id")))
    cursor = body.get("after_cursor")
    if body.get("end_of_stream") is False and isinstance(cursor, str) and len(cursor) <= 500:
        requests.append(_request(settings, TICKETS, "incremental/tickets/cursor.json", {"cursor": cursor}))
    return Page(tickets=tuple(found), next=tuple(requests))


def _ticket(settings: ZendeskSettings, reading: Reading, given: Object) -> Ticket | None:
    item, received = reading.id(given), reading.past(given, "created_at")
    if given.get("status") == "deleted":
        return None
    if received is None and given.get("created_at") is None:
        reading.count("missing_field")
    if item is None or received is None:
        return None
    return Ticket(
        id=item,
        customer=settings.customer_of(given.get("organization_id")),
        priority=settings.priority_of([given.get("priority")]),
        received_at=received,
        channel=reading.text(object_in(given, "via"), "channel", LONGEST_ID),
        url=f"{settings.url.rstrip('/')}/agent/tickets/{quote(item, safe='')}",
    )


def _comments_request(settings: ZendeskSettings, ticket: Ticket, requester: Json, after: str | None = None) -> Request:
    query = {"include": "users", "sort": "created_at", "page[size]": "100"}
    path = f"tickets/{quote(ticket.id, safe='')}/comments.json"
    request = _request(settings, COMMENTS, path, query if after is None else {**query, "page[after]": after})
    return replace(request, ticket=ticket, about={"requester": requester, "described": after is not None})


def _comments(settings: ZendeskSettings, read: tuple[Reading, Request], body: Object) -> Page:
    reading, request = read
    ticket = request.ticket
    if ticket is None or not isinstance(body.get("comments"), list):
        return Page(failed="missing_field")
    roles = {str(user.get("id")): user.get("role") for user in reading.objects(body, "users")}
    comments = [*reading.objects(body, "comments")]
    skipped = 0 if request.about.get("described") is True else 1  # the first is what was asked
    replies = _replies(settings, reading, comments[skipped:], (roles, request.about.get("requester")))
    replied = min(replies, default=None)
    meta = object_in(body, "meta")
    after = meta.get("after_cursor")
    if replied is None and meta.get("has_more") is True and isinstance(after, str) and len(after) <= 500:
        return Page(next=(_comments_request(settings, ticket, request.about.get("requester"), after),))
    return Page(tickets=(replace(ticket, first_reply_at=replied),))


def _replies(
    settings: ZendeskSettings, reading: Reading, comments: list[Object], who: tuple[Mapping[str, Json], Json]
) -> Iterator[int]:
    roles, requester = who
    for comment in comments:
        author = comment.get("author_id")
        by_person = roles.get(str(author)) in PEOPLE and author != requester and not settings.is_bot(author)
        via = object_in(comment, "via").get("channel")
        text = comment.get("plain_body") or comment.get("html_body") or comment.get("body")
        if comment.get("public") is True and by_person and via not in MACHINES and says_something(text):
            replied = reading.past(comment, "created_at")
            if replied is not None:
                yield replied
