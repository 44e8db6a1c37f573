"""Section 8 of accounting.md: which policy decides a month, with its terms read out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.model.moments import DAY, day_of, duration, percent


class NoPolicyError(Exception):
    """There are policies and none is in force when the month begins."""


@dataclass(frozen=True)
class Policy:
    """The terms of one version; durations in ms."""

    objective: Fraction
    cap: int | None
    notice: int
    witness_within: int
    longest: int | None
    providers: tuple[str, ...] | None
    min_severity: str
    declared: bool
    corroborated_by: Mapping[str, list[str]]
    lead: int
    lag: int
    approval: bool


def read_out(version: Mapping[str, Any]) -> Policy:
    """A version's terms with the defaults of the contract."""
    availability, maintenance = version.get("availability", {}), version.get("maintenance", {})
    third = version.get("third_party", {})
    cap, longest, providers = availability.get("downtime_cap"), maintenance.get("longest"), third.get("providers")
    return Policy(
        objective=percent(availability.get("objective", "99.9%")),
        cap=None if cap is None else duration(cap),
        notice=duration(maintenance.get("notice", "48h")),
        witness_within=duration(maintenance.get("witness_within", "15m")),
        longest=None if longest is None else duration(longest),
        providers=None if providers is None else tuple(providers),
        min_severity=third.get("min_severity", "partial_outage"),
        declared=third.get("evidence", "corroborated") == "declared",
        corroborated_by=third.get("corroborated_by", {}),
        lead=duration(third.get("lead", "0s")),
        lag=duration(third.get("lag", "0s")),
        approval=version.get("declared_by_person", {}).get("approval") == "required",
    )


def takes_effect(version: Mapping[str, Any], oldest: date) -> date:
    """The day from which a version is in effect."""
    effective = day_of(version["effective_from"])
    if effective == oldest or "announced_on" not in version:
        return effective
    change_notice = timedelta(days=duration(version.get("change_notice", "30d")) // DAY)
    return max(effective, day_of(version["announced_on"]) + change_notice)


def policy_of(config: Mapping[str, Any], month: str) -> Policy | None:
    """The policy that decides a month YYYY-MM; null where there are policies and none is in force."""
    versions = config.get("policies")
    if not versions:
        return read_out({})
    oldest = min(day_of(version["effective_from"]) for version in versions)
    first = date.fromisoformat(month + "-01")
    in_effect = [version for version in versions if takes_effect(version, oldest) <= first]
    if not in_effect:
        return None
    return read_out(max(in_effect, key=lambda version: day_of(version["effective_from"])))
