"""The course of a month: drawn from the same booking as the statement, so that it can say nothing else."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings

from monitor.config import parse, to_terms
from monitor.facts import decode_line
from monitor.ledger.course import LETTERS, WORST_FIRST, course
from monitor.ledger.entries import admit
from monitor.ledger.months import book_month, service_book, timelines_from
from monitor.ledger.period import HOUR, parse_instant, parse_month
from monitor.ledger.statement import Asked, proof_of, stated_of
from tests.strategies.months import World, worlds

EXAMPLES = settings(max_examples=25)


def drawn(world: World) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each service's statement and course."""
    terms = to_terms(parse(yaml.safe_dump(world.config), "minutebook.yaml", Path(), {}))
    month, as_of = parse_month(world.month), parse_instant(world.as_of)
    entries = admit([decode_line(json.dumps(fact)) for fact in world.facts], as_of)
    found = []
    for service in terms.services:
        of = service_book(terms, service.name, entries, timelines_from(entries))
        booked = book_month(of, month, as_of)
        stated = stated_of(of, booked, Asked(month, as_of, "", {}), proof_of(of))
        found.append((stated, course(of, booked)))
    return found


@given(worlds())
@EXAMPLES
def test_the_days_add_up_to_the_accounts(world: World) -> None:
    for stated, found in drawn(world):
        sums: Counter[str] = Counter()
        for day in found["days"]:
            sums.update({account: day[f"{account}_ms"] for account in WORST_FIRST})
        accounts = stated["accounts_ms"]
        expected = {name: accounts[name] for name in ("up", "down", "unknown", "pending")}
        assert sums == {**expected, "excused": sum(accounts["excused"].values())}


@given(worlds())
@EXAMPLES
def test_the_days_are_the_month_without_a_gap(world: World) -> None:
    for stated, found in drawn(world):
        days = found["days"]
        assert days[0]["start"] == stated["start"]
        assert days[-1]["end"] == stated["end"]
        assert all(one["end"] == other["start"] for one, other in itertools.pairwise(days))
        for day in days:
            length = parse_instant(day["end"]) - parse_instant(day["start"])
            assert len(day["hours"]) == -(-length // HOUR)
            assert sum(day[f"{account}_ms"] for account in WORST_FIRST) == length


@given(worlds())
@EXAMPLES
def test_an_hour_shows_the_worst_that_is_in_it(world: World) -> None:
    """Held against the statement's own outages and their slices."""
    for stated, found in drawn(world):
        slices = [piece for outage in stated["outages"] for piece in outage["slices"]]
        for day in found["days"]:
            for place, letter in enumerate(day["hours"]):
                start = parse_instant(day["start"]) + place * HOUR
                end = min(start + HOUR, parse_instant(day["end"]))
                accounts = {
                    piece["account"]
                    for piece in slices
                    if parse_instant(piece["start"]) < end and start < parse_instant(piece["end"])
                }
                worst = "down" if "down" in accounts else "excused" if "excused" in accounts else None
                assert letter == LETTERS[worst] if worst else letter not in "DE"


@given(worlds())
@EXAMPLES
def test_the_budget_goes_down_by_what_was_down(world: World) -> None:
    for stated, found in drawn(world):
        down = stated["accounts_ms"]["down"]
        steps = found["steps"]
        assert (steps[-1]["down_ms"] if steps else 0) == down
        lengths = [parse_instant(step["end"]) - parse_instant(step["start"]) for step in steps]
        assert [step["down_ms"] for step in steps] == [sum(lengths[: place + 1]) for place in range(len(steps))]
        bounds = [amount for amount in (found["by_objective_ms"], found["cap_ms"]) if amount is not None]
        assert stated["budget_ms"] == min(bounds)


@given(worlds())
@EXAMPLES
def test_what_ate_the_budget_is_the_outages_largest_first(world: World) -> None:
    for stated, found in drawn(world):
        eaten = found["eaten"]
        assert sum(each["down_ms"] for each in eaten) == stated["accounts_ms"]["down"]
        assert eaten == sorted(eaten, key=lambda each: -each["down_ms"])
        assert {each["outage"] for each in eaten} <= {outage["id"] for outage in stated["outages"]}
