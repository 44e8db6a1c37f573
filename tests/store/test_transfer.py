"""Files of facts go in whole or not at all, and a store can be made again from its export."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.errors import FactError, InputError, StoreDamagedError
from monitor.facts import AnyFact, canonical_line, decode_line
from monitor.ledger.period import Period
from monitor.store import Progress, Verified, open_for_reading, open_for_writing, verify_store
from monitor.store.transfer import (
    Imported,
    chain_file,
    export_period,
    export_store,
    import_facts,
    restore_facts,
)
from tests.store.samples import ALL_TIME, JUNE, maintenance, passes, started, url_in

NOW = JUNE + 10**9


def silent(_done: int, _total: int) -> None:
    return


def file_of(folder: Path, facts: list[AnyFact]) -> Path:
    file = folder / "facts.jsonl"
    file.write_bytes(b"".join(canonical_line(fact) + b"\n" for fact in facts))
    return file


def imported(url: str, file: Path, progress: Progress = silent) -> Imported:
    with open_for_writing(url, JUNE) as store:
        return import_facts(store, file, NOW, progress)


def everything(url: str) -> list[AnyFact]:
    with open_for_reading(url) as store:
        return [decode_line(line) for line in store.lines(1, store.count())]


def verified(url: str) -> Verified:
    return verify_store(url, silent)


def test_an_import_records_now_and_facts_of_one_subject_1_ms_apart(tmp_path: Path) -> None:
    file = file_of(tmp_path, [maintenance(1), started(), maintenance(2), *passes(3), maintenance(3)])
    assert imported(url_in(tmp_path), file) == Imported(7, 7)
    recorded = [fact.recorded_at - NOW for fact in everything(url_in(tmp_path))]
    assert recorded == [0, 0, 1, 0, 1, 2, 2]


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    file = file_of(tmp_path, [*passes(20), started(), maintenance(1)])
    imported(url_in(tmp_path), file)
    before = verified(url_in(tmp_path))
    assert imported(url_in(tmp_path), file) == Imported(22, 0)
    assert verified(url_in(tmp_path)) == before


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"[]", "expected a JSON object"),
        (b'{"kind":"rumour"}', "kind: expected one of"),
        (b'{"kind":"result","check":"web"}', "vantage: is missing"),
        (b'{"kind":"lifecycle","event":"started","at":NaN}', "NaN is no number"),
        (b'{"kind":"lifecycle","event":"started","at":"2026-06-01T00:00:00"}', "at: .* RFC 3339 with an offset"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_nothing_is_stored(tmp_path: Path, bad: bytes, reason: str) -> None:
    file = file_of(tmp_path, [*passes(12_000)])
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([*lines[:11_000], bad, *lines[11_000:]]))
    with pytest.raises(FactError, match=f"^line 11001: .*{reason}") as refused:
        imported(url_in(tmp_path), file)
    assert refused.value.exit_status == 2
    assert verified(url_in(tmp_path)).facts == 0


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read: No such file"):
        imported(url_in(tmp_path), tmp_path / "none.jsonl")


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_bytes(canonical_line(started()))
    assert imported(url_in(tmp_path), file) == Imported(1, 1)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    file = file_of(tmp_path, [*passes(2500)])
    imported(url_in(tmp_path), file, lambda done, total: told.append((done, total)))
    size = file.stat().st_size
    assert len(told) == 3
    assert told[-1] == (size, size)


def exported(folder: Path) -> tuple[str, Path]:
    """A store of some groups, and its export."""
    url, file = url_in(folder), folder / "export.jsonl"
    with open_for_writing(url, JUNE) as store:
        store.append([*passes(30), started()])
        store.append([passes(1, first=50)[0]._replace(id="a"), maintenance(1)])
        store.append(passes(30, first=100))
    with open_for_reading(url) as store:
        assert export_store(store, file, silent) == 63
    return url, file


def test_an_export_is_the_log_in_its_order(tmp_path: Path) -> None:
    url, file = exported(tmp_path)
    assert file.read_bytes() == b"".join(canonical_line(fact) + b"\n" for fact in everything(url))
    links = [json.loads(line) for line in chain_file(file).read_text().splitlines()]
    assert [link["count"] for link in links] == [31, 2, 30]
    assert links[-1]["head"] == f"sha256:{verified(url).head.hex()}"


def test_an_export_of_what_was_not_committed_is_refused_and_the_last_one_stays(tmp_path: Path) -> None:
    url, file = exported(tmp_path)
    before = file.read_bytes()
    with closing(sqlite3.connect(tmp_path / "minutebook.db")) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute("UPDATE fact SET line = replace(line, 'started', 'stopped')").rowcount
        connection.commit()
    with open_for_reading(url) as store, pytest.raises(StoreDamagedError, match="facts 1 to 31 are not those of"):
        export_store(store, file, silent)
    assert file.read_bytes() == before


def restored(folder: Path, file: Path) -> str:
    url = f"sqlite:///{folder}/restored.db"
    with open_for_writing(url, JUNE) as store:
        restore_facts(store, file, silent)
    return url


def test_a_restored_store_is_the_same_store(tmp_path: Path) -> None:
    url, file = exported(tmp_path)
    again = restored(tmp_path, file)
    assert verified(again) == verified(url)
    assert everything(again) == everything(url)
    with open_for_writing(again, JUNE) as store:
        assert store.append(everything(url)) == 0


def test_a_store_that_holds_facts_is_not_restored_into(tmp_path: Path) -> None:
    url, file = exported(tmp_path)
    with (
        open_for_writing(url, JUNE) as store,
        pytest.raises(InputError, match="holds 63 facts; --restore needs an empty"),
    ):
        restore_facts(store, file, silent)


def drop_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:40], *lines[41:]]


def change_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:40], lines[40].replace(b"12.5", b"12.6"), *lines[41:]]


def swap_lines(lines: list[bytes]) -> list[bytes]:
    return [*lines[:40], lines[41], lines[40], *lines[42:]]


def add_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines, canonical_line(started(JUNE + 1)) + b"\n"]


def repeat_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:41], *lines[40:-1]]


@pytest.mark.parametrize("change", [drop_a_line, change_a_line, swap_lines, add_a_line, repeat_a_line])
def test_what_is_not_the_exported_chain_is_not_restored(tmp_path: Path, change: object) -> None:
    assert callable(change)
    _, file = exported(tmp_path)
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(FactError, match=r"line.*export anew"):
        restored(tmp_path, file)
    assert verified(f"sqlite:///{tmp_path}/restored.db").facts == 0


def test_a_restore_without_its_chain_is_refused(tmp_path: Path) -> None:
    _, file = exported(tmp_path)
    chain_file(file).unlink()
    with pytest.raises(InputError, match=r"export\.jsonl\.chain: cannot be read"):
        restored(tmp_path, file)


def test_a_chain_that_is_none_is_refused(tmp_path: Path) -> None:
    _, file = exported(tmp_path)
    chain_file(file).write_text('{"count":0,"head":"sha256:"}\n')
    with pytest.raises(InputError, match=r"export\.jsonl\.chain:1: expected a count and a head"):
        restored(tmp_path, file)


def test_a_period_is_exported_with_all_that_its_statement_needs(tmp_path: Path) -> None:
    url, _ = exported(tmp_path)
    out = io.BytesIO()
    with open_for_reading(url) as store:
        assert export_period(store, Period(JUNE, JUNE + 10_000), ALL_TIME, out) == 12
    kinds = [decode_line(line).kind for line in out.getvalue().splitlines()]
    assert sorted(kinds) == ["lifecycle", "maintenance", *["result"] * 10]
