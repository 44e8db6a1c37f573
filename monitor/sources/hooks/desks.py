"""What ticket systems post: signed, and a hint to ask now. What changed is read by the poll, from one place only."""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from monitor.sources.hooks.kind import Delivery, News, Refusal, digest_of, json_of
from monitor.sources.kind import Asked
from monitor.sources.settings import PostingSettings

_SHA1 = re.compile("sha1=([0-9a-fA-F]{40})")


def parse(settings: PostingSettings, asked: Asked, delivery: Delivery) -> News | Refusal:
    """Any JSON object."""
    del settings, asked
    return "unreadable" if json_of(delivery) is None else News(digest_of(delivery), poll=True)


def zendesk(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
    """`X-Zendesk-Webhook-Signature`: base64 of the HMAC-SHA256 of the timestamp beside it and the raw body."""
    stamp = _only(delivery, "x-zendesk-webhook-signature-timestamp")
    given = _base64(_only(delivery, "x-zendesk-webhook-signature"))
    return given is not None and stamp is not None and _proved(given, secrets, stamp.encode() + delivery.body, "sha256")


def help_scout(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
    """`X-HelpScout-Signature`: base64 of the HMAC-SHA1 of the raw body."""
    given = _base64(_only(delivery, "x-helpscout-signature"))
    return given is not None and _proved(given, secrets, delivery.body, "sha1")


def intercom(secrets: tuple[bytes, ...], delivery: Delivery) -> bool:
    """`X-Hub-Signature`: `sha1=` and the hexadecimal HMAC-SHA1 of the raw body, keyed by the app's client secret."""
    found = _SHA1.fullmatch(_only(delivery, "x-hub-signature") or "")
    return found is not None and _proved(bytes.fromhex(found[1]), secrets, delivery.body, "sha1")


def _only(delivery: Delivery, header: str) -> str | None:
    """A header that came exactly once."""
    given = delivery.headers.get(header, ())
    return given[0] if len(given) == 1 and given[0].isascii() and len(given[0]) <= 200 else None


def _base64(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _proved(given: bytes, secrets: tuple[bytes, ...], signed: bytes, algorithm: str) -> bool:
    """Takes as long for one that is nearly right as for any other."""
    proofs = [hmac.new(secret, signed, algorithm).digest() for secret in secrets]
    return sum(hmac.compare_digest(given, proof) for proof in proofs) > 0  # all are compared
