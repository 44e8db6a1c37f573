"""What a Statuspage says, and what its look-alikes leave out (design/upstreams.md, A and H)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from monitor.ledger.period import Period, parse_instant
from monitor.sources import statuspage
from monitor.sources.kind import Asked, Component, Incident, Page, Reply, Request
from tests.sources.statuspage_payloads import (
    ALL,
    NOW,
    SETTINGS,
    at,
    incident,
    incidents,
    listing,
    maintenances,
    one_incident,
    one_maintenance,
    page_of,
    planned,
    update,
)

T = "2026-06-10T"


def of(found: Incident) -> dict[str, list[tuple[int, str]]]:
    return {name: list(steps) for name, steps in found.components.items()}


# ---------------------------------------------------------------- severities over time


def test_a_component_is_as_bad_as_the_updates_say_until_it_is_operational_before_the_incident_is_resolved() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}08:00:00.500Z", ("API", "partial_outage")),
            update("identified", f"{T}08:10:00Z", ("API", "major_outage")),
            update("monitoring", f"{T}08:20:00Z", ("API", "operational")),
            update("resolved", f"{T}09:00:00Z", ("API", "operational")),
        )
    )
    assert of(one_incident(page)) == {
        "API": [
            (at("08:00:00.500"), "partial_outage"),
            (at("08:10:00"), "major_outage"),
            (at("08:20:00"), "operational"),
        ]
    }
    assert not +Counter(page.problems)


def test_what_is_not_closed_ends_with_the_incident_and_an_open_one_goes_on() -> None:
    shown = update("investigating", f"{T}08:00:00Z", ("API", "major_outage"))
    resolved = incident("i", shown, update("resolved", f"{T}09:00:00Z"))
    assert of(one_incident(incidents(resolved)))["API"][-1] == (at("09:00:00"), "operational")
    assert of(one_incident(incidents(incident("i", shown)))) == {"API": [(at("08:00:00"), "major_outage")]}


def test_a_postmortem_is_not_the_end_and_what_was_opened_again_is_over_when_it_was_resolved_again() -> None:
    shown = update("investigating", f"{T}08:00:00Z", ("API", "major_outage"))
    resolved, after = update("resolved", f"{T}09:00:00Z"), update("postmortem", f"{T}11:00:00Z")
    again = update("investigating", f"{T}09:30:00Z"), update("resolved", f"{T}10:00:00Z")
    for updates, end in (((shown, resolved, after), "09:00:00"), ((shown, resolved, *again, after), "10:00:00")):
        found = one_incident(incidents(incident("i", *updates, resolved_at=None)))
        assert of(found)["API"][-1] == (at(end), "operational")


def test_no_affected_components_means_no_change_and_not_recovered() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}08:00:00Z", ("API", "major_outage")),
            update("identified", f"{T}08:10:00Z"),
            update("monitoring", f"{T}08:20:00Z", affected_components=[]),
            update("monitoring", f"{T}08:30:00Z", affected_components=[{"name": "API"}]),
            update("resolved", f"{T}09:00:00Z"),
        )
    )
    assert of(one_incident(page)) == {"API": [(at("08:00:00"), "major_outage"), (at("09:00:00"), "operational")]}


def test_updates_are_read_in_the_order_that_they_are_shown_for() -> None:
    page = incidents(
        incident(
            "i",
            update("identified", f"{T}08:05:00Z", ("API", "partial_outage"), created_at=f"{T}08:01:00Z"),
            update("investigating", f"{T}08:12:00Z", ("API", "major_outage"), created_at=f"{T}08:00:00Z"),
            update("resolved", f"{T}09:00:00Z"),
        )
    )
    assert [severity for _, severity in of(one_incident(page))["API"]] == [
        "partial_outage",
        "major_outage",
        "operational",
    ]


def test_a_time_has_any_offset_and_is_utc_here() -> None:
    page = incidents(incident("i", update("investigating", f"{T}03:00:00.270-05:00", ("API", "major_outage"))))
    assert of(one_incident(page)) == {"API": [(at("08:00:00.270"), "major_outage")]}


def test_maintenance_within_an_incident_is_no_outage() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}08:00:00Z", ("API", "major_outage")),
            update("monitoring", f"{T}08:10:00Z", ("API", "under_maintenance")),
            update("resolved", f"{T}09:00:00Z"),
        )
    )
    assert of(one_incident(page))["API"][1] == (at("08:10:00"), "maintenance")


def test_an_unknown_status_is_counted_and_neither_an_outage_nor_its_end() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}08:00:00Z", ("API", "major_outage"), ("Web", "on_fire")),
            update("identified", f"{T}08:10:00Z", ("API", "degraded")),
            update("resolved", f"{T}09:00:00Z"),
        )
    )
    assert of(one_incident(page)) == {
        "API": [(at("08:00:00"), "major_outage"), (at("09:00:00"), "operational")],
        "Web": [],
    }
    assert page.problems["unknown_enum"] == 2


def test_a_span_that_ends_before_it_begins_is_dropped_and_counted() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}08:00:00Z", ("API", "degraded_performance")),
            update("identified", f"{T}08:30:00Z", ("API", "major_outage")),
            update("investigating", f"{T}08:30:00Z", ("API", "degraded_performance"), created_at=f"{T}08:31:00Z"),
            update("monitoring", f"{T}09:30:00Z", ("API", "major_outage")),
            resolved_at=f"{T}09:00:00Z",
        )
    )
    assert of(one_incident(page)) == {"API": [(at("08:00:00"), "degraded"), (at("09:00:00"), "operational")]}
    assert page.problems["empty_span"] == 2


def test_what_comes_before_or_after_all_clocks_is_refused_and_the_item_is_left_as_it_is_known() -> None:
    for wrong in ("2026-06-10T12:06:00Z", "2004-12-31T23:59:59Z", "yesterday", "2026-06-10T08:00:00", "9" * 50):
        page = incidents(
            incident(
                "i",
                update("investigating", f"{T}08:00:00Z", ("API", "major_outage")),
                update("resolved", wrong, ("API", "operational")),
                resolved_at=None,
            )
        )
        assert listing(page).items == (), wrong
        assert "i" in listing(page).held
        assert page.problems["bad_time"] > 0
    slightly_ahead = incident("i", update("investigating", "2026-06-10T12:04:59Z", ("API", "major_outage")))
    assert one_incident(incidents(slightly_ahead)).components


# ---------------------------------------------------------------- low confidence, or none


@pytest.mark.parametrize(
    ("impact", "severity"), [("minor", "degraded"), ("major", "partial_outage"), ("critical", "major_outage")]
)
def test_an_incident_without_components_in_its_updates_is_told_by_its_impact(impact: str, severity: str) -> None:
    updates = update("investigating", f"{T}08:00:00Z"), update("resolved", f"{T}09:00:00Z")
    found = one_incident(incidents(incident("i", *updates, impact=impact)))
    assert of(found) == {"*": [(at("08:00:00"), severity), (at("09:00:00"), "operational")]}
    assert found.more == {"confidence": "low"}
    named = incident("i", *updates, impact=impact, components=[{"id": "a", "name": "API", "status": "operational"}])
    assert set(one_incident(incidents(named)).components) == {"API"}
    old = incident("i", update("investigating", f"{T}08:00:00Z", {"name": "Checkout"}), updates[1], impact=impact)
    assert set(one_incident(incidents(old)).components) == {"Checkout"}


@pytest.mark.parametrize("impact", ["none", "catastrophic", None])
def test_an_impact_of_none_and_one_that_nobody_knows_are_no_outage(impact: str | None) -> None:
    updates = update("investigating", f"{T}08:00:00Z"), update("resolved", f"{T}09:00:00Z")
    page = incidents(incident("i", *updates, impact=impact))
    assert of(one_incident(page)) == {"*": []}
    assert sum(page.problems[why] for why in ("unknown_enum", "missing_field")) == (impact != "none")


def test_an_incident_that_was_entered_afterwards_says_nothing_of_how_long_it_was() -> None:
    at_once = update("resolved", f"{T}10:00:00Z", body="Between 08:49 and 08:54 UTC requests failed.")
    late = update("resolved", f"{T}09:00:00Z", created_at=f"{T}10:00:00Z")
    long_after = update("investigating", f"{T}08:00:00Z", ("API", "major_outage"))
    for given in (
        incident("i", at_once, started_at=f"{T}10:00:00.500Z", impact="none"),
        incident("i", at_once, impact="critical"),
        incident("i", late, impact="critical", created_at=f"{T}08:00:00Z", started_at=None),
        incident("i", long_after, update("resolved", f"{T}09:00:00Z"), backfilled=True),
    ):
        page = incidents(given)
        found = one_incident(page)
        assert (found.components, found.wanted, found.more["quantified"]) == ({}, True, False)
        assert found.more["text"]
        assert page.problems["unquantified"] == 1


def test_a_backdated_update_of_a_live_incident_counts_from_when_it_is_shown_for() -> None:
    page = incidents(
        incident(
            "i",
            update("investigating", f"{T}07:45:00Z", ("API", "major_outage"), created_at=f"{T}08:30:00Z"),
            update("monitoring", f"{T}08:40:00Z", ("API", "operational")),
            update("resolved", f"{T}09:00:00Z"),
        )
    )
    assert of(one_incident(page))["API"][0] == (at("07:45:00"), "major_outage")


def test_a_test_of_the_page_is_no_incident() -> None:
    page = incidents(incident("i", update("investigating", f"{T}08:00:00Z"), name="_system_metadata: test"))
    assert (listing(page).items, set(listing(page).held)) == ((), {"i"})


# ---------------------------------------------------------------- planned work


def test_a_providers_own_planned_work_is_an_incident_of_severity_maintenance_once_it_is_done() -> None:
    window = (f"{T}08:00:00Z", f"{T}10:00:00Z")
    scheduled = update("scheduled", "2026-06-01T00:00:00Z", ("API", "under_maintenance"))
    begun, done = update("in_progress", f"{T}08:00:07Z"), update("completed", f"{T}09:30:00Z")
    assert not one_incident(maintenances(planned("m", *window, scheduled), announces=False)).wanted
    found = one_incident(maintenances(planned("m", *window, scheduled, begun, done), announces=False))
    assert of(found) == {"API": [(at("08:00:07"), "maintenance"), (at("09:30:00"), "operational")]}
    within = incidents(incident("m", begun, done, impact="maintenance"))
    assert of(one_incident(within)) == {"*": [(at("08:00:07"), "maintenance"), (at("09:30:00"), "operational")]}


def test_a_maintenance_of_ours_was_announced_with_its_first_scheduled_update() -> None:
    first, again = (update("scheduled", f"2026-06-0{day}T00:00:00Z", ("API", "under_maintenance")) for day in (2, 3))
    given = planned("m", f"{T}20:00:00Z", f"{T}22:00:00Z", first, again, created_at="2026-06-01T00:00:00Z")
    found = one_maintenance(maintenances(given))
    assert found.announced_at == parse_instant("2026-06-02T00:00:00Z")
    assert found.window == Period(at("20:00:00"), at("22:00:00"))
    assert found.components == (("API", "api"),)
    gone = planned("m", f"{T}08:00:00Z", f"{T}09:00:00Z", update("completed", f"{T}09:00:30Z"))
    gone["created_at"] = "2026-06-01T00:00:00Z"
    assert one_maintenance(maintenances(gone)).announced_at == parse_instant("2026-06-01T00:00:00Z")


@pytest.mark.parametrize(
    ("begun", "done", "window"),
    [
        ("08:00:07", "10:00:30", ("08:00:00", "10:00:00")),  # a clock's transitions
        ("08:00:07", "09:30:00", ("08:00:00", "09:30:00")),  # completed early
        ("08:20:00", "10:40:00", ("08:20:00", "10:00:00")),  # begun late, and overrun
        (None, "07:30:00", None),  # completed before it began: cancelled
    ],
)
def test_of_a_window_as_much_stands_as_was_used(begun: str | None, done: str, window: tuple[str, str] | None) -> None:
    updates = [update("scheduled", "2026-06-01T00:00:00Z")]
    updates += [] if begun is None else [update("in_progress", f"{T}{begun}Z")]
    updates += [update("completed", f"{T}{done}Z")]
    found = one_maintenance(maintenances(planned("m", f"{T}08:00:00Z", f"{T}10:00:00Z", *updates)))
    assert found.window == (None if window is None else Period(at(window[0]), at(window[1])))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, f"{T}10:00:00Z"),
        (f"{T}08:00:00Z", None),
        (f"{T}10:00:00Z", f"{T}10:00:00Z"),
        (1, []),
        (f"{T}10:00:00Z", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_a_maintenance_without_a_valid_window_has_none(start: Any, end: Any) -> None:
    page = maintenances(planned("m", start, end, update("scheduled", "2026-06-01T00:00:00Z")))
    assert one_maintenance(page).window is None
    assert sum(page.problems.values()) > 0


# ---------------------------------------------------------------- lists


def test_a_full_list_asks_for_what_is_unresolved_beyond_it() -> None:
    items = [
        incident(f"i{n}", update("investigating", f"{T}08:{n:02}:00Z", ("API", "major_outage"))) for n in range(50)
    ]
    page = incidents(*items)
    assert listing(page).full
    assert [(request.purpose, request.optional) for request in page.next] == [(statuspage.UNRESOLVED, True)]
    assert not incidents(*items[:49]).next
    more = page_of("incidents", items[:1], statuspage.UNRESOLVED)
    assert (listing(more).name, listing(more).holds, more.next) == (statuspage.INCIDENTS, "active", ())


def test_an_incident_of_more_steps_than_anybody_has_seen_is_not_taken() -> None:
    names = [f"c{number}" for number in range(1_100)]
    page = incidents(
        incident("i", update("investigating", f"{T}08:00:00Z", *((name, "major_outage") for name in names)))
    )
    assert (listing(page).items, set(listing(page).held)) == ((), {"i"})
    assert page.problems["too_long"] == 1


def test_of_a_page_that_nobody_depends_on_nothing_is_wanted() -> None:
    updates = update("investigating", f"{T}08:00:00Z"), update("resolved", f"{T}09:00:00Z")
    for given in (incident("i", *updates), incident("i", updates[1])):
        assert not one_incident(incidents(given, wanted=frozenset())).wanted


def test_incident_ios_page_leaves_out_most_and_is_read_all_the_same() -> None:
    def shown(status: str, when: str) -> dict[str, Any]:
        return {"id": "01J", "status": status, "body": "", "created_at": when, "updated_at": when, "display_at": when}

    given = {
        "id": "01JXY5M8E2Z3R4T5V6W7X8Y9Z0",
        "name": "Elevated error rates",
        "status": "resolved",
        "impact": "critical",
        "created_at": f"{T}08:00:00Z",
        "updated_at": f"{T}11:00:00Z",
        "resolved_at": f"{T}09:00:00Z",
        "incident_updates": [shown("resolved", f"{T}09:00:00Z"), shown("investigating", f"{T}08:00:00Z")],
    }
    page = incidents(given)
    assert of(one_incident(page)) == {"*": [(at("08:00:00"), "major_outage"), (at("09:00:00"), "operational")]}
    assert not +Counter(page.problems)


def test_trimmed_mirrors_have_only_the_time_that_is_shown_or_only_when_it_was_posted() -> None:
    for key in ("display_at", "created_at"):
        bare = {"status": "investigating", key: f"{T}08:00:00Z"}
        entry = {"name": "API", "new_status": "major_outage"}
        page = incidents({"id": "i", "impact": "minor", "incident_updates": [{**bare, "affected_components": [entry]}]})
        assert of(one_incident(page)) == {"API": [(at("08:00:00"), "major_outage")]}


def test_an_incident_without_updates_is_a_mistake_of_the_page() -> None:
    page = incidents(incident("i", update("resolved", f"{T}08:00:00Z"), incident_updates=None, impact="critical"))
    assert (listing(page).items, set(listing(page).held)) == ((), {"i"})
    assert page.problems["missing_field"] == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><html><body>504</body></html>", "html"),
        (b"\xef\xbb\xbf  <html>", "html"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"incidents": NaN}', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"incidents": {}}', "wrong_type"),
        (b'{"incidents": null}', "wrong_type"),
        (b'{"page": {}}', "missing_field"),
        (b'[{"id": "v1"}]', "missing_field"),
        (b"null", "missing_field"),
    ],
)
def test_what_is_no_list_of_incidents_is_no_poll(body: bytes, why: str) -> None:
    asked = Asked("page", Period(NOW - 60_000, NOW), ALL, is_provider=True)
    page = statuspage.parse(SETTINGS, asked, Reply(Request(statuspage.INCIDENTS, ""), body, NOW))
    assert page == Page(failed=page.failed)
    assert page.failed == why


def test_components_are_offered_with_their_groups_and_what_is_gone_is_named() -> None:
    given = [
        {"id": "g", "name": "Edge", "group": True, "components": ["w"], "status": "degraded_performance"},
        {"id": "w", "name": "Workers", "group_id": "g", "status": "degraded_performance"},
        {"id": "k", "name": "KV", "group_id": None, "status": "degraded"},
        {"id": None, "name": "nameless"},
    ]
    page = page_of("components", given, statuspage.COMPONENTS, frozenset({"Edge - Workers", "k", "R2", "Edge", "*"}))
    assert page.components == (Component("w", "Workers", "Edge", "degraded"), Component("k", "KV", None, None))
    assert page.gone == ("Edge", "R2")  # a group is no component
    assert page.problems["unknown_enum"] == 1
