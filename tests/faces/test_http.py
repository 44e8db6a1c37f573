"""The server against clients that are slow, wrong or hostile, and what every answer carries."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from dataclasses import replace

import pytest

from monitor.errors import ConfigError, InputError, Problem
from monitor.ledger.period import Month, parse_instant
from monitor.web import Access, Listen, build, paging, server, serving
from monitor.web import body as body_module
from monitor.web.body import BODY_LIMIT
from monitor.web.daemon import Asked
from tests.faces.conftest import Book, Served, serve
from tests.faces.samples import snapshot, view

FACTS = "POST /api/v1/facts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"


async def raw(served: Served, sent: bytes) -> bytes:
    """Everything that the server answers to these bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    await writer.drain()
    answered = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answered


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/api/v1/statements"])
async def test_every_answer_is_locked_down_and_says_nothing_of_the_server(served: Served, path: str) -> None:
    async with served.ask("GET", path) as answer:
        assert "Server" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "style-src 'self'", "form-action 'none'", "frame-ancestors 'none'"} <= {*policy}
        assert ("script-src 'self'" in policy) == (path == "/")
        assert not {each for each in policy if "unsafe" in each or "http" in each}


@pytest.mark.parametrize("path", ["/nothing", "/status.json/", "/%2e%2e/etc/passwd", "/api/v1%2Ffacts", "/%00", "//x"])
async def test_what_is_not_there_is_a_problem_of_404(served: Served, path: str) -> None:
    answered = await raw(served, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert json.loads(body)["error"] == "not_found"


async def test_a_wrong_method_is_told_the_right_ones(served: Served) -> None:
    async with served.ask("DELETE", "/api/v1/facts", served.book.token("operator")) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
        b"POST /api/v1/facts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/facts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    ],
    ids=["nonsense", "long line", "long header", "many headers", "both lengths", "two lengths"],
)
async def test_what_is_no_http_is_refused_and_the_connection_closed(served: Served, sent: bytes) -> None:
    head, _, body = (await raw(served, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400") or head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"] == "bad_request"
    assert b"aiohttp" not in head


async def test_a_body_over_the_limit_is_not_read(served: Served) -> None:
    token = served.book.token("operator")
    announced = f"{FACTS}Authorization: Bearer {token}\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n"
    assert b" 413 " in await raw(served, announced.encode())
    chunk = b"%x\r\n" % (1 << 16) + b" " * (1 << 16) + b"\r\n"
    chunked = f"{FACTS}Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunk * 17
    assert b" 413 " in await raw(served, chunked + b"0\r\n\r\n")


async def test_a_body_that_never_comes_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "BODY_SECONDS", 0.05)
    token = served.book.token("operator")
    answered = await raw(served, f"{FACTS}Authorization: Bearer {token}\r\nContent-Length: 10\r\n\r\nabc".encode())
    assert b" 408 " in answered
    assert b"Connection: close" in answered


async def test_headers_that_never_come_are_given_up(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.05)
    async with serve(book) as served:
        assert await raw(served, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""


async def test_nobody_is_asked_for_a_body_before_the_door(served: Served) -> None:
    assert b" 401 " in await raw(served, f"{FACTS}Content-Length: 1000000\r\n\r\n".encode())


async def test_a_port_in_use_is_named_with_the_mend(book: Book) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"server.listen: 127.0.0.1:{port} cannot be listened on.*another port"):
            async with serving(build(book.daemon(), Access()), Listen("127.0.0.1", port)):
                pass


async def test_the_page_of_metrics_comes_plain_or_squeezed(served: Served) -> None:
    async with served.client.get("/metrics", headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        plain = await answer.read()
    assert b"sla_account_seconds{" in plain
    request = b"GET /metrics HTTP/1.0\r\nAccept-Encoding: deflate, gzip;q=0.5\r\n\r\n"
    head, _, squeezed = (await raw(served, request)).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(squeezed) == plain


async def test_a_long_page_comes_whole(book: Book) -> None:
    book.snapshot = snapshot(*(view(f"service-{index}") for index in range(1500)))
    async with serve(book) as served:
        for encoding in ("identity", "gzip"):
            async with served.client.get("/metrics", headers={"Accept-Encoding": encoding}) as answer:
                text = await answer.text()
            assert text.count("sla_service_up{") == 1500
            assert text.endswith("\n")


async def test_head_is_get_without_the_body(served: Served) -> None:
    for path in ("/metrics", "/", "/-/healthy"):
        async with served.ask("HEAD", path) as answer:
            assert answer.status == 200
            assert await answer.read() == b""


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("", False),
        ("br", False),
    ],
)
def test_gzip_is_used_where_it_is_taken(header: str, taken: bool) -> None:
    assert paging.takes_gzip(header) is taken


async def test_before_the_first_evaluation_it_lives_but_is_not_ready(served: Served) -> None:
    served.book.snapshot = None
    for path, status in (("/-/healthy", 200), ("/-/ready", 503), ("/metrics", 200)):
        async with served.ask("GET", path) as answer:
            assert answer.status == status
    async with served.ask("GET", "/api/v1/statements", served.book.token("viewer")) as answer:
        assert answer.status == 503


async def test_statements_are_listed_and_read(served: Served) -> None:
    token = served.book.token("viewer")
    async with served.ask("GET", "/api/v1/statements", token) as answer:
        listed = (await answer.json())["statements"]
    assert [(each["service"], each["month"]) for each in listed] == [
        ("app", "2026-03"), ("app", "2026-02"), ("jobs", "2026-03"), ("jobs", "2026-02")
    ]  # fmt: skip
    async with served.ask("GET", listed[0]["url"] + "?as_of=2026-03-10T00:00:00%2B01:00", token) as answer:
        assert await answer.json() == {"service": "app", "month": "2026-03"}
    assert served.book.asked == [Asked("app", Month(2026, 3), parse_instant("2026-03-09T23:00:00Z"))]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("nothing/2026-03", 404, "no such service"),
        ("app/2026-13", 422, "month: expected YYYY-MM"),
        ("app/2025-06", 422, "no policy is in force"),
        ("app/2026-03?as_of=now", 422, "as_of: expected RFC 3339"),
        ("app/2026-03?as_of=2099-01-01T00:00:00Z", 422, "as_of: is in the future"),
        ("app/2026-03?as_of=0001-01-01T00:00:00Z", 422, "as_of: expected an instant of 1900 or later"),
        ("app/2026-03?asof=2026-03-01T00:00:00Z", 422, "no parameter but as_of"),
        ("app/2026-03?draft=yes", 422, "expected draft=true or late=true"),
        ("app/2026-03?draft=true&late=true", 422, "one of the two"),
        ("app/2026-03?late=true", 404, "not closed, so nothing is late"),
        ("app/2025-12", 500, "is not what was closed"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_mend(served: Served, path: str, status: int, said: str) -> None:
    async with served.ask("GET", f"/api/v1/statements/{path}", served.book.token("viewer")) as answer:
        assert answer.status == status
        assert said in (await answer.json(content_type=None))["detail"]


async def test_a_closed_month_is_told_also_of_a_service_that_was_taken_out(served: Served) -> None:
    token, snapshot = served.book.token("viewer"), served.book.snapshot
    assert snapshot is not None
    served.book.snapshot = replace(snapshot, closed={("gone", "2026-03"): 1})
    for month, status in (("2026-03", 200), ("2026-02", 404)):
        async with served.ask("GET", f"/api/v1/statements/gone/{month}", token) as answer:
            assert answer.status == status


@pytest.mark.parametrize("query", ["as_of=2026-03-01T00:00:00Z", "draft=true", "late=true"])
async def test_a_page_never_ignores_what_a_statement_would_be_asked(served: Served, query: str) -> None:
    async with served.ask("GET", f"/services/app/2026-03?{query}") as answer:
        assert (answer.status, "/api/v1/statements" in await answer.text()) == (422, True)
    async with served.ask("GET", "/services/app/2026-03?from=mail") as answer:
        assert answer.status == 200


async def test_a_bad_configuration_is_refused_with_its_mistakes(served: Served) -> None:
    token = served.book.token("operator")
    served.book.reload_refused = ConfigError((Problem("minutebook.yaml", 3, 5, "services[0].name", "is missing"),))
    async with served.ask("POST", "/-/reload", token) as answer:
        assert answer.status == 422
        assert (await answer.json(content_type=None))["problems"] == [
            "minutebook.yaml:3:5: services[0].name: is missing"
        ]
    served.book.reload_refused = None
    async with served.ask("POST", "/-/reload", token) as answer:
        assert await answer.json() == {"reloaded": True}
    assert served.book.reloads == 1


async def test_a_bug_is_logged_and_not_shown(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object) -> dict[str, object]:
        raise ZeroDivisionError("a secret")

    served.book.statement = broken  # type: ignore[assignment,method-assign]
    token = served.book.token("viewer")
    async with serve(served.book) as running, running.ask("GET", "/api/v1/statements/app/2026-03", token) as answer:
        assert answer.status == 500
        assert "secret" not in await answer.text()
    assert "ZeroDivisionError" in caplog.text


async def test_the_description_of_the_api_is_served(served: Served) -> None:
    async with served.ask("GET", "/openapi.json") as answer:
        document = await answer.json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]["/api/v1/facts"]["post"]["responses"]) >= {"200", "401", "403", "413", "422", "503"}


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_an_expectation_that_is_not_met_is_refused_without_an_echo(served: Served, path: str) -> None:
    sent = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: <script>\r\n\r\n".encode()
    head, _, body = (await raw(served, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 417 ")
    assert b"script" not in body
    assert json.loads(body)["status"] == 417


async def test_a_report_is_for_whoever_asks(served: Served) -> None:
    async with served.ask("GET", "/services/app/2026-03") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert answer.headers["Vary"] == "Authorization"
        assert await answer.text() == "<p>app 2026-03 for public</p>"
    async with served.ask("GET", "/services/jobs/2026-03") as answer:
        assert answer.status == 404
    async with served.ask("GET", "/services/jobs/2026-03", served.book.token("viewer")) as answer:
        assert await answer.text() == "<p>jobs 2026-03 for all</p>"


@pytest.mark.parametrize(("month", "status"), [("2026-13", 422), ("..", 404), ("2026-04", 404), ("2199-01", 503)])
async def test_a_report_that_cannot_be_made_is_a_problem(served: Served, month: str, status: int) -> None:
    async with served.ask("GET", f"/services/app/{month}") as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"


async def test_a_report_waits_for_a_store_that_is_away(served: Served) -> None:
    served.book.full = True
    async with served.ask("GET", "/services/app/2026-03") as answer:
        assert answer.status == 503
