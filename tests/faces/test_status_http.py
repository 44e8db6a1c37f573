"""The status page over HTTP: events that come, end and never pile up; the feed and badges with what may keep them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from monitor.ledger.decimals import Ratio
from monitor.web import Access, Listen, build, events, serving
from tests.faces.conftest import Book, Served
from tests.faces.samples import AS_OF, figures, snapshot, view


async def told(served: Served, **headers: str) -> AsyncGenerator[dict[str, str], None]:
    """The events of one client, as they come; a comment is one without fields."""
    async with served.ask("GET", "/events", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        fields: dict[str, str] = {}
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\n").partition(":")
            if line == b"\n":
                yield fields
                fields = {}
            elif name:
                fields[name] = value.strip()


async def test_events_say_which_page_there_is_at_once_and_at_each_evaluation(served: Served) -> None:
    async with aclosing(told(served)) as coming:
        assert await anext(coming) == {"retry": "5000"}
        first = json.loads((await anext(coming))["data"])
        async with served.ask("GET", "/") as answer:
            assert f'data-version="{first["version"]}"' in await answer.text()
        served.book.evaluate(snapshot(view("app", up=False)))
        second = json.loads((await anext(coming))["data"])
        assert second["version"] != first["version"]
        served.book.evaluate(replace(snapshot(view("app", up=False)), as_of=AS_OF + 5000))
        third = json.loads((await anext(coming))["data"])
        assert (third["version"], third["as_of"]) == (second["version"], "2026-03-20T12:00:05.250Z")


async def test_a_page_that_shows_the_same_keeps_its_version(served: Served) -> None:
    marks = []
    for later in (0, 5000):
        month = replace(figures("app"), published=Ratio(999_961_000 + later, 10**9))
        served.book.snapshot = replace(snapshot(view("app", month)), as_of=AS_OF + later)
        marks.append((await served.book.pages.mark("public"))["version"])
    assert marks[0] == marks[1]


async def test_what_an_event_was_last_changes_nothing(served: Served) -> None:
    for last in ("", "-1", "x" * 4000, "\U0001f4a5"):
        async with aclosing(told(served, **{"Last-Event-ID": last})) as coming:
            assert await anext(coming) == {"retry": "5000"}
            assert (await anext(coming))["event"] == "status"


async def test_silence_is_filled(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.01)
    async with aclosing(told(served)) as coming:
        assert [await anext(coming) for _ in range(4)][2:] == [{}, {}]


async def test_so_many_may_listen_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "CLIENTS", 2)
    async with aclosing(told(served)) as one, aclosing(told(served)) as two:
        await anext(one)
        await anext(two)
        async with served.ask("GET", "/events") as answer:
            assert (answer.status, (await answer.json())["error"]) == (503, "busy")
            assert answer.headers["Retry-After"] == "5"
        async with served.ask("GET", "/") as answer:
            assert answer.status == 200


async def test_one_address_has_no_more_than_its_share(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FROM_ONE_ADDRESS", 1)
    listeners = events.Events(book.daemon())
    listeners._listening["192.0.2.1"] = listeners._listening["127.0.0.1"] = 1
    rooms = {address: listeners.has_room(address) for address in ("192.0.2.1", "192.0.2.2", "127.0.0.1", "::1", "")}
    assert rooms == {"192.0.2.1": False, "192.0.2.2": True, "127.0.0.1": True, "::1": True, "": True}


async def test_who_listens_is_let_go_when_the_server_stops(book: Book) -> None:
    async with asyncio.timeout(4.5):  # requests have 5 s (server.STOP_SECONDS): nobody waits for those
        async with serving(build(book.daemon(), Access()), Listen("127.0.0.1", 0)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"event: status")
        await reader.read()
        writer.close()


async def test_a_badge_may_be_shown_by_others_and_kept_for_a_minute(served: Served) -> None:
    for query, words in (("", "up"), ("?show=state", "up"), ("?show=left", "43 min 33 s left")):
        async with served.ask("GET", f"/badge/app.svg{query}") as answer:
            assert (answer.status, answer.content_type) == (200, "image/svg+xml")
            assert answer.headers["Cache-Control"] == "public, max-age=60"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert f"The app: {words}" in await answer.text()
    async with served.ask("GET", "/badge/jobs.svg", served.book.token("viewer")) as answer:
        assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/badge/nobody.svg", 404),
        ("/badge/jobs.svg", 404),
        ("/badge/app.png", 404),
        ("/badge/app.svg?show=all", 422),
        ("/badge/app.svg?color=red", 422),
    ],
)
async def test_a_badge_of_nothing_is_a_problem(served: Served, path: str, status: int) -> None:
    async with served.ask("GET", path) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")


async def test_the_feed_is_atom(served: Served) -> None:
    async with served.ask("GET", "/feed.atom") as answer:
        assert (answer.status, answer.content_type) == (200, "application/atom+xml")
        assert (await answer.read()).startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<feed ')


async def test_before_the_first_evaluation_the_page_says_so(served: Served) -> None:
    served.book.snapshot = None
    async with served.ask("GET", "/") as answer:
        assert "Not evaluated yet" in await answer.text()
    async with served.ask("GET", "/badge/app.svg") as answer:
        assert answer.status == 404
