"""What the page shows of months that are over: what was closed, computed again where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import AnyFact
from monitor.ledger.closings import closings
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY
from monitor.ledger.snapshot import Snapshot
from monitor.past_months import ASKED_NS, EVERY_S, SHOWN, PastMonths, Wanted, past_months
from tests.ledger.test_closings import EVER, GAPS, Ledger, lived
from tests.strategies.months import worlds_recorded_one_by_one

FEW = settings(settings.get_profile("minutebook"), max_examples=5)


@FEW
@given(world=worlds_recorded_one_by_one(), gaps=GAPS)
def test_a_closed_month_is_shown_as_its_newest_revision_was_given_away(world: Any, gaps: list[int]) -> None:
    ledger = lived(world, gaps)
    chains = closings(ledger.facts, EVER)
    keys = {service: ("closed",) for service, month in chains if month == ledger.month}
    for service, past in past_months(ledger.facts, Wanted(ledger.month, keys, ledger.terms, 2**50)):
        assert past is not None
        given_away = [each for each in ledger.given if each["service"] == service][-1]
        assert past.revision == given_away["revision"]
        assert past.statement is not None
        assert {name: past.statement[name] for name in SHOWN} == {name: given_away[name] for name in SHOWN}
        assert sum(day.down for day in past.days) == given_away["accounts_ms"]["down"]


class Hand:
    """A clock by hand."""

    ns = 0

    def now(self) -> int:
        return self.ns // 10**6

    def monotonic_ns(self) -> int:
        return self.ns

    def asleep_ns(self) -> int:
        return 0

    def synchronized(self) -> bool | None:
        return None


@FEW
@given(world=worlds_recorded_one_by_one(), data=st.data())
async def test_nothing_is_computed_where_nobody_looks_and_each_revision_once(world: Any, data: Any) -> None:
    ledger = lived(world, [DAY])
    clock, read = Hand(), 0
    snapshot = taken(ledger)

    def log() -> Iterator[AnyFact]:
        nonlocal read
        read += 1
        yield from ledger.facts

    past = PastMonths(clock, log, lambda: snapshot, lambda: ledger.terms)
    await past.ring()
    assert read == 0
    assert past.shown() == {}
    for _ in range(20):
        await past.ring()
        clock.ns += int(EVERY_S * 10**9)
    once, shown = read, past.shown()
    assert {(service, str(month)) for service, month in shown} >= set(snapshot.closed)
    await past.ring()
    assert (read, past.shown()) == (once, shown)
    assert past.shown() is shown
    clock.ns += ASKED_NS + 1
    snapshot = replace(snapshot, closed=dict.fromkeys(snapshot.closed, 2))
    await past.ring()
    assert read == once


def taken(ledger: Ledger) -> Snapshot:
    """An evaluation in the month after."""
    as_of = ledger.month.period(ledger.terms.zone).end + 2 * DAY
    book = live_book(ledger.terms, sorted(ledger.facts, key=lambda fact: fact.recorded_at))
    views = tuple(book.view(service.name, as_of, public=True) for service in ledger.terms.services)
    return Snapshot(as_of, views, (), {}, {}, closed=book.closed())
