"""Facts that are sent in: what is kept, what is refused and how, and that 200 means durable."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import FactError
from monitor.facts import Fact, Json, Result
from monitor.ledger.period import SECOND, format_instant
from monitor.web.batch import JSON_ARRAY, JSON_LINES, Sender, decode_batch, without_input
from tests.faces.conftest import Served, serve
from tests.faces.samples import AS_OF

LINES = {"Content-Type": JSON_LINES}
OPERATOR = Sender(AS_OF, None, lambda check: None)


def look(**changed: Json) -> dict[str, Json]:
    return {
        "kind": "result",
        "check": "admin",
        "vantage": "paris",
        "at": format_instant(AS_OF - 5 * SECOND),
        "outcome": "pass",
        **changed,
    }


def lines(*facts: Json) -> bytes:
    return b"\n".join(json.dumps(fact).encode() for fact in facts)


async def post(served: Served, token: str, body: bytes, content_type: str = JSON_LINES) -> tuple[int, dict[str, Json]]:
    async with served.ask("POST", "/api/v1/facts", token, data=body, headers={"Content-Type": content_type}) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_batch_is_kept_once_however_often_it_is_sent(served: Served) -> None:
    token = served.book.token("agent", "paris")
    body = lines(
        look(),
        look(at=format_instant(AS_OF - SECOND)),
        {"kind": "lifecycle", "event": "started", "at": format_instant(AS_OF)},
    )
    assert await post(served, token, body + b"\n") == (200, {"new": 3})
    served.book.now += 60 * SECOND
    assert await post(served, token, body) == (200, {"new": 0})
    kinds = [fact.kind for fact in served.book.facts.values()]
    assert kinds == ["result", "result", "lifecycle"]
    assert [fact.source for fact in served.book.facts.values()][2] == "paris"


async def test_an_array_is_a_batch_too(served: Served) -> None:
    token = served.book.token("operator")
    assert await post(served, token, json.dumps([look(), look(vantage="rome")]).encode(), JSON_ARRAY) == (
        200,
        {"new": 2},
    )
    assert await post(served, token, json.dumps(look()).encode(), JSON_ARRAY) == (
        422,
        {
            "type": "urn:minutebook:problem:bad_fact",
            "title": HTTPStatus(422).phrase,
            "status": 422,
            "error": "bad_fact",
            "detail": "nothing was stored: expected a JSON array of facts; one a line is application/x-ndjson",
            "line": None,
        },
    )


async def test_an_empty_batch_is_nothing_new(served: Served) -> None:
    assert await post(served, served.book.token("operator"), b"\n \n") == (200, {"new": 0})


def test_the_server_says_when_it_was_recorded() -> None:
    given = [look(recorded_at="1999-01-01T00:00:00Z", at=format_instant(AS_OF - n * SECOND)) for n in (3, 2, 1)]
    facts = decode_batch(lines(*given, look(check="api")), JSON_LINES, OPERATOR)
    assert [fact.recorded_at for fact in facts] == [AS_OF, AS_OF + 1, AS_OF + 2, AS_OF]


MAINTENANCE: dict[str, Json] = {
    "kind": "maintenance",
    "maintenance": "m",
    "announced_at": format_instant(AS_OF),
    "start": None,
    "end": None,
}


PEAK: dict[str, Json] = {
    "kind": "traffic_event",
    "event": "sale",
    "customer": "acme",
    "start": "2026-06-01T00:00:00Z",
    "end": "2026-06-02T00:00:00Z",
    "notified_at": "2026-05-01T00:00:00Z",
    "expected_factor": 8,
}


@pytest.mark.parametrize(
    ("fact", "status", "said"),
    [
        (look(vantage="rome"), 403, "vantage: an agent sends results of its own vantage only"),
        (MAINTENANCE, 403, "kind: an agent sends result and lifecycle only"),
        (look(id="fleet/admin/rome/2026-03-20T12:00:00.000Z"), 403, "id: begins as those of somebody else here do"),
        (look(id="london/started/x"), 403, "id: begins as those of somebody else here do"),
        (look(source="person:ann"), 403, "source: an agent speaks for its own vantage only"),
        ({"kind": "lifecycle", "event": "stopped", "at": format_instant(AS_OF), "source": "rome"}, 403, "source"),
        (look(at=format_instant(AS_OF + 2 * SECOND + 1)), 422, "at: is more than 2 s ahead"),
        ({"kind": "lifecycle", "event": "stopped", "at": "2099-01-01T00:00:00Z"}, 422, "at: is more than 2 s ahead"),
    ],
)
async def test_an_agent_says_only_what_it_saw(served: Served, fact: Json, status: int, said: str) -> None:
    answered, problem = await post(served, served.book.token("agent", "paris"), lines(look(), fact))
    assert (answered, problem["line"]) == (status, 2)
    assert said in str(problem["detail"])
    assert not served.book.facts


async def test_an_agents_clock_may_be_two_seconds_ahead(served: Served) -> None:
    body = lines(look(at=format_instant(AS_OF + 2 * SECOND)))
    assert await post(served, served.book.token("agent", "paris"), body) == (200, {"new": 1})


async def test_an_agents_ids_are_its_own(served: Served) -> None:
    body = lines(look(id="paris/1"), look(id="7", at=format_instant(AS_OF)))
    assert await post(served, served.book.token("agent", "paris"), body) == (200, {"new": 2})


@pytest.mark.parametrize("kind", ["maintenance", "incident"])
async def test_what_an_operator_says_in_the_name_of_a_page_says_who_sent_it(served: Served, kind: str) -> None:
    facts: dict[str, dict[str, Json]] = {
        "maintenance": MAINTENANCE,
        "incident": {"kind": "incident", "provider": "p", "incident": "i", "components": {}},
    }
    body = lines({**facts[kind], "source": "fleet", "sent_by": "nobody"})
    assert (await post(served, served.book.token("operator", name="ann"), body))[0] == 200
    [fact] = served.book.facts.values()
    assert isinstance(fact, Fact)
    assert (fact.source, fact.fields["sent_by"]) == ("fleet", "ann")


async def test_an_operator_says_everything(served: Served) -> None:
    body = lines(MAINTENANCE, look(vantage="rome", hold_ms=10**9), look(at="2099-01-01T00:00:00Z"))
    assert await post(served, served.book.token("operator"), body) == (200, {"new": 3})
    kept = [fact for fact in served.book.facts.values() if isinstance(fact, Result)]
    assert kept[0].hold_ms == 10**9


@pytest.mark.parametrize(
    ("check", "hold", "kept"),
    [("admin", 10**9, 100_000), ("admin", 70_000, 70_000), ("admin", None, None), ("not configured", 10**9, None)],
)
async def test_a_hold_is_cut_to_what_the_check_allows(
    served: Served, check: str, hold: int | None, kept: int | None
) -> None:
    given = look(check=check) if hold is None else look(check=check, hold_ms=hold)
    assert (await post(served, served.book.token("agent", "paris"), lines(given)))[0] == 200
    (fact,) = served.book.facts.values()
    assert isinstance(fact, Result)
    assert fact.hold_ms == kept


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not"),
        (b'{"kind": "result", "kind": "result"}', "line 3: the name stands twice in one object"),
        (b"[]", "expected a JSON object"),
        (lines({"kind": "invented"}), "kind: expected one of result"),
        (lines(look(outcome="maybe")), "outcome: expected pass, fail or void"),
        (lines(look(at="yesterday")), "at: is no instant: RFC 3339"),
        (lines(look(duration_ms=-1)), "duration_ms: expected a number"),
        (lines(look()).replace(b'"pass"', b"NaN"), "NaN is no number"),
        (lines(PEAK | {"end": "2026-07-02T00:00:00.001Z"}), "end: expected at most 31 days after start"),
        (b"[" * 100_000, "is nested too deep"),
        (lines(look()).strip()[:-1] + b', "a": ' + b"[" * 40 + b"]" * 40 + b"}", "is nested too deep"),
    ],
)
async def test_a_bad_line_is_refused_with_its_number_and_nothing_is_kept(served: Served, bad: bytes, said: str) -> None:
    status, problem = await post(served, served.book.token("operator"), lines(look()) + b"\n\n" + bad)
    assert (status, problem["line"]) == (422, 3)
    assert said in str(problem["detail"])
    assert not served.book.facts


async def test_an_answer_never_repeats_what_was_sent(served: Served) -> None:
    sent = "<script>alert(1)</script>"
    bad: list[Json] = [
        look(outcome=sent),
        look(at=sent),
        look(phases_ms={sent: 1}),
        look(duration_ms=sent),
        look(check=[sent]),
        {**look(), sent: {sent: 1e300}},
        {"kind": "incident", "provider": "p", "incident": "i", "components": {sent: 5}},
        {"kind": sent},
        {**MAINTENANCE, "services": [sent, 1]},
        {**MAINTENANCE, "start": sent},
    ]
    for fact in bad:
        _, problem = await post(served, served.book.token("operator"), lines(fact))
        assert "script" not in json.dumps(problem), problem


def test_what_a_reason_quotes_is_left_out() -> None:
    assert without_input("at: 'yester\\'day' is no instant") == "at: is no instant"
    assert without_input('outcome: expected pass; found "x') == "outcome: expected pass"
    assert without_input("a\nb\x00\u202e") == "a b??"


async def test_when_the_store_is_full_the_sender_is_told_to_try_again(served: Served) -> None:
    served.book.full = True
    async with served.ask(
        "POST", "/api/v1/facts", served.book.token("operator"), data=lines(look()), headers=LINES
    ) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert (await answer.json(content_type=None))["error"] == "store_unavailable"
    served.book.full = False
    assert await post(served, served.book.token("operator"), lines(look())) == (200, {"new": 1})


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {}, {**LINES, "Content-Encoding": "gzip"}])
async def test_other_types_and_encodings_are_not_read(served: Served, headers: dict[str, str]) -> None:
    async with served.ask(
        "POST", "/api/v1/facts", served.book.token("operator"), data=lines(look()), headers=headers
    ) as answer:
        assert answer.status == 415
    assert not served.book.facts


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    "kind check vantage at outcome confirm hold_ms reason phases_ms status id source maintenance start end services"
    " provider incident components announced_at event terms digest stretches metric value".split()
)
NEARLY = st.dictionaries(FIELDS | st.text(max_size=5), JSON_VALUES, max_size=8).map(lambda given: {**look(), **given})
KINDS = st.sampled_from("result maintenance incident exclusion lifecycle terms seal vital closing claim ticket".split())
BODIES = (
    st.binary(max_size=200)
    | st.lists(NEARLY, max_size=3).map(lambda facts: lines(*facts))
    | st.tuples(KINDS, NEARLY).map(lambda pair: lines({**pair[1], "kind": pair[0]}))
    | st.lists(JSON_VALUES, max_size=3).map(lambda values: json.dumps(values).encode())
)


@settings(max_examples=500)
@given(BODIES, st.sampled_from((JSON_LINES, JSON_ARRAY)), st.sampled_from((None, "paris")))
def test_whatever_is_sent_is_decoded_or_refused(body: bytes, content_type: str, vantage: str | None) -> None:
    facts = []
    with suppress(FactError):
        facts = decode_batch(body, content_type, Sender(AS_OF, vantage, lambda check: 1000))
    assert all(vantage is None or fact.kind in ("result", "lifecycle") for fact in facts)


async def test_whatever_is_sent_over_http_is_answered_below_500(book: object) -> None:
    bodies: list[bytes] = []

    @settings(max_examples=200, database=None)
    @given(BODIES)
    def gather(body: bytes) -> None:
        bodies.append(body)

    gather()
    async with serve(book) as served:  # type: ignore[arg-type]
        token = served.book.token("operator")
        for body in bodies:
            status, _ = await post(served, token, body)
            assert status in (200, 422), body
