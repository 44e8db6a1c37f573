"""The log keeps each fact once, in order, for good, and proves it."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import FactError
from monitor.facts import AnyFact, canonical_line, decode_line, key
from monitor.store import open_for_reading, open_for_writing, verify_store
from monitor.store.stamps import stamped_at
from tests.store.samples import JUNE, any_result, close_facts, maintenance, passes, started, url_in


def stored_lines(url: str) -> list[bytes]:
    with open_for_reading(url) as store:
        return list(store.lines(1, store.count()))


def test_facts_are_kept_in_the_order_given(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    facts: list[AnyFact] = [*passes(3), started(), *passes(2, first=3), maintenance(1)]
    with open_for_writing(url, JUNE) as store:
        assert store.append(facts) == len(facts)
    assert stored_lines(url) == [canonical_line(fact) for fact in facts]


def test_a_second_append_of_the_same_facts_adds_nothing(tmp_path: Path) -> None:
    facts: list[AnyFact] = [*passes(5), started(), maintenance(1)]
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(facts)
        head = store.head()
        assert store.append([stamped_at(fact, JUNE + 99_000) for fact in facts]) == 0
        assert store.head() == head


def test_facts_are_known_again_after_a_restart(tmp_path: Path) -> None:
    facts: list[AnyFact] = [*passes(5), *passes(5, check="db"), started()]
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(facts)
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append(facts) == 0
        assert store.append([*passes(6), *passes(5, check="new")]) == 6


def test_a_late_result_between_others_is_new(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(2) + passes(2, first=8))
        assert store.append(passes(10)) == 6


def test_two_different_results_of_one_instant_are_both_kept(tmp_path: Path) -> None:
    result = passes(1)[0]
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append([result, result._replace(outcome="fail"), result]) == 2


def test_of_an_id_only_the_first_fact_is_kept(tmp_path: Path) -> None:
    first, second = (result._replace(id="agent-1/7") for result in passes(2))
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append([first, second]) == 1
        assert store.append([second]) == 0
        assert store.append([second._replace(id=None)]) == 1


def test_a_repetition_in_another_chunk_of_the_log_is_found(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(9000))
        assert store.append([*passes(1), *passes(1, first=5000), *passes(1, first=9000)]) == 1


@settings(max_examples=60)
@given(batches=st.lists(close_facts(), max_size=4))
def test_the_log_holds_the_first_of_each_key(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[AnyFact]]
) -> None:
    url = url_in(tmp_path_factory.mktemp("store"))
    first: dict[bytes, AnyFact] = {}
    for batch in batches:
        before = len(first)
        for fact in batch:
            first.setdefault(key(fact), fact)
        with open_for_writing(url, JUNE) as store:
            assert store.append(batch) == len(first) - before
    if batches:
        assert stored_lines(url) == [canonical_line(fact) for fact in first.values()]
        verify_store(url, lambda _done, _total: None)


@settings(max_examples=60)
@given(facts=st.lists(any_result(), max_size=8))
def test_whatever_is_kept_gives_its_canonical_line(
    tmp_path_factory: pytest.TempPathFactory, facts: list[AnyFact]
) -> None:
    url = url_in(tmp_path_factory.mktemp("store"))
    first = {key(fact): fact for fact in reversed(facts)}
    with open_for_writing(url, JUNE) as store:
        store.append(facts)
    assert sorted(stored_lines(url)) == sorted(canonical_line(fact) for fact in first.values())
    verify_store(url, lambda _done, _total: None)


def test_the_chain_is_the_one_of_the_contract(tmp_path: Path) -> None:
    groups: list[list[AnyFact]] = [[*passes(2), started()], [maintenance(1)], [*passes(3, first=2)]]
    head = bytes(32)
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        for group in groups:
            store.append(group)
            lines = b"".join(canonical_line(fact) + b"\n" for fact in group)
            head = sha256(head + sha256(lines).digest()).digest()
        assert store.head().digest == head
        assert (store.head().n, store.count()) == (3, 7)


def test_a_batch_without_anything_new_is_no_group(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append([]) == 0
        assert store.head().n == 0


@pytest.mark.parametrize("table", ["result", "fact", "commit_group", "template", "zone", "result_id"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid"])
def test_no_row_is_edited_or_deleted(tmp_path: Path, table: str, change: str) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append([*passes(5000), started(), passes(1, first=9000)[0]._replace(id="a")])
    if table == "result_id":
        change = change.replace("rowid", "seq")
    connection = sqlite3.connect(tmp_path / "minutebook.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table))
    connection.close()


def test_a_fact_that_cannot_be_spelled_refuses_its_batch_and_nothing_else(tmp_path: Path) -> None:
    broken = passes(1)[0]._replace(detail="\ud800")
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        with pytest.raises(FactError):
            store.append([*passes(2, first=1), broken])
        assert store.count() == 0
        assert store.append(passes(3)) == 3


def test_an_ordinary_result_takes_at_most_60_bytes(tmp_path: Path) -> None:
    line = (
        b'{"at":"2026-06-01T00:00:%02d.%03dZ","check":"web","duration_ms":123.456,"hold_ms":90000,"ip":"192.0.2.7",'
        b'"kind":"result","outcome":"pass","phases_ms":{"connect":10.123,"processing":50.1,"resolve":1.5,"tls":20.25,'
        b'"transfer":3.333},"recorded_at":"2026-06-01T00:01:00.000Z","scheduled_at":"2026-06-01T00:00:00.000Z",'
        b'"status":200,"vantage":"london"}'
    )
    facts = [decode_line(line % (number // 1000, number % 1000)) for number in range(50_000)]
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(facts)
    assert (tmp_path / "minutebook.db").stat().st_size / len(facts) <= 60
