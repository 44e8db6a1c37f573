"""Four ticket systems as they answer, over the same tickets: the shapes are those of their documentation.

Each ticket has its description, then an automatic acknowledgement, a note among colleagues, and the replies given.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from monitor.ledger.period import MINUTE, SECOND, format_instant, parse_instant

TOKEN = "t0k3n"
BOT, AGENT, CUSTOMER = 900, 7, 501


@dataclass
class Asked:
    """A ticket: when it came, when it changed last, and when an agent wrote what."""

    id: int
    at: int
    priority: str = "urgent"
    organization: int = 12
    replies: list[tuple[int, str]] = field(default_factory=list)
    changed: int = 0

    def reply(self, at: int, text: str = "We are on it: the webhook is mended.") -> None:
        self.replies.append((at, text))
        self.changed = at

    @property
    def messages(self) -> list[tuple[int, int, bool, str]]:
        """When, by whom, whether the customer sees it, and its text."""
        automatic = (self.at + SECOND, BOT, True, "Thank you, we received your request.")
        inside = (self.at + MINUTE, AGENT, False, "who takes it?")
        replies = ((at, AGENT, True, text) for at, text in self.replies)
        return [(self.at, CUSTOMER, True, "It is broken."), automatic, inside, *replies]


@dataclass
class Desk:
    """The tickets of one account, newest change last; `per_page` of a list."""

    tickets: list[Asked] = field(default_factory=list)
    per_page: int = 2

    def ask(self, number: int, at: int, **more: Any) -> Asked:
        ticket = Asked(number, at, changed=at, **more)
        self.tickets.append(ticket)
        return ticket

    def since(self, instant: int) -> list[Asked]:
        return sorted((each for each in self.tickets if each.changed >= instant), key=lambda each: each.changed)

    def one(self, number: str) -> Asked:
        [found] = [each for each in self.tickets if str(each.id) == number]
        return found

    def paged(self, instant: int, start: int) -> tuple[list[Asked], bool]:
        found = self.since(instant)
        return found[start : start + self.per_page], start + self.per_page < len(found)


Answer = Callable[[web.Request], Awaitable[object | None]]


def denied(request: web.Request, expected: str) -> web.Response | None:
    return None if request.headers.get("Authorization") == expected else web.Response(status=401)


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def zendesk(desk: Desk) -> Answer:
    def ticket(of: Asked) -> dict[str, Any]:
        return {
            "id": of.id,
            "created_at": format_instant(of.at)[:19] + "Z",
            "updated_at": format_instant(of.changed)[:19] + "Z",
            "priority": of.priority,
            "status": "open",
            "organization_id": of.organization,
            "requester_id": CUSTOMER,
            "via": {"channel": "web"},
        }

    def comment(message: tuple[int, int, bool, str]) -> dict[str, Any]:
        at, author, public, text = message
        via = "rule" if author == BOT else "web"
        return {
            "id": at,
            "type": "Comment",
            "author_id": AGENT if author == BOT else author,
            "public": public,
            "plain_body": text,
            "created_at": format_instant(at)[:19] + "Z",
            "via": {"channel": via},
        }

    async def answer(request: web.Request) -> object | None:
        refused = denied(request, basic(f"ann@example.com/token:{TOKEN}"))
        if refused is not None:
            return refused
        if request.path == "/api/v2/incremental/tickets/cursor.json":
            start, _, place = request.query.get("cursor", f"{request.query.get('start_time')}.0").partition(".")
            found, more = desk.paged(int(start) * SECOND, int(place))
            cursor = f"{start}.{int(place) + desk.per_page}"
            return {"tickets": [ticket(each) for each in found], "after_cursor": cursor, "end_of_stream": not more}
        messages = desk.one(request.path.split("/")[4]).messages
        first = int(request.query.get("page[after]", "0"))
        return {
            "comments": [comment(each) for each in messages[first : first + desk.per_page]],
            "users": [{"id": AGENT, "role": "agent"}, {"id": CUSTOMER, "role": "end-user"}],
            "meta": {"has_more": first + desk.per_page < len(messages), "after_cursor": str(first + desk.per_page)},
        }

    return answer


def freshdesk(desk: Desk) -> Answer:
    numbers = {"low": 1, "medium": 2, "high": 3, "urgent": 4}

    def ticket(of: Asked) -> dict[str, Any]:
        return {
            "id": of.id,
            "created_at": format_instant(of.at)[:19] + "Z",
            "updated_at": format_instant(of.changed)[:19] + "Z",
            "priority": numbers[of.priority],
            "company_id": of.organization,
            "source": 1,
            "spam": False,
            "stats": {"first_responded_at": format_instant(of.at + SECOND)},  # the automation's
        }

    def message(given: tuple[int, int, bool, str]) -> dict[str, Any]:
        at, author, public, text = given
        return {
            "id": at,
            "user_id": author,
            "incoming": author == CUSTOMER,
            "private": not public,
            "source": 0 if public else 2,
            "body_text": text,
            "created_at": format_instant(at)[:19] + "Z",
        }

    async def answer(request: web.Request) -> object | None:
        refused = denied(request, basic(f"{TOKEN}:X"))
        if refused is not None:
            return refused
        if request.path == "/api/v2/tickets":
            since, page = parse_instant(request.query["updated_since"]), int(request.query["page"])
            return [ticket(each) for each in desk.since(since)[(page - 1) * 100 : page * 100]]
        return [message(each) for each in desk.one(request.path.split("/")[4]).messages[1:]]

    return answer


def intercom(desk: Desk) -> Answer:
    def conversation(of: Asked) -> dict[str, Any]:
        return {
            "type": "conversation",
            "id": str(of.id),
            "created_at": of.at // SECOND,
            "updated_at": of.changed // SECOND,
            "priority": "not_priority",
            "custom_attributes": {"Level": of.priority},
            "source": {"type": "conversation", "author": {"type": "user", "id": "u1"}},
            "contacts": {"type": "contact.list", "contacts": [{"id": "c1", "external_id": str(of.organization)}]},
            "statistics": {"first_admin_reply_at": (of.at + SECOND) // SECOND},  # the workflow's
        }

    def part(given: tuple[int, int, bool, str]) -> dict[str, Any]:
        at, author, public, text = given
        kinds = {BOT: "bot", AGENT: "admin", CUSTOMER: "user"}
        return {
            "type": "conversation_part",
            "id": str(at),
            "part_type": "comment" if public else "note",
            "body": text,
            "created_at": at // SECOND,
            "author": {"type": kinds[author], "id": str(author)},
        }

    async def answer(request: web.Request) -> object | None:
        refused = denied(request, f"Bearer {TOKEN}")
        if refused is not None:
            return refused
        if request.path == "/conversations/search":
            asked = await request.json()
            start = int(asked["pagination"].get("starting_after", "0"))
            found, more = desk.paged(asked["query"]["value"] * SECOND, start)
            after = {"next": {"starting_after": str(start + desk.per_page)}} if more else {"next": None}
            return {"conversations": [conversation(each) for each in found], "pages": {"type": "pages", **after}}
        of = desk.one(request.path.rpartition("/")[2])
        parts = {"type": "conversation_part.list", "conversation_parts": [part(each) for each in of.messages[1:]]}
        return {**conversation(of), "conversation_parts": parts}

    return answer


def help_scout(desk: Desk) -> Answer:
    def thread(given: tuple[int, int, bool, str]) -> dict[str, Any]:
        at, author, public, text = given
        kind = "customer" if author == CUSTOMER else "message" if public else "note"
        return {
            "id": at,
            "type": kind,
            "state": "published",
            "body": f"<p>{text}</p>",
            "createdAt": format_instant(at)[:19] + "Z",
            "createdBy": {"id": author, "type": "customer" if author == CUSTOMER else "user"},
        }

    def conversation(of: Asked) -> dict[str, Any]:
        return {
            "id": of.id,
            "status": "active",
            "createdAt": format_instant(of.at)[:19] + "Z",
            "createdBy": {"type": "customer"},
            "primaryCustomer": {"id": of.organization, "email": f"{of.organization}@example.com"},
            "tags": [{"id": 1, "tag": "bug"}, {"id": 2, "tag": of.priority}],
            "source": {"type": "email", "via": "customer"},
            "_embedded": {"threads": [thread(each) for each in reversed(of.messages)]},
        }

    async def answer(request: web.Request) -> object | None:
        if request.path == "/v2/oauth2/token":
            form = await request.post()
            good = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
            if good != ("client_credentials", "app", TOKEN):
                return web.Response(status=401)
            return {"token_type": "bearer", "access_token": "of-two-days", "expires_in": 172_800}
        refused = denied(request, "Bearer of-two-days")
        if refused is not None:
            return refused
        page, since = int(request.query["page"]), parse_instant(request.query["modifiedSince"])
        found, _ = desk.paged(since, (page - 1) * desk.per_page)
        pages = -(-len(desk.since(since)) // desk.per_page)
        told = {"size": desk.per_page, "totalElements": len(desk.since(since)), "totalPages": pages, "number": page}
        return (
            {"_embedded": {"conversations": [conversation(each) for each in found]}, "page": told}
            if found
            else {"page": told}
        )

    return answer


SYSTEMS: dict[str, tuple[Callable[[Desk], Answer], str]] = {
    "zendesk": (zendesk, '{url: "URL", email: ann@example.com, api_token: {from_env: T}MORE}'),
    "freshdesk": (freshdesk, '{url: "URL", api_key: {from_env: T}, bots: ["900"]MORE}'),
    "intercom": (intercom, '{url: "URL", access_token: {from_env: T}, priority_attribute: LevelMORE}'),
    "help_scout": (help_scout, '{url: "URL", app_id: app, app_secret: {from_env: T}, bots: ["900"]MORE}'),
}
"""How each answers, and its section of a configuration."""
