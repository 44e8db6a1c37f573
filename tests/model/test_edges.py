"""The model at coincidences that no random world meets, worked out by hand."""

from __future__ import annotations

from typing import Any

from tests.model.brute import statements
from tests.strategies import edges
from tests.strategies.months import World


def the_statement(world: World) -> dict[str, Any]:
    """The only statement of a world."""
    (found,) = statements(world.config, world.facts, world.month, world.as_of)
    return found


def test_a_cap_that_equals_the_promise_does_not_bind() -> None:
    found = the_statement(edges.CAP_THAT_EQUALS_THE_PROMISE)
    assert (found["budget_ms"], found["budget_bound_by"]) == (2_592_000, "objective")


def test_a_budget_that_lasts_exactly_to_the_month_s_end_is_said_to_end_there() -> None:
    found = the_statement(edges.EXHAUSTED_AT_THE_VERY_END)
    assert found["remaining_ms"] == 3_600_000
    assert found["exhaustion"] == {"1h": "2026-07-01T00:00:00.000Z", "6h": "2026-07-01T00:00:00.000Z", "3d": None}


def test_a_budget_spent_to_the_last_ms_is_not_breached_and_the_outage_goes_on() -> None:
    found = the_statement(edges.SPENT_TO_THE_LAST)
    assert (found["remaining_ms"], found["burned"]) == (0, "1.000000000")
    # the longest reading starts at the last pass, on the 1st
    assert found["verdict"] == "met_unproven"
    assert [outage["ongoing"] for outage in found["outages"]] == [True]
    # July's budget is whole: 7 h 26 min 24 s at a rate of 1
    assert found["exhaustion"]["1h"] == "2026-07-01T07:26:24.000Z"


def test_an_overspent_budget_is_exhausted_though_nothing_is_down_any_more() -> None:
    found = the_statement(edges.OVERSPENT_AND_QUIET)
    assert found["burn"]["3d"] == "0.000000000"
    assert set(found["exhaustion"].values()) == {"2026-06-20T00:00:00.000Z"}
