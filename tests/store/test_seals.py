"""Sealed days in a store: their results go, and everything that is left is still proved, exported and made again."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from monitor.config import Config
from monitor.errors import FactError, InputError, StoreDamagedError, StoreNewerError
from monitor.evaluator import Evaluator, Shown
from monitor.facts import AnyFact, Fact, Result, canonical_line
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY, HOUR, MINUTE, Period
from monitor.ledger.terms import CheckTerms, ServiceTerms, Terms
from monitor.life import Current
from monitor.sealing import Sealer
from monitor.store import OpenStore, open_for_reading, open_for_writing, schema, verify_store
from monitor.store.sqlite import Database
from monitor.store.stamps import stamped_at
from monitor.store.transfer import export_store, import_facts, restore_facts
from tests.store.samples import ALL_TIME, JUNE, StillClock, maintenance, url_in

RETENTION = 35 * DAY
EVERY = 6 * MINUTE
FAIL = JUNE + DAY + 12 * HOUR
TERMS = Terms(ZoneInfo("UTC"), (ServiceTerms("app", (CheckTerms("web", 5 * MINUTE),)),))


@dataclass
class Kept:
    """As much of a configuration as retention asks for."""

    raw_retention: int = RETENTION


def looks(days: int, check: str = "web") -> list[Result]:
    return [
        Result(at + 40, check, "london", at, "fail" if at == FAIL else "pass", hold_ms=13 * MINUTE, status=200)
        for at in range(JUNE, JUNE + days * DAY, EVERY)
    ]


def filled(folder: Path, days: int = 3) -> str:
    """A store of some days, in groups of ten results; one group of the second day holds a maintenance too."""
    url = url_in(folder)
    with open_for_writing(url, JUNE) as store:
        for check in ("web", "api"):
            results = looks(days, check)
            for place in range(0, len(results), 10):
                group: list[AnyFact] = [*results[place : place + 10]]
                if check == "web" and group[0].recorded_at == JUNE + DAY + 40:
                    group.append(maintenance(1, JUNE + DAY + 50))
                store.append(group)
    return url


async def ring(url: str, *instants: int) -> None:
    """A daemon's retention, rung at each of these instants."""
    clock = StillClock(JUNE)
    store = OpenStore(url)
    await store.start(JUNE)

    async def record(facts: Iterable[AnyFact]) -> int:
        return await store.append([stamped_at(fact, clock.now()) for fact in facts])

    async def no_rest(_seconds: float) -> None:
        return

    sealer = Sealer(clock, store, record, Current(cast(Config, Kept()), TERMS), no_rest)
    try:
        for instant in instants:
            clock.instant = instant
            await sealer.ring()
    finally:
        await store.aclose()


LATER = JUNE + 3 * DAY + 2 * HOUR
MUCH_LATER = LATER + RETENTION + MINUTE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose days are sealed and whose results have gone, made once."""
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(ring(filled(folder), LATER, MUCH_LATER))
    return folder


@pytest.fixture
def dropped(made: Path, tmp_path: Path) -> str:
    """A copy of it."""
    for file in made.iterdir():
        shutil.copy(file, tmp_path)
    return url_in(tmp_path)


def read(url: str, as_of: int = ALL_TIME) -> list[AnyFact]:
    with open_for_reading(url) as reader:
        return list(reader.read(Period(0, ALL_TIME), as_of))


def silent(_done: int, _total: int) -> None:
    return


def test_finished_days_are_sealed_once_also_after_a_restart(tmp_path: Path) -> None:
    url = filled(tmp_path)
    asyncio.run(ring(url, JUNE + DAY + 30 * MINUTE, JUNE + DAY + 2 * HOUR))
    asyncio.run(ring(url, LATER, LATER + HOUR))
    seals = [fact for fact in read(url) if fact.kind == "seal"]
    days = [(fact.fields["day"], fact.fields["check"]) for fact in seals if isinstance(fact, Fact)]
    assert sorted(days, key=str) == [(f"2026-06-0{day}", check) for day in (1, 2, 3) for check in ("api", "web")]
    assert verify_store(url, silent).gone == []


def test_results_of_sealed_days_go_after_retention_and_no_sooner(tmp_path: Path) -> None:
    url = filled(tmp_path)
    before = read(url)
    asyncio.run(ring(url, LATER, LATER + RETENTION - MINUTE))
    assert [fact for fact in read(url) if isinstance(fact, Result)] == [
        fact for fact in before if isinstance(fact, Result)
    ]
    asyncio.run(ring(url, MUCH_LATER))
    left = [fact for fact in read(url) if isinstance(fact, Result)]
    near = [at for at in range(JUNE, JUNE + 3 * DAY, EVERY) if abs(at - FAIL) <= 15 * MINUTE]
    beside_a_fact = [result.at for result in looks(3) if JUNE + DAY <= result.at < JUNE + DAY + 10 * EVERY]
    last = [result.at for result in left if result.at >= JUNE + 3 * DAY - 15 * MINUTE]
    first = [JUNE + number * EVERY for number in range(16)]  # they say which late ones are about May
    assert {result.at for result in left if result.check == "web"} == {*near, *beside_a_fact, *last, *first}
    assert {result.at for result in left if result.check == "api"} == {*near, *last, *first}


def test_the_day_on_which_a_month_becomes_final_stays(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    final = JUNE + 5 * DAY  # May, five days into June
    day = range(final, final + DAY, EVERY)
    with open_for_writing(url, JUNE) as store:
        store.append([Result(at + 40, "web", "london", at, "pass", hold_ms=13 * MINUTE) for at in day])
    asyncio.run(ring(url, final + DAY + 2 * HOUR, final + 2 * DAY + RETENTION))
    assert [fact.at for fact in read(url) if isinstance(fact, Result)] == [*day]


def test_what_went_under_which_seals_is_said_and_the_rest_is_proved(tmp_path: Path) -> None:
    url = filled(tmp_path)
    facts = len(read(url))
    asyncio.run(ring(url, LATER, MUCH_LATER))
    verified = verify_store(url, silent)
    assert verified.facts == facts + 6
    assert [(day, seals) for day, _, seals in verified.gone] == [
        ("2026-06-01", 2),
        ("2026-06-02", 2),
        ("2026-06-03", 2),
    ]
    assert sum(results for _, results, _ in verified.gone) == facts + 6 - len(read(url))


def tampered(url: str, *statements: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as database:
        for trigger in ("result_stays", "result_keeps", "seal_stays", "gone_keeps", "gone_stays"):
            database.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE result SET planned = 7 WHERE at = {fail}", id="a fail whose group has lost results"),
        pytest.param("DELETE FROM result WHERE at = {fail}", id="a fail that is missing"),
        pytest.param("DELETE FROM result WHERE at = {after}", id="a pass that did not go"),
        pytest.param("UPDATE seal SET size = size + 1 WHERE day = 20606", id="a seal"),
        pytest.param("DELETE FROM gone", id="what went"),
    ],
)
def test_what_is_left_cannot_be_changed_unseen(dropped: str, tmp_path: Path, change: str) -> None:
    url = dropped
    tampered(url, change.format(fail=FAIL, after=FAIL + EVERY))
    with pytest.raises(StoreDamagedError):
        verify_store(url, silent)


@pytest.mark.parametrize("outcome", ["fail", "pass"])
def test_the_store_itself_refuses_to_let_go_of_what_no_seal_covers(tmp_path: Path, outcome: str) -> None:
    url = filled(tmp_path)
    asyncio.run(ring(url, JUNE + DAY + 2 * HOUR))
    unsealed = JUNE + 2 * DAY if outcome == "pass" else FAIL
    database = Database.writing(Path(url.removeprefix("sqlite:///")))
    try:
        with pytest.raises(StoreDamagedError, match="facts are never deleted"):
            database.execute("DELETE FROM result WHERE at = ?", (unsealed,))
    finally:
        database.close()


def test_an_export_after_results_went_says_so_and_makes_the_same_store_again(dropped: str, tmp_path: Path) -> None:
    url = dropped
    with open_for_reading(url) as reader:
        head = reader.head()
        assert export_store(reader, tmp_path / "facts.jsonl", silent) == len(read(url))
    links = [json.loads(line) for line in (tmp_path / "facts.jsonl.chain").read_text().splitlines()]
    assert sum(link["count"] - len(link["kept"]) for link in links if "kept" in link) > 1000
    other = tmp_path / "other"
    other.mkdir()
    with open_for_writing(url_in(other), JUNE) as store:
        restore_facts(store, tmp_path / "facts.jsonl", silent)
        assert store.head() == head
    assert list(map(canonical_line, read(url_in(other)))) == list(map(canonical_line, read(url)))
    assert verify_store(url_in(other), silent) == verify_store(url, silent)


def spoiled(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    file = folder / "facts.jsonl"
    file.write_text("".join(f"{line}\n" for line in change(file.read_text().splitlines())))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [line.replace('"outcome":"fail"', '"outcome":"void"') for line in lines],
        lambda lines: [line for line in lines if '"outcome":"fail"' not in line],
        lambda lines: [line.replace('"count":240', '"count":241') for line in lines],
    ],
    ids=["a fail", "a line", "a seal"],
)
def test_an_export_that_was_changed_is_not_restored(
    dropped: str, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    url = dropped
    with open_for_reading(url) as reader:
        export_store(reader, tmp_path / "facts.jsonl", silent)
    spoiled(tmp_path, change)
    other = tmp_path / "other"
    other.mkdir()
    with open_for_writing(url_in(other), JUNE) as store:
        with pytest.raises(FactError):
            restore_facts(store, tmp_path / "facts.jsonl", silent)
        assert store.count() == 0


def test_as_of_an_instant_before_the_seals_the_store_refuses_to_tell_half(dropped: str, tmp_path: Path) -> None:
    url = dropped
    with pytest.raises(InputError, match=r"results of 2026-06-0\d have gone under a seal that was recorded later"):
        read(url, JUNE + 2 * DAY)
    assert read(url, LATER + 1)


def test_the_evaluator_starts_from_seals_as_from_results(tmp_path: Path) -> None:
    url = filled(tmp_path)
    before = live_book(TERMS, read(url)).view("app", LATER, public=True)
    asyncio.run(ring(url, LATER, MUCH_LATER))

    async def started() -> object:
        store = OpenStore(url)
        await store.start(JUNE)
        try:
            evaluator = Evaluator(StillClock(LATER), store, TERMS, Shown(frozenset({"app"}), {}))
            return (await evaluator.evaluate()).services[0]
        finally:
            await store.aclose()

    assert asyncio.run(started()) == before


def test_the_same_facts_again_add_nothing_but_what_went(dropped: str, tmp_path: Path) -> None:
    url = dropped
    with open_for_reading(url) as reader:
        export_store(reader, tmp_path / "facts.jsonl", silent)
    with open_for_writing(url, MUCH_LATER) as store:
        assert import_facts(store, tmp_path / "facts.jsonl", MUCH_LATER, silent).new == 0


def former(folder: Path) -> str:
    """A store as version 1 made it."""
    url = filled(folder, days=1)
    file = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as database:
        for table in ("seals_by_series", "packed", "group_gone", "gone", "passing", "seal", "series"):
            database.execute(f"DROP TABLE {table}")
        database.execute("DROP TRIGGER result_keeps")
        database.execute("CREATE TRIGGER result_keeps BEFORE DELETE ON result BEGIN SELECT RAISE(ABORT, 'no'); END")
        database.execute("PRAGMA user_version = 1")
        database.commit()
    return url


def test_a_store_of_version_1_is_read_as_it_is_and_upgraded_when_it_is_opened_for_writing(tmp_path: Path) -> None:
    url = former(tmp_path)
    before = list(map(canonical_line, read(url)))
    assert verify_store(url, silent).gone == []
    file = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
    asyncio.run(ring(url, LATER, MUCH_LATER))
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    left = list(map(canonical_line, read(url)))
    assert set(left) - set(before) == {line for line in left if b'"kind":"seal"' in line}
    assert verify_store(url, silent).gone


def test_a_program_that_knows_version_1_alone_refuses_the_upgraded_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = filled(tmp_path, days=1)
    monkeypatch.setattr(schema, "VERSION", 1)
    with pytest.raises(StoreNewerError, match="the store has schema 5, this program knows 1") as refused:
        read(url)
    assert refused.value.exit_status == 5
