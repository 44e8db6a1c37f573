"""A full disk loses nothing that was acknowledged, and is over by itself (reliability.md, A3)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.facts import AnyFact, canonical_line
from monitor.recorder import Recorder
from monitor.store import OpenStore, open_for_reading, open_for_writing, open_store, verify_store
from monitor.store.transfer import import_facts
from tests.store.samples import JUNE, StillClock, passes, started, url_in


def tmpfs(folder: Path) -> list[list[str]]:
    """2 MiB of memory."""
    return [["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]]


def ext4(folder: Path) -> list[list[str]]:
    """16 MiB of disk."""
    image = str(folder.with_name("image"))
    return [
        ["truncate", "-s", "16M", image],
        ["mkfs.ext4", "-q", "-O", "^has_journal", image],
        ["mount", "-o", "loop", image, str(folder)],
    ]


@pytest.fixture(params=[tmpfs, pytest.param(ext4, marks=pytest.mark.long)], ids=["tmpfs", "ext4"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path, tool: Callable[[str], str]) -> Iterator[Path]:
    """A small file system; making one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    for command in request.param(folder):
        tool(command[0])
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            return ballast


async def append_until_refused(store: OpenStore, first: int) -> tuple[list[AnyFact], str]:
    """Appends until the disk is full: what was acknowledged, and what the refusal says."""
    kept: list[AnyFact] = []
    while True:
        batch = passes(100, first=first + len(kept))
        try:
            await store.append(batch)
        except StoreError as error:
            return kept, str(error)
        kept += batch


async def test_nothing_acknowledged_is_lost_and_writing_goes_on_by_itself(small_disk: Path) -> None:
    url = url_in(small_disk)
    kept: list[AnyFact] = []
    async with open_store(url, StillClock()) as store:
        for turn in range(5):
            ballast = fill(small_disk)
            acknowledged, refusal = await append_until_refused(store, 100_000 * turn)
            assert "make room" in refusal
            ballast.unlink()
            after: list[AnyFact] = [*passes(1, first=100_000 * turn + 99_999), started(JUNE + turn)]
            assert await store.append(after) == 2
            kept += [*acknowledged, *after]
    with open_for_reading(url) as reader:
        assert list(reader.lines(1, reader.count())) == [canonical_line(fact) for fact in kept]
    verify_store(url, lambda _done, _total: None)


async def test_results_wait_for_room_and_other_facts_are_refused(small_disk: Path) -> None:
    url = url_in(small_disk)
    clock = StillClock()
    paused: list[float] = []
    recorded: list[AnyFact] = []
    all_there = asyncio.Event()

    async def pause(seconds: float) -> None:
        """Stands for waiting; the disk has room again after the sixth pause."""
        paused.append(seconds)
        if len(paused) == 6:
            (small_disk / "ballast").unlink()

    def committed(facts: Sequence[AnyFact]) -> None:
        recorded.extend(facts)
        if len(recorded) == len(waiting):
            all_there.set()

    waiting = [result._replace(recorded_at=JUNE + place) for place, result in enumerate(passes(3000, check="waits"))]
    async with open_store(url, clock) as store, Recorder(store, clock, committed, pause) as recorder:
        fill(small_disk)
        before, _ = await append_until_refused(store, 0)
        with pytest.raises(StoreError):
            await recorder.record([*passes(3000, check="refused"), started()])
        writable = [recorder.writable]
        for result in waiting:
            recorder.put(result)
        await all_there.wait()
        writable.append(recorder.writable)
    assert writable == [False, True]
    assert recorded == waiting
    assert paused[:6] == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert verify_store(url, lambda _done, _total: None).facts == len(before) + 3000


def test_an_import_that_finds_no_room_leaves_nothing_behind(small_disk: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_bytes(b"".join(canonical_line(fact) + b"\n" for fact in passes(40_000)))
    with open_for_writing(url_in(small_disk), JUNE) as store:
        ballast = fill(small_disk)
        os.truncate(ballast, ballast.stat().st_size - 400_000)
        with pytest.raises(StoreError, match="make room"):
            import_facts(store, file, JUNE, lambda _done, _total: None)
        assert store.count() == 0
        ballast.unlink()
        assert store.append(passes(1)) == 1
