"""From reports to samples: the last report of a sample wins and keeps the day of the first (commitments.md section 1).

First and last are by `at`, equal ones by order of recording. INP can fall, so the last is not the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from monitor.facts import Fact
from monitor.ledger.period import local_date, parse_instant
from monitor.ledger.terms import VitalLimit
from monitor.ledger.vitals.histogram import exact
from monitor.ledger.vitals.tally import NOWHERE, Cell, Tally, place


class Report(NamedTuple):
    """What a page said once of one sample, at an instant. `value` in ms, or without a unit for CLS."""

    metric: str
    metric_id: str
    value: Decimal
    at: int
    country: str = NOWHERE

    @property
    def key(self) -> tuple[str, str]:
        """What the reports of one sample share."""
        return self.metric, self.metric_id

    @classmethod
    def of(cls, fact: Fact) -> Report:
        """What a `vital` fact says."""
        return cls(
            metric=cast(str, fact.fields["metric"]),
            metric_id=cast(str, fact.fields["metric_id"]),
            value=exact(cast("int | float", fact.fields["value"])),
            at=parse_instant(cast(str, fact.fields["at"])),
            country=cast(str, fact.fields.get("country", NOWHERE)),
        )


@dataclass(slots=True)
class Sample:
    """One sample: what its first and its last report said so far."""

    first: Report
    last: Report

    @property
    def key(self) -> tuple[str, str]:
        return self.first.key

    def take(self, report: Report) -> bool:
        """A later recorded report of the same sample. Whether it changed anything."""
        is_first, is_last = report.at < self.first.at, report.at >= self.last.at
        if is_first:
            self.first = report
        if is_last:
            self.last = report
        return is_first or is_last

    def cell(self, zone: ZoneInfo) -> Cell:
        """Where it counts: pinned by its first report."""
        return Cell(self.first.metric, day_of(self.first.at, zone), self.first.country)


def day_of(at: int, zone: ZoneInfo) -> str:
    """The date of the SLA's calendar, as a `vitals_day` fact spells it."""
    return local_date(at, zone).isoformat()


def samples_of(reports: Iterable[Report]) -> list[Sample]:
    """The samples behind reports that stand in order of recording, in the order in which they were first recorded."""
    found: dict[tuple[str, str], Sample] = {}
    for report in reports:
        known = found.get(report.key)
        if known is None:
            found[report.key] = Sample(report, report)
        else:
            known.take(report)
    return list(found.values())


def days_of(samples: Iterable[Sample], zone: ZoneInfo, limit_on: Callable[[Cell], VitalLimit]) -> dict[Cell, Tally]:
    """The tallies of samples by metric, day and country; `limit_on` is what was promised for a cell's month."""
    found: dict[Cell, Tally] = {}
    for sample in samples:
        cell = sample.cell(zone)
        found.setdefault(cell, Tally()).add(place(cell.metric, sample.last.value, limit_on(cell)))
    return found
