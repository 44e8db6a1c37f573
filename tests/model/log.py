"""Which facts count as of an instant, in the order of recording (accounting.md section 1, facts.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.model.moments import instant

Fact = dict[str, Any]
INSTANTS = ("at", "scheduled_at", "announced_at", "start", "end")


def identity(fact: Fact) -> str:
    """The explicit id, or else the content less `recorded_at`, instants rewritten."""
    if fact.get("id") is not None:
        return f"{fact['kind']} id {fact['id']}"
    content = {name: value for name, value in fact.items() if name != "recorded_at"}
    for name in INSTANTS:
        if content.get(name) is not None:
            content[name] = instant(content[name])
    if fact["kind"] == "incident":
        content["components"] = {
            name: [[instant(at), severity] for at, severity in steps] for name, steps in fact["components"].items()
        }
    return f"{fact['kind']} content {json.dumps(content, sort_keys=True)}"


def in_order(facts: Sequence[Fact], as_of: int) -> list[Fact]:
    """Facts recorded by `as_of`, by `recorded_at` and then by line; of two with one identity the first."""
    known: set[str] = set()
    counted = []
    for fact in sorted(facts, key=lambda fact: instant(fact["recorded_at"])):
        if instant(fact["recorded_at"]) <= as_of and identity(fact) not in known:
            known.add(identity(fact))
            counted.append(fact)
    return counted


def newest_recorded(facts: Sequence[Fact]) -> int:
    """The default `as_of` of a replay."""
    return max(instant(fact["recorded_at"]) for fact in facts)
