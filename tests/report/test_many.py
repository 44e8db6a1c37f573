"""A year of fifty services in one document: how much of the processor it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporters import report_html
from exporters.report import document
from monitor.facts import Result
from monitor.ledger.period import DAY, HOUR, MINUTE, parse_instant
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms
from monitor.reporting import Asking, told, year

SERVICES = 50
HOLD = 12 * HOUR
START, END = parse_instant("2025-01-01T00:00:00Z"), parse_instant("2026-01-01T00:00:00Z")
MOST_S = 10.0


def results(service: int) -> Iterator[Result]:
    """A look every 6 h, and a short outage every fortnight: what is left of a year is its changes, not its looks."""
    at, place = START, service
    while at < END:
        failed = place % 57 in (0, 1)
        yield Result(
            recorded_at=at + 1000,
            check=f"c{service}",
            vantage="london",
            at=at,
            outcome="fail" if failed else "pass",
            reason="timeout" if failed else None,
            hold_ms=HOLD,
        )
        at, place = at + (2 * MINUTE if failed else 6 * HOUR), place + 1


@pytest.mark.long
def test_a_year_of_fifty_services_takes_less_than_ten_seconds() -> None:
    services = tuple(ServiceTerms(f"s{place}", (CheckTerms(f"c{place}", HOLD),)) for place in range(SERVICES))
    terms = Terms(ZoneInfo("Europe/London"), services, (Policy(effective_from=date(2024, 7, 1)),))
    facts = [result for place in range(SERVICES) for result in results(place)]
    done: list[tuple[int, int]] = []
    asking = Asking([service.name for service in services], year("2025"), END + 5 * DAY, [])
    began = time.process_time()
    found = told(facts, terms, asking, lambda *how_far: done.append(how_far))
    page = report_html.alone(document(found.told, found.about("2025")))
    took = time.process_time() - began
    assert len(found.told) == page.count("<article ") == 600
    assert done == [(place, 600) for place in range(1, 601)]
    assert took < MOST_S
