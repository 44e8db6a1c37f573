"""What a restatement does to breaches, claims and the right to terminate, over a real log of closings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.closer import Moment, Order, carried_out
from monitor.config import customers_of, parse, written_terms
from monitor.crediting import Reckoner
from monitor.facts import AnyFact, Fact, Json, Result, parse_json
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant
from monitor.ledger.termination import standing
from monitor.people import Author

CONFIG = parse(
    """
services: [{name: app, checks: [{name: web, http: {url: 'https://web.example.com/'}}]}]
policies:
  - effective_from: 2026-01-01
    availability: {objective: 99.9%, finalise_after: 5d}
    credits: {per_breach: 10%}
    termination: {consecutive_months: 3, breaches: 4, within_months: 6}
customers: [{name: acme, plan: any, since: 2026-01-01, monthly_fee: 100.00 USD}]
""",
    "minutebook.yaml",
    Path(),
    {},
)
WRITTEN = written_terms(CONFIG)
JANUARY, FEBRUARY, MARCH = (Month(2026, month) for month in (1, 2, 3))
RESTATED, RESTATED_BACK = parse_instant("2026-05-30T12:00:00Z"), parse_instant("2026-06-20T12:00:00Z")


def look(text: str, outcome: str, recorded: int | None = None) -> Result:
    at = parse_instant(text)
    hold = 400 * DAY
    return Result(recorded or at + 1000, "web", "london", at, outcome, hold_ms=hold)  # type: ignore[arg-type]


def down(month: Month, recorded: int | None = None) -> list[AnyFact]:
    """An hour on the tenth."""
    day = f"{month}-10T"
    looks = (("10:00:00Z", "fail"), ("10:30:00Z", "fail"), ("11:00:00Z", "pass"))
    return [look(day + time, outcome, recorded) for time, outcome in looks]


def excused(month: Month, recorded: int) -> Fact:
    """That hour was the customer's."""
    fields: dict[str, Json] = {"exclusion": "x1", "class": "customer", "reason": "r", "evidence": "e", "author": "ann"}
    window: dict[str, Json] = {"start": f"{month}-10T09:00:00.000Z", "end": f"{month}-10T12:00:00.000Z"}
    return Fact("exclusion", recorded, {**fields, **window, "id": "x1"})


class Log:
    """Facts that grow, and closings among them."""

    def __init__(self, *facts: AnyFact) -> None:
        said: dict[str, Json] = {"terms": parse_json(WRITTEN.written), "digest": WRITTEN.terms.digest, "id": "terms"}
        self.facts: list[AnyFact] = [Fact("terms", parse_instant("2026-01-01T00:00:00Z"), said), *facts]

    def carry_out(self, month: Month, as_of: int, *, restate: bool) -> None:
        order = Order(month, None, restate, "what came late" if restate else None)
        known = [fact for fact in self.facts if fact.recorded_at <= as_of]
        outcome = carried_out(known, order, Moment(as_of, WRITTEN.terms, None), Author("ann"))
        self.facts += [replace(fact, recorded_at=as_of + 1) for fact in outcome.facts]

    def reckoner(self, as_of: int) -> Reckoner:
        return Reckoner(sorted(self.facts, key=_recorded), WRITTEN.terms, customers_of(CONFIG), as_of)


def _recorded(fact: AnyFact) -> int:
    return fact.recorded_at


@pytest.fixture(scope="module")
def log() -> Log:
    """January and March are breached as closed; that February was too came late, and then that it was excused."""
    made = Log(look("2026-01-01T00:00:00Z", "pass"), *down(JANUARY), *down(MARCH))
    for month in (JANUARY, FEBRUARY, MARCH):
        made.carry_out(month, month.period(WRITTEN.terms.zone).end + 5 * DAY, restate=False)
    made.facts += down(FEBRUARY, RESTATED - HOUR)
    made.carry_out(FEBRUARY, RESTATED, restate=True)
    made.facts.append(excused(FEBRUARY, RESTATED_BACK - HOUR))
    made.carry_out(FEBRUARY, RESTATED_BACK, restate=True)
    return made


def test_what_came_late_counts_only_from_the_restatement_on(log: Log) -> None:
    totals = [log.reckoner(at).month(FEBRUARY).found.total for at in (RESTATED, RESTATED + 1, RESTATED_BACK + 1)]
    assert totals == [0, 1, 0]


def test_the_right_arises_with_the_restatement_and_is_taken_away_on_record_by_the_next(log: Log) -> None:
    [acme] = customers_of(CONFIG)
    assert not log.reckoner(RESTATED).rights(acme)
    given = standing(log.reckoner(RESTATED + 1).rights(acme))
    assert given is not None
    assert (given.arises, given.reached.rests_on) == (RESTATED + 1, (JANUARY, FEBRUARY, MARCH))
    [taken] = log.reckoner(RESTATED_BACK + 1).rights(acme)
    assert (taken.arises, taken.taken_away) == (RESTATED + 1, RESTATED_BACK + 1)


def test_a_claim_for_what_only_the_restatement_made_a_breach_has_three_months_from_then(log: Log) -> None:
    def last_day(month: Month, at: int) -> str:
        return str(log.reckoner(at).month(month).deadline("availability", WRITTEN.terms).last_day)

    assert last_day(FEBRUARY, RESTATED) == "2026-05-31"
    assert last_day(FEBRUARY, RESTATED + 1) == "2026-08-30"
    assert last_day(JANUARY, RESTATED + 1) == "2026-04-30"


def test_a_month_closed_by_hand_before_its_time_is_final_then(log: Log) -> None:
    early = Log(look("2026-01-01T00:00:00Z", "pass"), *down(JANUARY))
    as_of = JANUARY.period(WRITTEN.terms.zone).end + 90 * MINUTE
    early.carry_out(JANUARY, as_of, restate=False)
    first: Sequence[int] = [read.at for read in early.reckoner(as_of + DAY).month(JANUARY).readings]
    assert [*map(format_instant, first)] == ["2026-02-01T01:30:00.000Z"]


def test_what_is_not_closed_is_final_after_its_days_and_counts_as_it_stands() -> None:
    draft = Log(look("2026-01-01T00:00:00Z", "pass"), *down(JANUARY))
    found = draft.reckoner(parse_instant("2026-02-06T00:00:00Z")).month(JANUARY)
    assert (found.is_final, found.found.total, format_instant(found.readings[0].at)) == (
        True,
        1,
        "2026-02-06T00:00:00.000Z",
    )
    assert not draft.reckoner(parse_instant("2026-02-05T23:59:59.999Z")).month(JANUARY).is_final
