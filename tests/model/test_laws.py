"""What must hold of the model itself in every small world, so that its agreement with the ledger means something."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.brute import statements
from tests.strategies.months import World, worlds, worlds_recorded_one_by_one

EXAMPLES = settings(max_examples=60)
REACHED = {
    *("up", "down", "unknown", "pending", "maintenance", "third_party", "force_majeure", "customer", "connectivity"),
    *("corroborated", "declared", "also", "ongoing", "blips", "lulls", "unknown_inside_outage_ms", "burning"),
    *("met", "met_unproven", "breached", "on_track", "downtime_cap", "objective"),
    *("notice_too_short", "overrun", "moved", "cancelled", "emergency", "too_long"),
    *("not_corroborated", "below_severity", "not_in_policy", "not_approved", "revoked"),
}


def modelled(world: World) -> list[dict[str, Any]]:
    """The model's statements of a world."""
    return statements(world.config, world.facts, world.month, world.as_of)


@given(worlds())
@EXAMPLES
def test_every_instant_of_a_month_is_in_exactly_one_account(world: World) -> None:
    for statement in modelled(world):
        accounts = statement["accounts_ms"]
        excused = sum(accounts["excused"].values())
        assert sum(accounts[name] for name in ("up", "down", "unknown", "pending")) + excused == accounts["month"]
        assert sum(statement["third_party_ms"].values()) == accounts["excused"]["third_party"]
        assert sum(entry["granted_ms"] for entry in statement["exclusions"]) == excused
        assert sum(outage["ms"] for outage in statement["outages"]) == accounts["down"] + excused


@given(worlds())
@EXAMPLES
def test_the_truth_lies_between_shortest_and_longest(world: World) -> None:
    for statement in modelled(world):
        bounds, accounts = statement["bounds_ms"], statement["accounts_ms"]
        excused = sum(accounts["excused"].values())
        assert bounds["down_shortest"] <= accounts["down"] <= bounds["down_longest"]
        assert bounds["down_shortest"] + bounds["excused_shortest"] <= accounts["down"] + excused
        assert accounts["down"] + excused <= bounds["down_longest"] + bounds["excused_longest"]


@given(worlds_recorded_one_by_one(), st.randoms(use_true_random=False))
@EXAMPLES
def test_the_order_of_lines_says_nothing(world: World, chance: Any) -> None:
    shuffled = [*world.facts, *world.facts[::3]]
    chance.shuffle(shuffled)
    assert statements(world.config, shuffled, world.month, world.as_of) == modelled(world)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_random_worlds_reach_every_account_verdict_and_reason() -> None:
    reached: Counter[str] = Counter()

    @given(worlds())
    @settings(max_examples=1000, database=None, derandomize=True)
    def explore(world: World) -> None:
        for statement in modelled(world):
            reached.update(set(met_in(statement)))

    explore()
    assert REACHED - set(reached) == set()


def met_in(statement: dict[str, Any]) -> list[str]:
    """The names of what a statement shows."""
    accounts = statement["accounts_ms"]
    amounts = {**accounts, **accounts["excused"], **statement["third_party_ms"]}
    amounts |= {name: statement[name]["ms"] for name in ("blips", "lulls")}
    amounts["unknown_inside_outage_ms"] = statement["unknown_inside_outage_ms"]
    met = [name for name, amount in amounts.items() if isinstance(amount, int) and amount > 0]
    met += [statement["verdict"], statement["budget_bound_by"]]
    met += [entry["why"] for entry in statement["refused"] if entry["would_have_excused_ms"] > 0]
    for outage in statement["outages"]:
        met += ["ongoing"] if outage["ongoing"] else []
        met += ["also"] if any(piece["also"] for piece in outage["slices"]) else []
    met += ["burning"] if any(burn not in (None, "0.000000000") for burn in statement["burn"].values()) else []
    return met
