"""Which components of a page of Statuspage's kind an incident is counted for: names, groups, spellings."""

from __future__ import annotations

from monitor.sources.kind import Incident
from tests.sources.statuspage_payloads import (
    at,
    incident,
    incidents,
    one_incident,
    update,
)

T = "2026-06-10T"


def of(found: Incident) -> dict[str, list[tuple[int, str]]]:
    return {name: list(steps) for name, steps in found.components.items()}


def test_a_component_is_kept_under_every_spelling_that_is_wanted_and_no_other() -> None:
    shown = update(
        "investigating",
        f"{T}08:00:00Z",
        {"code": "57src", "name": "Edge - Workers", "old_status": "operational", "new_status": "major_outage"},
        {"code": "zzz", "name": "Europe - Amsterdam, Netherlands - (AMS)", "new_status": "partial_outage"},
    )
    names = [{"id": "57src", "name": "Workers", "group": False}]
    for components in (names, []):
        given = incident("i", shown, components=components)
        wanted = frozenset({"Workers", "57src", "Edge - Workers", "KV"})
        assert set(one_incident(incidents(given, wanted=wanted)).components) == {"Workers", "57src", "Edge - Workers"}
        assert set(one_incident(incidents(given, wanted=frozenset({"Amsterdam, Netherlands - (AMS)"}))).components)
        nothing = one_incident(incidents(given, wanted=frozenset({"KV"})))
        assert (nothing.components, nothing.wanted) == ({}, False)
    assert set(one_incident(incidents(incident("i", shown, components=names))).components) == {
        "Workers",
        "Europe - Amsterdam, Netherlands - (AMS)",
    }


def test_a_name_that_stands_in_two_groups_is_the_worst_of_them() -> None:
    page = incidents(
        incident(
            "i",
            update(
                "investigating",
                f"{T}08:00:00Z",
                {"code": "a", "name": "Shop - API", "new_status": "degraded_performance"},
                {"code": "b", "name": "Admin - API", "new_status": "partial_outage"},
            ),
            update("monitoring", f"{T}08:10:00Z", {"code": "b", "name": "Admin - API", "new_status": "operational"}),
            update("resolved", f"{T}08:20:00Z"),
        ),
        wanted=frozenset({"API"}),
    )
    assert of(one_incident(page)) == {
        "API": [(at("08:00:00"), "partial_outage"), (at("08:10:00"), "degraded"), (at("08:20:00"), "operational")]
    }


def test_a_group_is_not_counted_beside_its_children() -> None:
    page = incidents(
        incident(
            "i",
            update(
                "investigating",
                f"{T}08:00:00Z",
                {"code": "g", "name": "Edge", "new_status": "major_outage"},
                {"code": "w", "name": "Edge - Workers", "new_status": "degraded_performance"},
            ),
            components=[
                {"id": "g", "name": "Edge", "group": True, "components": ["w"]},
                {"id": "w", "name": "Workers", "group": False, "group_id": "g"},
            ],
        )
    )
    assert of(one_incident(page)) == {"Workers": [(at("08:00:00"), "degraded")]}
