"""How a beacon shows whose it is: four ways, of which the configuration chooses one (design/vitals.md, section 7).

Nothing of a token or a ticket is ever logged or kept.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from monitor.errors import FactError
from monitor.facts import Json, parse_json
from monitor.ledger.period import DAY, SECOND
from monitor.ledger.vitals.ways import Auth

LEEWAY = 10 * SECOND
"""Between Shopify's clock or the app's, and ours (Shopify's own check of a session token)."""

LONGEST_TICKET = DAY

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_TICKET = re.compile(r"(\d{1,12})\.([0-9a-f]{64})", re.ASCII)
_SHOP = re.compile(r"https://([a-z0-9][a-z0-9-]*\.myshopify\.com)(?:/admin)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trust:
    """What is asked of a beacon. Any one of `secrets` is good, so that one can be replaced by the next; `client_id` is
    the audience of session tokens, None: not looked at; `app` is what tickets are made out to."""

    auth: Auth
    secrets: tuple[str, ...] = ()
    client_id: str | None = None
    app: str = ""

    @property
    def is_in_body(self) -> bool:
        """Whether it is the body that shows whose the beacon is, so that it must be read first."""
        return self.auth == "ticket"

    def takes(self, bearer: str | None, ticket: Json, now: int) -> bool:
        """Whether what came with the beacon (the bearer token, the ticket in the body) is good at `now`, UTC ms."""
        if self.auth == "relay":
            return bearer is not None and any(_same(bearer, secret) for secret in self.secrets)
        if self.auth == "session_token":
            return bearer is not None and self._is_session(bearer, now)
        if self.auth == "ticket":
            return isinstance(ticket, str) and self._is_ticket(ticket, now)
        return True

    def _is_ticket(self, given: str, now: int) -> bool:
        found = _TICKET.fullmatch(given)
        if found is None or not now - LEEWAY <= int(found[1]) * SECOND <= now + LONGEST_TICKET + LEEWAY:
            return False
        return any(_same(given, ticket(self.app, int(found[1]), secret)) for secret in self.secrets)

    def _is_session(self, token: str, now: int) -> bool:
        """A JWT of App Bridge (RFC 7519, HS256): signed with the app's secret, for the app, in force, of one shop."""
        parts = token.split(".")
        if len(parts) != 3:
            return False
        header, claims = _part(parts[0]), _part(parts[1])
        if header is None or claims is None or header.get("alg") != "HS256":
            return False
        signed = f"{parts[0]}.{parts[1]}"
        if not any(_same(parts[2], _signature(signed, secret)) for secret in self.secrets):
            return False
        shop, from_shop = _shop(claims.get("dest")), _shop(claims.get("iss"))
        return (
            self.client_id in (None, claims.get("aud"))
            and _instant(claims.get("nbf"), now + LEEWAY + 1) <= now + LEEWAY
            and _instant(claims.get("exp"), now - LEEWAY - 1) >= now - LEEWAY
            and shop is not None
            and shop == from_shop
        )


def ticket(app: str, expires: int, secret: str) -> str:
    """The ticket of an app until `expires` (Unix time, s): at most 24 h ahead."""
    return f"{expires}.{hmac.new(secret.encode(), f'{app} {expires}'.encode(), sha256).hexdigest()}"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _signature(signed: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), signed.encode("utf-8", "surrogateescape"), sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _part(text: str) -> Mapping[str, Json] | None:
    if _BASE64URL.fullmatch(text) is None:
        return None
    try:
        decoded = parse_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (FactError, binascii.Error):
        return None
    return decoded if isinstance(decoded, dict) else None


def _instant(claim: Json, otherwise: int) -> float:
    """A NumericDate in ms; `otherwise` where it is none (a claim that is missing fails the check)."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not 0 <= claim < 2**40:
        return otherwise
    return claim * SECOND


def _shop(claim: Json) -> str | None:
    found = _SHOP.fullmatch(claim) if isinstance(claim, str) else None
    return None if found is None else found[1]
