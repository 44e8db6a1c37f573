"""What the status page tells, as `/status.json` has it: the page, the feed and the badges say nothing else.

Only `public` services, unless everything is asked for. Months that are closed are told as they were closed; the figures
of the others, and the days and outages of the running month, are as of the evaluation.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import cast

from exporters.numbers import ratio
from exporters.report_blocks import Link, address
from exporters.stated import plain
from exporters.warnings import warnings_of_newest
from monitor.facts import SEVERITIES, Json
from monitor.ledger.decimals import decimal
from monitor.ledger.period import Month, Period, format_instant, parse_instant
from monitor.ledger.snapshot import Day, Figures, Obligations, OpenIncident, PastMonth, Recent, ServiceView, Snapshot

DAYS = 90
"""Local dates that a strip shows, today the last of them."""
OUTAGES = 100
"""Outages of a service that are told, the newest first."""

MONTHS = 12
"""Months back that are told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to tell. `past` are the months that are over, as far as they are known by now; `chain` is the head
    of the store's chain that was published last."""

    snapshot: Snapshot | None
    past: Mapping[tuple[str, Month], PastMonth] = field(default_factory=dict)
    chain: Mapping[str, Json] | None = None


def status(seen: Seen, *, everything: bool) -> dict[str, Json]:
    """`/status.json`. Before the first evaluation `as_of` is null and there are no services.

    What fails or warns, and why, and what is owed to whom, is shown only where everything is.
    """
    chain = None if seen.chain is None else dict(seen.chain)
    snapshot = seen.snapshot
    if snapshot is None:
        return {"as_of": None, "state": "unknown", "services": [], "incidents": [], "chain": chain}
    shown = [view for view in snapshot.services if view.public or everything]
    names = frozenset(view.service for view in shown)
    past: dict[str, dict[Month, PastMonth]] = {}
    for (service, month), each in seen.past.items():
        past.setdefault(service, {})[month] = each
    closed: dict[str, dict[str, int]] = {}
    for (service, name), revision in snapshot.closed.items():
        closed.setdefault(service, {})[name] = revision
    services: list[Json] = [
        {
            **_service(view, snapshot.as_of, past.get(view.service, {}), closed.get(view.service, {})),
            "failing": [*_failing(snapshot, view.service)] if everything else [],
            "warnings": [*_warnings(snapshot, view.service)] if everything else [],
        }
        for view in shown
    ]
    return {
        "as_of": format_instant(snapshot.as_of),
        "state": _overall(shown),
        "services": services,
        "incidents": [
            _incident(incident)
            for incident in sorted(snapshot.incidents, key=lambda each: (each.since, each.provider, each.incident))
            if everything or incident.services & names
        ],
        "chain": chain,
        **({"owed": [*_owed(snapshot.obligations)]} if everything else {}),
    }


def _owed(found: Obligations) -> Iterator[Json]:
    """Each month's breaches, what they are worth to whom, and who may terminate: for operators only."""
    for month in sorted({month for _, month in found.breaches}, reverse=True):
        told = {name: count for (name, of), count in found.breaches.items() if of == month and count}
        worth = {name: decimal(part) for (name, of), part in found.credit_ratio.items() if of == month and told}
        leaving = [name for (name, of), right in found.termination_right.items() if of == month and right]
        yield {"month": str(month), "breaches": {**told}, "credits": {**worth}, "may_terminate": [*leaving]}


def _overall(views: Sequence[ServiceView]) -> str:
    states = {_state(view) for view in views}
    if "down" in states:
        return "down"
    return "up" if states == {"up"} else "unknown"


def _state(view: ServiceView) -> str:
    return "unknown" if view.up is None else "up" if view.up else "down"


def _service(
    view: ServiceView, as_of: int, past: Mapping[Month, PastMonth], closed: Mapping[str, int]
) -> dict[str, Json]:
    recent = view.recent()
    return {
        "service": view.service,
        "title": plain(view.title or view.service),
        "state": _state(view),
        "since": None if view.since is None else format_instant(view.since),
        "for_ms": None if view.since is None else as_of - view.since,
        "excused_by": [*sorted({active.klass for active in view.active})],
        "months": [*_months(view, past, closed)],
        "maintenance": [*_announced(recent)],
        "days": [_day(day) for day in _days(recent, past.values(), closed)],
        "outages": [*_outages(view, recent, past.values(), closed)][:OUTAGES],
    }


# ------------------------------------------------------------------------------- months


def _months(view: ServiceView, past: Mapping[Month, PastMonth], closed: Mapping[str, int]) -> Iterator[Json]:
    """The running month, and those before it, the newest first."""
    live = {figures.month: figures for figures in view.months}
    running = max(live, default=None)
    told = {str(month): month for month in (*live, *past)}
    for name in sorted({*told, *closed}, reverse=True)[: MONTHS + 1]:
        month = told.get(name)
        each = None if month is None else past.get(month)
        if name in closed and month != running:
            yield _closed_month(name, closed[name], each)
        elif month is not None and month in live:
            if month == running or _was_seen(live[month]):
                yield _live_month(live[month])
        elif each is not None and each.statement is not None:
            yield {**_stated_month(name, each.statement), "status": "draft", "revision": 0, "closed_at": None}


def _was_seen(figures: Figures) -> bool:
    """Whether a month that is over has anything to show: before the first look there is none."""
    return figures.accounts.unknown < figures.accounts.month


def _closed_month(name: str, revision: int, past: PastMonth | None) -> dict[str, Json]:
    """As it was closed. Until that is computed again no figure of it is shown, and none where it came out otherwise."""
    head: dict[str, Json] = {"status": "final" if revision == 1 else "restated", "revision": revision}
    if past is None or past.revision != revision:
        return {**_unstated(name), **head, "closed_at": None, "verdict": "pending"}
    told: dict[str, Json] = {**head, "closed_at": None if past.closed_at is None else format_instant(past.closed_at)}
    if past.statement is None:
        return {**_unstated(name), **told, "verdict": "differs"}
    return {**_stated_month(name, past.statement), **told}


_FIGURES = ("availability", "objective", "coverage", "down_ms", "excused_ms", "unknown_ms", "budget_ms", "remaining_ms")


def _unstated(name: str) -> dict[str, Json]:
    return {"month": name, "verdict": None, **dict.fromkeys(_FIGURES), "digest": None}


def _stated_month(name: str, stated: Mapping[str, Json]) -> dict[str, Json]:
    accounts = cast("dict[str, int]", stated["accounts_ms"])
    excused = cast("dict[str, int]", stated["accounts_ms"]["excused"])  # type: ignore[index,call-overload]
    availability = cast("dict[str, Json]", stated["availability"])
    return {
        "month": name,
        "verdict": stated["verdict"],
        "availability": availability["published"],
        "objective": stated["objective"],
        "coverage": stated["coverage"],
        "down_ms": accounts["down"],
        "excused_ms": sum(excused.values()),
        "unknown_ms": accounts["unknown"],
        "budget_ms": stated["budget_ms"],
        "remaining_ms": stated["remaining_ms"],
        "digest": stated["digest"],
    }


def _live_month(figures: Figures) -> dict[str, Json]:
    return {
        "month": str(figures.month),
        "verdict": figures.verdict,
        "availability": ratio(figures.published),
        "objective": decimal(figures.objective),
        "coverage": ratio(figures.coverage),
        "down_ms": figures.accounts.down,
        "excused_ms": figures.accounts.excused_total,
        "unknown_ms": figures.accounts.unknown,
        "budget_ms": figures.budget,
        "remaining_ms": figures.remaining,
        "digest": None,
        "status": "draft",
        "revision": 0,
        "closed_at": None,
    }


# ------------------------------------------------------------------------------- days and outages


def _days(recent: Recent, past: Iterable[PastMonth], closed: Container[str]) -> Iterator[Day]:
    """The last of them, the oldest first; those of a closed month are the statement's, and no others."""
    found = {day.date: day for day in recent.days if day.date[:7] not in closed}
    found |= {day.date: day for month in past for day in month.days}
    if not found:
        return
    first = (date.fromisoformat(max(found)) - timedelta(days=DAYS - 1)).isoformat()
    yield from (found[day] for day in sorted(found) if day >= first)


def _day(day: Day) -> dict[str, Json]:
    return {
        "date": day.date,
        "worst": day.worst,
        "down_ms": day.down,
        "excused_ms": day.excused,
        "unknown_ms": day.unknown,
    }


def _outages(view: ServiceView, recent: Recent, past: Iterable[PastMonth], closed: Container[str]) -> Iterator[Json]:
    """Every stretch in which the service was down, excused or not, the newest first."""
    known: list[tuple[int, int, int]] = []
    for month in past:
        for outage in cast("list[dict[str, str]]", (month.statement or {}).get("outages", [])):
            begun = parse_instant(outage["id"].rpartition("/")[2])
            known.append((begun, parse_instant(outage["start"]), parse_instant(outage["end"])))
    is_live = [figures.period.start for figures in view.months if str(figures.month) not in closed]
    since = min(is_live, default=0)
    known += [(start, max(start, since), end) for start, end in recent.outages if end > since]
    joined: list[Period] = []
    for begun, start, end in sorted(known, key=lambda each: each[1]):
        if joined and joined[-1].end == start:
            joined[-1] = Period(joined[-1].start, end)
        else:
            joined.append(Period(begun, end))
    now = view.months[0].as_of if view.months else 0
    for start, end in reversed(joined):
        yield {
            "id": f"{view.service}/{format_instant(start)}",
            "start": format_instant(start),
            "end": format_instant(end),
            "ms": end - start,
            "ongoing": view.up is False and end == now,
        }


# ------------------------------------------------------------------------------- what others say


def _announced(recent: Recent) -> Iterator[Json]:
    for window in recent.announced:
        yield {
            "id": plain(window.id),
            "title": None if window.title is None else plain(window.title),
            "start": format_instant(window.start),
            "end": format_instant(window.end),
            "source": window.source,
            "url": _web(window.url),
            "notice_ms": window.notice,
            "excuses": window.excuses,
        }


def _incident(incident: OpenIncident) -> dict[str, Json]:
    return {
        "provider": plain(incident.provider),
        "incident": plain(incident.incident),
        "title": None if incident.title is None else plain(incident.title),
        "severity": SEVERITIES[max(incident.components.values())],
        "components": [*sorted(plain(name) for name in incident.components if name != "*")],
        "since": format_instant(incident.since),
        "url": _web(incident.url),
    }


def _web(url: str | None) -> str | None:
    """An address that a browser opens as a page, and nothing that it would obey."""
    shown = address(url)
    return shown.url if isinstance(shown, Link) else None


def _failing(snapshot: Snapshot, service: str) -> Iterator[Json]:
    for newest in snapshot.newest:
        result = newest.result
        if newest.service == service and result.outcome == "fail" and snapshot.as_of < newest.covers_until:
            yield {"check": result.check, "vantage": result.vantage, "reason": result.reason or "other"}


def _warnings(snapshot: Snapshot, service: str) -> Iterator[Json]:
    for newest in snapshot.newest:
        result = newest.result
        if newest.service != service or result.outcome == "void" or snapshot.as_of >= newest.covers_until:
            continue
        for warning in warnings_of_newest(newest):
            if warning.raised:
                named: dict[str, Json] = {"check": result.check, "vantage": result.vantage, "warning": warning.name}
                yield {**named, "words": warning.words}
