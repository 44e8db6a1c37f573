"""Four ways to show whose a beacon is: what is good, and everything that only looks so."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from monitor.beacons.trust import Trust, ticket
from monitor.facts import Json
from monitor.ledger.vitals.ways import AUTHS, SAYS, source_of, told_of

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SECRETS = ("hush", "hush-before")
SESSION = Trust("session_token", SECRETS, client_id="client")
TICKET = Trust("ticket", SECRETS, app="discount-kit")


def encoded(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def session(secret: str = SECRETS[0], header: object = None, **changed: Any) -> str:
    """A session token as App Bridge's, of 60 s around now."""
    claims = {
        "iss": "https://a-shop.myshopify.com/admin",
        "dest": "https://a-shop.myshopify.com",
        "aud": "client",
        "sub": "42",
        "exp": NOW // 1000 + 30,
        "nbf": NOW // 1000 - 30,
        "iat": NOW // 1000 - 30,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
    }
    claims = {name: value for name, value in {**claims, **changed}.items() if value is not ...}
    signed = f"{encoded(header or {'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def test_a_relay_shows_one_of_two_secrets() -> None:
    relay = Trust("relay", SECRETS)
    assert [relay.takes(bearer, None, NOW) for bearer in ("hush", "hush-before")] == [True, True]
    assert not any(relay.takes(bearer, None, NOW) for bearer in (None, "", "hus", "hush2", "\udcff", "håsh"))


def test_in_the_open_nothing_is_asked() -> None:
    assert Trust("open").takes(None, None, NOW)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_session_token_of_the_app_is_good_under_either_secret(secret: str) -> None:
    assert SESSION.takes(session(secret), None, NOW)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_session_token_is_good_ten_seconds_before_and_after_its_time(seconds: int) -> None:
    assert SESSION.takes(session(exp=NOW // 1000 - 10, nbf=NOW // 1000 + 10), None, NOW)
    assert SESSION.takes(session(), None, NOW + seconds * 1000)
    assert not SESSION.takes(session(), None, NOW + 41_000)
    assert not SESSION.takes(session(), None, NOW - 41_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "other"},
        {"aud": "another"},
        {"aud": ["client"]},
        {"aud": ...},
        {"exp": ...},
        {"nbf": ...},
        {"exp": "never"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": -1},
        {"iss": ...},
        {"dest": ...},
        {"iss": "https://b-shop.myshopify.com/admin"},
        {"dest": "https://myshopify.com.evil.example"},
        {"dest": "https://evil.example/.myshopify.com", "iss": "https://evil.example/.myshopify.com/admin"},
        {"dest": "https://evil.example", "iss": "https://evil.example/admin"},
        {"dest": 5, "iss": 5},
        {"header": {"alg": "none"}},
        {"header": {"alg": "RS256"}},
        {"header": {"alg": None}},
        {"header": ["HS256"]},
        {"header": b"\xff"},
    ],
)
def test_a_session_token_that_is_not_one_is_refused(changed: dict[str, Any]) -> None:
    assert not SESSION.takes(session(**changed), None, NOW)


def test_a_session_token_whose_bytes_were_touched_is_refused() -> None:
    good = session()
    head, claims, signature = good.split(".")
    for touched in (
        good[:-1],
        good + "=",
        f"{head}.{claims}",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature}.x",
        f"{head}.{encoded({'aud': 'client'})}.{signature}",
        f"{encoded({'alg': 'none'})}.{claims}.",
        "..",
        "",
        good.replace(".", "\udcff."),
        "[" * 3_000,
        ".".join([encoded(b"[" * 3_000)] * 3),
    ):
        assert not SESSION.takes(touched, None, NOW), touched


@pytest.mark.parametrize("secret", SECRETS)
def test_a_ticket_is_good_until_its_end_and_a_day_ahead_at_most(secret: str) -> None:
    end = NOW // 1000 + 86_400
    made = ticket("discount-kit", end, secret)
    assert TICKET.takes(None, made, NOW)
    assert TICKET.takes(None, made, end * 1000)
    assert not TICKET.takes(None, made, end * 1000 + 10_001)
    assert not TICKET.takes(None, made, NOW - 10_001)


def test_a_ticket_of_another_app_or_secret_or_none_is_refused() -> None:
    end = NOW // 1000 + 60
    good = ticket("discount-kit", end, "hush")
    bad: list[Json] = [
        ticket("other", end, "hush"),
        ticket("discount-kit", end, "other"),
        good.replace(str(end), str(end + 1)),
        good.upper(),
        good + "\n",
        good.partition(".")[2],
        "",
        None,
        5,
        {"ticket": good},
        "9" * 400,
    ]
    for given in bad:
        assert not TICKET.takes(None, given, NOW), given


def test_what_a_report_says_of_the_ways_stands_for_every_way() -> None:
    assert SAYS.keys() == set(AUTHS)
    assert told_of([source_of({"open"})]) == {"open": SAYS["open"]}
    assert list(told_of([source_of({"open", "relay"}), source_of({"import"}), "person:ada"])) == ["relay", "open"]
