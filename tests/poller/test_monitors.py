"""Monitors of others over real HTTP: what they see becomes results of vantages of their own, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.closing import Wanted, statements
from monitor.config import parse, to_terms
from monitor.facts import AnyFact, Result
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, parse_instant
from tests.poller.polled import ALL_TIME, Polled, polling
from tests.vendors import cloudflare, sentry
from tests.vendors.cloudflare import Cloudflare
from tests.vendors.sentry import Sentry
from tests.vendors.serving import Vendor, serving

NOW = parse_instant("2026-06-10T12:00:00Z")
CONFIG = """\
services: [{{name: app, checks: [{{name: web, interval: 60s, timeout: 10s, http: {{url: "http://127.0.0.1:1/"}}}}]}}]
sources:
  - name: sentry
    sentry_uptime: {{organization: optizio, url: "{url}", auth_token: {{from_env: S}}}}
    vantage_of: {{"42": web}}
  - name: cf
    cloudflare_health_checks: {{zone: 023e105f4ecef8ad9ca31a8372d0c353, api_url: "{url}", api_token: {{from_env: C}}}}
    vantage_of: {{edge-check: web}}
"""


def configured(url: str, folder: Path) -> tuple[str, str, Path, dict[str, str]]:
    return CONFIG.format(url=url), "minutebook.yaml", folder, {"S": sentry.TOKEN, "C": cloudflare.TOKEN}


def results(polled: Polled) -> list[Result]:
    return [fact for fact in polled.store.read(ALL_TIME, ALL_TIME.end) if isinstance(fact, Result)]


def looks(polled: Polled) -> list[tuple[str, int, str]]:
    """Each result's vantage, its seconds after NOW, and its outcome, in order of time."""
    found = ((each.vantage, (each.at - NOW) // SECOND, each.outcome) for each in results(polled))
    return sorted(found, key=lambda look: look[1])


async def test_sentrys_checks_are_looks_of_their_regions_by_pages_and_once(tmp_path: Path) -> None:
    page = Sentry(per_page=4)
    for number in ("41", "42", "43", "44"):
        page.watch(number, f"monitor {number}")
    for minute in range(8):
        page.check("42", NOW - (8 - minute) * MINUTE, region=("us-east", "eu-west")[minute % 2])
    page.check("43", NOW - MINUTE, "failure")
    async with (
        serving(Vendor(page.answer)) as vendor,
        polling(tmp_path, parse(*configured(vendor.url, tmp_path)), NOW) as polled,
    ):
        await polled.ring(NOW, name="sentry")
        assert looks(polled) == [(f"sentry/{('us-east', 'eu-west')[n % 2]}", -60 * (8 - n), "pass") for n in range(8)]
        assert {(each.check, each.source, each.status, each.duration_ms) for each in results(polled)} == {
            ("web", "sentry", 200, 120)
        }
        assert {each.hold_ms for each in results(polled)} == {3 * MINUTE + 10 * SECOND}  # regions take turns
        page.check("42", NOW + 10 * SECOND, "failure", checkStatusReason="timeout")
        page.check("42", NOW + 30 * SECOND, "failure_incident", "eu-west", checkStatusReason="assertion_failure")
        page.check("42", NOW + 40 * SECOND, "missed_window", checkStatusReason="miss_backfill")
        await polled.ring(name="sentry")
        new = looks(polled)[8:]
        assert new == [("sentry/us-east", 10, "fail"), ("sentry/eu-west", 30, "fail"), ("sentry/us-east", 40, "void")]
        assert [each.reason for each in sorted(results(polled), key=lambda each: each.at)[8:]] == [
            "timeout",
            "http_content",
            "missed",
        ]
        await polled.ring(name="sentry")
        assert len(results(polled)) == 11
        assert polled.problems() == {}
        assert all("elsewhere" not in each for each in vendor.asked)


async def test_a_sentry_that_refuses_us_is_no_poll_and_makes_no_result(tmp_path: Path) -> None:
    page = Sentry()
    page.watch("42", "app")
    page.check("42", NOW - MINUTE)
    async with serving(Vendor(page.answer)) as vendor:
        text, name, folder, _ = configured(vendor.url, tmp_path)
        async with polling(tmp_path, parse(text, name, folder, {"S": "old", "C": "old"}), NOW) as polled:
            await polled.ring(NOW, name="sentry")
            await polled.ring(name="cf")
            assert results(polled) == []
            assert {polled.poller.problems[source, "forbidden"] for source in ("sentry", "cf")} == {1}
            assert polled.poller.last_success == {}


async def test_a_check_of_cloudflares_is_one_look_a_poll_however_long_nothing_changes(tmp_path: Path) -> None:
    zone = Cloudflare(has_events=False, per_page=1)
    zone.watch("other", "other-check")
    zone.watch("hc1", "edge-check")
    async with (
        serving(Vendor(zone.answer)) as vendor,
        polling(tmp_path, parse(*configured(vendor.url, tmp_path)), NOW) as polled,
    ):
        for status in ("unknown", "healthy", "healthy", "unhealthy"):
            zone.stand("hc1", status, "Response code mismatch error" if status == "unhealthy" else "")
            await polled.ring(name="cf")
        assert looks(polled) == [("cf", 60, "void"), ("cf", 120, "pass"), ("cf", 180, "pass"), ("cf", 240, "fail")]
        zone.stand("hc1", "healthy", suspended=True)
        await polled.ring(name="cf")
        assert [(each.outcome, each.reason, each.detail, each.hold_ms) for each in results(polled)[-2:]] == [
            ("fail", "http_status", "Response code mismatch error", 125 * SECOND),
            ("void", "missed", None, 125 * SECOND),
        ]
        assert polled.problems() == {"forbidden": 3}  # the events, which this plan has not: the polls are good
        vendor.trouble = "error"
        await polled.ring(name="cf")
        assert len(results(polled)) == 5


async def test_events_of_regions_are_looks_at_their_own_instants_and_stand_at_each_poll(tmp_path: Path) -> None:
    zone = Cloudflare()
    zone.watch("hc1", "edge-check")
    zone.stand("hc1", "healthy")
    zone.event("hc1", NOW - 5 * HOUR, "Healthy", "ENAM")
    zone.event("hc1", NOW - 7 * HOUR, "Healthy", "SEAS")  # too long ago to say anything
    zone.event("hc1", NOW + 20 * SECOND, "Unhealthy", "WEU", "TCP connection failed")
    zone.event("not-ours", NOW + 20 * SECOND, "Unhealthy")
    async with (
        serving(Vendor(zone.answer)) as vendor,
        polling(tmp_path, parse(*configured(vendor.url, tmp_path)), NOW) as polled,
    ):
        await polled.ring(name="cf")
        assert sorted(looks(polled)) == [
            ("cf", 60, "pass"),
            ("cf/ENAM", 60, "pass"),
            ("cf/WEU", 20, "fail"),
            ("cf/WEU", 60, "fail"),
        ]
        zone.event("hc1", NOW + 90 * SECOND, "Healthy", "WEU")
        await polled.ring(name="cf")
        assert [look for look in looks(polled) if look[0] == "cf/WEU"] == [
            ("cf/WEU", 20, "fail"),
            ("cf/WEU", 60, "fail"),
            ("cf/WEU", 90, "pass"),
            ("cf/WEU", 120, "pass"),
        ]
        zone.stand("hc1", "unknown")
        before = len(results(polled))
        await polled.ring(name="cf")
        assert [each.outcome for each in results(polled)[before:]] == ["void"]
        assert polled.problems() == {}


@pytest.mark.parametrize("away", [False, True])
async def test_an_hour_of_sentrys_gives_the_statement_that_its_script_implies(tmp_path: Path, away: bool) -> None:
    """Down from 12:30 to 12:40; with `away` Sentry cannot be reached from 12:20 to 12:50, and tells all of it then."""
    page = Sentry()
    page.watch("42", "app")
    async with serving(Vendor(page.answer)) as theirs:
        config = parse(*configured(theirs.url, tmp_path))
        async with polling(tmp_path, config, NOW) as polled:
            for minute in range(60):
                is_down = 30 <= minute < 40
                page.check("42", NOW + minute * MINUTE, "failure" if is_down else "success")
                theirs.trouble = "error" if away and 20 <= minute < 50 else None
                polled.clock.advance(NOW + minute * MINUTE + 30 * SECOND - polled.clock.now())
                await polled.poller.ring("sentry", hurry=True)
            facts: list[AnyFact] = list(polled.store.read(ALL_TIME, ALL_TIME.end))
    [told] = statements(facts, to_terms(config), Wanted(["app"], Month(2026, 6), NOW + DAY))
    accounts = told["accounts_ms"]
    assert isinstance(accounts, dict)
    assert accounts["down"] == 10 * MINUTE
    assert accounts["up"] == 49 * MINUTE + 2 * MINUTE + 10 * SECOND


async def test_an_hour_of_cloudflares_gives_the_statement_that_its_script_implies(tmp_path: Path) -> None:
    """Unhealthy from 12:30 to 12:40; not to be reached from 12:45 to 12:50, which no later poll can tell."""
    zone = Cloudflare(has_events=False)
    zone.watch("hc1", "edge-check")
    async with serving(Vendor(zone.answer)) as theirs:
        config = parse(*configured(theirs.url, tmp_path))
        async with polling(tmp_path, config, NOW) as polled:
            for minute in range(60):
                zone.stand("hc1", "unhealthy" if 30 <= minute < 40 else "healthy")
                theirs.trouble = "error" if 45 <= minute < 50 else None
                polled.clock.advance(NOW + minute * MINUTE - polled.clock.now())
                await polled.poller.ring("cf", hurry=True)
            facts: list[AnyFact] = list(polled.store.read(ALL_TIME, ALL_TIME.end))
    hold = 125 * SECOND
    [told] = statements(facts, to_terms(config), Wanted(["app"], Month(2026, 6), NOW + DAY))
    accounts = told["accounts_ms"]
    assert isinstance(accounts, dict)
    assert accounts["down"] == 10 * MINUTE
    assert accounts["up"] == (30 + 4) * MINUTE + hold + 9 * MINUTE + hold
