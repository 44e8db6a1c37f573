"""What every channel is: from a message to whether it was taken, over a way out that is given.

A refusal is a value with its reason. What is told holds words of vendors and customers: each kind makes them text that
stays text.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from monitor.errors import FactError
from monitor.facts import Json, parse_json
from monitor.settings import Secret, Settings

Tone = Literal["bad", "doubt", "good"]

WORD = re.compile(r"[a-z][a-z0-9_]{1,60}", re.ASCII)
"""A reason as services spell theirs; anything else of an answer is not repeated."""

FOR_GOOD = frozenset(
    {"invalid_payload", "invalid_blocks", "invalid_attachments", "msg_too_long", "msg_blocks_too_long"}
)
"""Reasons that lie in the message: sent again it is refused again."""


class Message(NamedTuple):
    """One thing that is told, once. `key` names it for good, `thread` what belongs together; `title` is one line."""

    key: str
    thread: str
    title: str
    lines: tuple[str, ...]
    tone: Tone


class Sent(NamedTuple):
    """It was taken; `ref` is what the channel calls it, where it can be answered or changed there."""

    ref: str | None = None


class Refused(NamedTuple):
    """It was not taken: a reason for the log, how long to wait at least, and whether it is no use to try again."""

    reason: str
    retry_after_s: int | None = None
    for_good: bool = False


Answer: TypeAlias = Sent | Refused


class Reply(NamedTuple):
    """What came back of a request, and the wait that it asks for."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class Post(Protocol):
    """Posts JSON; a failure to get any answer is a value."""

    async def __call__(self, url: str, body: Json, headers: Mapping[str, str | Secret]) -> Reply | Refused: ...


Work = Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class WaysOut:
    """How a channel reaches the world: posting over the loop, and work that blocks in a thread of its own."""

    post: Post
    blocking: Callable[[Work], Awaitable[Answer]]


S = TypeVar("S", bound="Settings | Secret")
Deliver: TypeAlias = "Callable[[S, Message, str | None, WaysOut], Awaitable[Answer]]"
"""Delivers a message; the text is the `ref` of the first message of its thread, None where it is the first."""


@dataclass(frozen=True, slots=True)
class ChannelKind(Generic[S]):
    """One kind: the type of its settings, what the configuration says of it, how it delivers, and why it cannot be used
    here, None where it can."""

    settings: type[S]
    words: str
    deliver: Deliver[S]
    refusal: Callable[[], str | None] = lambda: None

    async def send(self, settings: object, message: Message, root: str | None, ways: WaysOut) -> Answer:
        """TypeError for another kind's settings."""
        if not isinstance(settings, self.settings):
            raise TypeError(f"expected {self.settings.__name__}, found {type(settings).__name__}")
        return await self.deliver(settings, message, root, ways)


def judged(reply: Reply | Refused) -> dict[str, Json] | Refused:
    """What an answer of the web means. A 200 that says `ok: false` is a refusal with its error as the reason."""
    if isinstance(reply, Refused):
        return reply
    said = _object(reply.body)
    if reply.status == 429:
        return Refused("rate_limited", reply.retry_after_s)
    error = said.get("error", said.get("_text"))
    reason = error if isinstance(error, str) and WORD.fullmatch(error) else f"status_{reply.status}"
    if 200 <= reply.status < 300:
        if said.get("ok") is not False:
            return said
        reason = reason if reason != f"status_{reply.status}" else "not_ok"
    return Refused(reason, reply.retry_after_s, for_good=reason in FOR_GOOD)


def _object(body: bytes) -> dict[str, Json]:
    """The JSON object that a body is, or its text as `_text`."""
    try:
        found = parse_json(body)
    except FactError:
        return {"_text": body[:100].decode("ascii", "replace").strip()}
    return found if isinstance(found, dict) else {}
