"""People over HTTP: whose word it is, what twice means, and that a refusal never repeats what was sent."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from monitor.facts import Fact, Json
from monitor.ledger.period import HOUR, format_instant
from tests.faces.conftest import Served
from tests.faces.samples import AS_OF

EXCLUSION: dict[str, Json] = {
    "class": "customer",
    "start": format_instant(AS_OF - 2 * HOUR),
    "end": format_instant(AS_OF - HOUR),
    "reason": "misconfigured proxy",
    "evidence": "ticket 12",
    "exclusion": "own/x 1",
}


async def post(served: Served, path: str, token: str, words: Json) -> tuple[int, dict[str, Json]]:
    headers = {"Content-Type": "application/json"}
    async with served.ask("POST", path, token, data=json.dumps(words), headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def decisions(name: str) -> str:
    return f"/api/v1/exclusions/{quote(name, safe='')}/decisions"


async def test_the_author_is_the_tokens_name_and_a_typed_one_is_marked(served: Served) -> None:
    alice, bob = served.book.token("operator", name="alice"), served.book.token("operator", name="bob")
    status, told = await post(served, "/api/v1/exclusions", alice, EXCLUSION)
    assert (status, told["new"], told["author"], told["authenticated"]) == (200, 1, "alice", True)
    status, told = await post(served, decisions("own/x 1"), bob, {"decision": "approved", "author": "carol"})
    assert (status, told["author"], told["authenticated"]) == (200, "carol", False)
    [declared, decided] = served.book.facts.values()
    assert isinstance(declared, Fact)
    assert isinstance(decided, Fact)
    assert declared.fields["authenticated_by"] == f"token {alice.split('_')[2]}"
    assert decided.fields["authenticated_by"] is None


async def test_the_same_sent_twice_is_recorded_once(served: Served) -> None:
    token = served.book.token("operator", name="alice")
    assert (await post(served, "/api/v1/exclusions", token, EXCLUSION))[1]["new"] == 1
    served.book.now += HOUR
    assert (await post(served, "/api/v1/exclusions", token, EXCLUSION))[1]["new"] == 0
    assert len(served.book.facts) == 1


async def test_who_declared_it_does_not_approve_it_under_another_name(served: Served) -> None:
    token = served.book.token("operator", name="alice")
    await post(served, "/api/v1/exclusions", token, EXCLUSION)
    tried: list[Json] = [{"decision": "approved"}, {"decision": "approved", "author": "alice"}]
    for words in tried:
        status, told = await post(served, decisions("own/x 1"), token, words)
        assert (status, told["error"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("path", "words", "status", "detail"),
    [
        ("/api/v1/exclusions", [], 422, "nothing was stored: expected a JSON object"),
        ("/api/v1/exclusions", {**EXCLUSION, "services": ["<script>"]}, 422, "services: there is no service; the"),
        ("/api/v1/exclusions", {**EXCLUSION, "author": ""}, 422, "author: expected a name"),
        ("/api/v1/exclusions", {**EXCLUSION, "author": "a\nb"}, 422, "author: expected a name"),
        (decisions("<script>"), {"decision": "approved"}, 404, "there is no exclusion"),
        (decisions("x1"), {"decision": "approved", "exclusion": "x2"}, 422, "exclusion: stands in the path"),
        ("/api/v1/maintenance/m9/cancellation", {}, 404, "there is no maintenance"),
        ("/api/v1/events/sale/cancellation", {}, 404, "there is no event"),
        ("/api/v1/tickets", {"ticket": "t1"}, 422, "customer: is missing"),
        ("/api/v1/claims", {"month": "2026-01"}, 422, "customer: is missing"),
        (
            "/api/v1/claims",
            {"customer": "<script>", "month": "2026-01", "commitment": "availability"},
            422,
            "there is no customer",
        ),
        ("/api/v1/claims/c1/decisions", {"decision": "granted"}, 404, "there is no claim"),
        ("/api/v1/readings", {"metric": "LCP", "p75": 2.3}, 422, "from: is missing"),
    ],
)
async def test_a_refusal_names_the_place_and_repeats_nothing(
    served: Served, path: str, words: Json, status: int, detail: str
) -> None:
    told_status, told = await post(served, path, served.book.token("operator"), words)
    assert told_status == status
    assert detail in str(told["detail"])
    assert "<script>" not in json.dumps(told)
    assert not served.book.facts


async def test_while_the_store_is_away_nothing_is_acknowledged(served: Served) -> None:
    served.book.full = True
    status, told = await post(served, "/api/v1/exclusions", served.book.token("operator"), EXCLUSION)
    assert (status, told["error"]) == (503, "store_unavailable")


async def test_a_reply_before_its_ticket_is_refused(served: Served) -> None:
    token = served.book.token("operator")
    ticket: dict[str, Json] = {
        "ticket": "t1",
        "customer": "acme",
        "priority": "high",
        "received_at": format_instant(AS_OF - HOUR),
        "first_reply_at": format_instant(AS_OF - 2 * HOUR),
    }
    status, told = await post(served, "/api/v1/tickets", token, ticket)
    assert status == 422
    assert str(told["detail"]).startswith(
        "nothing was stored: first_reply_at: ticket t1 was answered at 2026-03-20T10:00"
    )
    text = "ticket,customer,priority,received_at\nt1,acme,high,2026-03-20T10:00:00Z\nt2,acme,high,now\n"
    status, told = await post(served, "/api/v1/tickets", token, {"csv": text})
    assert status == 422
    assert str(told["detail"]).startswith("nothing was stored: line 3: received_at:")
    status, told = await post(served, "/api/v1/tickets", token, {**ticket, "first_reply_at": None})
    assert (status, told["new"]) == (200, 1)


async def test_what_shopify_publishes_is_recorded_by_the_tokens_name(served: Served) -> None:
    token = served.book.token("operator")
    words: dict[str, Json] = {"metric": "LCP", "p75": 2310, "from": "2026-02-01", "to": "2026-02-28"}
    for new in (1, 0):
        status, told = await post(served, "/api/v1/readings", token, words)
        assert (status, told["new"], told["authenticated"]) == (200, new, True)


PUBLISHED: dict[str, Json] = {
    "start": format_instant(AS_OF + 72 * HOUR),
    "end": format_instant(AS_OF + 73 * HOUR),
    "title": "Upgrade",
    "publish": "own-page",
}


async def test_a_maintenance_is_published_before_it_is_recorded_and_carries_the_pages_id(served: Served) -> None:
    token = served.book.token("operator", name="alice")
    status, told = await post(served, "/api/v1/maintenance", token, PUBLISHED)
    assert (status, told["subject"], told["new"], told["author"]) == (200, "ck1", 1, "alice")
    [notice] = served.book.published
    assert (notice.title, notice.components) == ("Upgrade", ("App",))
    [fact] = served.book.facts.values()
    assert isinstance(fact, Fact)
    assert fact.fields["url"] == "https://own.example/maintenance/ck1"
    assert (fact.fields["published_on"], fact.fields["answered"]) == ("own-page", {"id": "ck1"})
    served.book.now += HOUR
    status, told = await post(served, "/api/v1/maintenance", token, PUBLISHED)
    assert (status, told["subject"], told["new"]) == (200, "ck1", 0)
    assert len(served.book.published) == 1


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"publish": "nobody"}, "publish: expected a source that announces maintenance"),
        ({"publish": 7}, "publish: expected a source"),
        ({"title": None}, "title: is missing"),
        ({"url": "https://x.example"}, "url: the page gives it its address"),
        ({"maintenance": "m1"}, "maintenance: the page gives it its id"),
        ({"announced_at": format_instant(AS_OF)}, "announced_at: what is published now"),
        ({"services": ["jobs"]}, "services: no component of own-page is the service jobs"),
        ({"end": format_instant(AS_OF)}, "end"),
    ],
)
async def test_what_is_not_right_is_not_published(served: Served, changed: dict[str, Json], detail: str) -> None:
    words: Json = {name: value for name, value in (PUBLISHED | changed).items() if value is not None}
    status, told = await post(served, "/api/v1/maintenance", served.book.token("operator"), words)
    assert (status, detail in str(told["detail"])) == (422, True), told
    assert (served.book.published, served.book.facts) == ([], {})


async def test_what_the_page_refuses_is_not_recorded_and_what_the_store_refuses_is_not_published_twice(
    served: Served,
) -> None:
    token = served.book.token("operator")
    served.book.page_refuses = True
    status, told = await post(served, "/api/v1/maintenance", token, PUBLISHED)
    assert (status, told["error"], served.book.facts) == (502, "not_published", {})
    served.book.page_refuses, served.book.full = False, True
    status, told = await post(served, "/api/v1/maintenance", token, PUBLISHED)
    assert (status, "do not publish it again" in str(told["detail"])) == (503, True)
