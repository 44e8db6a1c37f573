"""Canonical JSON is RFC 8785, also where parts of an object were spelled before."""

from __future__ import annotations

import string
from random import Random

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Json, Spelling, canonical_json

scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e25, 1e25) | st.text()
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
names = st.text(string.ascii_letters + string.digits + "_ .$", max_size=8)


@given(values)
def test_any_json_is_spelled_as_rfc_8785_has_it(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


objects = st.dictionaries(names, values | st.sampled_from((1, 1.0, True, 0, False, [1], [True])), max_size=8)


@given(st.lists(objects, min_size=1, max_size=4), st.frozensets(names), st.randoms(use_true_random=False))
def test_objects_are_the_same_whatever_was_spelled_before(
    told: list[dict[str, Json]], own: frozenset[str], chance: Random
) -> None:
    spelling = Spelling(own)
    for members in told:
        before = {name: rfc8785.dumps(value) for name, value in members.items() if chance.random() < 0.3}
        assert spelling.object(members, before) == rfc8785.dumps(members)
        changed = {name: chance.choice([value, True, 1, 1.0]) for name, value in members.items()}
        assert spelling.object(changed, {}) == rfc8785.dumps(changed)
