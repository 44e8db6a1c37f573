"""Redirects: how far they are followed, and that nothing of ours travels (design/faults.md rows 74 to 79)."""

from __future__ import annotations

import asyncio

import pytest

from monitor.probes.web import is_ours, may_follow, parse_target
from tests.probes.conftest import Look
from tests.probes.servers import Talk, answer, says, serving


def to(location: bytes, status: bytes = b"302 Found") -> bytes:
    return answer(status, b"", b"Location: " + location)


def by_path(answers: dict[bytes, bytes]) -> Talk:
    """Answers each path in its own way."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        seen.append(request)
        writer.write(answers[request.split(b" ")[1]])

    return talk


async def test_a_redirect_on_the_same_host_is_followed_over_a_fresh_connection(look: Look) -> None:
    talk = by_path({b"/health": to(b"/next"), b"/next": to(b"./end?a=1"), b"/end?a=1": answer()})
    async with serving(talk, read_request=False) as server:
        seen = await look(server.url, headers={"X-Api-Key": "k"})
    assert seen.outcome == "pass"
    assert server.connections == 3
    assert seen.attributes is not None
    assert seen.attributes["probe_http_redirects"] == 2


async def test_a_redirect_that_is_expected_is_not_followed(look: Look) -> None:
    async with serving(says(to(b"/health"))) as server:
        seen = await look(server.url, expect={"status": [302]})
    assert (seen.outcome, seen.status) == ("pass", 302)


async def test_a_post_that_is_sent_elsewhere_becomes_a_get(look: Look) -> None:
    talk = by_path({b"/health": to(b"/done", b"303 See Other"), b"/done": answer()})
    async with serving(talk, read_request=False) as server:
        assert (await look(server.url, method="POST")).outcome == "pass"


HOST = parse_target("https://app.example.com/")


@pytest.mark.parametrize(
    ("url", "follows"),
    [
        ("https://app.example.com/login", True),
        ("https://app.example.com:443/login", True),
        ("http://app.example.com/", False),
        ("https://app.example.com:8443/", False),
        ("https://login.example.com/", True),
        ("https://login.example.com:22/", False),
        ("https://api.example.com:9000/", True),
        ("https://evil.example.com/", False),
    ],
)
def test_who_may_be_followed_to(url: str, follows: bool) -> None:
    hosts = frozenset({"login.example.com", "api.example.com:9000"})
    assert may_follow(HOST, HOST, parse_target(url), hosts) is follows


@pytest.mark.parametrize(("to_http", "follows"), [(False, False), (True, True)])
def test_tls_is_given_up_only_where_that_is_allowed(to_http: bool, follows: bool) -> None:
    plain = parse_target("http://app.example.com/")
    assert may_follow(HOST, HOST, plain, frozenset(), to_http) is follows
    assert not may_follow(HOST, HOST, parse_target("http://evil.example.com/"), frozenset(), to_http)
    assert not is_ours(HOST, plain)


@pytest.mark.parametrize(
    ("first", "to", "ours"),
    [
        ("https://a.example.com/", "https://a.example.com/login", True),
        ("https://a.example.com/", "https://a.example.com:443/", True),
        ("https://a.example.com/", "https://a.example.com:8443/", False),
        ("https://a.example.com/", "https://b.a.example.com/", False),
        ("http://a.example.com/", "https://a.example.com/", True),
        ("http://a.example.com:8080/", "https://a.example.com/", False),
        ("http://a.example.com/", "https://a.example.com:8443/", False),
        ("https://a.example.com/", "http://a.example.com/", False),
        ("https://a.example.com:8443/", "http://a.example.com:8443/", False),
    ],
)
def test_what_is_ours_goes_to_the_same_scheme_host_and_port(first: str, to: str, ours: bool) -> None:
    assert is_ours(parse_target(first), parse_target(to)) is ours
