"""Slack by an app's token: `chat.postMessage` and `chat.update` (docs.slack.dev, Web API; scope `chat:write`).

The first message of a thread shows how things stand and is updated in place; every later one stands in its thread too.
Failures are a 200 with `ok: false` and the `error`. The message's key goes along as its metadata, by which a message
that came twice can be told.
"""

from __future__ import annotations

from pydantic import Field

from monitor.channels.kind import Answer, Message, Refused, Sent, WaysOut, judged
from monitor.channels.slack import body_of
from monitor.facts import Json
from monitor.settings import Secret, SecretText, Settings, WebUrl

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The first message cannot be updated any more; its thread goes on all the same."""


class SlackApp(Settings):
    """A channel that an app of ours is in."""

    token: SecretText = Field(description="The app's bot token, with the scope chat:write.")
    channel: str = Field(min_length=1, max_length=100, description="The channel's id, or its name.")
    api_url: WebUrl = Field("https://slack.com/api", description="Where its API is.")


async def deliver(settings: SlackApp, message: Message, root: str | None, ways: WaysOut) -> Answer:
    """Posts a thread's first message; of a later one updates the first and posts below it."""
    if root is None:
        return await _post(settings, message, {"channel": settings.channel}, ways)
    channel, _, ts = root.partition(" ")
    updated = await _call(settings, "chat.update", {**body_of(message), "channel": channel, "ts": ts}, ways)
    if isinstance(updated, Refused) and updated.reason not in GONE:
        return updated
    return await _post(settings, message, {"channel": channel, "thread_ts": ts}, ways)


async def _post(settings: SlackApp, message: Message, where: dict[str, Json], ways: WaysOut) -> Answer:
    metadata: Json = {"event_type": "told_by_minutebook", "event_payload": {"key": message.key}}
    told = await _call(settings, "chat.postMessage", {**body_of(message), **where, "metadata": metadata}, ways)
    if isinstance(told, Refused):
        return told
    channel, ts = told.get("channel"), told.get("ts")
    if told.get("ok") is not True or not isinstance(channel, str) or not isinstance(ts, str):
        return Refused("unreadable_answer")
    return Sent(f"{channel} {ts}")


async def _call(settings: SlackApp, method: str, body: dict[str, Json], ways: WaysOut) -> dict[str, Json] | Refused:
    headers: dict[str, str | Secret] = {"Authorization": Secret(f"Bearer {settings.token.reveal()}")}
    return judged(await ways.post(f"{settings.api_url.rstrip('/')}/{method}", body, headers))
