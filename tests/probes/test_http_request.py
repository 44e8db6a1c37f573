"""What is asked, of whom, and what of ours never travels to anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.interfaces import Observation
from monitor.probes import Io
from monitor.probes.address import of_version
from monitor.probes.http import HttpSettings, probe
from monitor.settings import Surroundings
from tests.probes.conftest import TICK, Look
from tests.probes.servers import Talk, answer, says, serving

Asked = Callable[..., HttpSettings]


@pytest.fixture
def io(io: Io) -> Io:
    """Patient: what is tried here is no matter of time, and a loaded machine is slow."""
    return replace(io, timeout_ms=20_000)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Settings decoded beside a file `token`."""
    (tmp_path / "token").write_text("s3cret\n")

    def decode(url: str, **given: object) -> HttpSettings:
        return HttpSettings.model_validate({"url": url, **given}, context=Surroundings(tmp_path, {"PASSWORD": "pä:ss"}))

    return decode


TOKEN = {"from_file": "token"}
BASIC = {"user": "probe", "password": {"from_env": "PASSWORD"}}


def whole_requests(response: bytes, requests: list[bytes]) -> Talk:
    """Keeps each request with its body, and answers."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        requests.append(head + await reader.readexactly(length))
        writer.write(response)

    return talk


async def test_a_body_is_sent_with_its_length(io: Io, asked: Asked) -> None:
    requests: list[bytes] = []
    async with serving(whole_requests(answer(), requests), read_request=False) as server:
        settings = asked(server.url, method="POST", body="grüße", headers={"Content-Type": "text/plain"})
        assert (await probe(settings, TICK, io)).outcome == "pass"
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /health HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 7\r\n" in head
    assert body == "grüße".encode()


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        ({"bearer": TOKEN}, b"Authorization: Bearer s3cret"),
        (BASIC, b"Authorization: Basic cHJvYmU6cMOkOnNz"),
    ],
)
async def test_who_we_are_is_said(io: Io, asked: Asked, auth: dict[str, Any], line: bytes) -> None:
    async with serving(says(answer())) as server:
        await probe(asked(server.url, auth=auth), TICK, io)
    assert line in server.requests[0].split(b"\r\n")


async def test_a_host_of_ones_own_is_sent_instead(io: Io, asked: Asked) -> None:
    async with serving(says(answer())) as server:
        await probe(asked(server.url, headers={"Host": "app.example.com"}), TICK, io)
    assert server.requests[0].count(b"Host:") == 1
    assert b"\r\nHost: app.example.com\r\n" in server.requests[0]


# ---------------------------------------------------------------- what travels


async def redirected_look(
    io: Io, asked: Asked, status: bytes, host: str, **given: object
) -> tuple[Observation, list[bytes]]:
    """A look that is sent on from 127.0.0.1 to another port of a host; what the second server was asked."""
    requests: list[bytes] = []
    async with serving(whole_requests(answer(), requests), read_request=False) as other:
        place = b"%s:%d" % (host.encode(), other.port)
        away = answer(status, b"", b"Location: http://" + place + b"/there")
        async with serving(whole_requests(away, []), read_request=False) as first:
            settings = asked(first.url, redirects={"hosts": [place.decode()]}, **given)
            return await probe(settings, TICK, io), requests


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_nothing_of_ours_travels_to_another_host_or_port(io: Io, asked: Asked, host: str) -> None:
    ours = {"headers": {"X-Api-Key": TOKEN, "Cookie": TOKEN, "Host": "app.example.com"}, "auth": BASIC}
    seen, requests = await redirected_look(io, asked, b"302 Found", host, **ours)
    assert seen.outcome == "pass"
    for secret in (b"s3cret", b"X-Api-Key", b"Cookie", b"Authorization", b"app.example.com"):
        assert secret not in requests[0]


async def test_who_leads_back_from_elsewhere_gets_nothing_of_ours_either(io: Io, asked: Asked) -> None:
    requests: list[bytes] = []
    places: dict[str, bytes] = {}

    async def first_talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away = answer(b"302 Found", b"", b"Location: " + places["away"])
        await whole_requests(answer() if requests else away, requests)(reader, writer)

    async with serving(first_talk, read_request=False) as first:
        back = answer(b"302 Found", b"", b"Location: http://127.0.0.1:%d/delete" % first.port)
        async with serving(says(back)) as other:
            places["away"] = b"http://localhost:%d/" % other.port
            settings = asked(first.url, auth=BASIC, redirects={"hosts": [f"localhost:{other.port}"]})
            assert (await probe(settings, TICK, io)).outcome == "pass"
    assert [b"Authorization" in request for request in requests] == [True, False]


@pytest.mark.parametrize("status", [b"307 Temporary Redirect", b"308 Permanent Redirect"])
async def test_a_body_is_not_taken_to_another_host_or_port(io: Io, asked: Asked, status: bytes) -> None:
    seen, requests = await redirected_look(io, asked, status, "127.0.0.1", method="POST", body=TOKEN)
    assert (seen.outcome, seen.reason) == ("fail", "http_redirect_blocked")
    assert requests == []


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other"])
async def test_a_post_goes_on_elsewhere_as_a_get_without_its_body(io: Io, asked: Asked, status: bytes) -> None:
    given = {"method": "POST", "body": TOKEN, "headers": {"Content-Type": "application/json"}}
    seen, requests = await redirected_look(io, asked, status, "localhost", **given)
    assert seen.outcome == "pass"
    assert requests[0].startswith(b"GET /there HTTP/1.1\r\n")
    assert b"Content-" not in requests[0]


async def test_a_body_goes_along_on_the_same_host_and_port(io: Io, asked: Asked) -> None:
    requests: list[bytes] = []
    answers = iter([answer(b"307 Again", b"", b"Location: /next"), answer()])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_requests(next(answers), requests)(reader, writer)

    async with serving(talk, read_request=False) as server:
        settings = asked(server.url, method="PUT", body="x=1", auth={"bearer": TOKEN})
        assert (await probe(settings, TICK, io)).outcome == "pass"
    assert [request.split(b" ")[:2] for request in requests] == [[b"PUT", b"/health"], [b"PUT", b"/next"]]
    assert all(request.endswith(b"\r\n\r\nx=1") and b"Bearer s3cret" in request for request in requests)


async def test_redirects_that_are_not_followed_are_judged_as_they_are(look: Look) -> None:
    away = says(answer(b"302 Found", b"", b"Location: https://other.example.com/"))
    async with serving(away) as server:
        unexpected = await look(server.url, redirects={"limit": 0})
        expected = await look(server.url, redirects={"limit": 0}, expect={"status": [302]})
    assert (unexpected.reason, unexpected.detail) == ("http_status", "status 302")
    assert expected.outcome == "pass"


# ---------------------------------------------------------------- IP versions


def test_a_version_is_preferred_or_the_only_one() -> None:
    both = ("2001:db8::1", "192.0.2.1", "2001:db8::2")
    assert of_version(both, "any") == both
    assert of_version(both, "prefer_ipv4") == ("192.0.2.1", "2001:db8::1", "2001:db8::2")
    assert of_version(both, "prefer_ipv6") == ("2001:db8::1", "2001:db8::2", "192.0.2.1")
    assert of_version(both, "only_ipv4") == ("192.0.2.1",)
    assert of_version(both[1:2], "only_ipv6") == ()


async def test_a_name_without_the_only_version_has_no_data(look: Look) -> None:
    async with serving(says(answer())) as server:
        url = f"http://localhost:{server.port}/"
        four = await look(url, ip_version="only_ipv4")
        preferred = await look(url, ip_version="prefer_ipv4")
    assert [(seen.outcome, seen.ip) for seen in (four, preferred)] == [("pass", "127.0.0.1")] * 2


# ---------------------------------------------------------------- decoded


@pytest.mark.parametrize(
    ("given", "keys", "words"),
    [
        ({"auth": {}}, ("auth",), "expected `user` with `password`, or `bearer`"),
        ({"auth": {"user": "a"}}, ("auth",), "expected `user` and `password` together"),
        ({"auth": {**BASIC, "user": "a:b"}}, ("auth", "user"), "without a colon"),
        ({"auth": {"bearer": "s3cret"}}, ("auth", "bearer"), "a secret does not stand in the file itself"),
        ({"auth": {"bearer": {"from_file": "lines"}}}, ("auth", "bearer"), "expected one line of text"),
        ({"auth": BASIC, "headers": {"authorization": "x"}}, ("headers",), "Authorization is made of `auth`"),
        ({"compression": ["br"]}, ("compression", 0), "'gzip' or 'deflate'"),
        ({"compression": ["gzip"], "headers": {"Accept-Encoding": "br"}}, ("headers",), "is made of `compression`"),
        ({"headers": {"Content-Length": "5"}}, ("headers",), "content-length is said by the request itself"),
        ({"body": "x"}, ("body",), "a GET request has no body; use method: POST"),
        ({"url": "http://192.0.2.1/", "ip_version": "only_ipv6"}, ("ip_version",), "is none of only_ipv6"),
        ({"redirects": {"hosts": ["https://a.example.com"]}}, ("redirects", "hosts", 0), "expected a host such as"),
        ({"redirects": {"hosts": ["A.example.com"]}}, ("redirects", "hosts", 0), "write a.example.com"),
        ({"proxy": {"url": "https://proxy.example.com/"}}, ("proxy", "url"), "expected a proxy such as http://"),
        ({"proxy": {"url": "http://proxy.example.com/a"}}, ("proxy", "url"), "http and no path"),
        (
            {"proxy": {"url": "http://p.example.com", "auth": BASIC, "headers": {"Proxy-Authorization": TOKEN}}},
            ("proxy", "headers"),
            "Proxy-Authorization is made of `auth`",
        ),
        ({"proxy": {"url": "http://p.example.com"}, "ip_version": "only_ipv4"}, ("ip_version",), "leave the key out"),
        (
            {"proxy": {"url": "http://p.example.com"}, "expect": {"ip": ["192.0.2.1"]}},
            ("expect", "ip"),
            "its address is not known here",
        ),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(
    asked: Asked, tmp_path: Path, given: dict[str, Any], keys: tuple[Any, ...], words: str
) -> None:
    (tmp_path / "lines").write_text("two\nlines\n")
    with pytest.raises(ValidationError) as caught:
        asked(**{"url": "https://app.example.com/", **given})
    [error] = caught.value.errors()
    inner = error["ctx"]["found"][0] if error["type"] == "mistakes" else ((), error["msg"])
    assert (*error["loc"], *inner[0]) == keys
    assert words in inner[1]


def test_no_secret_is_written_out(asked: Asked) -> None:
    proxy = {"url": "http://p.example.com", "headers": {"X-Key": TOKEN}, "auth": BASIC}
    settings = asked("https://a.example.com/", method="POST", body=TOKEN, auth={"bearer": TOKEN}, proxy=proxy)
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert "s3cret" not in shown
    assert "pä" not in shown
