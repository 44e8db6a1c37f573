"""What ticket systems post is proved as each of them signs, and is a hint to ask and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest

from monitor.ledger.period import Period, parse_instant
from monitor.settings import Secret
from monitor.sources.desks.help_scout import HelpScoutSettings
from monitor.sources.desks.intercom import IntercomSettings
from monitor.sources.desks.zendesk import ZendeskSettings
from monitor.sources.hooks import HOOKS, Delivery, News, Refusal
from monitor.sources.hooks.kind import Ignored
from monitor.sources.kind import Asked
from monitor.sources.settings import PostingSettings

NOW = parse_instant("2026-06-10T12:00:00Z")
BODY = b'{"ticket_id": 1}'
STAMP = "2026-06-10T12:00:00Z"
NEW, OLD = (Secret(word * 30, ("from_env", word)) for word in ("new", "old"))


def sha(algorithm: str, secret: Secret, signed: bytes) -> bytes:
    return hmac.new(secret.reveal().encode(), signed, algorithm).digest()


def headers(kind: str, secret: Secret, body: bytes) -> dict[str, str]:
    if kind == "zendesk":
        proof = base64.b64encode(sha("sha256", secret, STAMP.encode() + body)).decode()
        return {"x-zendesk-webhook-signature": proof, "x-zendesk-webhook-signature-timestamp": STAMP}
    if kind == "help_scout":
        return {"x-helpscout-signature": base64.b64encode(sha("sha1", secret, body)).decode()}
    return {"x-hub-signature": f"sha1={sha('sha1', secret, body).hex()}"}


SETTINGS: Mapping[str, PostingSettings] = {
    "zendesk": ZendeskSettings(
        url="https://a.example", email="a@b.example", api_token=NEW, webhook_secret=NEW, previous_webhook_secret=OLD
    ),
    "help_scout": HelpScoutSettings(app_id="a", app_secret=NEW, webhook_secret=NEW, previous_webhook_secret=OLD),
    "intercom": IntercomSettings(access_token=NEW, webhook_secret=NEW, previous_webhook_secret=OLD),
}


def read(kind: str, sent: Mapping[str, str], body: bytes = BODY, times: int = 1) -> News | Refusal | Ignored:
    delivery = Delivery({name: (value,) * times for name, value in sent.items()}, body, NOW)
    return HOOKS[kind].read(SETTINGS[kind], Asked("desk", Period(NOW, NOW)), delivery)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_signed_delivery_is_a_hint_to_ask_now(kind: str) -> None:
    for secret in (NEW, OLD):
        assert read(kind, headers(kind, secret, BODY)) == News(hashlib.sha256(BODY).hexdigest(), poll=True)
    assert read(kind, headers(kind, NEW, b"no json"), b"no json") == "unreadable"


@pytest.mark.parametrize("kind", SETTINGS)
def test_what_is_not_signed_so_is_forged(kind: str) -> None:
    good = headers(kind, NEW, BODY)
    other = Secret("x" * 30, ("from_env", "x"))
    assert read(kind, {}) == "forged"
    assert read(kind, headers(kind, other, BODY)) == "forged"
    assert read(kind, good, BODY + b" ") == "forged"
    assert read(kind, good, times=2) == "forged"
    for junk in ("", "sha1=", "sha1=zz", "\u00e9", "=" * 300, good[next(iter(good))][:-2]):
        assert read(kind, {**good, next(iter(good)): junk}) == "forged"


def test_the_timestamp_is_signed_too() -> None:
    sent = headers("zendesk", NEW, BODY)
    assert read("zendesk", {**sent, "x-zendesk-webhook-signature-timestamp": "2026-06-11T12:00:00Z"}) == "forged"
