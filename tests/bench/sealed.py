"""Sealed days: what they take on disk, and statements from them (performance.md, lines 7 and 8).

A store that holds what is left once results have gone: a seal a day of each check, and around each outage the looks
within 15 minutes. It is written by the store itself; only the results that would have gone are never made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode
from urllib.request import urlopen

from monitor.cli.lean import nothing_to_collect
from monitor.closing import Wanted, statements
from monitor.evaluator import ALL_TIME
from monitor.facts import AnyFact, Result
from monitor.facts.seals import Seal, Stretch, seal_fact
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND
from monitor.ledger.seals import NEAR, sealed
from monitor.store import open_for_reading, open_for_writing
from tests.bench import Figure
from tests.bench.ledger import EVERY, HOLD, JUNE, START, ZONE, fleet, look, maintenance
from tests.bench.peers import Peer, cpu_of, prometheus

SERVICES = 1000
OUTAGES_EVERY = 10
"""Each tenth service has an outage of two looks on one day of the month."""

SAMPLES = DAY // EVERY


PEER_SERVICES = 50
"""Services whose samples Prometheus really has; its figure is theirs times 1,000 / PEER_SERVICES."""

END = JUNE.period(ZONE).end // DAY * DAY


def sealed_days() -> Iterator[Figure]:
    """CPU of this process, everything from opening the store to the statements, and of Prometheus for the same month;
    medians of three, in turns."""
    with TemporaryDirectory() as folder:
        month = Path(folder) / "month.db"
        fill(month, 30)
        yield Figure("8", "a month of 1,000 services from sealed days", _median(month), 0.25, "s CPU")
        year = Path(folder) / "year.db"
        fill(year, 365)
        yield Figure("7", "a sealed day, its link of the chain included", on_disk(year), 0.1, "bytes a sample")
        history = Path(folder) / "history.txt"
        write_samples(history)
        with prometheus("scrape_configs: []", history) as peer:
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(3):
                ours.append(stated(year))
                if peer is not None:
                    theirs.append(averaged(peer) * SERVICES / PEER_SERVICES)
        yield Figure("8", "the same with a year of sealed days", median(ours), 0.25, "s CPU")
        if theirs:
            what = f"avg_over_time in Prometheus over the same month ({PEER_SERVICES} services, scaled)"
            yield Figure("8", what, median(theirs), None, "s CPU")
            yield Figure("8", "that, to ours with a year", median(theirs) / median(ours), 15, "x", at_least=True)


def _median(file: Path) -> float:
    return median(stated(file) for _ in range(3))


def write_samples(file: Path) -> None:
    """What Prometheus would hold of that month of the first services: `probe_success` every 30 s."""
    with file.open("w", encoding="ascii") as target:
        target.write("# TYPE probe_success gauge\n")
        for check in range(PEER_SERVICES):
            for at in range(END - 30 * DAY, END, EVERY):
                failed = check % OUTAGES_EVERY == 0 and _is_out(at - (END - 10 * DAY))
                target.write(f'probe_success{{instance="s{check}"}} {int(not failed)} {at // SECOND}\n')
        target.write("# EOF\n")


def averaged(peer: Peer) -> float:
    """CPU seconds of Prometheus for the availability of all its services over 30 days."""
    before = cpu_of(peer.pid)
    query = urlencode({"query": "avg_over_time(probe_success[30d])", "time": END // SECOND - 1})
    with urlopen(f"http://127.0.0.1:{peer.port}/api/v1/query?{query}") as response:
        found = json.load(response)["data"]["result"]
    spent = cpu_of(peer.pid) - before
    values = {row["metric"]["instance"]: float(row["value"][1]) for row in found}
    assert len(values) == PEER_SERVICES
    assert values["s1"] == 1.0
    assert abs(values["s0"] - (1 - 2 / (30 * SAMPLES))) < 1e-6
    return spent


def on_disk(file: Path) -> float:
    """Bytes a sample of a year of clean days; the looks around outages are a hundredth of it, and counted."""
    return file.stat().st_size / (SERVICES * 365 * SAMPLES)


def fill(file: Path, days: int) -> None:
    """Days up to the end of June."""
    end = END
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
    """CPU seconds of a month's statements, from a file on disk, as the command `statement` makes them."""
    end = JUNE.period(ZONE).end
    wanted = Wanted([f"s{number}" for number in range(SERVICES)], JUNE, end + 2 * DAY)
    terms = fleet(SERVICES)
    before = time.process_time()
    with nothing_to_collect():
        with open_for_reading(f"sqlite:///{file}") as reader:
            log = reader.read_sealed(ALL_TIME, end + 2 * DAY)
            facts = list(log.facts)
        found = statements(facts, terms, wanted, log.sealed)
    spent = time.process_time() - before
    assert len(found) == SERVICES
    assert sum(isinstance(fact, Result) for fact in facts) < SERVICES * SAMPLES // 100
    return spent
