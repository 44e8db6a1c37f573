"""How the samples of a day were taken in, as the `source` of its fact says it: how far they can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Auth = Literal["relay", "session_token", "ticket", "open"]
AUTHS: tuple[Auth, ...] = get_args(Auth)

SAYS: Mapping[Auth, str] = {
    "relay": "sent on by the app's own server, which proves itself with a shared secret",
    "session_token": "each with a session token that Shopify signed for a user of the app",
    "ticket": "each with a ticket that the app's own server wrote into the page",
    "open": "unauthenticated: from pages of the allowed origins, which anything but a browser can pretend to be",
}
"""What a report says of samples that were taken in so."""

_SOURCE = "web-vitals/"


def source_of(ways: Iterable[str]) -> str:
    """The `source` of a fact whose samples were taken in in these ways."""
    return _SOURCE + "+".join(sorted(ways))


def told_of(sources: Iterable[str]) -> dict[str, str]:
    """What a report says of facts with these `source`s: each way in which samples came, and what it is worth."""
    ways = {way for source in sources if source.startswith(_SOURCE) for way in source[len(_SOURCE) :].split("+")}
    return {auth: SAYS[auth] for auth in AUTHS if auth in ways}
