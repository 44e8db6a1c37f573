"""What is read of a store is what was recorded by then, in order of recording."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import AnyFact, Result, canonical_line, key
from monitor.ledger.period import Period
from monitor.store import open_for_reading, open_for_writing
from tests.store.samples import ALL_TIME, JUNE, close_facts, maintenance, passes, started, url_in


def asked_for(facts: list[AnyFact], period: Period, as_of: int) -> list[AnyFact]:
    """The definition: interfaces.FactStore.read."""
    told = [fact for fact in facts if fact.recorded_at <= as_of]
    told = [fact for fact in told if not isinstance(fact, Result) or period.start <= fact.at < period.end]
    return sorted(told, key=lambda fact: fact.recorded_at)


@settings(max_examples=100)
@given(facts=close_facts(), start=st.integers(0, 6), length=st.integers(0, 6), as_of=st.integers(0, 21))
def test_few_facts_are_read_as_defined(
    tmp_path_factory: pytest.TempPathFactory, facts: list[AnyFact], start: int, length: int, as_of: int
) -> None:
    url = url_in(tmp_path_factory.mktemp("store"))
    first: dict[bytes, AnyFact] = {}
    for fact in facts:
        first.setdefault(key(fact), fact)
    period = Period(JUNE + start, JUNE + start + length)
    with open_for_writing(url, JUNE) as store:
        store.append(facts)
        read = list(store.read(period, JUNE + as_of))
    expected = asked_for(list(first.values()), period, JUNE + as_of)
    assert [canonical_line(fact) for fact in read] == [canonical_line(fact) for fact in expected]


@pytest.mark.parametrize("seed", range(4))
def test_many_facts_in_a_wild_order_are_read_as_defined(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    facts: list[AnyFact] = [
        result._replace(recorded_at=JUNE + chance.randrange(10_000))
        for result in passes(14_000)
        if chance.random() < 0.9
    ]
    facts += [started(JUNE + chance.randrange(10_000)) for _ in range(300)]
    if seed % 2:
        chance.shuffle(facts)
    first = {key(fact): fact for fact in reversed(facts)}
    expected = [fact for fact in facts if first[key(fact)] is fact]
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        for place in range(0, len(facts), 1700):
            store.append(facts[place : place + 1700])
        for period, as_of in (
            (Period(0, ALL_TIME), ALL_TIME),
            (Period(JUNE + 3_000_000, JUNE + 9_000_000), JUNE + 7000),
            (Period(JUNE + 13_999_000, JUNE + 14_000_000), ALL_TIME),
        ):
            assert list(store.read(period, as_of)) == asked_for(expected, period, as_of)


def test_what_is_recorded_while_a_reader_reads_does_not_reach_it(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    with open_for_writing(url, JUNE) as store, open_for_reading(url) as beside:
        store.append(passes(9000))
        reading = beside.read(Period(0, ALL_TIME), ALL_TIME)
        assert next(reading) == passes(1)[0]
        store.append(passes(5, first=9000))
        assert len(list(reading)) == 8999


def test_since_when_is_measured(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert (store.first_recorded(), store.newest_recorded()) == (None, None)
        store.append(passes(5000))
        assert (store.first_recorded(), store.newest_recorded()) == (JUNE + 40, JUNE + 4_999_040)
        store.append([maintenance(1, JUNE - 5)])
        assert store.first_recorded() == JUNE - 5


def test_a_fact_comes_back_as_it_was_decoded(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append([maintenance(3)])
        assert list(store.read(Period(0, 1), ALL_TIME)) == [maintenance(3)]
