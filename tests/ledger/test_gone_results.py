"""Results that have gone under a seal: what is left of a plain day, and what cannot be said any more is not said."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import InputError
from monitor.facts import Result
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND
from monitor.ledger.seals import Pin, may_go, sealed
from monitor.ledger.terms import CheckTerms, ServiceTerms, Terms
from tests.ledger.test_seals import (
    AFTER,
    DAYS,
    FIRST,
    Kept,
    kept,
    less_proof,
    look,
    stated,
    together,
)


def plain(zone: str = "UTC", pins: Sequence[Pin] = ()) -> Kept:
    """Passes every half an hour, and one fail on the third day."""
    terms = Terms(ZoneInfo(zone), (ServiceTerms("app", (CheckTerms("c", HOUR),)),))
    instants = range(FIRST, AFTER, 30 * MINUTE)
    fail = FIRST + 2 * DAY + 6 * HOUR
    results = [look(at, "fail" if at == fail else "pass", hold_ms=HOUR) for at in instants]
    return kept(terms, results, pins, HOUR)


def instants_left(world: Kept) -> list[int]:
    return [fact.at for fact in world.left if isinstance(fact, Result)]


def test_of_a_day_without_trouble_nothing_is_left_but_its_seal() -> None:
    world = plain()
    of_the_second = [at for at in instants_left(world) if FIRST + DAY <= at < FIRST + 2 * DAY]
    assert of_the_second == []
    assert len(world.seals) == DAYS


def test_results_within_15_minutes_of_a_fail_stay() -> None:
    terms = Terms(ZoneInfo("UTC"), (ServiceTerms("app", (CheckTerms("c", HOUR),)),))
    fail = FIRST + DAY + 6 * HOUR
    grid = range(FIRST, AFTER, MINUTE)
    world = kept(terms, [look(at, "fail" if at == fail else "pass") for at in grid], (), HOUR)
    middle = [at for at in instants_left(world) if FIRST + DAY <= at < FIRST + 2 * DAY]
    assert middle == [fail + n * MINUTE for n in range(-15, 16)]


def test_a_result_that_comes_after_its_day_was_sealed_is_a_fact_like_any_other() -> None:
    world = plain()
    at = FIRST + DAY + 12 * HOUR + SECOND
    late = [look(at + n * MINUTE, "fail", recorded_at=AFTER + 10 * DAY, hold_ms=HOUR) for n in range(2)]
    before = stated(world.left, world.terms, AFTER + 10 * DAY)
    after = stated([*world.left, *late], world.terms, AFTER + 11 * DAY)
    assert len(before["outages"]) == 0
    assert after["outages"] == [] or after["outages"][0]["reasons"] == {"http_status": 2}


def test_the_pass_that_ended_a_long_void_is_known_after_it_went() -> None:
    hold = 6 * HOUR
    terms = Terms(ZoneInfo("UTC"), (ServiceTerms("app", (CheckTerms("c", HOUR),)),))
    grid = [at for at in range(FIRST, AFTER, 3 * HOUR) if not FIRST + 3 * DAY < at < FIRST + 3 * DAY + 9 * HOUR]
    void = look(FIRST + 3 * DAY - 3 * HOUR + 1, "void", hold_ms=DAY)
    world = kept(terms, [*(look(at, hold_ms=hold) for at in grid), void], (), HOUR)
    assert FIRST + 3 * DAY not in instants_left(world)
    from_all, from_the_left = (stated(facts, terms, AFTER + DAY) for facts in (world.facts, world.left))
    assert [gap["reason"] for gap in from_all["vantages"][0]["gaps"]][:2] == ["self_loop", "missed"]
    assert less_proof(from_the_left) == less_proof(from_all)


def test_results_that_a_closing_consulted_before_their_day_was_sealed_stay() -> None:
    as_of = FIRST + 2 * DAY + 10 * MINUTE  # the seal of the second day is recorded an hour after it
    world = plain(pins=[Pin(as_of, FIRST + DAY)])
    assert [at for at in instants_left(world) if FIRST + DAY <= at < FIRST + 2 * DAY] == [
        *range(FIRST + DAY, FIRST + 2 * DAY, 30 * MINUTE)
    ]
    assert stated(world.left, world.terms, as_of) == stated([*world.facts, *world.seals], world.terms, as_of)


def test_as_of_an_instant_before_the_seal_nothing_is_told_from_half_of_the_results() -> None:
    world = plain()
    with pytest.raises(InputError, match="results of 2026-05-31 have gone under a seal that was recorded later"):
        stated(world.left, world.terms, FIRST + 2 * DAY + MINUTE)
    facts, sealed = together(world.left, DAYS)
    with pytest.raises(InputError, match="results of 2026-05-31 have gone under a seal that was recorded later"):
        stated(facts, world.terms, FIRST + 2 * DAY + MINUTE, sealed)


def test_results_that_are_not_what_was_sealed_stay() -> None:
    day = [look(at) for at in range(FIRST, FIRST + DAY, MINUTE)]
    seal = sealed(day, FIRST, FIRST + DAY + HOUR)._replace(recorded_at=FIRST + DAY + HOUR)
    assert may_go(day, {FIRST: seal}, FIRST, ())
    touched = [day[0]._replace(status=204), *day[1:]]
    assert may_go(touched, {FIRST: seal}, FIRST, ()) == []
    assert may_go(day[1:], {FIRST: seal}, FIRST, ()) == []
