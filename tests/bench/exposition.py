"""The page of /metrics against prometheus_client on the same series (performance.md, line 10)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from statistics import median

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporters.prometheus import Exposition
from monitor.ledger.snapshot import ActiveExclusion, ServiceView, Snapshot
from monitor.web.paging import gzipped, pieces
from tests.bench import Figure
from tests.faces.samples import SELF, figures, snapshot, view

SERVICES = 1000
SERIES = 40
PAGES = 15

Page = Callable[[Iterable[str]], Iterator[bytes]]


def exposition() -> Iterator[Figure]:
    """1,000 services with 40 series each, every amount and ratio another; CPU of this process, medians."""
    gc.freeze()  # as the daemon does with what its start has made
    shown = snapshot(*map(_service, range(SERVICES)))
    kept = Exposition()
    cold, cold_worst = _measured(kept, shown, gzipped)
    plain = [_measured(kept, shown, pieces) for _ in range(PAGES)]
    squeezed = [_measured(kept, shown, gzipped) for _ in range(PAGES)]
    peer = median(_peer(shown))
    worst = max(cold_worst, *(held for _, held in plain + squeezed))
    plain_ms = median(spent for spent, _ in plain)
    yield Figure("10", "/metrics, 1,000 services x 40 series", plain_ms, 25, "ms CPU")
    yield Figure("10", "the same, gzip", median(spent for spent, _ in squeezed), 40, "ms CPU")
    yield Figure("10", "the longest that it holds the loop", worst, 5, "ms CPU")
    yield Figure("", "the first page after a start or a change, gzip", cold, 60, "ms CPU")
    yield Figure("", "plain, beside prometheus_client's generate_latest", plain_ms, peer, "ms CPU")


def _service(number: int) -> ServiceView:
    """39 series of the running month, and one of an exclusion."""
    name = f"service-{number:04d}"
    of = view(name, figures(name, down=number * 1713 + 61_234))
    return replace(of, active=(ActiveExclusion("m1", "maintenance", "own-page"),))


def _measured(kept: Exposition, shown: Snapshot, page: Page) -> tuple[float, float]:
    """CPU ms of a page, and of its longest piece."""
    longest = total = 0.0
    made = page(kept.render(shown, {}, SELF))
    while True:
        started = time.process_time()
        piece = next(made, None)
        spent = (time.process_time() - started) * 1000
        longest, total = max(longest, spent), total + spent
        if piece is None:
            return total, longest


class _Same:
    """A collector of the same series, made beforehand."""

    def __init__(self, text: str) -> None:
        self._families = list(text_string_to_metric_families(text))
        samples = sum(len(family.samples) for family in self._families if family.name.startswith("sla_"))
        assert samples >= SERVICES * SERIES, samples

    def collect(self) -> Iterable[Metric]:
        return self._families


def _peer(shown: Snapshot) -> Iterator[float]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Same("".join(Exposition().render(shown, {}, SELF))))
    for _ in range(5):
        started = time.process_time()
        generate_latest(registry)
        yield (time.process_time() - started) * 1000
