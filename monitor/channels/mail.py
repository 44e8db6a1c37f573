"""Mail, and the hundred other services that Apprise reaches by an address of theirs (github.com/caronc/apprise).

Apprise is optional and takes a second to import, so that only a first message loads it. It blocks, so it works in a
thread; it says no more than whether a message was taken. Its log could show parts of the address, which holds the
password, so it is silenced.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec

from monitor.channels.kind import Answer, Message, Refused, Sent, Tone, WaysOut
from monitor.settings import Secret

TYPES: dict[Tone, str] = {"bad": "failure", "doubt": "warning", "good": "success"}


async def deliver(url: Secret, message: Message, root: str | None, ways: WaysOut) -> Answer:
    """Sends it from a thread."""
    return await ways.blocking(lambda: _notify(url, message))


def refusal() -> str | None:
    """Why it cannot be used here; None where it can."""
    return None if find_spec("apprise") is not None else "needs Apprise: pip install 'minutebook[apprise]'"


def _notify(url: Secret, message: Message) -> Answer:
    logging.getLogger("apprise").disabled = True
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - see above

    sender = Apprise(asset=AppriseAsset(app_id="minutebook", async_mode=False))
    if not sender.add(url.reveal()):
        return Refused("unreadable_address")
    body = "\n".join([*message.lines, "", message.key])
    sent = sender.notify(title=message.title, body=body, notify_type=TYPES[message.tone], body_format="text")
    return Sent() if sent else Refused("not_taken")
