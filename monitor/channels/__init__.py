"""Channels: where customers and people are told. A new kind is one file beside this one and one line in KINDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from monitor.channels import mail, slack, slack_app, webhook
from monitor.channels.kind import Answer, ChannelKind, Message, Post, Refused, Reply, Sent, Tone, WaysOut
from monitor.settings import Secret

AnyKind: TypeAlias = ChannelKind[Secret] | ChannelKind[slack_app.SlackApp]

KINDS: Mapping[str, AnyKind] = {
    "slack": ChannelKind(Secret, "An incoming webhook of Slack.", slack.deliver),
    "slack_app": ChannelKind(slack_app.SlackApp, "A channel that an app of ours is in.", slack_app.deliver),
    "apprise": ChannelKind(Secret, "An address of Apprise, mail for one.", mail.deliver, mail.refusal),
    "webhook": ChannelKind(Secret, "An address that is posted to.", webhook.deliver),
}
"""Kind, as the configuration names it, to what it is."""

__all__ = [
    "KINDS",
    "Answer",
    "AnyKind",
    "ChannelKind",
    "Message",
    "Post",
    "Refused",
    "Reply",
    "Sent",
    "Tone",
    "WaysOut",
]
