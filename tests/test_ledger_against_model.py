"""The ledger against the brute-force model of its contract, in small random worlds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, note, settings
from hypothesis import strategies as st

from monitor.closing import Wanted, statements
from monitor.config import parse, to_terms
from monitor.facts import decode_line
from monitor.ledger.period import parse_instant, parse_month
from tests.model.brute import statements as modelled
from tests.model.compare import by_service, differences
from tests.strategies import edges
from tests.strategies.months import World, worlds, worlds_recorded_one_by_one

# ------------------------------------------------------------------------------------------------------------------
# ADAPTER: the only place that knows the product.


def product(config: dict[str, Any], facts: list[dict[str, Any]], month: str, as_of: str) -> list[dict[str, Any]]:
    """What `replay --format json` gives for a configuration, facts as lines in their order, a month and a moment."""
    terms = to_terms(parse(yaml.safe_dump(config), "minutebook.yaml", Path(), {}))
    services = [service.name for service in terms.services]
    log = [decode_line(json.dumps(fact)) for fact in facts]
    return statements(log, terms, Wanted(services, parse_month(month), parse_instant(as_of)))


# ------------------------------------------------------------------------------------------------------------------

# `minutebook` is the profile that tests/conftest.py loads; these differ in how many worlds they look at.
settings.register_profile("ci", settings.get_profile("minutebook"), max_examples=300)
settings.register_profile("long", settings.get_profile("minutebook"), max_examples=5000)
CI, LONG = settings.get_profile("ci"), settings.get_profile("long")
FEW = settings(CI, max_examples=100)


def shown(world: World) -> None:
    """Print a failing world as the two files that `replay` takes, so that it can be kept as a scenario."""
    lines = "\n".join(json.dumps(fact, ensure_ascii=False) for fact in world.facts)
    note(f"--month {world.month} --as-of {world.as_of}\n{yaml.safe_dump(world.config, sort_keys=False)}\n{lines}")


def agree(world: World) -> None:
    """The ledger and the model say the same of a world, in every field that the model gives."""
    expected = by_service(modelled(world.config, world.facts, world.month, world.as_of))
    found = by_service(product(world.config, world.facts, world.month, world.as_of))
    assert list(found) == list(expected)
    assert differences(found, expected) == []


@pytest.mark.timeout(300)
@given(worlds())
@CI
def test_the_ledger_agrees_with_the_contract_asked_instant_by_instant(world: World) -> None:
    shown(world)
    agree(world)


@pytest.mark.parametrize("world", edges.ALL, ids=["cap", "exhausted", "spent", "quiet"])
def test_the_ledger_agrees_with_the_contract_at_rare_coincidences(world: World) -> None:
    agree(world)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(worlds())
@LONG
def test_the_ledger_agrees_with_the_contract_in_thousands_of_worlds(world: World) -> None:
    shown(world)
    agree(world)


@given(worlds())
@FEW
def test_the_accounts_add_up_to_the_month(world: World) -> None:
    shown(world)
    for statement in product(world.config, world.facts, world.month, world.as_of):
        accounts = statement["accounts_ms"]
        parts = [accounts[name] for name in ("up", "down", "unknown", "pending")] + list(accounts["excused"].values())
        assert all(part >= 0 for part in parts)
        assert sum(parts) == accounts["month"]


@given(worlds_recorded_one_by_one(), st.randoms(use_true_random=False))
@FEW
def test_the_order_of_lines_and_lines_that_come_twice_change_nothing(world: World, chance: Any) -> None:
    shown(world)
    lines = [*world.facts, *world.facts[::3]]
    chance.shuffle(lines)
    shuffled = product(world.config, lines, world.month, world.as_of)
    assert shuffled == product(world.config, world.facts, world.month, world.as_of)
