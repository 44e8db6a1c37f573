"""A result that comes after newer ones: the figures are as if it had come in time, at the cost of one reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Set
from contextlib import asynccontextmanager
from pathlib import Path

from monitor.config import parse, to_terms
from monitor.evaluator import Evaluator, Shown
from monitor.facts import AnyFact, Result
from monitor.ledger.live import live_book
from monitor.ledger.period import Period, format_instant
from monitor.store import OpenStore
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, now_ms
from tests.store.samples import ALL_TIME, JUNE, StillClock, passes, url_in

TERMS = to_terms(
    parse("services: [{name: app, checks: [{name: web, http: {url: 'http://127.0.0.1:1/'}}]}]", "", Path(), {})
)
NOTHING_SHOWN = Shown(frozenset(), {})


class Read(OpenStore):
    """A store that counts how often it was read; `meanwhile` runs on the loop once a reading has begun."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.readings = 0
        self.loop = asyncio.get_running_loop()
        self.meanwhile: Callable[[], object] | None = None

    def read(self, period: Period, as_of: int, without: Set[str] = frozenset()) -> Iterator[AnyFact]:
        self.readings += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            self.loop.call_soon_threadsafe(meanwhile)
            asyncio.run_coroutine_threadsafe(self.append([]), self.loop).result(10)  # after what was appended before
        yield from super().read(period, as_of, without)


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Read]:
    store = Read(url_in(folder))
    try:
        await store.start(JUNE)
        yield store
    finally:
        await store.aclose()


def fails(count: int, first: int) -> list[Result]:
    return [result._replace(outcome="fail", reason="http_status") for result in passes(count, first=first)]


def from_scratch(store: OpenStore, now: int) -> object:
    book = live_book(TERMS, list(store.read(Period(-ALL_TIME, ALL_TIME), ALL_TIME)))
    return book.view("app", now, public=False)


class Told:
    """Facts on their way into the store, and then to the evaluator, as the recorder has it."""

    def __init__(self, store: OpenStore, evaluator: Evaluator) -> None:
        self._store = store
        self._evaluator = evaluator
        self._tasks: set[asyncio.Task[None]] = set()

    async def commit(self, facts: list[Result]) -> None:
        self._evaluator.committed(await self._store.append_new(facts))

    def soon(self, facts: list[Result]) -> None:
        task = asyncio.create_task(self.commit(facts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def test_a_late_fact_is_read_once(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 56_000)
    async with reading(tmp_path) as store:
        evaluator = Evaluator(clock, store, TERMS, NOTHING_SHOWN)
        told = Told(store, evaluator)
        await told.commit(passes(50))
        await evaluator.evaluate()
        assert store.readings == 1
        await told.commit([result._replace(at=result.at + 500) for result in fails(3, first=20)])
        snapshot = await evaluator.evaluate()
        assert store.readings == 2
        assert snapshot.services[0] == from_scratch(store, clock.now())
        store.readings = 0
        await told.commit(passes(2, first=51))
        await evaluator.evaluate()
        assert store.readings == 0


async def test_looks_that_end_in_another_order_than_they_began_are_not_late(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 56_000)
    async with reading(tmp_path) as store:
        evaluator = Evaluator(clock, store, TERMS, NOTHING_SHOWN)
        told = Told(store, evaluator)
        await evaluator.evaluate()
        await told.commit([*fails(3, first=52)[::-1], *passes(50)[::-1]])
        snapshot = await evaluator.evaluate()
        assert store.readings == 1
        assert snapshot.services[0] == from_scratch(store, clock.now())
        assert snapshot.services[0].up is False


async def test_what_is_committed_during_a_reading_counts_once_and_causes_no_other(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 56_000)
    async with reading(tmp_path) as store:
        evaluator = Evaluator(clock, store, TERMS, NOTHING_SHOWN)
        told = Told(store, evaluator)
        store.meanwhile = lambda: told.soon(passes(2, first=50))
        await told.commit(passes(50))
        await evaluator.evaluate()  # the whole log, with two more while it is read
        store.meanwhile = lambda: told.soon(fails(3, first=52))
        await told.commit(passes(1, first=-5))
        await evaluator.evaluate()  # late: read again, with three more meanwhile
        assert store.readings == 2
        await evaluator.evaluate()
        snapshot = await evaluator.evaluate()
        assert store.readings == 2
        assert snapshot.services[0] == from_scratch(store, clock.now())
        assert snapshot.services[0].up is False


async def test_new_terms_during_a_reading_are_those_that_are_shown(tmp_path: Path) -> None:
    clock = StillClock(JUNE + 56_000)
    async with reading(tmp_path) as store:
        evaluator = Evaluator(clock, store, to_terms(parse(OTHER, "", Path(), {})), NOTHING_SHOWN)
        told = Told(store, evaluator)
        store.meanwhile = lambda: evaluator.replace(TERMS, NOTHING_SHOWN)
        await told.commit(passes(50))
        snapshot = await evaluator.evaluate()
        assert snapshot.services[0] == from_scratch(store, clock.now())


OTHER = "services: [{name: other, checks: [{name: web2, http: {url: 'http://127.0.0.1:1/'}}]}]"


# ---------------------------------------------------------------- the whole daemon


def looks(outcome: str, since: int, until: int) -> list[Mapping[str, object]]:
    """Results of another vantage, one a second."""
    reason = {"reason": "http_status"} if outcome == "fail" else {}
    return [
        {
            "kind": "result",
            "check": "web",
            "vantage": "there",
            "at": format_instant(at),
            "outcome": outcome,
            "hold_ms": 3000,
            **reason,
        }
        for at in range(since, until, 1000)
    ]


def test_an_agents_late_fails_are_booked_where_they_belong(
    minutebook: Minutebook, start: Callable[..., Daemon], app: App, until: Until
) -> None:
    configuration(minutebook.folder, app, quorum="any")
    daemon = start().ready()
    token = minutebook.token("agent")
    now = now_ms()
    early = [*looks("pass", now - 60_000, now - 40_000), *looks("pass", now - 20_000, now)]
    assert daemon.post_facts(token, early).json == {"new": 40}
    until(lambda: daemon.page().accounts_ms()["up"] > 0)
    assert daemon.page().accounts_ms()["down"] == 0
    late = looks("fail", now - 40_000, now - 20_000)
    for each in late[::-1]:
        assert daemon.post_facts(token, [each]).json == {"new": 1}
    assert daemon.post_facts(token, late).json == {"new": 0}
    until(lambda: daemon.page().accounts_ms()["down"] == 20_000)
    assert daemon.stop() == 0
    [statement] = minutebook("statement", "--month", format_instant(now)[:7], "--format", "json").json
    [outage] = statement["outages"]
    assert (outage["start"], outage["ms"]) == (late[0]["at"], 20_000)
