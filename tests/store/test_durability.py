"""What was acknowledged survives kill -9 (reliability.md, A1)."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.facts import Result
from monitor.ledger.period import Period
from monitor.store import open_for_reading, verify_store
from tests.store.samples import ALL_TIME, JUNE, url_in

WRITER = """
import asyncio, sys
from monitor.store import open_store
from tests.store.samples import StillClock, passes

async def record(store, lane, start):
    for number in range(start, start + 1_000_000):
        await store.append(passes(1, first=number, check=lane))
        print(lane, number, flush=True)

async def main():
    async with open_store(sys.argv[1], StillClock()) as store:
        print("ready", flush=True)
        await asyncio.gather(*(record(store, f"lane-{n}", int(sys.argv[2])) for n in range(4)))

asyncio.run(main())
"""


def acknowledged_until_killed(url: str, start: int, acknowledgements: int) -> set[tuple[str, int]]:
    """Runs a writer, kills it after so many lines, and gives everything that it had acknowledged by then."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(start)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    told = [writer.stdout.readline() for _ in range(acknowledgements)]
    writer.kill()
    rest, _ = writer.communicate()
    lines = [line for line in ("".join(told) + rest).splitlines(keepends=True) if line.endswith("\n")]
    return {(lane, int(number)) for lane, number in map(str.split, lines)}


def survive(folder: Path, kills: int) -> None:
    """Kills writers of one store; every acknowledged fact must be there, once, in a chain that proves."""
    chance = random.Random(kills)  # noqa: S311 - a test's own dice
    url = url_in(folder)
    acknowledged: set[tuple[str, int]] = set()
    for kill in range(kills):
        acknowledged |= acknowledged_until_killed(url, kill * 1_000_000, chance.randrange(1, 400))
    with open_for_reading(url) as store:
        results = [fact for fact in store.read(Period(0, ALL_TIME), ALL_TIME) if isinstance(fact, Result)]
    stored = [(result.check, (result.at - JUNE) // 1000) for result in results]
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert verify_store(url, lambda _done, _total: None).facts == len(stored)


def test_twenty_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    survive(tmp_path, 20)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    survive(tmp_path, 100)
