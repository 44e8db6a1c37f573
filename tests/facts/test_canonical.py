"""Canonical JSON is RFC 8785, also where parts of an object were spelled before."""

from __future__ import annotations

import string
from random import Random

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import Json, Spelling, canonical_json, sha256_text

scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e25, 1e25) | st.text()
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
names = st.text(string.ascii_letters + string.digits + "_ .$", max_size=8)


@given(values)
def test_any_json_is_spelled_as_rfc_8785_has_it(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


objects = st.dictionaries(names, values | st.sampled_from((1, 1.0, True, 0, False, [1], [True])), max_size=8)


@given(objects, st.dictionaries(names, values, min_size=1, max_size=4), values, st.randoms(use_true_random=False))
def test_objects_with_most_members_in_common_have_the_digests_of_their_rfc_8785(
    common: dict[str, Json], own: dict[str, Json], other: Json, chance: Random
) -> None:
    before = {name: rfc8785.dumps(value) for name, value in common.items() if chance.random() < 0.3}
    spelling = Spelling(common, own.keys(), before)
    for each in (own, dict.fromkeys(own, other), own):
        assert spelling.sha256(each) == sha256_text(rfc8785.dumps({**common, **each}))
