"""When a source is asked, and what becomes of bad answers: over real HTTP, and nothing waits for real time."""

from __future__ import annotations

import logging
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from monitor import wiring
from monitor.config import parse
from monitor.errors import StoreError
from monitor.ledger.period import HOUR, MINUTE, moment
from monitor.sources.kind import Incident, Listing, Page
from tests.poller.conftest import CONFIG, START, configured
from tests.poller.polled import IMPATIENT_S, Polled, polling
from tests.vendors.serving import Trouble, Vendor, serving
from tests.vendors.statuspage import StatusPage


async def test_a_poll_is_done_once_its_facts_are_recorded(page: StatusPage, polled: Polled) -> None:
    assert await polled.ring() == []
    assert polled.poller.last_success == {"page": START + MINUTE}
    page.open("i1", START + 90_000, {"cdn1": "major_outage", "pop1": "partial_outage"})
    [fact] = await polled.ring()
    assert fact.fields["components"] == {"CDN": [["2026-06-10T08:01:30.000Z", "major_outage"]]}
    assert fact.fields["id"] == "page/i1/2026-06-10T08:02:00.000Z"
    assert fact.recorded_at == START + 2 * MINUTE
    assert polled.problems() == {}


async def test_what_did_not_change_is_not_sent_again(vendor: Vendor, page: StatusPage, polled: Polled) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    await polled.ring()
    assert vendor.unchanged == 0
    assert await polled.ring() == []
    assert vendor.unchanged == 3
    assert polled.poller.last_success == {"page": START + 2 * MINUTE}
    page.update("i1", polled.clock.now(), "resolved", {"cdn1": "operational"})
    assert len(await polled.ring()) == 1
    assert vendor.unchanged == 5


async def test_an_incident_of_components_that_nobody_depends_on_is_no_fact(page: StatusPage, polled: Polled) -> None:
    page.open("i1", START, {"pop1": "major_outage"})
    assert await polled.ring() == []
    page.update("i1", polled.clock.now(), "identified", {"kv1": "degraded_performance"})
    [fact] = await polled.ring()
    assert set(fact.fields["components"]) == {"kv1"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("html", "html"),
        ("forbidden", "forbidden"),
        ("rate limited", "rate_limited"),
        ("huge", "too_large"),
        ("bomb", "too_large"),
        ("garbage", "not_json"),
        ("reset", "unreachable"),
        ("error", "status"),
        ("redirect", "redirected"),
    ],
)
async def test_a_failed_poll_is_unknown_and_never_all_clear(
    trouble: Trouble, why: str, vendor: Vendor, page: StatusPage, polled: Polled
) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    await polled.ring()
    vendor.trouble = trouble
    page.delete("i1")
    assert [await polled.ring() for _ in range(5)] == [[]] * 5
    assert polled.poller.last_success == {"page": START + MINUTE}
    assert set(polled.problems()) == {why}


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_a_request_may_take(
    vendor: Vendor, page: StatusPage, tmp_path: Path
) -> None:
    async with polling(tmp_path, configured(vendor.url, tmp_path), START, timeout_s=IMPATIENT_S) as polled:
        vendor.trouble = "slow"
        assert await polled.ring() == []
        assert polled.problems() == {"timeout": 1}


async def test_nobody_listening_is_a_failed_poll(tmp_path: Path) -> None:
    async with polling(tmp_path, configured("http://127.0.0.1:1", tmp_path), START) as polled:
        assert await polled.ring() == []
        assert polled.problems() == {"unreachable": 1}
        assert polled.poller.last_success == {}


async def test_failing_polls_come_later_and_later_and_a_good_one_ends_it(vendor: Vendor, polled: Polled) -> None:
    vendor.trouble = "error"
    pauses = [await bells_until_asked(vendor, polled) for _ in range(8)]
    assert pauses == [1, 1, 2, 4, 8, 15, 15, 15]
    vendor.trouble = None
    assert await bells_until_asked(vendor, polled) == 15
    assert [await bells_until_asked(vendor, polled) for _ in range(3)] == [1, 1, 1]


async def bells_until_asked(vendor: Vendor, polled: Polled) -> int:
    before = len(vendor.asked)
    for bells in range(1, 100):
        await polled.ring()
        if len(vendor.asked) > before:
            return bells
    return 0


async def test_jitter_shortens_a_pause_by_up_to_half(vendor: Vendor, tmp_path: Path) -> None:
    vendor.trouble = "error"
    config = configured(vendor.url, tmp_path)
    async with polling(tmp_path, config, START, jitter=lambda: 0.0) as polled:
        assert [await bells_until_asked(vendor, polled) for _ in range(6)] == [1, 1, 1, 2, 4, 8]


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_heeded_also_when_there_is_news(as_date: bool, vendor: Vendor, polled: Polled) -> None:
    vendor.trouble = "rate limited"
    until = moment(START + MINUTE + 600_000)
    vendor.retry_after = format_datetime(until, usegmt=True) if as_date else "600"
    await polled.ring()
    asked = len(vendor.asked)
    vendor.trouble = None
    polled.clock.advance(599_000)
    await polled.poller.ring("page", hurry=True)
    assert len(vendor.asked) == asked
    polled.clock.advance(1_000)
    await polled.poller.ring("page", hurry=True)
    assert len(vendor.asked) == asked + 3


@pytest.mark.parametrize("nonsense", ["soon", "-5", "1e99", "9" * 30, "Wed, 99 Jun 2026 00:00:00 GMT"])
async def test_a_retry_after_of_nonsense_holds_nothing_up_for_more_than_an_hour(
    nonsense: str, vendor: Vendor, polled: Polled
) -> None:
    vendor.trouble, vendor.retry_after = "rate limited", nonsense
    await polled.ring()
    vendor.trouble = None
    await polled.ring(START + MINUTE + HOUR)
    assert polled.poller.last_success


async def test_news_do_not_wait_for_the_end_of_a_pause(vendor: Vendor, polled: Polled) -> None:
    vendor.trouble = "error"
    for _ in range(4):
        await bells_until_asked(vendor, polled)
    vendor.trouble = None
    await polled.poller.ring("page", hurry=True)
    assert polled.poller.last_success == {"page": polled.clock.now()}


async def test_a_redirect_is_not_followed_and_the_log_names_where_it_leads(
    vendor: Vendor, polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    async def nothing(_: object) -> object | None:
        return {"incidents": []}

    async with serving(Vendor(nothing)) as elsewhere:
        vendor.trouble, vendor.redirect_to = "redirect", f"{elsewhere.url}/api/v2/incidents.json?key=secret"
        await polled.ring()
        assert elsewhere.asked == []
        assert f"{elsewhere.url}/api/v2/incidents.json" in caplog.text
        assert "secret" not in caplog.text


async def test_trouble_with_the_store_loses_nothing(page: StatusPage, polled: Polled) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    polled.recording.away = True
    assert await polled.ring() == []
    assert polled.poller.last_success == {}
    polled.recording.away = False
    [fact] = await polled.ring()
    assert fact.fields["incident"] == "i1"
    assert polled.poller.last_success == {"page": START + 2 * MINUTE}


async def test_after_a_restart_what_was_recorded_is_known(vendor: Vendor, page: StatusPage, tmp_path: Path) -> None:
    config = configured(vendor.url, tmp_path)
    page.open("i1", START, {"cdn1": "major_outage"})
    async with polling(tmp_path, config, START) as polled:
        assert len(await polled.ring()) == 1
    async with polling(tmp_path, config, START + HOUR) as polled:
        assert await polled.ring() == []
        page.update("i1", polled.clock.now(), "resolved", {"cdn1": "operational"})
        assert len(await polled.ring()) == 1


async def test_a_component_that_is_kept_once_stays_when_the_configuration_spells_another(
    vendor: Vendor, page: StatusPage, tmp_path: Path
) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    async with polling(tmp_path, configured(vendor.url, tmp_path), START) as polled:
        await polled.ring()
    text = CONFIG.format(url=vendor.url).replace("cloudflare/CDN", "cloudflare/cdn1")
    async with polling(tmp_path, parse(text, "minutebook.yaml", tmp_path, {}), START + HOUR) as polled:
        [fact] = await polled.ring()
        assert set(fact.fields["components"]) == {"CDN", "cdn1"}  # type: ignore[arg-type]


async def test_a_component_that_the_page_does_not_have_is_counted_and_named(
    page: StatusPage, polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    del page.names["kv1"]
    await polled.ring()
    await polled.ring()
    assert polled.problems() == {"component_gone": 2}
    assert [record.getMessage() for record in caplog.records if "'kv1'" in record.getMessage()] == [
        "source page: read, but for: component_gone 1; it has no component 'kv1'"
    ]


async def test_a_source_says_in_the_log_once_that_it_fails_and_once_that_it_is_back(
    vendor: Vendor, polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "monitor.poller")
    await polled.ring()
    vendor.trouble = "error"
    for _ in range(20):
        await polled.ring()
    vendor.trouble = None
    for _ in range(20):
        await polled.ring()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("monitor.poller")]
    assert said == ["source page: not read: status (status 503)", "source page: read again"]


async def test_sources_come_and_go_with_a_new_configuration(vendor: Vendor, polled: Polled, tmp_path: Path) -> None:
    await polled.ring()
    two = CONFIG.format(url=vendor.url) + f'  - {{name: other, statuspage: {{url: "{vendor.url}"}}, provider: o}}\n'
    polled.poller.replace(wiring.polled(parse(two, "minutebook.yaml", tmp_path, {})))
    asked = len(vendor.asked)
    await polled.ring(name="other")
    assert len(vendor.asked) == asked + 3
    assert set(polled.poller.last_success) == {"page", "other"}
    polled.poller.replace([])
    await polled.ring()
    await polled.ring(name="other")
    assert len(vendor.asked) == asked + 3
    assert polled.poller.last_success == {}
    assert polled.poller.problems == {}


async def test_what_goes_on_at_a_source_that_is_taken_out_ends_where_it_was_seen_last(
    page: StatusPage, polled: Polled
) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    await polled.ring()
    await polled.ring()
    await polled.poller.retire()
    assert len(polled.facts()) == 1
    polled.poller.replace([])
    polled.clock.advance(10 * HOUR)
    await polled.poller.retire()
    await polled.poller.retire()
    _, ended = polled.facts()
    assert ended.fields["components"] == {
        "CDN": [["2026-06-10T08:00:00.000Z", "major_outage"], ["2026-06-10T08:02:00.000Z", "operational"]]
    }


async def test_a_start_without_the_source_ends_it_too_and_the_source_brings_it_back(
    vendor: Vendor, page: StatusPage, tmp_path: Path
) -> None:
    config = configured(vendor.url, tmp_path)
    page.open("i1", START, {"cdn1": "major_outage"})
    async with polling(tmp_path, config, START) as polled:
        await polled.ring()
    async with polling(tmp_path, config, START + HOUR) as polled:
        polled.poller.replace([])
        polled.recording.away = True
        await polled.poller.retire()
        assert len(polled.facts()) == 1
        polled.recording.away = False
        await polled.poller.retire()
        assert len(polled.facts()) == 2
    async with polling(tmp_path, config, START + 2 * HOUR) as polled:
        [again] = await polled.ring()
        assert again.fields["components"] == {"CDN": [["2026-06-10T08:00:00.000Z", "major_outage"]]}


async def test_what_a_delivery_says_is_recorded_once_and_says_nothing_of_what_it_does_not_hold(
    page: StatusPage, polled: Polled
) -> None:
    page.open("i1", START, {"cdn1": "major_outage"})
    await polled.ring()
    told = Incident("i2", START, {"CDN": ((START, "partial_outage"),)})
    delivery = Page((Listing("incidents", (told,), {"i2": START}, holds="some"),))
    assert [await polled.poller.take("page", delivery) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert [fact.fields["incident"] for fact in polled.facts()] == ["i1", "i2"]
    polled.recording.away = True
    later = Incident("i3", START, {"CDN": ((START, "partial_outage"),)})
    third = Page((Listing("incidents", (later,), {"i3": START}, holds="some"),))
    with pytest.raises(StoreError):
        await polled.poller.take("page", third)
    polled.recording.away = False
    assert await polled.poller.take("page", third) == 1
    with pytest.raises(LookupError):
        await polled.poller.take("nobody", delivery)


async def test_news_that_come_while_a_page_is_read_have_it_read_once_more(
    page: StatusPage, vendor: Vendor, polled: Polled
) -> None:
    async def answer(request: web.Request) -> object | None:
        found = page.at(request.path)
        if request.path.endswith("/incidents.json") and not page.incidents:
            page.open("i1", START, {"cdn1": "major_outage"})  # a moment after it was read
            polled.poller.hurry("page")
        return found

    vendor.answer = answer
    assert [fact.fields["incident"] for fact in await polled.ring(START)] == ["i1"]
    asked = len(vendor.asked)
    await polled.ring()
    assert len(vendor.asked) == asked + 3  # and only once
