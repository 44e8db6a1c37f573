"""Which names belong together, as far as a name alone tells it; and that canaries of every kind are held to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import parse
from monitor.config.domains import domain_of, is_of
from monitor.errors import ConfigError
from monitor.probes import KINDS


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.com", "example.com"),
        ("a.b.Example.com.", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("www.example.de", "example.de"),
        ("a.github.io", "github.io"),
        ("www.bücher.example", "xn--bcher-kva.example"),
        ("prometheus", "prometheus"),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("-no name-", "-no name-"),
    ],
)
def test_the_domain_that_somebody_registered(host: str, domain: str) -> None:
    assert domain_of(host) == domain


def test_a_provider_is_known_by_a_whole_label() -> None:
    assert is_of("www.Cloudflare.com", "cloudflare")
    assert not is_of("notcloudflare.com", "cloudflare")
    assert not is_of("1.1.1.1", "1")


ASKS = {
    "http": "{url: 'https://HOST/'}",
    "tcp": "{host: HOST, port: 443}",
    "tls": "{host: HOST, port: 443}",
    "dns": "{name: HOST, server: 192.0.2.53}",
    "icmp": "{host: HOST}",
    "grpc": "{host: HOST, port: 443}",
    "websocket": "{url: 'wss://HOST/'}",
}
"""A section of each kind that is asked from here; a new kind stands here, or this file fails."""

KNOWN = sorted(set(KINDS) - {"heartbeat"})


@pytest.mark.parametrize("canary", KNOWN)
@pytest.mark.parametrize("check", KNOWN)
def test_no_kind_of_canary_asks_what_a_check_of_any_kind_asks(canary: str, check: str) -> None:
    text = written(check, "www.example.net", canary, "www.example.net")
    assert messages(text) == [
        "www.example.net is also asked by the check one; expected a canary that is independent of it"
    ]


@pytest.mark.parametrize("canary", sorted(set(KNOWN) - {"dns"}))
def test_no_kind_of_canary_shares_a_domain_with_a_check(canary: str) -> None:
    assert messages(written("http", "www.example.net", canary, "canary.example.net")) == [
        "canary.example.net shares the domain example.net with the check one; expected a canary that is independent of"
        " it"
    ]


def written(check: str, host: str, canary: str, other: str) -> str:
    asks, sings = ASKS[check].replace("HOST", host), ASKS[canary].replace("HOST", other).replace("2.53", "2.54")
    return (
        f"services: [{{name: app, checks: [{{name: one, {check}: {asks}}}]}}]\n"
        f"probing: {{canaries: [{{{canary}: {sings}}}]}}\n"
    )


def messages(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "m.yaml", Path(), {})
    return [problem.message for problem in caught.value.problems]
