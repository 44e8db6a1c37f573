"""What a reload changes: checks that stay as they are keep their slots and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.config.kinds import Check
from monitor.config.model import Config


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of checks, each in one of the four."""

    unchanged: frozenset[str]
    changed: frozenset[str]
    added: frozenset[str]
    removed: frozenset[str]


def compare(old: Config, new: Config) -> Changes:
    """A check is unchanged when everything about it is, its service and the content of its secrets included."""
    before, after = _by_name(old), _by_name(new)
    both = before.keys() & after.keys()
    unchanged = frozenset(name for name in both if before[name] == after[name])
    return Changes(
        unchanged=unchanged,
        changed=frozenset(both) - unchanged,
        added=frozenset(after.keys() - before.keys()),
        removed=frozenset(before.keys() - after.keys()),
    )


def _by_name(config: Config) -> Mapping[str, tuple[object, ...]]:
    return {check.name: (service.name, *_meant(check)) for service in config.services for check in service.checks}


def _meant(check: Check) -> tuple[object, ...]:
    """A check by what it says: a default and the same value written are one."""
    return check.hold, check.fall, check.model_copy(update={"given_hold": None, "given_fall": None})
