"""Burn from our gauges is what PromQL makes of raw `probe_success`, where nothing is excused or unknown.

A month of looks, a minute apart, goes into a real Prometheus as promtool's blocks, beside our gauges at instants that
outages were at every place of. PromQL counts samples; the ledger measures time from look to look: they agree where
each window holds whole minutes.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from exporters.prometheus import Exposition
from monitor.config import parse, to_terms
from monitor.facts import Result
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY, HOUR, MINUTE, format_instant, parse_instant
from monitor.ledger.snapshot import WINDOWS, Snapshot
from tests.daemon.programs import wait_until
from tests.faces.samples import SELF
from tests.paging.programs import found, prometheus

CONFIGURATION = """
services: [{name: app, checks: [{name: web, http: {url: "https://app.example.com/"}, interval: 1m}]}]
policies: [{effective_from: 2026-01-01, availability: {objective: 99.9%}}]
"""
START, END = parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-07-01T00:00:00Z")
BURN = "sla_burn_rate{"
LABELS = 'service="app",check="web",vantage="local"'
RAW = "(1 - avg_over_time(probe_success[{window}])) / 0.001"


def outages() -> list[range]:
    """Twelve outages of 2 to 90 minutes, one of them a few minutes ago."""
    chosen = random.Random(6)  # noqa: S311 - the same month each time
    starts = sorted(chosen.sample(range(6, 29 * 24, 7), 11))
    lengths = [chosen.choice((2, 3, 7, 20, 90)) for _ in starts]
    spans = [
        range(START + hour * HOUR, START + hour * HOUR + n * MINUTE, MINUTE)
        for hour, n in zip(starts, lengths, strict=True)
    ]
    return [*spans, range(END - 8 * MINUTE, END - 5 * MINUTE, MINUTE)]


def instants(spans: list[range]) -> list[int]:
    """Where windows have an outage at their start, within them, at their end and behind them.

    Not after its first look: until a second one fails the ledger books no downtime, and PromQL knows no such rule.
    """
    around = {span.start + shift for span in spans for shift in (0, 2 * MINUTE, len(span) * MINUTE)}
    first = {span.start + MINUTE for span in spans}
    later = {span.start + width + shift for span in spans for width in WINDOWS.values() for shift in (-MINUTE, MINUTE)}
    chosen = sorted(instant for instant in (around | later) - first if START + 3 * DAY <= instant < END)
    return [*chosen[:: len(chosen) // 40], END - MINUTE]


def history(asked: list[int]) -> Iterator[str]:
    """OpenMetrics: the looks as blackbox_exporter's series, and our gauges as /metrics shows them."""
    down = {at for span in outages() for at in span}
    looks = [
        Result(at, "web", "local", at, "fail" if at in down else "pass", hold_ms=130_000)
        for at in range(START - DAY, END, MINUTE)
    ]
    yield "# TYPE probe_success gauge\n"
    yield from (f"probe_success{{{LABELS}}} {int(look.at not in down)} {look.at / 1000:.3f}\n" for look in looks)
    terms = to_terms(parse(CONFIGURATION, "minutebook.yaml", Path(), {}))
    lines: list[str] = []
    for instant in asked:
        book = live_book(terms, [look for look in looks if look.at < instant])
        snapshot = Snapshot(instant, (book.view("app", instant, public=True),), (), {}, {})
        page = "".join(Exposition().render(snapshot, {}, SELF))
        lines += [f"{line} {instant / 1000:.3f}\n" for line in page.splitlines() if line.startswith(BURN)]
    yield "# TYPE sla_burn_rate gauge\n"
    yield from sorted(lines, key=lambda line: line.split(" ", maxsplit=1)[0])
    yield "# EOF\n"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_burn_of_a_month_is_what_promql_makes_of_raw_looks(tmp_path: Path, either: Callable[[str], str]) -> None:
    asked = instants(outages())
    assert all(first < second for first, second in pairwise(asked))
    (tmp_path / "history.txt").write_text("".join(history(asked)))
    blocks = [either("promtool"), "tsdb", "create-blocks-from", "openmetrics", "history.txt", "tsdb"]
    subprocess.run(blocks, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "prometheus.yml").write_text("{}")
    burning = 0
    with prometheus(
        either("prometheus"), tmp_path, tmp_path / "prometheus.yml", "--storage.tsdb.retention.time=20y"
    ) as own:
        wait_until(lambda: found(own, "count_over_time(probe_success[1d])", f"{END / 1000}"))
        for instant in asked:
            gauges = found(own, "sla_burn_rate", f"{instant / 1000:.3f}")
            ours = {one["metric"]["window"]: float(one["value"][1]) for one in gauges}
            assert ours.keys() == WINDOWS.keys(), format_instant(instant)
            for window in WINDOWS:
                # A millisecond before, so that the window holds the looks that began in it and not the next one.
                [raw] = found(own, RAW.format(window=window), f"{(instant - 1) / 1000:.3f}")
                assert float(raw["value"][1]) == pytest.approx(ours[window], rel=1e-6, abs=1e-9), (
                    window,
                    format_instant(instant),
                )
                burning += ours[window] > 0
    assert burning > len(asked)
