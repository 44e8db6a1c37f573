"""A daemon's pages over a world of a few months: real facts, the real ledger, and a clock that stands still.

Services looked at each quarter of an hour since December: outages, one of them a provider's, maintenance that was and
maintenance that will be, and months that are closed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import cast

from exporters import report_html
from exporters.report import document, for_everybody
from exporters.status import Seen
from monitor.closer import Moment, Order, carried_out
from monitor.config import parse, written_terms
from monitor.facts import AnyFact, Fact, Json, Result, parse_json
from monitor.ledger.live import LiveBook, live_book
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant
from monitor.ledger.snapshot import Newest, PastMonth, Snapshot
from monitor.past_months import Wanted, past_months
from monitor.people import Author
from monitor.reporting import Asking, told
from monitor.status_pages import StatusPages
from monitor.web import Access, Audience, Listen, build, serving
from tests.faces.conftest import Book, HandClock

NOW = parse_instant("2026-03-20T12:00:00Z")
FIRST = parse_instant("2025-12-19T00:00:00Z")
EVERY = 15 * MINUTE

CONFIG = """
timezone: Europe/London
services:
  - name: shop
    title: SHOP_TITLE
    depends_on: [edge/CDN]
    checks:
      - {name: front page, interval: 15m, http: {url: "https://shop.example.com/"}}
      - {name: edge, interval: 15m, role: corroboration, http: {url: "https://edge.example.com/"}}
  - name: search
    title: Search
    checks: [{name: search api, interval: 15m, http: {url: "https://search.example.com/health"}}]
  - name: payroll
    title: Payroll
    public: false
    checks: [{name: payroll, interval: 15m, http: {url: "https://payroll.example.com/"}}]
policies:
  - effective_from: 2025-01-01
    third_party: {corroborated_by: {edge: [edge]}}
"""

DOWN = {
    "front page": [
        ("2025-12-20T10:00", 5),
        ("2026-01-14T03:00", 12),
        ("2026-01-22T09:00", 2),
        ("2026-02-08T20:00", 6),
        ("2026-03-11T14:00", 2),
    ],
    "edge": [("2026-01-14T02:30", 16)],
    "search api": [("2026-02-02T09:00", 2), ("2026-03-03T22:00", 4)],
}
"""Each check's outages: since when, and how many quarters of an hour."""

SEEN = {
    "edge": (parse_instant("2026-01-13T00:00:00Z"), parse_instant("2026-01-16T00:00:00Z")),
    "payroll": (NOW - DAY, NOW),
}
"""Checks that are looked at for a few days only: the tests have no use for more."""


@dataclass
class World:
    """The facts, by what others may have written into them."""

    title: str = "Shop"
    words: str = "Database upgrade"
    incident: str = "Elevated errors"
    url: str = "https://status.example.com/m1"
    reason: str = "http_status"
    vantage: str = "london"
    facts: list[AnyFact] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = CONFIG.replace("SHOP_TITLE", json.dumps(self.title))
        self.written = written_terms(parse(text, "minutebook.yaml", Path(), {}))
        self.terms = self.written.terms
        fields: dict[str, Json] = {"terms": parse_json(self.written.written), "digest": self.terms.digest, "id": "t"}
        self.facts = [Fact("terms", FIRST - DAY, fields), *self._looks(), *self._others()]
        self.facts.sort(key=lambda fact: fact.recorded_at)
        for month in (Month(2025, 12), Month(2026, 1)):
            as_of = month.period(self.terms.zone).end + 5 * DAY
            known = [fact for fact in self.facts if fact.recorded_at <= as_of]
            order, at = Order(month, None, restate=False), Moment(as_of, self.terms, "sha256:00")
            closings = carried_out(known, order, at, Author("ann")).facts
            self.facts += [replace(fact, recorded_at=as_of + 1) for fact in closings]
        self.facts.sort(key=lambda fact: fact.recorded_at)

    @cached_property
    def past(self) -> Mapping[tuple[str, Month], PastMonth]:
        """The months that are over, as a daemon comes to know them."""
        found: dict[tuple[str, Month], PastMonth] = {}
        for month in (Month(2025, 12), Month(2026, 1)):
            wanted = Wanted(month, {"shop": (), "search": ()}, self.terms, NOW)
            found |= {(service, month): past for service, past in past_months(self.facts, wanted) if past is not None}
        return found

    def _looks(self) -> Iterator[AnyFact]:
        for check in ("front page", "edge", "search api", "payroll"):
            spans = [(parse_instant(f"{since}:00Z"), count * EVERY) for since, count in DOWN.get(check, [])]
            for at in range(*SEEN.get(check, (FIRST, NOW)), EVERY):
                is_down = any(start <= at < start + length for start, length in spans)
                yield Result(
                    recorded_at=at + 200,
                    check=check,
                    vantage=self.vantage,
                    at=at,
                    outcome="fail" if is_down else "pass",
                    reason=self.reason if is_down else None,
                    scheduled_at=at,
                    duration_ms=80.0,
                    status=503 if is_down else 200,
                    ip="192.0.2.1",
                )

    def _others(self) -> Iterator[AnyFact]:
        yield _maintenance("m0", parse_instant("2026-02-08T19:30:00Z"), 5 * DAY, self.words, self.url)
        yield _maintenance("m1", NOW + 3 * DAY, 4 * DAY, self.words, self.url)
        for name, since, until in (
            ("i1", "2026-01-14T02:40:00Z", "2026-01-14T06:10:00Z"),
            ("i2", "2026-03-20T09:15:00Z", None),
        ):
            steps = [[since, "major_outage"], *([[until, "operational"]] if until else [])]
            said: dict[str, Json] = {
                "provider": "edge",
                "incident": name,
                "components": {"CDN": cast(Json, steps)},
                "title": self.incident,
                "url": self.url,
                "source": "edge-status",
            }
            yield Fact("incident", parse_instant(since) + MINUTE, said)


def _maintenance(name: str, start: int, notice: int, title: str, url: str) -> Fact:
    fields: dict[str, Json] = {
        "maintenance": name,
        "announced_at": format_instant(start - notice),
        "start": format_instant(start),
        "end": format_instant(start + 3 * HOUR),
        "services": ["shop"],
        "title": title,
        "url": url,
        "source": "own-page",
    }
    return Fact("maintenance", start - notice, fields)


class Site(Book):
    """A book whose pages are those of the world."""

    def __init__(self, tokens: Path, world: World) -> None:
        super().__init__(tokens, now=NOW, terms=world.terms)
        self.world = world
        self.live: LiveBook = live_book(world.terms, world.facts)
        self.pages = StatusPages(HandClock(self), self._seen, lambda: "/")
        self.look(NOW)

    def _seen(self) -> Seen:
        chain: dict[str, Json] = {
            "head": "sha256:" + "ab" * 32,
            "facts": len(self.world.facts),
            "published_at": format_instant(NOW - 12 * HOUR),
            "occasion": "midnight",
        }
        return Seen(self.snapshot, self.world.past, chain)

    def look(self, as_of: int) -> None:
        """Another evaluation."""
        told_now = self.live.incidents(as_of)
        views = tuple(
            self.live.view(service.name, as_of, public=service.name != "payroll") for service in self.terms.services
        )
        newest = tuple(
            Newest(service.name, "https://app.example.com/", self.live.newest[check.name, vantage], as_of + EVERY)
            for service in self.terms.services
            for check in service.checks
            for vantage in self.live.vantages(check.name)
        )
        self.now = as_of
        self.evaluate(
            Snapshot(
                as_of, views, newest, told_now.severities, {}, incidents=told_now.going_on, closed=self.live.closed()
            )
        )

    def fails(self, check: str, at: int) -> None:
        """Two looks that fail: an outage."""
        looks = (
            Result(
                at + n + 200, check, self.world.vantage, at + n, "fail", reason=self.world.reason, scheduled_at=at + n
            )
            for n in (0, EVERY)
        )
        self.live.take(looks)
        self.look(at + EVERY + 1)

    async def report(self, service: str, month: Month, audience: Audience) -> str | None:
        if all(each.name != service for each in self.terms.services):
            return None
        asking = Asking([service], [month], self.now, [])
        found = told(self.world.facts, self.terms, asking)
        parts = found.told if audience == "all" else map(for_everybody, found.told)
        return report_html.page(document(parts, found.about(str(month))))


@asynccontextmanager
async def open_site(site: Site) -> AsyncIterator[str]:
    """Serves it; gives its address."""
    daemon = site.daemon()
    pages = replace(daemon.pages, report_stylesheet=report_html.stylesheet)
    async with serving(build(replace(daemon, pages=pages), Access()), Listen("127.0.0.1", 0)) as port:
        yield f"http://127.0.0.1:{port}"
