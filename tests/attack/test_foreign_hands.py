"""Other programs at the store's files while the daemon holds them, and files that are not what they seem."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.errors import InputError, StoreError, StoreInUseError
from monitor.ledger.period import Period
from monitor.store import open_for_reading, open_for_writing, open_store
from monitor.store.url import store_path
from tests.store.samples import ALL_TIME, JUNE, StillClock, passes, started, url_in

FOREIGN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM fact").fetchall()
connection.close()  # the last one to close a store takes its WAL away
"""


def copied(folder: Path) -> Path:
    """The store's files as a kill would leave them now."""
    killed = folder / "killed"
    killed.mkdir()
    for file in folder.glob("minutebook.db*"):
        (killed / file.name).write_bytes(file.read_bytes())
    return killed


async def test_a_program_that_looks_into_the_store_takes_no_acknowledged_fact_away(tmp_path: Path) -> None:
    """Reading dropped the daemon's own lock: the WAL was deleted, and what came after it was lost at a kill."""
    url = url_in(tmp_path)
    path = store_path(url)
    async with open_store(url, StillClock()) as store:
        await store.append([started()])
        assert len(list(store.read(Period(-ALL_TIME, ALL_TIME), ALL_TIME))) == 1
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", FOREIGN, str(path)], check=True)
        await store.append(passes(3))
        killed = copied(tmp_path)
    with open_for_reading(url_in(killed)) as reader:
        assert reader.count() == 4


def test_a_lock_file_that_was_removed_lets_nobody_in_beside_the_holder(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    lock = Path(f"{store_path(url)}.lock")
    with open_for_writing(url, JUNE) as first:
        lock.unlink()
        first.append(passes(1))
        with pytest.raises(StoreInUseError, match="is held by the minutebook process"), open_for_writing(url, JUNE):
            raise AssertionError
        assert first.append(passes(2)) == 1


def test_who_lost_the_lock_to_another_writes_no_more(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    lock = Path(f"{store_path(url)}.lock")
    with open_for_writing(url, JUNE) as first:
        first.append(passes(1))
        lock.unlink()
        with open_for_writing(url, JUNE) as second:
            assert second.append(passes(2)) == 1
            with pytest.raises(StoreInUseError, match="is held by the minutebook process"):
                first.append(passes(3))
        assert first.append(passes(3)) == 1, "once the other is gone it goes on, from what the other left"
        assert first.count() == 3


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    url, victim = url_in(tmp_path), tmp_path / "victim"
    victim.write_text("precious")
    Path(f"{store_path(url)}.lock").symlink_to(victim)
    with pytest.raises(StoreError, match=r"minutebook\.db\.lock: cannot be opened"), open_for_writing(url, JUNE):
        raise AssertionError
    assert victim.read_text() == "precious"


def test_a_store_that_is_a_link_to_itself_is_named(tmp_path: Path) -> None:
    path = tmp_path / "minutebook.db"
    path.symlink_to(path)
    with pytest.raises(InputError, match="leads in a circle"):
        store_path(url_in(tmp_path))


def test_a_head_that_is_gone_is_told_of_when_it_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = url_in(tmp_path)
    with open_for_writing(url, JUNE) as store:
        store.append(passes(3))
    assert not caplog.records
    Path(f"{store_path(url)}.head").unlink()
    with open_for_writing(url, JUNE):
        assert "minutebook.db.head was missing and is made again at fact 3" in caplog.text
