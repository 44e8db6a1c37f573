"""Where a statement differs from what is expected of it: only fields that the expected one names are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Lists whose order the contract leaves open, with the fields that name an entry.
NAMED_BY = {
    "refused": ("id", "class", "why"),
    "exclusions": ("class", "id"),
    "corroborators": ("check",),
    "commitments": ("commitment",),
}


def ordered(entries: Iterable[Any], field: str) -> list[Any]:
    """The entries of a list, by their names where their order says nothing."""
    names = NAMED_BY.get(field)
    return list(entries) if names is None else sorted(entries, key=lambda entry: [str(entry.get(n)) for n in names])


def differences(found: Any, expected: Any, path: str = "") -> list[str]:
    """Every place, by its path, where something that `expected` names is not so in `found`."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [d for name in expected for d in differences(found.get(name), expected[name], f"{path}.{name}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        field = path.rsplit(".", 1)[-1]
        pairs = zip(ordered(found, field), ordered(expected, field), strict=True)
        return [d for number, pair in enumerate(pairs) for d in differences(*pair, f"{path}[{number}]")]
    return [] if found == expected else [f"{path}: {found!r}, expected {expected!r}"]


def by_service(statements: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Statements by the name of their service."""
    return {statement["service"]: statement for statement in statements}
