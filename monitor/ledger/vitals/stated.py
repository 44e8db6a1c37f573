"""Web Vitals as a statement says them (contracts/statement.md, `commitments`): the same on every service's.

Beside what the contract names stand the bands, the days with data, the 28 days that Shopify judges, countries with
enough samples, how far the beacons were trusted, and what others publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from monitor.facts import Fact, Json
from monitor.ledger.entries import Entries
from monitor.ledger.period import Month
from monitor.ledger.terms import Policy, Terms, VitalsPromise
from monitor.ledger.vitals.published import published
from monitor.ledger.vitals.tally import METRICS
from monitor.ledger.vitals.verdict import Judged
from monitor.ledger.vitals.ways import told_of
from monitor.ledger.vitals.windows import VitalsBook, Window, last_28_days, month_window, newest_by_cell, vitals_book

KINDS = ("vitals_day", "vital", "vitals_reading")
"""What is read of the facts where any policy promises Web Vitals."""

WHOLE_MONTH_DAYS = 25
"""A month with data on fewer days is `partial`."""

COUNTRY_SAMPLES = 100
"""Fewer samples of a country say nothing, and may be a person: they are shown only in the sum."""


def is_promised(terms: Terms) -> bool:
    """Whether Web Vitals are promised in any month, and so their facts read."""
    return any(policy.vitals is not None for policy in terms.policies)


def vital_commitments(terms: Terms, entries: Entries, month: Month, policy: Policy, as_of: int) -> list[Json]:
    """LCP, INP and CLS of the month under its policy; nothing where it promises none. Computed once an `entries`."""
    if policy.vitals is None:
        return []
    place = ("vitals", str(month), policy.digest, terms.zone.key, as_of)
    if place not in entries.shared:
        entries.shared[place] = _commitments(terms, entries, month, policy.vitals, as_of)
    return entries.shared[place]


def _commitments(terms: Terms, entries: Entries, month: Month, promise: VitalsPromise, as_of: int) -> list[Json]:
    book = vitals_book(entries, terms.zone, promise)
    window, recent = month_window(month), last_28_days(month, as_of, terms.zone)
    days = [fact for cell, fact in newest_by_cell(entries.of("vitals_day")).items() if _is_of(cell.day, window)]
    return [
        {
            "commitment": metric,
            "target": str(promise.limits[metric]),
            **_judged(book.judged(metric, window)),
            "last_28_days": {"from": recent.first, "to": recent.last, **judged_fields(book.judged(metric, recent))},
            "countries": _countries(book, metric, window),
            "trust": _trust([fact for fact in days if fact.fields["metric"] == metric]),
            "published": published(entries.of("vitals_reading"), metric, window, terms.zone),
        }
        for metric in METRICS
    ]


def _is_of(day: str, window: Window) -> bool:
    return window.first <= day <= window.last


def _judged(judged: Judged) -> dict[str, Json]:
    return {
        **judged_fields(judged),
        "breaches": 1 if judged.verdict == "missed" else 0,
        "needs_improvement": judged.tally.needs_improvement,
        "poor": judged.tally.poor,
        "percentile": judged.promise.percentile,
        "min_samples": judged.promise.min_samples,
        "days": judged.days,
        "partial": judged.days < WHOLE_MONTH_DAYS,
    }


def judged_fields(judged: Judged) -> dict[str, Json]:
    """What the contract says of any window: figures as decimal texts, None where there is none."""
    result, interval = judged.result(), judged.interval()
    return {
        "result": None if result is None else str(result),
        "verdict": judged.verdict,
        "confidence": judged.confidence,
        "samples": judged.samples,
        "good": judged.good,
        "interval": None if interval is None else [str(end) for end in interval],
    }


def _countries(book: VitalsBook, metric: str, window: Window) -> list[Json]:
    return [
        {"country": country, "samples": judged.samples, "good": judged.good, "result": str(judged.result())}
        for country, judged in book.countries(metric, window)
        if judged.samples >= COUNTRY_SAMPLES
    ]


def _trust(days: Sequence[Fact]) -> list[Json]:
    """How the samples of the recorded days were taken in: ways of `web_vitals.auth`, the most trusted first."""
    return [*told_of(day.source for day in days if day.source is not None)]


def vital_differences(before: Sequence[Json], after: Sequence[Json]) -> dict[str, Json]:
    """After less before, of the commitments of two statements: samples and good ones by metric, and a verdict that
    changed as `[before, after]`. Nothing where neither promises Web Vitals."""
    then, now = _by_metric(before), _by_metric(after)
    return {metric: _difference(then[metric], now[metric]) for metric in METRICS if metric in then and metric in now}


def _difference(then: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    counts = {name: cast("int", now[name]) - cast("int", then[name]) for name in ("samples", "good")}
    changed = then["verdict"] != now["verdict"]
    return {**counts, "verdict": [then["verdict"], now["verdict"]] if changed else None}


def _by_metric(commitments: Sequence[Json]) -> dict[str, Mapping[str, Json]]:
    stated = [each for each in commitments if isinstance(each, Mapping)]
    return {str(each["commitment"]): each for each in stated if each["commitment"] in METRICS}
