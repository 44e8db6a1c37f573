"""Months of Sentry's and of Cloudflare's, polled at speed over real HTTP: each day has the same troubles, and the
statement is what they imply, to the ms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.closing import Wanted, statements
from monitor.config import Config, parse, to_terms
from monitor.facts import AnyFact
from monitor.ledger.period import DAY, MINUTE, SECOND, Month, parse_instant
from tests.poller.polled import ALL_TIME, Polled, polling
from tests.vendors import cloudflare, sentry
from tests.vendors.cloudflare import Cloudflare
from tests.vendors.sentry import Sentry
from tests.vendors.serving import Vendor, serving

JUNE = parse_instant("2026-06-01T00:00:00Z")
CONFIG = """\
services:
  - name: app
    checks:
      - {{name: web, since: 2026-06-01, until: {until}, interval: {interval}, timeout: 10s, quorum: any,
         http: {{url: "http://127.0.0.1:1/"}}}}
sources:
  - name: sentry
    sentry_uptime: {{organization: optizio, url: "{url}", auth_token: {{from_env: S}}}}
    vantage_of: {{"42": web}}
    every: 30m
  - name: cf
    cloudflare_health_checks: {{zone: 023e105f4ecef8ad9ca31a8372d0c353, api_url: "{url}", api_token: {{from_env: C}}}}
    vantage_of: {{edge-check: web}}
    every: 10m
"""
LENGTHS = [pytest.param(2, id="two days"), pytest.param(30, id="a month", marks=[pytest.mark.long])]


def configured(folder: Path, url: str, days: int, interval: str) -> Config:
    until = "2026-07-01" if days == 30 else f"2026-06-{days + 1:02}"
    text = CONFIG.format(url=url, until=until, interval=interval)
    return parse(text, "minutebook.yaml", folder, {"S": sentry.TOKEN, "C": cloudflare.TOKEN})


def within(minute: int, begin: str, end: str) -> bool:
    """Whether a minute of the day is in a span of it."""
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (begin, end))
    return first <= minute < last


async def ring(polled: Polled, name: str, at: int) -> None:
    polled.clock.advance(at - polled.clock.now())
    await polled.poller.ring(name, hurry=True)


def stated(polled: Polled, config: Config) -> dict[str, Any]:
    facts: list[AnyFact] = list(polled.store.read(ALL_TIME, ALL_TIME.end))
    [told] = statements(facts, to_terms(config), Wanted(["app"], Month(2026, 6), JUNE + 31 * DAY))
    return told


def accounts(told: dict[str, Any], days: int) -> dict[str, int]:
    """Up, down and unknown ms while the check lived."""
    found = told["accounts_ms"]
    assert sum(found["excused"].values()) == found["pending"] == 0
    return {"up": found["up"], "down": found["down"], "unknown": found["unknown"] - (30 - days) * DAY}


# ---------------------------------------------------------------- Sentry

MISSED, FAILED = "missed_window", "failure"


def sentrys(minute: int) -> str | None:
    """What Sentry finds at a minute of each day; None: it does not look at all."""
    spans: tuple[tuple[str, str, str | None], ...] = (
        ("08:00", "08:30", FAILED),  # 30 min down
        ("10:00", "10:05", FAILED),  # one failure by itself: a blip, which is up
        ("12:00", "12:10", MISSED),  # 10 min unknown
        ("14:00", "14:05", FAILED),  # 5 min down,
        ("14:05", "14:10", MISSED),  # 5 min unknown,
        ("14:10", "14:15", FAILED),  # 5 min down: what was missed ends no run
        ("16:00", "17:00", None),  # the look of 15:55 holds 2 x 5 min + 10 s: 54 min 50 s unknown
    )
    return next((how for begin, end, how in spans if within(minute, begin, end)), "success")


def cannot_reach_sentry(minute: int) -> bool:
    """For half an hour, which is told afterwards; and for three, of which the last one is told, with 5 minutes more as
    looks may come late. From the look of 19:30, which holds until 19:40:10, to that of 22:00 nothing is known."""
    return within(minute, "18:00", "18:30") or within(minute, "20:00", "23:00")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("days", LENGTHS)
async def test_a_month_of_sentrys_is_what_its_script_implies(tmp_path: Path, days: int) -> None:
    page = Sentry()
    page.watch("42", "app", interval_s=300)
    async with serving(Vendor(page.answer)) as theirs:
        config = configured(tmp_path, theirs.url, days, "5m")
        async with polling(tmp_path, config, JUNE) as polled:
            for minute in range(0, days * 1440 + 30, 5):
                at, of_day = JUNE + minute * MINUTE, minute % 1440
                found = sentrys(of_day)
                if found is not None:
                    page.check("42", at, found)
                if minute % 30 == 0:
                    theirs.trouble = "error" if cannot_reach_sentry(of_day) else None
                    await ring(polled, "sentry", at + 30 * SECOND)
            told = stated(polled, config)
    down, lost = 40 * MINUTE, 139 * MINUTE + 50 * SECOND
    unknown = 15 * MINUTE + 54 * MINUTE + 50 * SECOND + lost
    assert accounts(told, days) == {"up": days * (DAY - down - unknown), "down": days * down, "unknown": days * unknown}
    assert told["blips"] == {"count": days, "ms": days * 5 * MINUTE}
    assert [vantage["vantage"] for vantage in told["vantages"]] == ["sentry/us-east"]


# ---------------------------------------------------------------- Cloudflare


def cloudflares(zone: Cloudflare, at: int, of_day: int) -> None:
    """What goes on at Cloudflare each day; it is asked every 10 minutes."""
    deeds: dict[str, Callable[[], None]] = {
        "08:05": lambda: zone.stand("hc1", "unhealthy", "TCP connection failed"),  # seen down from 08:10
        "08:35": lambda: zone.stand("hc1", "healthy"),  # to 08:40: 30 min
        "09:55": lambda: zone.stand("hc1", "healthy", suspended=True),  # 30 min unknown
        "10:25": lambda: zone.stand("hc1", "healthy"),
        "12:15": lambda: zone.stand("hc1", "unhealthy"),  # while nobody can ask: nobody will ever know
        "12:45": lambda: zone.stand("hc1", "healthy"),
        "14:05": lambda: zone.stand("hc1", "unhealthy"),  # one look of it: a blip
        "14:15": lambda: zone.stand("hc1", "healthy"),
    }
    for clock, deed in deeds.items():
        if within(of_day, clock, f"{clock[:2]}:{int(clock[3:]) + 1:02}"):
            deed()
    if within(of_day, "14:00", "14:01"):  # a region says to the second when: 20 min 30 s down
        zone.event("hc1", at + 2 * MINUTE, "Unhealthy", "WEU", "TCP connection failed")
        zone.event("hc1", at + 22 * MINUTE + 30 * SECOND, "Healthy", "WEU")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("days", LENGTHS)
async def test_a_month_of_cloudflares_is_what_its_script_implies(tmp_path: Path, days: int) -> None:
    zone = Cloudflare()
    zone.watch("hc1", "edge-check")
    zone.stand("hc1", "healthy")
    async with serving(Vendor(zone.answer)) as theirs:
        config = configured(tmp_path, theirs.url, days, "10m")
        async with polling(tmp_path, config, JUNE) as polled:
            for minute in range(0, days * 1440, 5):
                at, of_day = JUNE + minute * MINUTE, minute % 1440
                cloudflares(zone, at, of_day)
                if minute % 10 == 0:
                    theirs.trouble = "error" if within(of_day, "12:00", "13:00") else None
                    await ring(polled, "cf", at)
            told = stated(polled, config)
    down = 50 * MINUTE + 30 * SECOND
    unknown = 30 * MINUTE + 49 * MINUTE + 55 * SECOND  # the look of 11:50 holds 2 x 10 min + 5 s
    assert accounts(told, days) == {"up": days * (DAY - down - unknown), "down": days * down, "unknown": days * unknown}
    assert [vantage["vantage"] for vantage in told["vantages"]] == ["cf", "cf/WEU"]
