"""The store under load: CPU, WAL and disk a result, import and reading (performance.md, lines 6 and 7)."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.clock import SystemClock
from monitor.facts import AnyFact, Phases, Result, canonical_line
from monitor.ledger.period import Period
from monitor.recorder import Recorder
from monitor.store import open_for_writing, open_store, verify_store
from monitor.store.transfer import export_store, import_facts
from tests.bench import Figure

CHECKS = 500
RATE = 1000  # results a second
SECONDS = 15
IMPORTED = 1_000_000
JUNE = 1_780_272_000_000  # 2026-06-01T00:00:00Z in UTC ms
TICK_S = 0.01


def result(number: int, at: int) -> Result:
    """What a prober makes of an HTTP check: every phase, in whole microseconds."""
    phases = Phases(
        (400 + number % 89) / 1000, (1200 + number % 97) / 1000, 8.031, (20_000 + number % 997) / 1000, 0.75
    )
    return Result(
        at + 250,
        f"check-{number % CHECKS}",
        "london",
        at,
        "pass",
        hold_ms=90_000,
        scheduled_at=at - number % 3,
        duration_ms=(31_000 + number % 1013) / 1000,
        phases_ms=phases,
        status=200,
        ip="192.0.2.7",
        certificate_expires=JUNE + 90 * 86_400_000,
    )


def recording() -> Iterator[Figure]:
    """The recorder and the store in real time, at 1,000 results a second, as the daemon runs them."""
    with TemporaryDirectory() as folder:
        cpu, wal, disk = asyncio.run(_recorded(Path(folder) / "minutebook.db"))
    yield Figure("6", "recording at 1,000 results/s", cpu, 12, "µs CPU a row")
    yield Figure("6", "recording at 1,000 results/s", wal, 150, "WAL bytes a row")
    yield Figure("7", "a raw result", disk, 60, "bytes on disk")


async def _recorded(file: Path) -> tuple[float, float, float]:
    count = 0
    clock = SystemClock()
    idle = await _paced(lambda at: _ignored(result(at, at)))
    async with open_store(f"sqlite:///{file}", clock) as store:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as reader:
            reader.execute("BEGIN").execute("SELECT count(*) FROM result")  # the WAL only grows while this is open
            async with Recorder(store, clock, _nobody) as recorder:

                def put(at: int) -> None:
                    nonlocal count
                    recorder.put(result(count, at))
                    count += 1

                busy = await _paced(put)
            wal = _size(Path(f"{file}-wal"))
    return (busy - idle) * 1e6 / count, wal / count, _size(file) / count


def _ignored(_result: Result) -> None:
    return


def _size(file: Path) -> int:
    return file.stat().st_size


async def _paced(put: Callable[[int], None]) -> float:
    """CPU seconds of all threads while `put` is called RATE times a second."""
    before = time.process_time()
    start = time.monotonic()
    for tick in range(round(SECONDS / TICK_S)):
        await asyncio.sleep(start + tick * TICK_S - time.monotonic())
        at = time.time_ns() // 1_000_000
        for _ in range(round(RATE * TICK_S)):
            put(at)
    return time.process_time() - before


def _nobody(_facts: Sequence[AnyFact]) -> None:
    return


def importing() -> Iterator[Figure]:
    """A file of a million results into an empty store and out again."""
    with TemporaryDirectory() as folder:
        file, url = Path(folder) / "facts.jsonl", f"sqlite:///{folder}/minutebook.db"
        with file.open("wb") as facts:
            facts.writelines(
                canonical_line(result(number, JUNE + number // CHECKS * 30_000 + number % CHECKS)) + b"\n"
                for number in range(IMPORTED)
            )
        with open_for_writing(url, JUNE) as store:
            began = time.perf_counter()
            import_facts(store, file, JUNE, _silent)
            yield Figure(
                "", "import", IMPORTED / (time.perf_counter() - began), 30_000, "facts a second", at_least=True
            )
            began = time.perf_counter()
            export_store(store, Path(folder) / "export.jsonl", _silent)
            yield Figure(
                "", "export", IMPORTED / (time.perf_counter() - began), 30_000, "facts a second", at_least=True
            )
        began = time.perf_counter()
        verify_store(url, _silent)
        yield Figure("", "verify", IMPORTED / (time.perf_counter() - began), 30_000, "facts a second", at_least=True)


def reading() -> Iterator[Figure]:
    """A month out of a longer log."""
    count = 300_000
    with TemporaryDirectory() as folder, open_for_writing(f"sqlite:///{folder}/minutebook.db", JUNE) as store:
        for start in range(0, count, 5000):
            store.append(
                [
                    result(n, JUNE + n * 100)._replace(duration_ms=None, phases_ms=None)
                    for n in range(start, start + 5000)
                ]
            )
        began = time.process_time()
        read = sum(1 for _ in store.read(Period(JUNE, JUNE + 200_000 * 100), 2**52))
        yield Figure("", "reading plain results", (time.process_time() - began) * 1e6 / read, 2, "µs CPU a row")


def _silent(_done: int, _total: int) -> None:
    return
