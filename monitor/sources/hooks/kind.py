"""What a source posts: whether it comes from the source, and what it says (design/reliability.md, section 3).

Pure. `monitor.hooks` owns what was seen before, the store and time. A delivery is hostile until it is proved: nothing
of it is read before, and nothing of it is ever logged. Instants are UTC ms.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from monitor.errors import FactError
from monitor.facts import Json, Result, parse_json
from monitor.settings import Settings
from monitor.sources.kind import Asked, Page
from monitor.sources.settings import PostingSettings

S = TypeVar("S", bound=PostingSettings)

DEEPEST, MOST_VALUES, LARGEST_INTEGER = 8, 4_000, 2**53
"""Of the JSON of a delivery (reliability.md, 4)."""

LONGEST_WORD = 40
"""Characters of a vendor's word for a kind of delivery."""

_NO_WORD = re.compile(r"[^A-Za-z0-9_.-]")
_HEX_SHA256 = re.compile("[0-9a-fA-F]{64}")


class Delivery(NamedTuple):
    """What was posted: headers by name in lower case, each as often as it came; the raw bytes; when it came; and what
    ended the address."""

    headers: Mapping[str, tuple[str, ...]]
    body: bytes
    received_at: int
    path: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What an authentic delivery says. `key` is the same for one that is repeated. `page` and `results` are recorded;
    with `poll` the source is asked at once.

    `subject` and `told_of`: what it is about, and of when. One that `gives_way` says nothing where something newer of
    its subject came before it.
    """

    key: str
    page: Page | None = None
    results: tuple[Result, ...] = ()
    poll: bool = False
    subject: str = ""
    told_of: int = 0
    gives_way: bool = False


Refusal = Literal["forged", "stale", "unreadable"]
"""Why nothing of a delivery is taken: what goes with it is not the source's; it is too old, or our clock is wrong; it
cannot be read."""


class Ignored(NamedTuple):
    """An authentic delivery of a kind that says nothing here; `event` is what the vendor calls it."""

    event: str

    @classmethod
    def called(cls, *words: Json) -> Ignored:
        """Of the vendor's own words for it: bounded, and nothing but letters, digits and `_ . -`."""
        spelled = (_NO_WORD.sub("_", word[:LONGEST_WORD]) for word in words if isinstance(word, str) and word)
        return cls(".".join(spelled) or "unnamed")


@dataclass(frozen=True, slots=True)
class HookKind(Generic[S]):
    """How one kind of source posts: its settings and two functions. `in_path`: the secret ends the address, because
    nothing is signed."""

    settings: type[S]
    is_authentic: Callable[[tuple[bytes, ...], Delivery], bool]
    parse: Callable[[S, Asked, Delivery], News | Refusal | Ignored]
    in_path: bool = False

    def read(self, settings: Settings, asked: Asked, delivery: Delivery) -> News | Refusal | Ignored:
        """What it says, once it is proved; TypeError for another kind's settings."""
        if not isinstance(settings, self.settings):
            raise TypeError(f"expected {self.settings.__name__}, found {type(settings).__name__}")
        if not self.is_authentic(settings.webhook_secrets, delivery):
            return "forged"
        return self.parse(settings, asked, delivery)


# ---------------------------------------------------------------- proofs


def signs_body(header: str) -> Callable[[tuple[bytes, ...], Delivery], bool]:
    """The header, exactly once, is the hexadecimal HMAC-SHA256 of the raw bytes."""

    def is_authentic(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
        given = delivery.headers.get(header, ())
        if len(given) != 1 or _HEX_SHA256.fullmatch(given[0]) is None:
            return False
        proofs = [hmac.new(secret, delivery.body, hashlib.sha256).hexdigest() for secret in secrets]
        return _is_one_of(given[0].lower(), [proof.encode() for proof in proofs])

    return is_authentic


def sends_secret(header: str) -> Callable[[tuple[bytes, ...], Delivery], bool]:
    """The header, exactly once, is the secret itself."""

    def is_authentic(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
        given = delivery.headers.get(header, ())
        return len(given) == 1 and _is_one_of(given[0], secrets)

    return is_authentic


def ends_address(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
    """The secret stands in the address."""
    return delivery.path is not None and _is_one_of(delivery.path, secrets)


def _is_one_of(given: str, good: list[bytes] | tuple[bytes, ...]) -> bool:
    """Takes as long for one that is nearly right as for any other."""
    sent = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
    return sum(hmac.compare_digest(sent, hashlib.sha256(each).digest()) for each in good) > 0  # all are compared


# ---------------------------------------------------------------- what was sent


def json_of(delivery: Delivery) -> Mapping[str, Json] | None:
    """The JSON object that was sent; None where it is none, or larger in any way than a delivery is."""
    try:
        given = parse_json(delivery.body)
    except FactError:
        return None
    return given if isinstance(given, dict) and _is_bounded(given) else None


def _is_bounded(given: Json) -> bool:
    waiting: list[tuple[Json, int]] = [(given, 1)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen > MOST_VALUES or depth > DEEPEST + 1:
            return False
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
        elif not _is_plain(value):
            return False
    return True


def _is_plain(value: Json) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return not isinstance(value, int) or abs(value) <= LARGEST_INTEGER


def digest_of(delivery: Delivery) -> str:
    """SHA-256 of the raw bytes, hexadecimal."""
    return hashlib.sha256(delivery.body).hexdigest()
