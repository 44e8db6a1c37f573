"""What is posted is hostile: whatever it is, no exception, nothing without a proof, and no result out of nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import canonical_line
from monitor.hooks import PostingSource
from monitor.ledger.period import Period, parse_instant
from monitor.poller.compare import Told, after_poll, newer
from monitor.poller.known import NOTHING
from monitor.sources.hooks import Delivery, Ignored, News, Refusal
from monitor.sources.kind import PROBLEMS, Asked, Maintenance
from monitor.wiring import posting
from tests.hooks.posted import HOLD, NOW, SECRETS, configured, issue, notification, posted
from tests.sources.mutations import Payload, mutated
from tests.vendors.instatus import InstatusPage

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
SOURCES: dict[str, PostingSource] = {source.name: source for source in posting(configured(Path()))}
DAY = parse_instant("2026-06-12T00:00:00Z")


def page() -> InstatusPage:
    made = InstatusPage({"app1": "App"})
    made.plan("m1", NOW - 60_000, (DAY, DAY + 3_600_000), ("app1",))
    return made


def read(name: str, body: bytes, headers: dict[str, str] | None = None) -> News | Refusal | Ignored:
    source = SOURCES[name]
    path, _, good = posted(name, body)
    given = {key.lower(): (value,) for key, value in (good if headers is None else headers).items()}
    secret = path.split("/")[3] if name == "them" else None
    asked = Asked(
        name,
        Period(NOW, NOW),
        source.wanted,
        mapped=source.mapped,
        is_provider=source.is_provider,
        announces_maintenance=source.announces_maintenance,
        watched=source.watched,
    )
    return source.kind.read(source.settings, asked, Delivery(given, body, NOW, secret))


MEANT: dict[str, Payload] = {
    "own": json.loads(page().delivery("m1", NOW - 30_000)),
    "sentry": issue(),
    "cf": notification(),
    "them": {"page": {"id": "p"}, "incident": {"id": "i"}},
}


@given(name=st.sampled_from(sorted(MEANT)), data=st.data())
@settings(max_examples=600)
def test_whatever_is_posted_is_read_without_an_exception(name: str, data: st.DataObject) -> None:
    news = read(name, json.dumps(data.draw(mutated(MEANT[name]))).encode())
    if not isinstance(news, News):
        return
    for result in news.results:
        assert len(canonical_line(result)) < 2_000
        assert result.hold_ms == HOLD
        assert result.at <= NOW
    if news.page is not None:
        assert set(news.page.problems) <= set(PROBLEMS)
        change = after_poll(Told(name, name, {"App": ("app",)}), NOTHING, newer(NOTHING, news.page).listings, NOW)
        for fact in change.facts:
            assert len(canonical_line(fact)) < 12_000


@given(name=st.sampled_from(sorted(MEANT)), body=st.binary(max_size=200))
def test_bytes_that_are_no_delivery_say_nothing(name: str, body: bytes) -> None:
    assert not isinstance(read(name, body), News)


@given(
    name=st.sampled_from(sorted(MEANT)),
    headers=st.dictionaries(
        st.sampled_from(["x-instatus-webhook-signature", "sentry-hook-signature", "cf-webhook-auth"]),
        st.text(max_size=70),
    ),
    flipped=st.integers(0, 10**6),
)
@settings(max_examples=400)
def test_nothing_is_taken_without_its_proof(name: str, headers: dict[str, str], flipped: int) -> None:
    if name == "them":
        return  # its proof is no header
    body = bytearray(json.dumps(MEANT[name]).encode())
    assert read(name, bytes(body), {"sentry-hook-resource": "issue", **headers}) == "forged"
    _, _, good = posted(name, bytes(body))
    body[flipped % len(body)] ^= 1 << (flipped % 8)
    if name != "cf":  # which signs nothing
        assert read(name, bytes(body), good) == "forged"


@given(payload=mutated(issue("resolved")))
@settings(max_examples=200)
def test_what_is_changed_in_a_resolution_never_makes_it_a_fail(payload: Payload) -> None:
    payload["action"] = "resolved"
    news = read("sentry", json.dumps(payload).encode())
    assert not isinstance(news, News) or {result.outcome for result in news.results} <= {"pass"}


def test_a_maintenance_is_taken_in_the_pages_own_words() -> None:
    work = page()
    body = work.delivery("m1", NOW - 30_000)
    news = read("own", body)
    assert isinstance(news, News)
    assert news.page is not None
    [found] = news.page.listings[0].items
    assert isinstance(found, Maintenance)
    assert found.window == Period(DAY, DAY + 3_600_000)
    assert (found.announced_at, found.revised_at) == (NOW - 60_000, NOW - 30_000)
    assert found.components == (("App", "app1"),)
    assert found.more["delivery"] == json.loads(body)["maintenance"]
    assert "unsubscribe" not in json.dumps(found.more)
    assert news.page.listings[0].holds == "some"


def test_long_words_of_a_maintenance_do_not_stand_in_its_fact() -> None:
    told = json.loads(page().delivery("m1", NOW))
    told["maintenance"]["maintenance_updates"][0]["body"] = "x" * 5_000
    news = read("own", json.dumps(told).encode())
    assert isinstance(news, News)
    assert news.page is not None
    [found] = news.page.listings[0].items
    assert isinstance(found, Maintenance)
    assert found.more.keys() == {"as_of", "delivery_sha256"}


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recorded payloads are elsewhere")
@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("sentry/webhook_*.json")))
def test_a_recorded_webhook_of_sentrys_is_about_no_monitor(name: str) -> None:
    body = (FIXTURES / "sentry" / name).read_bytes()
    told = read("sentry", body)
    assert isinstance(told, Ignored) or told == "forged"  # forged: it is no issue, and its heading says so here


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recorded payloads are elsewhere")
@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("statuspage/webhook_*.json")))
def test_a_recorded_webhook_of_statuspages_is_a_hint(name: str) -> None:
    news = read("them", (FIXTURES / "statuspage" / name).read_bytes())
    assert isinstance(news, News)
    assert news.poll
    assert news.page is None
    assert SECRETS["PATH"] not in repr(news)
