"""Small random worlds for the accounting: a configuration, a log of facts, a month, and when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from hypothesis import strategies as st

from tests.model.moments import DAY, written
from tests.strategies.log import Fact, exclusions, incidents, maintenances, others, repeated, results
from tests.strategies.places import HOUR, Place, moments, places
from tests.strategies.terms import Config, checks_of, configs


@dataclass(frozen=True)
class World:
    """What `replay` is given; facts as lines loaded, in their order in the file."""

    config: Config
    facts: list[Fact]
    month: str
    as_of: str


@st.composite
def facts_of(draw: st.DrawFn, place: Place, config: Config) -> list[Fact]:
    """The facts of a world, in no order, `recorded_at` still in ms."""
    found = [fact for check in checks_of(config) for fact in draw(results(place, check))]
    for kind in (maintenances(place), incidents(place), exclusions(place)):
        found += chain.from_iterable(draw(st.lists(kind, min_size=draw(st.sampled_from((1, 1, 0))), max_size=3)))
    found += draw(repeated(found))
    return found + others(place)


@st.composite
def readings(draw: st.DrawFn, place: Place, config: Config, recorded: list[int]) -> str:
    """`as_of`: mostly after the month, also in it, at its edges, and before it where a policy was in force then.

    Now and then it is the very instant at which a fact was recorded.
    """
    start, end = place.edges
    named = (end + 2 * DAY, end + 60 * DAY, end + HOUR, end, end - 1, start + 1, start, start - 1)
    later = moments(place).map(lambda at: at + 3 * place.step)
    at = draw(st.one_of(st.sampled_from(named[:2] * 4 + named), later))
    if draw(st.integers(0, 7)) == 7:
        at = draw(st.sampled_from(recorded))
    policies = config.get("policies", ())
    return written(at if not policies or policies[0]["effective_from"] < place.day(start) else max(at, start))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world; facts may have been recorded at the same instant, and then their order counts."""
    place = draw(places())
    config = draw(configs(place))
    return told(place, draw(facts_of(place, config)), config, draw)


@st.composite
def worlds_recorded_one_by_one(draw: st.DrawFn) -> World:
    """A world in which no two different facts were recorded at the same instant: their order says nothing."""
    place = draw(places())
    config = draw(configs(place))
    taken: set[int] = set()
    facts = draw(facts_of(place, config))
    for fact in facts:
        while fact["recorded_at"] in taken:
            fact["recorded_at"] += 1
        taken.add(fact["recorded_at"])
    return told(place, facts, config, draw)


def told(place: Place, facts: list[Fact], config: Config, draw: st.DrawFn) -> World:
    """The world with its facts spelled as lines have them, and an instant at which they are read."""
    as_of = draw(readings(place, config, [fact["recorded_at"] for fact in facts]))
    lines = [{**fact, "recorded_at": written(fact["recorded_at"])} for fact in facts]
    return World(config, lines, place.month, as_of)
