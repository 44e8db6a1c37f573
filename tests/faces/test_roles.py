"""Who may do what: every route with every caller, and nothing by accident."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from monitor.ledger.period import DAY
from monitor.web import Access, Listen, Role, build, serving, tokens
from monitor.web.guard import ATTEMPTS, ATTEMPTS_WITHIN
from monitor.web.openapi import DOCUMENT
from monitor.web.roles import ROLES, key_of, roles_under
from tests.faces.conftest import Book, Served, serve
from tests.faces.samples import AS_OF

CALLERS = ("none", *get_args(Role), "expired", "revoked", "unknown", "malformed")


def of_caller(book: Book, caller: str) -> str | None:
    if caller == "none":
        return None
    if caller == "unknown":
        return "mb_op_00000000_" + "A" * 43
    if caller == "malformed":
        return "let me in"
    if caller in get_args(Role):
        return book.token(caller, "paris" if caller == "agent" else None)  # type: ignore[arg-type]
    text = book.token("operator", life=DAY)
    if caller == "expired":
        book.now += DAY
    else:
        tokens.revoke(book.tokens, text.split("_")[2], book.now)
    return text


JSON_LINES = {"Content-Type": "application/x-ndjson"}
WITH_A_BODY = {
    "/api/v1/exclusions": 422,
    "/api/v1/exclusions/{subject}/decisions": 422,
    "/api/v1/maintenance": 422,
    "/api/v1/maintenance/{subject}/cancellation": 404,
    "/api/v1/maintenance/{subject}/completion": 404,
    "/api/v1/tickets": 422,
    "/api/v1/readings": 422,
    "/api/v1/events": 422,
    "/api/v1/events/{subject}/cancellation": 404,
    "/api/v1/claims": 422,
    "/api/v1/claims/{subject}/decisions": 404,
    "/api/v1/closings": 422,
    "/api/v1/restatements": 422,
    "/api/v1/vital-reports": 422,
    "/v1/web-vitals": 404,
    "/hooks/{source}": 404,
    "/hooks/{source}/{secret}": 404,
}
"""What answers an empty object of a person who may record there; of a source that is not there."""
ACCESS = {"open": Access(), "closed": Access(metrics="token", status_page="token")}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("access", ACCESS)
async def test_a_route_lets_through_whom_its_row_names_and_nobody_else(book: Book, access: str, caller: str) -> None:
    table = roles_under(ACCESS[access])
    async with serve(book, ACCESS[access]) as served:
        text = of_caller(book, caller)
        for (method, path), allowed in table.items():
            url = path.format(
                service="app", month="2026-03", subject="m1", check="nightly", source="nobody", secret="none"
            )
            book.now += ATTEMPTS_WITHIN  # bad tokens are counted by the minute
            told = WITH_A_BODY.get(path)
            given, headers = ("", JSON_LINES) if told is None else ("{}", {"Content-Type": "application/json"})
            asked = "HEAD" if path == "/events" else method  # it has no end
            async with served.ask(asked, url, text, data=given, headers=headers) as answer:
                body = await answer.text()
            if allowed & {"anyone", "signature", caller}:
                assert answer.status == (told or 200), (method, path, body)
            else:
                assert answer.status == (403 if caller in get_args(Role) else 401), (method, path, body)
                assert not body if asked == "HEAD" else json.loads(body)["status"] == answer.status
                assert answer.status == 403 or answer.headers["WWW-Authenticate"] == "Bearer"


async def test_refused_callers_are_told_nothing_apart(book: Book) -> None:
    async with serve(book) as served:
        bodies = set()
        for caller in ("none", "unknown", "malformed", "revoked", "expired"):
            async with served.ask("GET", "/api/v1/statements", of_caller(book, caller)) as answer:
                bodies.add(await answer.text())
        assert len(bodies) == 1


async def test_a_page_that_is_switched_off_is_not_there(book: Book) -> None:
    async with serve(book, Access(status_page="off")) as served:
        shown = ("/", "/status.json", "/status.css", "/status.js", "/events", "/feed.atom", "/badge/app.svg")
        for path in (*shown, "/services/app/2026-03", "/report.css"):
            async with served.ask("GET", path) as answer:
                assert answer.status == 404


async def test_a_token_shows_what_is_not_public(served: Served) -> None:
    viewer, agent = served.book.token("viewer"), served.book.token("agent", "paris")
    for text, names in ((None, ["app"]), (viewer, ["app", "jobs"]), (agent, ["app"])):
        async with served.ask("GET", "/status.json", text) as answer:
            assert [service["service"] for service in (await answer.json())["services"]] == names
            assert answer.headers["Vary"] == "Authorization"
        for path in ("/", "/feed.atom"):
            async with served.ask("GET", path, text) as answer:
                assert ("The jobs" in await answer.text()) == ("jobs" in names and path == "/")
        async with served.ask("GET", "/badge/jobs.svg", text) as answer:
            assert answer.status == (200 if "jobs" in names else 404)


async def test_a_revoked_token_is_refused_from_the_next_request_on(served: Served) -> None:
    text = served.book.token("viewer")
    async with served.ask("GET", "/api/v1/statements", text) as answer:
        assert answer.status == 200
    tokens.revoke(served.book.tokens, text.split("_")[2], AS_OF)
    async with served.ask("GET", "/api/v1/statements", text) as answer:
        assert answer.status == 401


async def test_guessing_is_slowed_and_does_not_lock_out_who_knows(served: Served) -> None:
    good = served.book.token("viewer")
    statuses = []
    for _ in range(ATTEMPTS + 2):
        async with served.ask("GET", "/api/v1/statements", "mb_vw_00000000_guess") as answer:
            statuses.append(answer.status)
    assert statuses == [401] * ATTEMPTS + [429] * 2
    async with served.ask("GET", "/api/v1/statements", good) as answer:
        assert answer.status == 200
    served.book.now += 60_000
    async with served.ask("GET", "/api/v1/statements", "mb_vw_00000000_guess") as answer:
        assert answer.status == 401


async def test_another_sites_page_changes_nothing(served: Served) -> None:
    text = served.book.token("operator")
    async with served.ask("POST", "/-/reload", text, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403
    assert served.book.reloads == 0


async def test_unreadable_tokens_let_nobody_in(served: Served) -> None:
    text = served.book.token("operator")
    served.book.tokens.write_text("[")
    async with served.ask("GET", "/api/v1/statements", text) as answer:
        assert answer.status == 503
    async with served.ask("GET", "/-/healthy") as answer:
        assert answer.status == 200


async def test_a_route_without_a_row_refuses_to_start(book: Book) -> None:
    app = build(book.daemon(), Access())

    async def forgotten(request: object) -> None:
        raise AssertionError

    app.router.add_get("/badge", forgotten)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="badge"):
        async with serving(app, Listen("127.0.0.1", 0)):
            pass


def test_every_route_has_a_row_and_every_row_a_route(book: Book) -> None:
    app = build(book.daemon(), Access())
    assert {key_of(route) for route in app.router.routes()} == ROLES.keys()


def test_every_route_is_described() -> None:
    paths = DOCUMENT["paths"]
    assert isinstance(paths, dict)
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}  # type: ignore[union-attr]
    assert described == ROLES.keys()
