"""A real server on a free port, over a daemon whose parts are a store in memory and a clock that is set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from exporters import status_page
from exporters.prometheus import Exposition
from exporters.status import Seen
from monitor.beacons import Beacons
from monitor.errors import ConfigError, InputError, StatementDiffersError, StoreError
from monitor.facts import AnyFact, Fact, Json, Result, key
from monitor.heartbeats import Heartbeats, Outlet
from monitor.hooks import Hooks
from monitor.hooks import Outlet as HooksOutlet
from monitor.interfaces import VitalReport
from monitor.ledger.period import DAY, HOUR, Month
from monitor.ledger.snapshot import PastMonth, Snapshot
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms
from monitor.people import Author, Known, Words
from monitor.people.publishing import Notice, NotPublishedError, OurPage, Published
from monitor.sources.kind import Page
from monitor.status_pages import StatusPages
from monitor.web import Access, Audience, Daemon, Listen, Pages, Role, Tokens, Wanted, build, serving, tokens
from monitor.web.daemon import Asked
from monitor.wiring import aside
from tests.faces.samples import AS_OF, SELF, newest, result, snapshot, view

TERMS = Terms(
    ZoneInfo("UTC"),
    (ServiceTerms("app", (CheckTerms("admin", 70_000),)), ServiceTerms("jobs", (CheckTerms("nightly", 70_000),))),
    (Policy(effective_from=date(2025, 7, 1), approval_required=True),),
)


HELD = 25 * HOUR
OUR_PAGE = OurPage("own-page", "https://own.example", {"App": ("app",)})


class HandClock:
    """interfaces.Clock by the hand of a test."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def now(self) -> int:
        return self._book.now

    def monotonic_ns(self) -> int:
        return self._book.now * 1_000_000

    def asleep_ns(self) -> int:
        return 0

    def synchronized(self) -> bool | None:
        return self._book.synchronized


@dataclass
class Book:
    """What stands behind the server in these tests."""

    tokens: Path
    now: int = AS_OF
    facts: dict[bytes, AnyFact] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    full: bool = False
    synchronized: bool | None = None
    terms: Terms = TERMS
    reload_refused: ConfigError | None = None
    reloads: int = 0
    page_refuses: bool = False
    published: list[Notice] = field(default_factory=list)
    past: Mapping[tuple[str, Month], PastMonth] = field(default_factory=dict)
    chain: Mapping[str, Json] | None = None
    closed: list[tuple[Words, Author, bool]] = field(default_factory=list)
    close_refused: Exception | None = None
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heartbeats = Heartbeats(HandClock(self), Outlet(self.record, self), "london", {"nightly": HELD})
        self.heartbeats.begin([])
        self.polled: list[str] = []
        self.pages = StatusPages(HandClock(self), lambda: Seen(self.snapshot, self.past, self.chain), lambda: "/")
        self._turn = asyncio.Event()
        outlet = HooksOutlet(self.record, self.take, self.polled.append)
        self.beacons = Beacons(HandClock(self), self.keep, b"salt")
        self.kept: list[VitalReport] = []
        self.handed = asyncio.Event()
        self.hooks = Hooks(HandClock(self), outlet, aside(self.tokens))

    async def publish(self, name: str, notice: Notice) -> Published:
        if self.page_refuses:
            raise NotPublishedError(f"{name} did not take it")
        self.published.append(notice)
        item = f"ck{len(self.published)}"
        return Published(item, f"https://own.example/maintenance/{item}", {"id": item})

    async def keep(self, reports: Sequence[VitalReport]) -> int:
        if self.full:
            raise StoreError("the disk is full")
        self.kept += reports
        self.handed.set()
        return 0

    async def take(self, source: str, page: Page) -> int:
        raise AssertionError((source, page))

    def put(self, result: Result) -> None:
        self.facts[key(result)] = result

    async def record(self, facts: Sequence[AnyFact]) -> int:
        if self.full:
            raise StoreError("the disk is full")
        new = {key(fact): fact for fact in facts if key(fact) not in self.facts}
        self.facts |= new
        return len(new)

    async def known(self) -> Known:
        facts = sorted((fact for fact in self.facts.values() if isinstance(fact, Fact)), key=lambda f: f.recorded_at)
        return Known(facts, self.terms, self.now)

    async def statement(self, asked: Asked) -> Mapping[str, Json] | None:
        self.asked.append(asked)
        if asked.month < Month(2025, 7):
            raise InputError("no policy is in force in that month")
        if asked.view == "late" and asked.month > Month(2026, 1):
            return None
        if asked.month == Month(2025, 12):
            raise StatementDiffersError("it is not what was closed")
        return {"service": asked.service, "month": str(asked.month)}

    async def close(self, words: Words, author: Author, *, restate: bool) -> Sequence[Json]:
        if "month" not in words:
            raise InputError("month: expected YYYY-MM, for example 2026-03")
        self.closed.append((words, author, restate))
        if self.close_refused is not None:
            raise self.close_refused
        return [{"service": "app", "revision": 1}]

    async def report(self, service: str, month: Month, audience: Audience) -> str | None:
        if self.full:
            raise StoreError("the disk is full")
        if month == Month(2199, 1):
            raise TimeoutError
        if month > Month(2026, 3):
            raise InputError("it has not begun")
        return f"<p>{service} {month} for {audience}</p>" if service == "app" or audience == "all" else None

    def evaluate(self, evaluated: Snapshot) -> None:
        """Another evaluation."""
        self.snapshot = evaluated
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    async def evaluated(self) -> None:
        await self._turn.wait()

    async def reload(self) -> None:
        if self.reload_refused is not None:
            raise self.reload_refused
        self.reloads += 1

    def token(self, role: Role, vantage: str | None = None, life: int = 90 * DAY, name: str | None = None) -> str:
        return tokens.add(self.tokens, Wanted(role, life, vantage, name), self.now)[0]

    def daemon(self) -> Daemon:
        exposition = Exposition()
        return Daemon(
            pages=Pages(
                metrics=lambda: exposition.render(self.snapshot, {}, SELF),
                status_page=self.pages.page,
                status=self.pages.status,
                feed=self.pages.feed,
                mark=self.pages.mark,
                badge=self.pages.badge,
                stylesheet=status_page.stylesheet,
                script=status_page.script,
                report=self.report,
                report_stylesheet=lambda: "body { color: black }",
            ),
            snapshot=lambda: self.snapshot,
            evaluated=self.evaluated,
            services=lambda: ("app", "jobs"),
            statement=self.statement,
            close=self.close,
            record=self.record,
            known=self.known,
            longest_hold={"admin": 100_000, "nightly": HELD}.get,
            speakers=lambda: ("london", "fleet"),
            heartbeats=self.heartbeats,
            hooks=self.hooks,
            beacons=self.beacons,
            our_page=lambda name: OUR_PAGE if name == OUR_PAGE.name else None,
            publish=self.publish,
            reload=self.reload,
            ready=lambda: self.snapshot is not None,
            token=Tokens(self.tokens, lambda: self.now).find,
            now=lambda: self.now,
        )


@dataclass(frozen=True)
class Served:
    """A book, the address it is served at, and a client."""

    book: Book
    port: int
    client: aiohttp.ClientSession

    def ask(
        self, method: str, path: str, token: str | None = None, **given: object
    ) -> aiohttp.client._RequestContextManager:
        headers = dict(given.pop("headers", {}))  # type: ignore[call-overload]
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, path, headers=headers, allow_redirects=False, **given)  # type: ignore[arg-type]


@asynccontextmanager
async def serve(book: Book, access: Access | None = None) -> AsyncIterator[Served]:
    async with AsyncExitStack() as stack:
        app = build(book.daemon(), access or Access())
        port = await stack.enter_async_context(serving(app, Listen("127.0.0.1", 0)))
        client = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        yield Served(book, port, client)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    evaluated = snapshot(view("app"), view("jobs", public=False), looks=(newest(result()),))
    return Book(tmp_path / "tokens.json", snapshot=evaluated)


@pytest.fixture
async def served(book: Book) -> AsyncIterator[Served]:
    async with serve(book) as running:
        yield running
