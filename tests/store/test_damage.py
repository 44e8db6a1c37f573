"""A damaged store is told, never served, never made anew (reliability.md, A4).

Each image is a store as a killed daemon leaves it, with one thing done to it. It must be refused, untouched; or what
was done changed nothing that anybody can read (a byte between the rows of a page, a WAL frame that was written back
long ago), and then every line must still be there.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.errors import StoreDamagedError, StoreNewerError
from monitor.store import open_for_reading, open_for_writing, verify_store
from tests.store.samples import JUNE, maintenance, passes, started, vitals_day

NAME = "minutebook.db"
NUMBERS = 2  # times 11 kinds: what runs every time
LONG_NUMBERS = 46

EDITS = (
    "UPDATE result SET learned = learned + 1 WHERE seq = 77",
    "UPDATE result SET at = at + 1, learned = learned - 1 WHERE seq = 77",
    "DELETE FROM result WHERE seq = 77",
    "UPDATE template SET body = replace(body, 'pass', 'fail')",
    "UPDATE fact SET line = replace(line, 'started', 'stopped')",
    "UPDATE fact SET kind = 'seal'",
    "UPDATE fact SET recorded_at = recorded_at + 1",
    "UPDATE fact SET key = zeroblob(32) WHERE kind = 'lifecycle'",
    "UPDATE result_id SET key = zeroblob(32)",
    "DELETE FROM result_id",
    "UPDATE zone SET first_at = first_at + 1 WHERE chunk = 0",
    "DELETE FROM zone WHERE chunk = 1",
    "UPDATE commit_group SET digest = zeroblob(32) WHERE n = 1",
    "UPDATE commit_group SET head = zeroblob(32) WHERE n = 2",
    "DELETE FROM commit_group WHERE n = 1",
    "UPDATE packed SET body = zeroblob(200)",
    "DELETE FROM packed",
    "INSERT INTO packed VALUES (99999, zeroblob(31))",
    "INSERT INTO fact VALUES (99999, 'seal', 0, zeroblob(31), '{}')",
)


@dataclass(frozen=True)
class Image:
    """A folder with a store in it, an older copy of that store, and dice."""

    folder: Path
    older: Path
    chance: random.Random

    @property
    def store(self) -> Path:
        return self.folder / NAME

    @property
    def wal(self) -> Path:
        return self.folder / f"{NAME}-wal"


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def flip_in_store(image: Image) -> None:
    flip(image.store, image.chance)


def flip_in_wal(image: Image) -> None:
    flip(image.wal, image.chance)


def overwrite_a_page(image: Image) -> None:
    content = bytearray(image.store.read_bytes())
    page = image.chance.randrange(len(content) // 4096) * 4096
    content[page : page + 4096] = image.chance.randbytes(4096)
    image.store.write_bytes(content)


def cut(file: Path, chance: random.Random) -> None:
    with file.open("r+b") as opened:
        opened.truncate(chance.randrange(file.stat().st_size))


def cut_store(image: Image) -> None:
    cut(image.store, image.chance)


def cut_wal(image: Image) -> None:
    cut(image.wal, image.chance)


def empty_store(image: Image) -> None:
    image.store.write_bytes(b"")


def wrong_header(image: Image) -> None:
    content = image.store.read_bytes()
    image.store.write_bytes(b"SQLite format 4\0" + content[16:])


def older_wal(image: Image) -> None:
    shutil.copy(image.older / f"{NAME}-wal", image.wal)


def older_store(image: Image) -> None:
    shutil.copy(image.older / NAME, image.store)
    older_wal(image)


def no_wal(image: Image) -> None:
    image.wal.unlink()


def no_store(image: Image) -> None:
    image.store.unlink()


DAMAGES: tuple[Callable[[Image], None], ...] = (
    flip_in_store,
    flip_in_wal,
    overwrite_a_page,
    cut_store,
    cut_wal,
    empty_store,
    wrong_header,
    older_wal,
    older_store,
    no_wal,
    no_store,
)


MAY_BE_HARMLESS = {flip_in_store, flip_in_wal, overwrite_a_page, cut_store, cut_wal}
"""A page of which the WAL holds a newer version, or a byte that belongs to nothing, is read by nobody."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store as kill -9 leaves it, half of it still in the WAL; and the same store some commits before."""
    live, older, killed = (tmp_path_factory.mktemp(name) for name in ("live", "older", "killed"))
    with open_for_writing(f"sqlite:///{live / NAME}", JUNE) as store:
        store.append([*passes(4500), started(), vitals_day(), *(maintenance(hour) for hour in range(20))])
    with open_for_writing(f"sqlite:///{live / NAME}", JUNE) as store:
        store.append(passes(300, first=4500))
        shutil.copytree(live, older, dirs_exist_ok=True)
        for start in range(4800, 6000, 100):
            store.append([*passes(100, first=start), started(JUNE + start)])
        shutil.copytree(live, killed, dirs_exist_ok=True)
    return killed, older


def survives(stores: tuple[Path, Path], folder: Path, damage: Callable[[Image], None], number: int) -> None:
    killed, older = stores
    with open_for_reading(f"sqlite:///{shutil.copytree(killed, folder / 'whole') / NAME}") as store:
        lines = list(store.lines(1, store.count()))
    image = Image(Path(shutil.copytree(killed, folder / "image")), older, random.Random(number))  # noqa: S311
    damage(image)
    kept = (image.store, image.wal, Path(f"{image.store}.head"))
    before = {file: file.read_bytes() for file in kept if file.exists()}
    refusal = refused(image, lines)
    if refusal is None:
        assert damage in MAY_BE_HARMLESS
    else:
        assert str(image.store) in refusal
        assert {file: file.read_bytes() for file in before} == before


def refused(image: Image, lines: list[bytes]) -> str | None:
    """What the image is refused with; None where it is taken, and every line is there."""
    try:
        with open_for_writing(f"sqlite:///{image.store}", JUNE) as store:
            assert list(store.lines(1, store.count())) == lines
    except (StoreDamagedError, StoreNewerError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("number", range(NUMBERS))
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_refused_and_nothing_is_lost(
    stores: tuple[Path, Path], tmp_path: Path, damage: Callable[[Image], None], number: int
) -> None:
    for turn in range(3):
        survives(stores, tmp_path / str(turn), damage, 1000 * number + turn)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_much_damage_is_refused_and_nothing_is_lost(
    stores: tuple[Path, Path], tmp_path: Path, damage: Callable[[Image], None]
) -> None:
    for number in range(LONG_NUMBERS):
        survives(stores, tmp_path / str(number), damage, number)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_by_hand_is_found_by_verify(tmp_path: Path, edit: str) -> None:
    url = f"sqlite:///{tmp_path / NAME}"
    with open_for_writing(url, JUNE) as store:
        store.append([*passes(100), started(), vitals_day(), passes(1, first=100)[0]._replace(id="a")])
        store.append(passes(12_000, first=101))
    connection = sqlite3.connect(tmp_path / NAME)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    assert connection.execute(edit).rowcount
    connection.commit()
    connection.close()
    with pytest.raises(StoreDamagedError, match="import --restore"):
        verify_store(url, lambda _done, _total: None)


def test_verify_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with open_for_writing(f"sqlite:///{tmp_path / NAME}", JUNE) as store:
        for start in range(0, 300, 100):
            store.append(passes(100, first=start))
    verified = verify_store(f"sqlite:///{tmp_path / NAME}", lambda done, total: told.append((done, total)))
    assert told == [(100, 300), (200, 300), (300, 300)]
    assert (verified.facts, verified.groups) == (300, 3)
