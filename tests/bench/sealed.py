"""Sealed days: what they take on disk, and statements from them (performance.md, lines 7 and 8).

A store that holds what is left once results have gone: a seal a day of each check, and around each outage the looks
within 15 minutes. It is written by the store itself; only the results that would have gone are never made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.closing import Wanted, statements
from monitor.evaluator import ALL_TIME
from monitor.facts import AnyFact, Result
from monitor.facts.seals import Seal, Stretch, seal_fact
from monitor.ledger.period import DAY, HOUR, MINUTE
from monitor.ledger.seals import NEAR, sealed
from monitor.store import open_for_reading, open_for_writing
from tests.bench import Figure
from tests.bench.ledger import EVERY, HOLD, JUNE, START, ZONE, fleet, look, maintenance

SERVICES = 1000
OUTAGES_EVERY = 10
"""Each tenth service has an outage of two looks on one day of the month."""

SAMPLES = DAY // EVERY


def sealed_days() -> Iterator[Figure]:
    """CPU of this process, everything from opening the store to the statements; once."""
    with TemporaryDirectory() as folder:
        month = Path(folder) / "month.db"
        fill(month, 30)
        yield Figure("8", "a month of 1,000 services from sealed days", stated(month), 0.25, "s CPU")
        year = Path(folder) / "year.db"
        fill(year, 365)
        yield Figure("7", "a sealed day, its link of the chain included", on_disk(year), 0.1, "bytes a sample")
        yield Figure("8", "the same with a year of sealed days", stated(year), 0.25, "s CPU")


def on_disk(file: Path) -> float:
    """Bytes a sample of a year of clean days; the looks around outages are a hundredth of it, and counted."""
    return file.stat().st_size / (SERVICES * 365 * SAMPLES)


def fill(file: Path, days: int) -> None:
    """Days up to the end of June."""
    end = JUNE.period(ZONE).end // DAY * DAY
    with open_for_writing(f"sqlite:///{file}", START) as store:
        store.append([maintenance(number) for number in range(20)])
        for start in range(end - days * DAY, end, DAY):
            kept: list[AnyFact] = []
            seals: list[AnyFact] = []
            for check in range(SERVICES):
                if check % OUTAGES_EVERY == 0 and start == end - 10 * DAY:
                    results = [look(check, at, failed=_is_out(at - start)) for at in range(start, start + DAY, EVERY)]
                    seal = sealed(results, start, start + DAY + HOUR)
                    kept += [each for each in results if _is_near(each.at - start)]
                else:
                    seal = _clean(check, start)
                seals.append(seal_fact(seal._replace(recorded_at=seal.as_of + MINUTE)))
            store.append(kept)
            for place in range(0, len(seals), 20):
                store.append(seals[place : place + 20])


def _is_out(within: int) -> bool:
    return 6 * HOUR <= within < 6 * HOUR + MINUTE


def _is_near(within: int) -> bool:
    return 6 * HOUR - NEAR <= within <= 6 * HOUR + EVERY + NEAR


def _clean(check: int, start: int) -> Seal:
    digest = f"sha256:{sha256(f'{check}/{start}'.encode()).hexdigest()}"
    stretch = Stretch(start, start + DAY - EVERY, SAMPLES, HOLD)
    return Seal(f"c{check}", "london", start, 0, start + DAY + HOUR, SAMPLES, digest, (stretch,))


def stated(file: Path) -> float:
    """CPU seconds of a month's statements, from a file on disk."""
    end = JUNE.period(ZONE).end
    wanted = Wanted([f"s{number}" for number in range(SERVICES)], JUNE, end + 2 * DAY)
    terms = fleet(SERVICES)
    before = time.process_time()
    with open_for_reading(f"sqlite:///{file}") as reader:
        log = reader.read_sealed(ALL_TIME, end + 2 * DAY)
        facts = list(log.facts)
    found = statements(facts, terms, wanted, log.sealed)
    spent = time.process_time() - before
    assert len(found) == SERVICES
    assert sum(isinstance(fact, Result) for fact in facts) < SERVICES * SAMPLES // 100
    return spent
