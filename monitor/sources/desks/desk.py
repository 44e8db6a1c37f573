"""What ticket systems have in common (design/upstreams.md, G): settings, and from a vendor's words to ours.

A first reply is the first that a person wrote to the customer and that says something: no bot, no rule, no note among
colleagues, no empty text. Only instants are taken from a vendor, never its own reckoning of business time.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from html import unescape

from pydantic import Field

from monitor.facts import Json
from monitor.ledger.period import MINUTE, SECOND
from monitor.settings import Secret, Settings
from monitor.sources.kind import Asked
from monitor.sources.reading import EARLIEST, LONGEST_ID, Object, Reading, cleaned

OVERLAP = 5 * MINUTE
"""How far before the last poll a list begins: vendors index late."""

NOBODY = "unknown"
"""The customer of a ticket that names none."""
UNSET = "unset"
"""The priority of a ticket that has none; a policy names it, or `without_priority` says which it is."""

_TAG = re.compile(r"<[^<>]{0,2000}>")


class DeskSettings(Settings):
    """A ticket system whose tickets are commitments. `customers` and `priorities` are by the vendor's words."""

    priorities: Mapping[str, str] = Field({}, description="Its priorities (or tags) to those of the policy.")
    without_priority: str | None = Field(None, min_length=1, description="The priority of a ticket without one.")
    customers: Mapping[str, str] = Field({}, description="Its organizations, by id or name, to customers.")
    bots: tuple[str, ...] = Field((), description="Ids of authors there that are no people.")

    def priority_of(self, words: Iterable[Json]) -> str:
        """The first that is mapped; else `without_priority`, or the vendor's own word."""
        found = _spelled(words)
        mapped = next((self.priorities[word] for word in found if word in self.priorities), None)
        return mapped or self.without_priority or (found[0] if found else UNSET)

    def customer_of(self, *spellings: Json) -> str:
        """The customer that an organization is, else its own first spelling."""
        known = _spelled(spellings)
        return next((self.customers[each] for each in known if each in self.customers), known[0] if known else NOBODY)

    def is_bot(self, author: Json) -> bool:
        """Whether an author's id is one of `bots`."""
        return str(author) in self.bots


def _spelled(given: Iterable[Json]) -> list[str]:
    """Names and numbers, cleaned and cut; anything else is none."""
    named = (str(each) for each in given if isinstance(each, str | int) and not isinstance(each, bool))
    return [text for each in named if (text := cleaned(each[: 2 * LONGEST_ID], LONGEST_ID))]


def since_s(asked: Asked) -> int:
    """From when on changes are asked for, Unix seconds."""
    return max(0, asked.period.start - OVERLAP) // SECOND


def basic(user: str, password: Secret) -> Secret:
    """The value of an `Authorization` header (RFC 7617)."""
    pair = base64.b64encode(f"{user}:{password.reveal()}".encode("utf-8", "surrogateescape")).decode()
    return Secret(f"Basic {pair}", password.origin)


def says_something(given: Json) -> bool:
    """Whether a text, or HTML, has a letter or a digit to read."""
    return isinstance(given, str) and any(letter.isalnum() for letter in unescape(_TAG.sub(" ", given[:100_000])))


def past_seconds(reading: Reading, given: Object, key: str) -> int | None:
    """The instant of something that has been, given in Unix seconds."""
    value = given.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        reading.count("wrong_type")
        return None
    if not EARLIEST <= value * SECOND <= reading.now + 5 * MINUTE:
        reading.count("bad_time")
        return None
    return value * SECOND


def object_in(given: Object, key: str) -> Object:
    """An object within another; an empty one where there is none."""
    value = given.get(key)
    return value if isinstance(value, dict) else {}
