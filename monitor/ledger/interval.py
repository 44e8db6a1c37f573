"""Half-open intervals of UTC milliseconds, and sorted disjoint sets of them (accounting.md section 1).

A `Span` is `(start, end)` with `start < end`. A `Spans` is a list of them, ascending, disjoint and not touching: every
function here takes such lists and gives such lists, so equal sets are equal lists.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Span = tuple[int, int]
Spans = list[Span]


def normalise(spans: Iterable[Span]) -> Spans:
    """The union of any spans, in any order; empty and reversed ones hold nothing and are dropped."""
    merged: Spans = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def union(a: Spans, b: Spans) -> Spans:
    """What is in `a` or in `b`."""
    if not a:
        return b
    if not b:
        return a
    return normalise([*a, *b])


def intersect(a: Spans, b: Spans) -> Spans:
    """What is in both."""
    both: Spans = []
    i = j = 0
    while i < len(a) and j < len(b):
        start, end = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if start < end:
            both.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return both


def subtract(a: Spans, b: Spans) -> Spans:
    """What is in `a` and not in `b`."""
    if not b:
        return a
    left: Spans = []
    j = 0
    for start, end in a:
        while j < len(b) and b[j][1] <= start:
            j += 1
        k, begin = j, start
        while k < len(b) and b[k][0] < end:
            if begin < b[k][0]:
                left.append((begin, b[k][0]))
            begin = b[k][1]
            k += 1
        if begin < end:
            left.append((begin, end))
    return left


def clip(spans: Spans, start: int, end: int) -> Spans:
    """What is in `[start, end)`."""
    return intersect(spans, [(start, end)]) if start < end else []


def total(spans: Iterable[Span]) -> int:
    """Milliseconds covered."""
    return sum(end - start for start, end in spans)


def holds(spans: Spans, instant: int) -> bool:
    """Whether `instant` lies in one of them."""
    at = bisect_right(spans, instant, key=lambda span: span[0]) - 1
    return at >= 0 and instant < spans[at][1]
