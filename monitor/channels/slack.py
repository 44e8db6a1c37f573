"""Slack by an incoming webhook (docs.slack.dev, "Sending messages using incoming webhooks").

The answer is the text `ok`, without a `ts`: such a message can be neither edited nor answered. Errors are a word with a
status of 4xx. Words are escaped as "Formatting text for app surfaces" asks, so that no mention and no link of a vendor
works; `verbatim` keeps Slack from making some itself.
"""

from __future__ import annotations

from monitor.channels.kind import Answer, Message, Refused, Sent, WaysOut, judged
from monitor.facts import Json
from monitor.settings import Secret

TITLE_LIMIT = 150  # characters of a title
SECTION_LIMIT = 3_000
"""Characters of a section's text, once escaped."""

COLORS = {"bad": "#b3261e", "doubt": "#8a6d00", "good": "#1b7f3b"}


async def deliver(url: Secret, message: Message, root: str | None, ways: WaysOut) -> Answer:
    """Posts it; every message stands alone."""
    told = judged(await ways.post(url.reveal(), body_of(message), {}))
    return told if isinstance(told, Refused) else Sent()


def body_of(message: Message) -> dict[str, Json]:
    """A message as Slack takes it: a fallback text, and a section with a colour beside it."""
    title = escaped(message.title, TITLE_LIMIT)
    section: Json = {
        "type": "section",
        "text": {"type": "mrkdwn", "verbatim": True, "text": escaped("\n".join(message.lines) or "-", SECTION_LIMIT)},
    }
    return {
        "text": title,
        "unfurl_links": False,
        "unfurl_media": False,
        "attachments": [{"color": COLORS[message.tone], "fallback": title, "blocks": [section]}],
    }


def escaped(text: str, longest: int) -> str:
    """Text that stays text, cut so that no half of an escape is left."""
    parts: list[str] = []
    length = 0
    for character in text:
        part = _ESCAPES.get(character, character if character.isprintable() or character == "\n" else " ")
        length += len(part)
        if length > longest:
            return "".join(parts[:-1]) + "…"
        parts.append(part)
    return "".join(parts)


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
