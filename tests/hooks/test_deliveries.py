"""Deliveries over a real server: proved or refused, repeated, late, unreadable; and nothing acknowledged too early
(design/reliability.md, sections 3 and 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from monitor.config import parse
from monitor.facts import Result
from monitor.hooks import MOST_NAMES, quarantine
from monitor.ledger.period import DAY, MINUTE, parse_instant
from monitor.web import body as body_in
from monitor.wiring import posting
from tests.faces.conftest import Book, Served, serve
from tests.hooks.posted import CONFIG, HOLD, NOW, SECRETS, configured, issue, notification, posted, signature

SOURCES = {"own": {"component_update": {}}, "them": {"page": {}}, "sentry": issue(), "cf": notification()}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    book = Book(tmp_path / "tokens", now=NOW)
    book.hooks.replace(posting(configured(tmp_path)))
    async with serve(book) as running:
        yield running


Headers = dict[str, str] | list[tuple[str, str]]


async def post(served: Served, path: str, body: bytes, headers: Headers) -> tuple[int, dict[str, Any]]:
    async with served.client.post(path, data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def sent(served: Served, source: str, payload: object) -> tuple[int, dict[str, Any]]:
    return await post(served, *posted(source, payload))


def results(served: Served) -> list[Result]:
    return [fact for fact in served.book.facts.values() if isinstance(fact, Result)]


def counted(served: Served) -> dict[tuple[str, str], int]:
    return {key: count for key, count in served.book.hooks.deliveries.items() if count}


# ---------------------------------------------------------------- what they become


async def test_an_uptime_issue_of_sentrys_is_a_fail_and_then_a_pass_of_the_check(served: Served) -> None:
    assert await sent(served, "sentry", issue()) == (200, {"new": 1})
    served.book.now += 5 * MINUTE
    assert await sent(served, "sentry", issue("resolved", status="resolved")) == (200, {"new": 1})
    fail, passed = results(served)
    assert (fail.check, fail.vantage, fail.source, fail.outcome) == ("web", "sentry", "sentry", "fail")
    assert (fail.at, fail.hold_ms) == (parse_instant("2026-06-10T11:59:00Z"), HOLD)
    assert (passed.outcome, passed.at, passed.hold_ms) == ("pass", NOW + 5 * MINUTE, HOLD)
    assert served.book.polled == ["sentry", "sentry"]


@pytest.mark.parametrize(
    "named",
    [
        {"metadata": {}, "detectorId": "42"},
        {"metadata": {"title": "42"}},
        {"metadata": {}, "title": "Downtime detected for 42"},
    ],
)
async def test_a_monitor_is_found_by_whatever_names_it(served: Served, named: dict[str, Any]) -> None:
    assert await sent(served, "sentry", issue(**named)) == (200, {"new": 1})


async def test_an_issue_of_a_monitor_that_is_nobodys_vantage_is_a_hint_to_ask(served: Served) -> None:
    assert await sent(served, "sentry", issue(metadata={"detectorId": 43})) == (200, {"new": 0})
    assert (results(served), served.book.polled) == ([], ["sentry"])


async def test_a_health_check_of_cloudflares_is_a_result_as_of_when_it_changed(served: Served) -> None:
    assert await sent(served, "cf", notification()) == (200, {"new": 1})
    [fail] = results(served)
    assert (fail.check, fail.vantage, fail.outcome, fail.status) == ("web", "cf", "fail", 503)
    assert (fail.at, fail.hold_ms) == (parse_instant("2026-06-10T11:59:30Z"), HOLD)
    assert fail.detail == "Response code mismatch"


async def test_a_statuspage_is_never_believed_only_asked(served: Served) -> None:
    told = {"page": {"id": "p"}, "incident": {"id": "i", "impact": "critical", "status": "investigating"}}
    assert await sent(served, "them", told) == (200, {"new": 0})
    assert (served.book.facts, served.book.polled) == ({}, ["them"])


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("sentry", issue("assigned")),
        ("sentry", issue("archived")),
        ("sentry", issue(issueType="error")),
        ("cf", notification(alert_type="incident_alert")),
        ("cf", {"text": "Hello World! This is a test message", "ts": NOW // 1000}),
        ("own", {"meta": {}, "page": {}}),
    ],
)
async def test_what_says_nothing_here_is_acknowledged_and_ignored(served: Served, source: str, payload: object) -> None:
    assert await sent(served, source, payload) == (200, {"ignored": True})
    assert (served.book.facts, served.book.polled) == ({}, [])


async def test_what_says_nothing_here_is_counted_under_its_name_and_the_first_of_each_is_kept(served: Served) -> None:
    for number in range(2):
        assert await sent(served, "sentry", issue("assigned", count=number)) == (200, {"ignored": True})
    await sent(served, "sentry", issue(issueType="error"))
    await sent(served, "cf", notification(alert_type="<b>load\nbalancing</b>" + "x" * 1_000))
    await sent(served, "cf", {"text": "This is a test message", "ts": NOW // 1000})
    await sent(served, "own", {"meta": {}, "page": {}, "subscriber": {}})
    assert served.book.hooks.ignored == {
        ("sentry", "issue.assigned.uptime_domain_failure"): 2,
        ("sentry", "issue.created.error"): 1,
        ("cf", "_b_load_balancing__b_xxxxxxxxxxxxxxxxxxx"): 1,
        ("cf", "unnamed"): 1,
        ("own", "subscriber"): 1,
    }
    assert counted(served) == {("sentry", "ignored"): 3, ("cf", "ignored"): 2, ("own", "ignored"): 1}
    kept = [json.loads(path.read_bytes()) for path in served.book.tokens.with_suffix(".ignored").iterdir()]
    assert len(kept) == 5
    assert issue("assigned", count=0) in kept


async def test_names_that_a_sender_makes_up_are_few(served: Served) -> None:
    for number in range(MOST_NAMES + 5):
        await sent(served, "own", {f"made up {number}": {}})
    assert served.book.hooks.ignored["own", "other"] == 5
    assert len(served.book.hooks.ignored) == MOST_NAMES + 1
    assert len(list(served.book.tokens.with_suffix(".ignored").iterdir())) <= MOST_NAMES + 5


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("source", SOURCES)
async def test_a_source_posts_with_its_proof_and_with_nothing_else(served: Served, source: str) -> None:
    path, body, headers = posted(source, SOURCES[source])
    bare = {"Content-Type": "application/json"}
    if source == "them":
        forged: list[tuple[str, bytes, Headers]] = [
            (f"/hooks/them/{guess}", body, bare) for guess in ("p", "P" * 40, "é")
        ]
    else:
        [proof] = [name for name in headers if name.lower().endswith(("signature", "-auth"))]
        good = headers[proof]
        others = {name: value for name, value in headers.items() if name != proof}
        wrong = [good[:-1], good + "0", "0" * len(good), "", f"sha256={good}", "é" * 64, f"{good}, {good}"]
        forged = [(path, body, {**others, proof: each}) for each in wrong]
        forged += [(path, body, others), (path, body, [*headers.items(), (proof, good)])]
        if source != "cf":
            forged.append((path, body + b" ", headers))
    answers = [await post(served, *each) for each in forged]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(told) for _, told in answers}) == 1
    assert (served.book.facts, served.book.polled) == ({}, [])
    assert counted(served) == {(source, "forged"): len(forged)}
    assert (await post(served, path, body, headers))[0] == 200


async def test_both_secrets_are_good_while_one_is_changed(served: Served) -> None:
    path, body, headers = posted("own", {"component_update": {}, "n": 1})
    old = {**headers, "X-INSTATUS-WEBHOOK-SIGNATURE": signature(body, SECRETS["OLD"])}
    del old["x-instatus-webhook-signature"]
    assert (await post(served, path, body, old))[0] == 200


async def test_a_reload_changes_who_may(served: Served, tmp_path: Path) -> None:
    changed = SECRETS | {"CF": "another"}
    served.book.hooks.replace(posting(parse(CONFIG, "minutebook.yaml", tmp_path, changed)))
    assert (await sent(served, "cf", notification()))[0] == 401
    served.book.hooks.replace([])
    assert (await sent(served, "cf", notification()))[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/hooks/nobody", "/hooks/silent/x", "/hooks/them", "/hooks/own/x", f"/hooks/sentry/{SECRETS['NEW']}", "/hooks/"],
)
async def test_where_no_source_posts_there_is_nothing(served: Served, path: str) -> None:
    status, told = await post(served, path, b"{}", {"Content-Type": "application/json"})
    assert (status, told["error"]) == (404, "not_found")


@pytest.mark.parametrize("resource", ["event_alert", "installation", "", "issue, issue"])
async def test_a_body_under_another_heading_becomes_nothing(served: Served, resource: str) -> None:
    path, body, headers = posted("sentry", issue())
    status, told = await post(served, path, body, {**headers, "Sentry-Hook-Resource": resource})
    assert (status, told) == (200, {"ignored": True})
    status, _ = await post(served, path, *posted("sentry", {"action": "created", "data": {"event": {}}})[1:])
    assert status == 401
    assert served.book.facts == {}
    assert (await post(served, path, body, headers)) == (200, {"new": 1})  # the real one still counts


# ---------------------------------------------------------------- again, late, out of order


@pytest.mark.parametrize("source", SOURCES)
async def test_a_delivery_that_is_repeated_says_so_and_changes_nothing(served: Served, source: str) -> None:
    assert (await sent(served, source, SOURCES[source]))[0] == 200
    facts, polled = dict(served.book.facts), list(served.book.polled)
    served.book.now += MINUTE
    assert await sent(served, source, SOURCES[source]) == (200, {"duplicate": True})
    assert (served.book.facts, served.book.polled) == (facts, polled)


async def test_a_result_that_is_replayed_after_a_restart_is_not_counted_twice(served: Served, tmp_path: Path) -> None:
    assert await sent(served, "sentry", issue("resolved")) == (200, {"new": 1})
    restarted = Book(tmp_path / "tokens", now=NOW + 20 * DAY, facts=served.book.facts)
    restarted.hooks.replace(posting(configured(tmp_path)))
    async with serve(restarted) as again:
        assert await sent(again, "sentry", issue("resolved")) == (200, {"duplicate": True})
        assert len(again.book.facts) == 1


async def test_a_resolution_that_comes_late_gives_way_to_the_next_outage(served: Served) -> None:
    again = issue("unresolved", lastSeen="2026-06-10T11:59:50Z")
    assert await sent(served, "sentry", again) == (200, {"new": 1})
    assert await sent(served, "sentry", issue("resolved")) == (200, {"duplicate": True})
    assert [result.outcome for result in results(served)] == ["fail"]


@pytest.mark.parametrize("ts", [NOW // 1000 - 901, NOW // 1000 + 901, 0, -1, 10**12])
async def test_a_secret_that_comes_with_an_old_message_is_not_enough(served: Served, ts: int) -> None:
    status, _ = await sent(served, "cf", notification(ts=ts))
    assert status == 401
    assert counted(served) == {("cf", "stale"): 1}
    served.book.synchronized = False  # then nobody knows whether it is old
    status, told = await sent(served, "cf", notification(ts=ts))
    assert (status, told["error"]) == (503, "clock_unsynchronized")
    path, body, headers = posted("cf", notification(ts=ts))
    assert (await post(served, path, body, {**headers, "cf-webhook-auth": "wrong"}))[0] == 401
    assert served.book.facts == {}


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": 9007199254740993}',
        b'"\xff"',
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'{"a": [' + b"1," * 4_000 + b"1]}",
    ],
)
@pytest.mark.parametrize("source", SOURCES)
async def test_what_is_proved_and_cannot_be_read_is_refused_and_kept_aside(
    served: Served, tmp_path: Path, source: str, body: bytes
) -> None:
    status, told = await sent(served, source, body)
    assert (status, told["error"]) == (400, "bad_json")
    [kept] = (tmp_path / "tokens.quarantine").iterdir()
    assert kept.read_bytes() == body
    assert kept.stat().st_mode & 0o777 == 0o600
    assert counted(served) == {(source, "unreadable"): 1}
    assert served.book.facts == {}


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("sentry", issue(lastSeen="2099-01-01T00:00:00Z", firstSeen=None)),
        ("sentry", issue(lastSeen="soon", firstSeen="1999-01-01T00:00:00Z")),
        ("sentry", issue(id=None)),
        ("cf", notification("Poorly")),
        ("cf", notification(ts="now")),
        ("cf", notification(data=[])),
        ("cf", notification(data={"time": "2099-01-01 00:00:00 +0000 UTC", "status": "Healthy"})),
        ("cf", notification(data={"time": "2026-06-31 00:00:00 +0000 UTC", "status": "Healthy"})),
        ("own", {"maintenance": []}),
        ("own", {"maintenance": {"id": "m"}}),
    ],
)
async def test_what_lacks_its_word_its_time_or_its_id_becomes_nothing(
    served: Served, source: str, payload: object
) -> None:
    assert (await sent(served, source, payload))[0] == 400
    assert (served.book.facts, served.book.polled) == ({}, [])


def test_what_is_kept_aside_is_little_and_not_for_long(tmp_path: Path) -> None:
    kept = quarantine.Quarantine(tmp_path / "q")
    for number in range(quarantine.MOST + 5):
        kept.keep("own", b"%d" % number, NOW + number)
    assert len(list((tmp_path / "q").iterdir())) == quarantine.MOST
    kept.keep("../own", b"last", NOW + 31 * DAY)
    assert [path.read_bytes() for path in (tmp_path / "q").iterdir()] == [b"last"]


@pytest.mark.parametrize("source", SOURCES)
async def test_what_is_too_large_or_no_json_is_refused_before_it_is_looked_at(served: Served, source: str) -> None:
    path, body, headers = posted(source, b'{"a": "' + b"x" * 256 * 1024 + b'"}')
    assert (await post(served, path, body, headers))[0] == 413
    path, body, headers = posted(source, {})
    assert (await post(served, path, body, {**headers, "Content-Type": "text/plain"}))[0] == 415
    assert (await post(served, path, body, {**headers, "Content-Encoding": "gzip"}))[0] == 415
    async with served.client.get(path, headers=headers) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert counted(served) == {}


async def test_a_huge_correlation_is_not_remembered_as_it_is(served: Served) -> None:
    for number in range(3):
        huge = notification(alert_correlation_id="x" * 200_000 + str(number))
        assert await sent(served, "cf", huge) == (200, {"new": 1})
        assert await sent(served, "cf", huge) == (200, {"duplicate": True})
    assert sum(len(part) for key in served.book.hooks._seen for part in key) < 1_000


@pytest.mark.parametrize("source", SOURCES)
async def test_a_body_that_does_not_come_is_given_up_and_becomes_nothing(
    served: Served, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_in, "BODY_SECONDS", 0.05)
    path, body, headers = posted(source, SOURCES[source])
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **headers}.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    answered = await reader.read()
    writer.close()
    assert b" 408 " in answered.partition(b"\r\n")[0]
    assert b"Connection: close" in answered
    assert (served.book.facts, served.book.polled, counted(served)) == ({}, [], {})
    assert (await sent(served, source, SOURCES[source]))[0] == 200


# ---------------------------------------------------------------- durable


@pytest.mark.parametrize("source", ["sentry", "cf"])
async def test_nothing_is_acknowledged_before_it_is_kept_and_the_next_try_is_taken(served: Served, source: str) -> None:
    served.book.full = True
    status, told = await sent(served, source, SOURCES[source])
    assert (status, told["error"]) == (503, "store_unavailable")
    assert counted(served) == {(source, "store"): 1}
    served.book.full = False
    assert await sent(served, source, SOURCES[source]) == (200, {"new": 1})


async def test_one_that_is_sent_many_times_at_once_counts_once(served: Served) -> None:
    answers = await asyncio.gather(*(sent(served, "sentry", issue()) for _ in range(8)))
    assert sum(told.get("new", 0) for _, told in answers) == 1
    assert {status for status, _ in answers} == {200}
    assert len(results(served)) == 1
