"""JSON that a vendor did not mean: some values of a payload replaced by others, or left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Payload = Any
"""Any JSON: it is the point."""

HOSTILE: tuple[Payload, ...] = (
    None,
    True,
    -1,
    2**70,
    1e308,
    "",
    "*",
    "\0",
    "\ud800",
    "a\u202eb\r\n} 0\nfake 1",
    "x" * 10_000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "unheard_of",
    "2099-01-01T00:00:00Z",
    "1999-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "2026-06-10T08:00:00+99:99",
    "9999-12-31T23:59:59-23:59",
    [],
    {},
    [[]],
    [None],
    {"id": {}},
    [{"code": [], "name": {}, "new_status": 7}],
)
GONE = object()


def _places(payload: Payload, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _changed(payload: Payload, path: tuple[str | int, ...], value: object) -> None:
    *way, last = path
    for key in way:
        if not _has(payload, key):
            return  # an earlier change took the way there
        payload = payload[key]
    if _has(payload, last):
        payload[last] = None if value is GONE else copy.deepcopy(value)
        if value is GONE and isinstance(payload, dict):
            del payload[last]


def _has(payload: Payload, key: str | int) -> bool:
    if isinstance(payload, list):
        return isinstance(key, int) and key < len(payload)
    return isinstance(payload, dict) and key in payload


def mutated(payload: Payload) -> st.SearchStrategy[Payload]:
    """The payload with one to six values replaced by hostile ones, or gone."""
    paths = list(_places(payload))
    changes = st.lists(st.tuples(st.sampled_from(paths), st.sampled_from([*HOSTILE, GONE])), min_size=1, max_size=6)

    def applied(made: list[tuple[tuple[str | int, ...], object]]) -> Payload:
        changed = copy.deepcopy(payload)
        for path, value in made:
            _changed(changed, path, value)
        return changed

    build: Callable[[list[tuple[tuple[str | int, ...], object]]], Payload] = applied
    return changes.map(build)
