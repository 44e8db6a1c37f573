"""What need not be read of quiet days changes no statement, and a seal that says what is not so leaves nothing out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from monitor.closing import recorded_of
from monitor.facts import AnyFact, Fact, Result
from monitor.facts.seals import Seal, Stretch, seal_fact, seal_of
from monitor.ledger.closings import closings, revisions
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period
from monitor.ledger.quiet import quiet_days
from monitor.ledger.seals import NEAR, Pin, sealed
from monitor.store import open_for_reading, open_for_writing
from tests.ledger.test_closings import EVER, Ledger, promised, terms_fact
from tests.ledger.test_seals import (
    AFTER,
    CHECKS,
    ENDS,
    FIRST,
    GAPS,
    LAGS,
    MAY,
    Kept,
    look,
    seals_of,
    series,
    stated,
    worlds,
)
from tests.store.samples import ALL_TIME, url_in

FOREVER = Period(-(2**62), ALL_TIME)


def read(facts: Sequence[AnyFact], pins: Sequence[Pin], as_of: int) -> list[AnyFact]:
    """What a store of these facts gives as of then, without what need not be read."""
    with TemporaryDirectory() as folder:
        url = url_in(Path(folder))
        with open_for_writing(url, FIRST) as store:
            store.append(sorted(facts, key=lambda fact: fact.recorded_at))
        with open_for_reading(url) as reader:
            days = [each.seal for day in reader.days_within(FOREVER) for each in reader.sealed_on(day)]
            reader.leave_out(quiet_days(days, pins, as_of))
            return list(reader.read(FOREVER, as_of))


def stays_equal(world: Kept) -> None:
    facts = [*world.facts, *world.seals]
    for as_of in (AFTER + 3 * DAY, AFTER + 40 * DAY):
        assert stated(read(facts, [], as_of), world.terms, as_of) == stated(facts, world.terms, as_of)


@given(worlds())
@settings(max_examples=8)
def test_a_statement_is_the_same_from_what_is_read(world: Kept) -> None:
    stays_equal(world)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(worlds())
@settings(max_examples=300)
def test_it_is_the_same_in_hundreds_of_worlds(world: Kept) -> None:
    stays_equal(world)


def closed_stays_equal(results: Sequence[Result], ends: tuple[int, int], gaps: Sequence[int], lag: int) -> None:
    """May, which ends amid the looks, is closed and restated; all of it is computed again from what is read."""
    results = [*{each._replace(recorded_at=0): each for each in reversed(results)}.values()][
        ::-1
    ]  # as a store has them
    written = promised(f"services: [{{name: app, checks: {CHECKS % ends}}}]")
    told = [seal_fact(seal) for days in seals_of(results, lag).values() for seal in days.values()]
    ledger = Ledger([terms_fact(written, FIRST - DAY), *results, *told], written, MAY)
    end = at = MAY.period(written.terms.zone).end
    for place, gap in enumerate(gaps):
        at += gap
        ledger.carry_out(at, restate=place > 0)
    pins = [Pin(each.as_of, end) for chain in closings(ledger.facts, EVER).values() for each in chain]
    found = read(ledger.facts, pins, ALL_TIME - 1)
    again = [one for chain in closings(found, EVER).values() for one in revisions(recorded_of(found), chain)]
    assert again == ledger.given


@given(series("c", "london"), ENDS, GAPS, LAGS)
@settings(max_examples=8)
def test_what_was_closed_is_the_same_from_what_is_read(
    results: list[Result], ends: tuple[int, int], gaps: list[int], lag: int
) -> None:
    closed_stays_equal(results, ends, gaps, lag)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(series("c", "london"), ENDS, GAPS, LAGS)
@settings(max_examples=300)
def test_it_is_the_same_of_what_was_closed_in_hundreds_of_worlds(
    results: list[Result], ends: tuple[int, int], gaps: list[int], lag: int
) -> None:
    closed_stays_equal(results, ends, gaps, lag)


# -- what is left out, and what is not

DAY_OF_LOOKS = [
    look(FIRST + DAY + place * MINUTE, recorded_at=FIRST + DAY + place * MINUTE + SECOND) for place in range(1440)
]
SEAL = sealed(DAY_OF_LOOKS, FIRST + DAY, FIRST + 2 * DAY + HOUR)
AS_OF = FIRST + 9 * DAY


def left(results: Sequence[Result], seal: Seal = SEAL, pins: Sequence[Pin] = (), as_of: int = AS_OF) -> int:
    """How many results are read of a store of these and the seal."""
    found = read([*results, seal_fact(seal)], pins, as_of)
    assert [seal_of(fact) for fact in found if isinstance(fact, Fact)] == [seal]
    return sum(isinstance(fact, Result) for fact in found)


def test_of_a_quiet_day_a_quarter_of_an_hour_is_read_at_each_end() -> None:
    assert left(DAY_OF_LOOKS) == 2 * (NEAR // MINUTE + 1)


def test_beside_it_everything_is_read() -> None:
    other = [each._replace(check="d") for each in DAY_OF_LOOKS[:100]]
    assert left([*DAY_OF_LOOKS, *other]) == 2 * (NEAR // MINUTE + 1) + 100


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": "fail", "reason": "timeout"},
        {"confirm": True},
        {"hold_ms": 60 * SECOND},
        {"source": "agent"},
        {"recorded_at": FIRST + DAY - 1},
    ],
)
def test_a_seal_that_says_what_is_not_so_leaves_nothing_out(changed: dict[str, object]) -> None:
    other = DAY_OF_LOOKS[700]._replace(**changed)  # type: ignore[arg-type]
    results = sorted([*DAY_OF_LOOKS[:700], other, *DAY_OF_LOOKS[701:]], key=lambda each: each.recorded_at)
    assert left(results) == 1440


@pytest.mark.parametrize(
    "results", [DAY_OF_LOOKS[:-1], DAY_OF_LOOKS[1:], [*DAY_OF_LOOKS, look(SEAL.start + 1, recorded_at=AS_OF)]]
)
def test_a_look_too_few_or_too_many_leaves_nothing_out(results: list[Result]) -> None:
    assert left(results) == len(results)


@pytest.mark.parametrize(
    "seal",
    [
        SEAL._replace(rest=f"sha256:{'0' * 64}"),
        SEAL._replace(size=1441),
        SEAL._replace(
            stretches=(
                Stretch(SEAL.start, SEAL.start + 60 * MINUTE, 61, 70 * SECOND),
                Stretch(SEAL.start + 61 * MINUTE, SEAL.start + 1439 * MINUTE, 1379, 70 * SECOND),
            )
        ),
    ],
)
def test_a_day_that_was_not_quiet_is_read(seal: Seal) -> None:
    assert left(DAY_OF_LOOKS, seal) == 1440


@pytest.mark.parametrize(
    ("pin", "is_read"),
    [
        (Pin(SEAL.start - 5 * DAY, SEAL.start - 6 * DAY), False),  # closed long before, of a month before
        (Pin(SEAL.start - 1, SEAL.start + 2 * DAY), True),  # it ends later: late looks would be about it
        (Pin(SEAL.start + HOUR, SEAL.start - DAY), True),  # consulted before they were sealed
        (Pin(SEAL.recorded_at - 1, SEAL.start - DAY), True),
        (Pin(SEAL.recorded_at, SEAL.start - DAY), False),
        (Pin(SEAL.recorded_at, SEAL.start + HOUR), True),  # the month ends on that day
    ],
)
def test_what_a_closing_rests_on_is_read(pin: Pin, is_read: bool) -> None:
    assert (left(DAY_OF_LOOKS, pins=[pin]) == 1440) is is_read


def test_a_look_that_comes_while_a_report_is_read_is_read(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    late = look(SEAL.start + 12 * HOUR + 1, recorded_at=AS_OF - 1)
    with open_for_writing(url, FIRST) as store:
        store.append([*DAY_OF_LOOKS, seal_fact(SEAL)])
        with open_for_reading(url) as reader:
            reader.leave_out(quiet_days([SEAL], [], AS_OF))
            store.append([late])
            found = [fact for fact in reader.read(FOREVER, AS_OF) if isinstance(fact, Result)]
    assert late in found
    assert len(found) == 2 * (NEAR // MINUTE + 1) + 1


def test_as_of_an_instant_before_the_seal_everything_is_read() -> None:
    with_seal = read([*DAY_OF_LOOKS, seal_fact(SEAL)], [], SEAL.recorded_at - 1)
    assert [fact for fact in with_seal if isinstance(fact, Fact)] == []
    assert len(with_seal) == 1440
