"""Any address that takes JSON: `{"key", "thread", "title", "lines", "tone"}`, as plain text.

`Idempotency-Key` is the message's key: what comes twice has the same (IETF draft, "The Idempotency-Key HTTP Header
Field").
"""

from __future__ import annotations

from monitor.channels.kind import Answer, Message, Refused, Sent, WaysOut, judged
from monitor.facts import Json
from monitor.settings import Secret


async def deliver(url: Secret, message: Message, root: str | None, ways: WaysOut) -> Answer:
    """Posts it."""
    told = judged(await ways.post(url.reveal(), body_of(message), {"Idempotency-Key": message.key}))
    return told if isinstance(told, Refused) else Sent()


def body_of(message: Message) -> dict[str, Json]:
    """The message as it is."""
    return {**message._asdict(), "lines": [*message.lines]}
