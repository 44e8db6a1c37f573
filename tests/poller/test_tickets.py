"""Ticket systems over real HTTP, each in its own dialect: tickets become facts, with the first reply of a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.config import Config, parse
from monitor.facts import Fact
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, format_instant, parse_instant
from tests.poller.polled import Polled, polling
from tests.vendors.desks import SYSTEMS, TOKEN, Desk
from tests.vendors.serving import Vendor, serving

NOW = parse_instant("2026-06-10T12:00:00Z")
CONFIG = """\
services: [{name: app, checks: [{name: web, http: {url: "http://127.0.0.1:1/"}}]}]
sources: [{name: desk, KIND: SETTINGS}]
"""
MAPPED = ", priorities: {urgent: critical}, without_priority: low, customers: {'12': acme, '12@example.com': acme}"


def configured(kind: str, url: str, folder: Path) -> Config:
    section = SYSTEMS[kind][1].replace("URL", url).replace("MORE", MAPPED)
    text = CONFIG.replace("KIND", kind).replace("SETTINGS", section)
    return parse(text, "minutebook.yaml", folder, {"T": TOKEN})


@asynccontextmanager
async def asked(kind: str, desk: Desk, folder: Path) -> AsyncIterator[tuple[Polled, Vendor]]:
    async with (
        serving(Vendor(SYSTEMS[kind][0](desk))) as vendor,
        polling(folder, configured(kind, vendor.url, folder), NOW) as polled,
    ):
        yield polled, vendor


def told(facts: list[Fact]) -> list[tuple[object, ...]]:
    fields = ("ticket", "customer", "priority", "received_at", "first_reply_at")
    return sorted(tuple(fact.fields[field] for field in fields) for fact in facts)


@pytest.mark.parametrize("kind", SYSTEMS)
async def test_a_ticket_is_told_once_and_again_when_a_person_answered(kind: str, tmp_path: Path) -> None:
    desk = Desk()
    tickets = [desk.ask(number, NOW - number * HOUR) for number in (1, 2, 3)]
    tickets[1].reply(NOW - MINUTE)
    at = [format_instant(each.at) for each in tickets]
    async with asked(kind, desk, tmp_path) as (polled, _):
        assert told(await polled.ring(NOW, name="desk")) == [
            ("desk/1", "acme", "critical", at[0], None),
            ("desk/2", "acme", "critical", at[1], format_instant(NOW - MINUTE)),
            ("desk/3", "acme", "critical", at[2], None),
        ]
        assert await polled.ring(name="desk") == []
        tickets[0].reply(NOW + 2 * MINUTE, "  ")
        tickets[0].reply(NOW + 3 * MINUTE)
        [fact] = await polled.ring(NOW + 5 * MINUTE, name="desk")
        assert told([fact]) == [("desk/1", "acme", "critical", at[0], format_instant(NOW + 3 * MINUTE))]
        assert fact.source == "desk"
        tickets[0].reply(NOW + 6 * MINUTE)
        assert await polled.ring(NOW + 7 * MINUTE, name="desk") == []
        assert polled.problems() == {}


@pytest.mark.parametrize("kind", SYSTEMS)
async def test_a_desk_that_is_away_or_refuses_is_no_poll_and_loses_nothing(kind: str, tmp_path: Path) -> None:
    desk = Desk()
    desk.ask(1, NOW - HOUR)
    async with asked(kind, desk, tmp_path) as (polled, vendor):
        vendor.trouble = "forbidden"
        assert await polled.ring(NOW, name="desk") == []
        assert polled.problems() == {"forbidden": 1}
        vendor.trouble = None
        polled.poller.hurry("desk")
        assert len(await polled.ring(NOW + 2 * HOUR, name="desk")) == 1
        assert TOKEN not in str(polled.facts())


async def test_after_an_absence_what_changed_meanwhile_is_found_and_nothing_is_told_twice(tmp_path: Path) -> None:
    desk = Desk()
    ticket = desk.ask(1, NOW - HOUR)
    async with asked("zendesk", desk, tmp_path) as (polled, _):
        assert len(await polled.ring(NOW, name="desk")) == 1
    ticket.reply(NOW + DAY)
    desk.ask(2, NOW + 2 * DAY)
    async with asked("zendesk", desk, tmp_path) as (polled, vendor):
        facts = await polled.ring(NOW + 9 * DAY, name="desk")
        assert [(fact.fields["ticket"], fact.fields["first_reply_at"]) for fact in facts] == [
            ("desk/1", format_instant(NOW + DAY)),
            ("desk/2", None),
        ]
        asked_for = [path for path in vendor.asked if "/comments" in path]
        assert len(asked_for) >= 2
    async with asked("zendesk", desk, tmp_path) as (polled, vendor):
        assert await polled.ring(NOW + 9 * DAY + HOUR, name="desk") == []
        assert not [path for path in vendor.asked if "tickets/1/comments" in path]


async def test_a_store_that_is_away_loses_no_ticket(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask(1, NOW - 10 * SECOND)
    async with asked("freshdesk", desk, tmp_path) as (polled, _):
        polled.recording.away = True
        assert await polled.ring(NOW, name="desk") == []
        polled.recording.away = False
        assert len(await polled.ring(NOW + MINUTE, name="desk")) == 1
