"""Atlassian Statuspage posts without a signature: a hint to ask the page now, and no word of it is believed
(design/upstreams.md, A, "Webhooks out")."""

from __future__ import annotations

from monitor.sources.hooks.kind import Delivery, News, Refusal, digest_of, json_of
from monitor.sources.kind import Asked
from monitor.sources.statuspage import StatuspageSettings


def parse(settings: StatuspageSettings, asked: Asked, delivery: Delivery) -> News | Refusal:
    """Any JSON object."""
    del settings, asked
    return "unreadable" if json_of(delivery) is None else News(digest_of(delivery), poll=True)
