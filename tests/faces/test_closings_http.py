"""Closing and restating over HTTP: whose word it is, and how each refusal is answered."""

from __future__ import annotations

import json

import pytest

from monitor.errors import InputError, StatementDiffersError, StoreError
from monitor.facts import Json
from monitor.people import Author, ConflictError, UnknownSubjectError
from tests.faces.conftest import Served

WORDS: dict[str, Json] = {"month": "2026-02", "reason": "late facts"}


async def post(served: Served, path: str, token: str, words: Json) -> tuple[int, dict[str, Json]]:
    headers = {"Content-Type": "application/json"}
    async with served.ask("POST", path, token, data=json.dumps(words), headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(("path", "restate"), [("/api/v1/closings", False), ("/api/v1/restatements", True)])
async def test_the_author_is_the_tokens_name_or_one_that_is_typed_and_marked(
    served: Served, path: str, restate: bool
) -> None:
    token = served.book.token("operator", name="alice")
    status, told = await post(served, path, token, WORDS)
    assert (status, told["author"], told["authenticated"]) == (200, "alice", True)
    assert told["closed"] == [{"service": "app", "revision": 1}]
    status, told = await post(served, path, token, {**WORDS, "author": "bob"})
    assert (status, told["author"], told["authenticated"]) == (200, "bob", False)
    identity = token.split("_")[2]
    assert served.book.closed == [(WORDS, Author("alice", identity), restate), (WORDS, Author("bob"), restate)]


@pytest.mark.parametrize(
    ("refused", "status", "error"),
    [
        (InputError("2026-02: is not over"), 422, "bad_fact"),
        (UnknownSubjectError("there is no service"), 404, "not_found"),
        (ConflictError("closed already"), 409, "conflict"),
        (StatementDiffersError("not what was closed"), 409, "conflict"),
        (StoreError("the disk is full"), 503, "store_unavailable"),
    ],
)
async def test_what_is_refused_says_so_in_its_own_way(
    served: Served, refused: Exception, status: int, error: str
) -> None:
    served.book.close_refused = refused
    answered, told = await post(served, "/api/v1/closings", served.book.token("operator"), WORDS)
    assert (answered, told["error"]) == (status, error)


@pytest.mark.parametrize("view", ["standing", "draft", "late"])
async def test_a_statement_is_asked_for_as_it_stands_as_a_draft_or_with_what_came_late(
    served: Served, view: str
) -> None:
    query = "" if view == "standing" else f"?{view}=true"
    token = served.book.token("viewer")
    async with served.ask("GET", f"/api/v1/statements/app/2026-01{query}", token) as answer:
        assert answer.status == 200
    assert [asked.view for asked in served.book.asked] == [view]
