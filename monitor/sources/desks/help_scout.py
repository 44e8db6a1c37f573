"""Help Scout: a token for two days, then the conversations that changed with their threads (Mailbox API 2.0).

The first reply is the first published message by a user. Conversations have no priority there: the first of their tags
that `priorities` names is it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlencode

from pydantic import Field

from monitor.facts import Json
from monitor.ledger.period import SECOND, moment
from monitor.settings import Secret, SecretText, WebUrl
from monitor.sources.desks.desk import DeskSettings, object_in, says_something, since_s
from monitor.sources.kind import Asked, Page, Reply, Request, Ticket, bearer
from monitor.sources.reading import LONGEST_ID, Object, Reading, object_of
from monitor.sources.settings import PostingSettings

TOKEN, CONVERSATIONS = "token", "conversations"
REPLIES = ("message", "reply")
"""Types of threads that a customer gets from a user; `note`, `lineitem` and `customer` are others."""


class HelpScoutSettings(DeskSettings, PostingSettings):
    """The conversations of one Help Scout account."""

    app_id: str = Field(min_length=1, description="The id of an OAuth application of a user who sees all mailboxes.")
    app_secret: SecretText = Field(description="Its secret.")
    url: WebUrl = Field("https://api.helpscout.net", description="Where the API is.")


def first(settings: HelpScoutSettings, asked: Asked) -> tuple[Request, ...]:
    """A token, which what follows is asked with."""
    del asked
    form: dict[str, str | Secret] = {
        "grant_type": "client_credentials",
        "client_id": settings.app_id,
        "client_secret": settings.app_secret,
    }
    return (Request(TOKEN, f"{settings.url.rstrip('/')}/v2/oauth2/token", form=form),)


def parse(settings: HelpScoutSettings, asked: Asked, reply: Reply) -> Page:
    """The token, or a page of conversations."""
    body = object_of(reply)
    if isinstance(body, Page):
        return body
    if reply.request.purpose == TOKEN:
        token = body.get("access_token")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            return Page(failed="missing_field")
        since = moment(since_s(asked) * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Page(next=(_list(settings, bearer(Secret(token, settings.app_secret.origin)), since, 1),))
    reading = Reading(reply.received_at)
    return replace(_conversations(settings, reading, reply.request, body), problems=reading.problems)


def _list(settings: HelpScoutSettings, token: str | Secret, since: str, page: int) -> Request:
    query = {"status": "all", "modifiedSince": since, "embed": "threads", "page": str(page)}
    url = f"{settings.url.rstrip('/')}/v2/conversations?{urlencode(query)}"
    return Request(CONVERSATIONS, url, {"Authorization": token}, about={"since": since, "page": page})


def _conversations(settings: HelpScoutSettings, reading: Reading, request: Request, body: Object) -> Page:
    embedded = object_in(body, "_embedded")
    if not isinstance(embedded.get("conversations"), list):
        # an empty list has no `_embedded` at all
        return Page() if isinstance(body.get("page"), dict) and not embedded else Page(failed="missing_field")
    tickets = [_ticket(settings, reading, given) for given in reading.objects(embedded, "conversations")]
    following: tuple[Request, ...] = ()
    since, page = request.about.get("since"), request.about.get("page")
    pages = object_in(body, "page").get("totalPages")
    if isinstance(pages, int) and isinstance(page, int) and isinstance(since, str) and page < pages:
        following = (_list(settings, request.headers["Authorization"], since, page + 1),)
    return Page(tickets=tuple(ticket for ticket in tickets if ticket is not None), next=following)


def _ticket(settings: HelpScoutSettings, reading: Reading, given: Object) -> Ticket | None:
    item, received = reading.id(given), reading.past(given, "createdAt")
    if received is None and given.get("createdAt") is None:
        reading.count("missing_field")
    is_ours = object_in(given, "createdBy").get("type") == "user" or given.get("status") == "spam"
    if item is None or received is None or is_ours:
        return None  # what we wrote to somebody first is no ticket of theirs
    customer = object_in(given, "primaryCustomer")
    tags: list[Json] = [each.get("tag") for each in reading.objects(given, "tags")]
    return Ticket(
        id=item,
        customer=settings.customer_of(customer.get("organization"), customer.get("email"), customer.get("id")),
        priority=settings.priority_of(tag for tag in tags if isinstance(tag, str) and tag in settings.priorities),
        received_at=received,
        first_reply_at=min(_replies(settings, reading, given), default=None),
        channel=reading.text(object_in(given, "source"), "type", LONGEST_ID),
        url=f"https://secure.helpscout.net/conversation/{quote(item, safe='')}",
    )


def _replies(settings: HelpScoutSettings, reading: Reading, given: Object) -> Iterator[int]:
    for thread in reading.objects(object_in(given, "_embedded"), "threads"):
        author = object_in(thread, "createdBy")
        by_person = author.get("type") == "user" and not settings.is_bot(author.get("id"))
        is_sent = thread.get("type") in REPLIES and thread.get("state") in (None, "published")
        if by_person and is_sent and says_something(thread.get("body")):
            replied = reading.past(thread, "createdAt")
            if replied is not None:
                yield replied
