"""Sets of intervals against sets of integers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger.interval import Span, Spans, clip, holds, intersect, normalise, subtract, total, union

spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def instants(given_spans: list[Span]) -> set[int]:
    return {instant for start, end in given_spans for instant in range(start, end)}


def is_normal(found: Spans) -> bool:
    return all(start < end for start, end in found) and all(
        left[1] < right[0] for left, right in itertools.pairwise(found)
    )


@given(spans, spans, st.integers(0, 40), st.integers(0, 40))
def test_sets_of_intervals_are_sets_of_instants(a: list[Span], b: list[Span], start: int, end: int) -> None:
    left, right = normalise(a), normalise(b)
    expected = {
        "union": (union(left, right), instants(a) | instants(b)),
        "intersect": (intersect(left, right), instants(a) & instants(b)),
        "subtract": (subtract(left, right), instants(a) - instants(b)),
        "clip": (clip(left, start, end), instants(a) & set(range(start, end))),
    }
    for name, (found, wanted) in expected.items():
        assert instants(found) == wanted, name
        assert is_normal(found), name
        assert total(found) == len(wanted), name
    assert [instant for instant in range(41) if holds(left, instant)] == sorted(instants(a))
