"""A store is opened only when it is ours, whole, of our age, and nobody else's."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.errors import InputError, StoreDamagedError, StoreInUseError, StoreNewerError
from monitor.ledger.period import Period
from monitor.store import open_for_reading, open_for_writing, verify_store
from monitor.store.url import store_path
from tests.store.samples import ALL_TIME, JUNE, passes, url_in

HOLDER = """
import sys, time
from monitor.store import open_for_writing
with open_for_writing(sys.argv[1], 1780272000000):
    print("held", flush=True)
    sys.stdin.read()
"""


def open_once(url: str) -> None:
    """Opens the store for writing, and leaves it."""
    with open_for_writing(url, JUNE):
        return


def hold(url: str) -> subprocess.Popen[str]:
    """Another process that holds the store."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.communicate()


def test_a_second_daemon_is_refused_and_told_who_holds_the_store(tmp_path: Path) -> None:
    holder = hold(url_in(tmp_path))
    try:
        with pytest.raises(StoreInUseError, match=f"process {holder.pid} since 2026-06-01T00:00:00.000Z") as refused:
            open_once(url_in(tmp_path))
        assert refused.value.exit_status == 2
    finally:
        end(holder)


def test_a_stopped_holder_still_holds(tmp_path: Path) -> None:
    holder = hold(url_in(tmp_path))
    os.kill(holder.pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreInUseError):
            open_once(url_in(tmp_path))
    finally:
        os.kill(holder.pid, signal.SIGCONT)
        end(holder)


def test_what_a_killed_holder_left_is_no_obstacle(tmp_path: Path) -> None:
    holder = hold(url_in(tmp_path))
    holder.kill()
    holder.communicate()
    assert json.loads((tmp_path / "minutebook.db.lock").read_text())["pid"] == holder.pid
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.append(passes(1)) == 1


def test_two_names_of_one_file_are_one_store(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE):
        (tmp_path / "link.db").symlink_to(tmp_path / "minutebook.db")
        with pytest.raises(StoreInUseError), open_for_writing(f"sqlite:///{tmp_path}/link.db", JUNE):
            pass


def test_a_store_is_read_and_verified_beside_its_writer(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(10))
        with open_for_reading(url_in(tmp_path)) as beside:
            assert len(list(beside.read(Period(0, ALL_TIME), ALL_TIME))) == 10
            store.append(passes(5, first=10))
            assert beside.count() == 15
        assert verify_store(url_in(tmp_path), lambda _done, _total: None).facts == 15


def test_reading_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no store"), open_for_reading(url_in(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    open_once(url_in(tmp_path))
    connection = sqlite3.connect(tmp_path / "minutebook.db")
    connection.execute("PRAGMA user_version = 6")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with pytest.raises(StoreNewerError, match="schema 6, this program knows 5") as refused:
        open_once(url_in(tmp_path))
    assert refused.value.exit_status == 5


def foreign_database(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE note (text)")
    connection.commit()
    connection.close()


def nothing(file: Path) -> None:
    file.touch()


def nothing_beside_a_wal(file: Path) -> None:
    file.touch()
    Path(f"{file}-wal").write_bytes(b"7" * 5000)


def text(file: Path) -> None:
    file.write_text("not a database at all\n" * 99)


def only_a_wal(file: Path) -> None:
    Path(f"{file}-wal").write_bytes(b"7" * 5000)


@pytest.mark.parametrize("make", [foreign_database, nothing, nothing_beside_a_wal, text, only_a_wal])
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "minutebook.db")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(StoreDamagedError, match=r"minutebook\.db: .*import --restore") as refused:
        open_once(url_in(tmp_path))
    assert refused.value.exit_status == 4
    after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith(".lock")}
    assert after == before


def test_a_store_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(3))
    (tmp_path / "minutebook.db").unlink()
    with pytest.raises(StoreDamagedError, match="the file is gone, and 3 acknowledged facts"):
        open_once(url_in(tmp_path))
    with pytest.raises(StoreDamagedError), open_for_reading(url_in(tmp_path)):
        pass


def test_a_backup_without_its_head_file_is_taken(tmp_path: Path) -> None:
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(3))
    backup = (tmp_path / "minutebook.db").read_bytes()
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        store.append(passes(3, first=3))
    (tmp_path / "minutebook.db").write_bytes(backup)
    with pytest.raises(StoreDamagedError, match="its newest 3 acknowledged facts are missing"):
        open_once(url_in(tmp_path))
    (tmp_path / "minutebook.db.head").unlink()
    with open_for_writing(url_in(tmp_path), JUNE) as store:
        assert store.count() == 3


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:///book.db", "book.db"),
        ("sqlite:////var/lib/a%20b.db", "/var/lib/a b.db"),
        ("sqlite:///x/y.db", "x/y.db"),
    ],
)
def test_a_storage_url_names_a_file(url: str, place: str) -> None:
    assert store_path(url) == Path(place).resolve()


@pytest.mark.parametrize(
    "url", ["", "book.db", "sqlite://", "sqlite:///", "sqlite:///x/", "mysql://x/y", "sqlite:///a?b=1"]
)
def test_a_bad_storage_url_is_told_with_an_example(url: str) -> None:
    with pytest.raises(InputError, match=r"storage\.url: .* sqlite:///FILE, for example sqlite:///minutebook\.db"):
        store_path(url)


def test_postgresql_is_told_to_come_later() -> None:
    with pytest.raises(InputError, match="PostgreSQL come with a later release"):
        store_path("postgresql://db/minutebook")
