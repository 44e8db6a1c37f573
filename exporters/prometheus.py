"""The page of `/metrics`: Prometheus text format 0.0.4, written by hand and in slices (design/performance.md, line 10).

What stands before the value of a line changes only with the configuration and the month, so it is kept from page to
page. A slice is at most `ROWS` lines: whoever serves the page lets the loop run between two slices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import TypeVar

from exporters.catalogue import CATALOGUE, MetricName
from exporters.columns import (
    EXCLUSIONS,
    MAINTENANCE,
    MONTHS,
    PROBES,
    SERVICES,
    Announced,
    Attributes,
    Granted,
    Probe,
    Table,
)
from exporters.labels import pair
from exporters.numbers import ratio, seconds
from exporters.self_metrics import SelfMetrics
from monitor.ledger.calendar import Class
from monitor.ledger.decimals import Ratio
from monitor.ledger.peaks import PeakFigures
from monitor.ledger.snapshot import Answering, Obligations, Snapshot, VitalFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

ROWS = 500
"""Lines of a slice: a third of a millisecond of one core, 2 ms the first time."""

Row = TypeVar("Row")
Sample = tuple[Mapping[str, str], str]
"""Labels and value of a line."""
LiveAttributes = Mapping[tuple[str, str], Attributes]
"""The attributes of the latest look, by check and vantage."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Up to ROWS rows of a table: what names them, and what each column writes before their values."""

    keys: list[tuple[object, ...]]
    labels: list[str]
    prefixes: dict[int, list[str]] = field(default_factory=dict)


class Exposition:
    """Renders pages; what it keeps between them changes how fast a page is made, never what it says."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[object, int], _Block] = {}

    def render(self, snapshot: Snapshot | None, attributes: LiveAttributes, own: SelfMetrics) -> Iterator[str]:
        """The page in slices. `snapshot` None: nothing is evaluated yet; only what the daemon says of itself.

        Pages may be rendered at the same time, from different snapshots.
        """
        if snapshot is not None:
            yield from self._table(PROBES, [*_live(snapshot, attributes)])
            yield from self._table(MONTHS, [figures for view in snapshot.services for figures in view.months])
            yield from self._table(SERVICES, snapshot.services)
            yield from self._table(EXCLUSIONS, _granted(snapshot))
            yield from self._table(MAINTENANCE, _announced(snapshot))
            for name, samples in _irregular(snapshot):
                yield from _family(name, samples)
        for name, samples in _own(own):
            yield from _family(name, samples)

    def _table(self, table: Table[Row], rows: Sequence[Row]) -> Iterator[str]:
        headed: MetricName | None = None
        chunks = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
        held = [set[str]().union(*map(table.attributes, some)) for some in chunks]
        blocks: list[_Block] = []
        for index, column in enumerate(table.columns):
            for place, some in enumerate(chunks):
                if column.attribute is not None and column.attribute not in held[place]:
                    continue
                if place == len(blocks):
                    blocks.append(self._block(table, place, some))
                prefixes = blocks[place].prefixes
                if index not in prefixes:
                    prefixes[index] = [column.prefix(labels) for labels in blocks[place].labels]
                lines = _lines(prefixes[index], column.value, some)
                if lines and headed != column.name:
                    headed = column.name
                    yield CATALOGUE[column.name].header
                yield lines

    def _block(self, table: Table[Row], place: int, rows: Sequence[Row]) -> _Block:
        keys = [table.key(row) for row in rows]
        block = self._blocks.get((table, place))
        if block is None or block.keys != keys:
            block = _Block(keys, [table.labels(key) for key in keys])
            self._blocks[table, place] = block
        return block


def _lines(prefixes: list[str], value: Callable[[Row], str | None], rows: Sequence[Row]) -> str:
    values = zip(prefixes, map(value, rows), strict=True)
    return "".join([f"{prefix}{text}\n" for prefix, text in values if text is not None])


def _family(name: MetricName, samples: Iterable[Sample]) -> Iterator[str]:
    """A small family, written out each time."""
    written = (f"{name}{_braces(labels)} {value}\n" for labels, value in samples)
    header = CATALOGUE[name].header
    while lines := "".join(islice(written, ROWS)):
        yield header + lines
        header = ""


def _braces(labels: Mapping[str, str]) -> str:
    return f"{{{','.join(pair(label, value) for label, value in labels.items())}}}" if labels else ""


def _live(snapshot: Snapshot, attributes: LiveAttributes) -> Iterator[Probe]:
    """The newest results that say something of the service now: not void, and their hold lasts."""
    for newest in snapshot.newest:
        result = newest.result
        if result.outcome != "void" and snapshot.as_of < newest.covers_until:
            yield Probe(newest, attributes.get((result.check, result.vantage), {}))


def _granted(snapshot: Snapshot) -> list[Granted]:
    granted = (
        Granted(view.service, active.klass, active.source) for view in snapshot.services for active in view.active
    )
    return list(dict.fromkeys(granted))


def _announced(snapshot: Snapshot) -> list[Announced]:
    """The first window of each service and source."""
    first: dict[Granted, Announced] = {}
    for view in snapshot.services:
        for window in sorted(view.next_maintenance, key=lambda window: window.start):
            granted = Granted(view.service, "maintenance", window.source)
            first.setdefault(granted, Announced(granted, window))
    return list(first.values())


def _irregular(snapshot: Snapshot) -> Iterator[tuple[MetricName, list[Sample]]]:
    ends = {figures.month: figures.period.end for view in snapshot.services for figures in view.months}
    yield (
        "sla_month_end_timestamp_seconds",
        [({"month": str(month)}, seconds(end)) for month, end in sorted(ends.items())],
    )
    yield (
        "sla_provider_component_severity",
        [
            ({"provider": provider, "component": component}, str(severity))
            for (provider, component), severity in snapshot.severities.items()
        ],
    )
    yield from _answering(snapshot.answering)
    yield from _obligations(snapshot.obligations)
    yield from _vitals(snapshot.vitals)
    running = [view for view in snapshot.peaks if view.event.start <= snapshot.as_of < view.event.end]
    yield (
        "sla_event_end_timestamp_seconds",
        [({"event": view.event.event}, seconds(view.event.end)) for view in running],
    )
    peaks = [(view.event.event, figures) for view in running for figures in view.figures]
    yield "sla_event_error_budget_burned_ratio", _of_peaks((name, each, each.burned) for name, each in peaks)
    yield "sla_event_error_ratio", _of_peaks((name, each, each.error_rate) for name, each in peaks)
    counted = [(view.event.event, view.errors.during) for view in running if view.errors is not None]
    yield (
        "sla_event_sentry_events",
        [({"event": name}, str(count.events)) for name, count in counted if count is not None],
    )
    yield "minutebook_evaluation_timestamp_seconds", [({}, seconds(snapshot.as_of))]
    yield (
        "minutebook_void_seconds",
        [({"check": check, "reason": reason}, seconds(ms)) for (check, reason), ms in snapshot.void_ms.items()],
    )


def _answering(answering: Answering) -> Iterator[tuple[MetricName, list[Sample]]]:
    def by_class(counts: Mapping[tuple[str, Class], int], text: Callable[[int], str]) -> list[Sample]:
        return [({"priority": priority, "class": klass}, text(count)) for (priority, klass), count in counts.items()]

    yield "sla_response_open", by_class(answering.open, str)
    yield (
        "sla_response_waiting",
        [
            ({"priority": priority, "class": klass, "used": used}, str(count))
            for (priority, klass, used), count in answering.waiting.items()
        ],
    )
    yield "sla_response_oldest_due_timestamp_seconds", by_class(answering.oldest_due, seconds)
    yield "sla_response_late", by_class(answering.late, str)


def _obligations(found: Obligations) -> Iterator[tuple[MetricName, list[Sample]]]:
    yield (
        "sla_breaches",
        [({"commitment": name, "month": str(month)}, str(count)) for (name, month), count in found.breaches.items()],
    )
    yield (
        "sla_credit_ratio",
        [
            ({"customer": name, "month": str(month)}, ratio(part) or "0")
            for (name, month), part in found.credit_ratio.items()
        ],
    )
    yield (
        "sla_termination_right",
        [
            ({"customer": name, "month": str(month)}, str(int(right)))
            for (name, month), right in found.termination_right.items()
        ],
    )


def _vitals(vitals: Sequence[VitalFigures]) -> Iterator[tuple[MetricName, list[Sample]]]:
    """What no sample says is absent; a time in ms is written in seconds, exactly."""
    names = [({"metric": each.metric, "window": each.window}, each) for each in vitals]
    timed = [(labels, each) for labels, each in names if each.metric != "CLS"]
    scored = [(labels, each) for labels, each in names if each.metric == "CLS"]
    yield (
        "web_vitals_p75_seconds",
        [(labels, f"{each.result.scaleb(-3):f}") for labels, each in timed if each.result is not None],
    )
    yield "web_vitals_limit_seconds", [(labels, _decimal(each.limit.value / 1000)) for labels, each in timed]
    yield (
        "web_vitals_p75_score",
        [(labels, f"{each.result:f}") for labels, each in scored if each.result is not None],
    )
    yield "web_vitals_limit_score", [(labels, _decimal(each.limit.value)) for labels, each in scored]
    yield "web_vitals_objective_ratio", [(labels, _decimal(Fraction(each.percentile, 100))) for labels, each in names]
    yield "web_vitals_samples", [(labels, str(each.samples)) for labels, each in names]
    shares = [(labels, ratio(Ratio(each.good, each.samples))) for labels, each in names if each.samples]
    yield "web_vitals_good_ratio", [(labels, share) for labels, share in shares if share is not None]
    yield (
        "web_vitals_verdict_info",
        [({**labels, "verdict": each.verdict, "confidence": each.confidence or ""}, "1") for labels, each in names],
    )


def _decimal(value: Fraction) -> str:
    """A limit as it was written: it has at most nine digits after the point."""
    return f"{Decimal(int(value * 10**9)).scaleb(-9).normalize():f}"


def _of_peaks(figures: Iterable[tuple[str, PeakFigures, Ratio | None]]) -> list[Sample]:
    return [
        ({"service": each.service, "event": name}, text)
        for name, each, value in figures
        if (text := ratio(value)) is not None
    ]


def _own(own: SelfMetrics) -> Iterator[tuple[MetricName, list[Sample]]]:
    yield (
        "minutebook_facts_recorded_total",
        [({"kind": kind}, str(count)) for kind, count in own.facts_recorded.items()],
    )
    yield "minutebook_slots_missed_total", [({}, str(own.slots_missed))]
    yield "minutebook_probe_lag_seconds", _known(own.probe_lag_seconds)
    yield (
        "minutebook_source_last_success_timestamp_seconds",
        [({"source": source}, seconds(at)) for source, at in own.source_last_success.items()],
    )
    yield (
        "minutebook_void_since_timestamp_seconds",
        [({"check": check, "reason": reason}, seconds(at)) for (check, reason), at in own.void_since.items()],
    )
    yield (
        "minutebook_source_problems_total",
        [({"source": source, "reason": why}, str(count)) for (source, why), count in own.source_problems.items()],
    )
    yield (
        "minutebook_hook_deliveries_total",
        [({"source": source, "outcome": what}, str(count)) for (source, what), count in own.hook_deliveries.items()],
    )
    yield "minutebook_beacons_total", [({"status": str(status)}, str(n)) for status, n in own.beacons.items()]
    yield "minutebook_vital_reports_total", [({"outcome": what}, str(n)) for what, n in own.vital_reports.items()]
    yield (
        "minutebook_hook_ignored_total",
        [({"source": source, "event": name}, str(count)) for (source, name), count in own.hook_ignored.items()],
    )
    yield (
        "minutebook_channel_deliveries_total",
        [({"channel": name, "outcome": what}, str(count)) for (name, what), count in own.channel_deliveries.items()],
    )
    yield "minutebook_channel_waiting", [({"channel": name}, str(n)) for name, n in own.channel_waiting.items()]
    yield (
        "minutebook_channel_failing_since_timestamp_seconds",
        [({"channel": name}, seconds(since)) for name, since in own.channel_failing_since.items()],
    )
    yield "minutebook_canary_up", [({"canary": name}, str(int(up))) for name, up in own.canary_up.items()]
    yield "minutebook_resolver_up", [({"resolver": name}, str(int(up))) for name, up in own.resolver_up.items()]
    yield "minutebook_queue_depth", [({}, str(own.queue_depth))]
    yield "minutebook_event_loop_lag_seconds", _known(own.event_loop_lag_seconds)
    yield "minutebook_config_last_reload_successful", _known(own.config_last_reload_successful)
    yield "minutebook_clock_synchronized", _known(own.clock_synchronized)
    yield "minutebook_store_writable", _known(own.store_writable)
    yield "minutebook_build_info", [({"version": own.version, "python": own.python}, "1")]


def _known(value: float | None) -> list[Sample]:
    """One sample without labels, none where the value is not known; a truth is 1 or 0."""
    if value is None:
        return []
    return [({}, str(int(value)) if isinstance(value, bool) else repr(value))]
