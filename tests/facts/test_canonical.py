"""Canonical JSON is RFC 8785, also where parts of an object were spelled before."""

from __future__ import annotations

import string
from random import Random

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Json, canonical_json, canonical_object

scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e25, 1e25) | st.text()
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
names = st.text(string.ascii_letters + string.digits + "_ .$", max_size=8)


@given(values)
def test_any_json_is_spelled_as_rfc_8785_has_it(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(st.dictionaries(names, values, max_size=8), st.randoms(use_true_random=False))
def test_an_object_is_the_same_whichever_members_were_spelled_before(members: dict[str, Json], chance: Random) -> None:
    before = {name: rfc8785.dumps(value) for name, value in members.items() if chance.random() < 0.5}
    assert canonical_object(members, before) == rfc8785.dumps(members)
