"""What an Instatus page says, through its API and in public (design/upstreams.md, B and H)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import canonical_line
from monitor.ledger.period import HOUR, Period, parse_instant
from monitor.poller.compare import Told, after_poll
from monitor.poller.known import NOTHING
from monitor.sources import instatus, instatus_words
from monitor.sources.kind import PROBLEMS, Component, Incident, Page, Reply, Request
from tests.sources.instatus_payloads import (
    KEYED,
    NOW,
    PUBLIC,
    asked,
    component,
    incident,
    maintenance,
    read,
    summary,
    update,
)
from tests.sources.mutations import Payload, mutated

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "instatus"


def only(page: Page) -> Any:
    """The one item of the page, of whichever list."""
    [item] = [item for listing in page.listings for item in listing.items]
    return item


def counted(page: Page) -> dict[str, int]:
    return {str(why): count for why, count in page.problems.items() if count}


# ---------------------------------------------------------------- what is asked for


def test_with_a_key_the_api_is_asked_and_the_key_goes_nowhere_else() -> None:
    urls = [request.url for request in instatus.first(KEYED, asked())]
    assert urls == [
        f"https://api.instatus.com/v1/ckpage/{what}?page=1&per_page=100"
        for what in ("components", "incidents", "maintenances")
    ]
    public = instatus.first(PUBLIC, asked())
    assert [request.url for request in public] == [
        "https://own.example/summary.json",
        "https://own.example/components.json",
    ]
    assert not any(request.headers for request in public)


def test_a_full_page_is_followed_by_the_next_and_a_short_one_ends_the_list() -> None:
    page = read(KEYED, "incidents", [incident(id=f"i{number}") for number in range(100)])
    assert [request.url for request in page.next] == [
        "https://api.instatus.com/v1/ckpage/incidents?page=2&per_page=100"
    ]
    assert not page.listings[0].full
    assert read(KEYED, "incidents", [incident()]).next == ()
    last = Request("incidents", "https://api.instatus.com/v1/ckpage/incidents?page=19&per_page=100")
    body = json.dumps([incident(id=f"i{number}") for number in range(100)]).encode()
    page = instatus.parse(KEYED, asked(), Reply(last, body, NOW))
    assert page.next == ()
    assert page.listings[0].full  # beyond it nothing is asked for, so nothing is missed there


# ---------------------------------------------------------------- maintenance


def test_a_maintenance_is_announced_when_its_first_update_was_written() -> None:
    found = only(read(KEYED, "maintenances", [maintenance()]))
    start = parse_instant("2026-06-15T02:00:00Z")
    assert found.window == Period(start, start + 2 * HOUR)
    assert found.announced_at == parse_instant("2026-06-10T10:00:00Z")
    assert found.components == (("APP1", "app1"),)
    assert found.url == "https://own.example/maintenance/m1"


@pytest.mark.parametrize(
    ("changed", "window"),
    [
        ({"duration": "120"}, ("02:00", "04:00")),
        ({"duration": 120.0}, ("02:00", "04:00")),
        ({"start": "Wed Jun 10 2026 02:00:00 GMT+0000 (Coordinated Universal Time)"}, ("02:00", "04:00")),
        ({"start": "Wed Jun 10 2026 04:00:00 GMT+0200"}, ("02:00", "04:00")),
        ({"duration": None}, None),
        ({"duration": 0}, None),
        ({"duration": "soon"}, None),
        ({"duration": 1.5}, None),
        ({"duration": 10**9}, None),
        ({"start": "2026-06-10 02:00"}, None),
        ({"status": "In progress", "updates": [update("In progress", "2026-06-10T02:30:00Z")]}, ("02:30", "04:00")),
        ({"status": "COMPLETED", "updates": [update("COMPLETED", "2026-06-10T03:00:00Z")]}, ("02:00", "03:00")),
        ({"status": "Completed", "updates": [update("Completed", "2026-06-10T01:00:00Z")]}, None),
        ({"status": "COMPLETED", "updates": []}, None),
    ],
)
def test_a_window_is_what_was_planned_as_far_as_it_was_used(
    changed: dict[str, Any], window: tuple[str, str] | None
) -> None:
    found = only(read(KEYED, "maintenances", [maintenance(**{"start": "2026-06-10T02:00:00Z", **changed})]))
    spelled = None if window is None else Period(*(parse_instant(f"2026-06-10T{clock}:00Z") for clock in window))
    assert found.window == spelled


def test_a_page_that_announces_nothing_of_ours_has_no_maintenance() -> None:
    page = read(KEYED, "maintenances", [maintenance()], asked(own=False))
    assert page.listings[0].items == ()


def test_a_maintenance_of_a_status_that_nobody_knows_is_there_and_is_not_read() -> None:
    page = read(KEYED, "maintenances", [maintenance(status="PONDERED")])
    assert page.listings[0].items == ()
    assert page.listings[0].held == {"m1": None}
    assert counted(page) == {"unknown_enum": 1}


def test_a_planned_maintenance_is_in_the_public_list_before_it_begins_and_without_an_id_is_known_by_its_address() -> (
    None
):
    planned = maintenance(status="NOTSTARTEDYET", url="https://own.example/maintenance/m1?x=1", duration="120")
    for key in ("id", "updates", "components"):
        del planned[key]
    page = read(PUBLIC, "summary", summary(activeMaintenances=[planned]))
    assert [(listing.name, listing.holds) for listing in page.listings] == [
        ("incidents", "active"),
        ("maintenances", "active"),
    ]
    found = only(page)
    assert (found.id, found.announced_at, found.components) == ("m1", None, ())


# ---------------------------------------------------------------- incidents


def test_an_incident_says_how_bad_its_components_are_now() -> None:
    found = only(read(KEYED, "incidents", [incident()]))
    assert (found.now, found.ended, found.wanted, dict(found.components)) == ({"APP1": "major_outage"}, None, True, {})


def test_an_incident_that_was_over_when_it_was_first_seen_says_nothing_of_how_bad_it_was() -> None:
    over = incident(status="RESOLVED", resolved="2026-06-10T11:30:00.000Z")
    found = only(read(KEYED, "incidents", [over]))
    assert (found.wanted, found.now) == (False, {"APP1": "operational"})
    assert found.ended == parse_instant("2026-06-10T11:30:00Z")


@pytest.mark.parametrize(
    "changed",
    [
        {"components": [component(status="UNHEARD")]},
        {"status": "UNHEARD"},
        {"status": None},
        {"started": "2099-01-01T00:00:00Z", "updates": []},
        {"resolved": "2099-01-01T00:00:00Z"},
        {"status": "RESOLVED", "updates": []},
    ],
)
def test_an_incident_that_cannot_be_read_is_there_and_excuses_nothing(changed: dict[str, Any]) -> None:
    page = read(KEYED, "incidents", [incident(**changed)])
    assert page.listings[0].items == ()
    assert page.listings[0].held == {"i1": None}
    assert counted(page)


def test_a_public_incident_that_names_no_component_is_one_of_any_and_of_low_confidence() -> None:
    told = {"id": "i1", "name": "Trouble", "started": "Wed Jun 10 2026 11:00:00 GMT+0000", "status": "Identified"}
    page = read(PUBLIC, "summary", summary(activeIncidents=[{**told, "impact": "Partial outage"}]), asked(own=False))
    found = only(page)
    assert (dict(found.now), dict(found.more)) == ({"*": "partial_outage"}, {"confidence": "low"})


def test_a_component_is_no_worse_for_an_incident_than_the_incident_itself() -> None:
    told = incident(impact="OPERATIONAL", components=[component(status="MAJOROUTAGE")])
    page = read(PUBLIC, "summary", summary(activeIncidents=[told]), asked(own=False))
    found = only(page)
    assert (dict(found.now), found.wanted) == ({"APP1": "operational"}, False)


# ---------------------------------------------------------------- components


def test_components_are_offered_by_id_name_and_group_and_a_name_may_have_languages() -> None:
    listed = [component("a", "Operational", name={"default": "App", "en": "The app"}), component("b", "MINOROUTAGE")]
    listed[1]["group"] = {"id": "g", "name": "Edge"}
    page = read(PUBLIC, "components", {"components": listed})
    assert page.components == (
        Component("a", "App", None, "operational"),
        Component("b", "B", "Edge", "partial_outage"),
    )
    assert read(KEYED, "components", listed).components == page.components


def test_a_component_by_itself_is_kept_of_our_own_page_only() -> None:
    listed = [component("a"), component("b", "OPERATIONAL"), component("c", "UNHEARD")]
    page = read(KEYED, "components", listed)
    [states] = page.listings
    assert {item.id: item.wanted for item in states.items if isinstance(item, Incident)} == {
        "component/a": True,
        "component/b": False,
    }
    assert set(states.held) == {"component/a", "component/b", "component/c"}
    [states] = read(KEYED, "components", listed, asked(own=False)).listings
    assert (states.items, dict(states.held)) == ((), {})


def test_a_component_that_the_configuration_names_and_the_page_has_not_is_told() -> None:
    about = asked(own=False, wanted=frozenset({"CDN", "A"}))
    assert read(KEYED, "components", [component("a")], about).gone == ("CDN",)


# ---------------------------------------------------------------- what is no answer


@pytest.mark.parametrize(
    ("settings", "purpose", "body", "failed"),
    [
        (PUBLIC, "summary", b"<!DOCTYPE html><html>", "html"),
        (PUBLIC, "summary", b"{", "not_json"),
        (PUBLIC, "summary", b"{}", "missing_field"),
        (PUBLIC, "summary", b'{"page": []}', "wrong_type"),
        (PUBLIC, "summary", b"[]", "wrong_type"),
        (PUBLIC, "components", b"{}", "missing_field"),
        (KEYED, "incidents", b'{"error": {"code": "x"}}', "wrong_type"),
        (KEYED, "maintenances", b"null", "missing_field"),
    ],
)
def test_what_is_no_list_is_no_poll(
    settings: instatus.InstatusSettings, purpose: str, body: bytes, failed: str
) -> None:
    assert read(settings, purpose, body).failed == failed


def test_lists_that_are_absent_hold_nothing() -> None:
    page = read(PUBLIC, "summary", summary())
    assert [(listing.items, listing.holds) for listing in page.listings] == [((), "active"), ((), "active")]
    assert not counted(page)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Sat Jun 11 2022 18:55:50 GMT+0000 (Coordinated Universal Time)", "2022-06-11T18:55:50Z"),
        ("Sat Jun 11 2022 18:55:50 GMT-0530 (A place)", "2022-06-12T00:25:50Z"),
        ("Sat Jun 31 2022 18:55:50 GMT+0000", None),
        ("Sat Jux 11 2022 18:55:50 GMT+0000", None),
        ("Fri Dec 31 9999 23:59:59 GMT-2359", None),
        ("Sat Jun 11 2022", None),
        ("", None),
    ],
)
def test_dates_as_javascript_writes_them(text: str, iso: str | None) -> None:
    assert instatus_words.parse_js_date(text) == (None if iso is None else parse_instant(iso))


# ---------------------------------------------------------------- hostile and recorded payloads

ANY = {
    "incidents": [incident(), incident(id="i2", status="RESOLVED", resolved="2026-06-10T11:30:00.000Z")],
    "maintenances": [maintenance(), maintenance(id="m2", duration="30")],
    "components": [component(), component("b", "OPERATIONAL", group={"name": "G"})],
}
ACTIVE = summary(activeIncidents=[incident(impact="MAJOROUTAGE")], activeMaintenances=[maintenance()])


@given(purpose=st.sampled_from(sorted(ANY)), data=st.data(), own=st.booleans())
@settings(max_examples=300)
def test_whatever_the_api_sends_is_read_without_an_exception(purpose: str, data: st.DataObject, own: bool) -> None:
    _accepted(read(KEYED, purpose, data.draw(mutated(ANY[purpose])), asked(own=own)))


@given(payload=mutated(ACTIVE), own=st.booleans())
@settings(max_examples=200)
def test_whatever_the_public_page_sends_is_read_without_an_exception(payload: Payload, own: bool) -> None:
    _accepted(read(PUBLIC, "summary", payload, asked(own=own)))


@given(payload=mutated([incident(status="MONITORING", components=[component(status="OPERATIONAL")])]))
@settings(max_examples=200)
def test_nothing_that_is_left_out_or_made_up_turns_what_was_well_into_an_outage(payload: Payload) -> None:
    page = read(KEYED, "incidents", payload, asked(own=False))
    for listing in page.listings:
        for item in listing.items:
            assert isinstance(item, Incident)
            assert set(item.now.values()) <= {"operational"}


def _accepted(page: Page) -> None:
    assert set(page.problems) <= set(PROBLEMS)
    change = after_poll(Told("own", "own", {"APP1": ("app",)}), NOTHING, page.listings, NOW)
    for fact in change.facts:
        assert len(canonical_line(fact)) < 8_000


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recorded payloads are elsewhere")
@pytest.mark.parametrize("name", ["whereby", "mastodonsocial"])
def test_a_recorded_page_is_read_whole(name: str) -> None:
    recorded = json.loads((FIXTURES / f"{name}_embedded_2026-03-17.json").read_text(encoding="utf-8"))
    page = read(PUBLIC, "components", {"components": recorded["site"]["components"]})
    assert len(page.components) == len(recorded["site"]["components"])
    assert not counted(page)
    active = summary(activeIncidents=recorded["activeIncidents"], activeMaintenances=recorded["activeMaintenances"])
    page = read(PUBLIC, "summary", active, asked(own=False))
    assert not counted(page)
    # its components are down since another incident was resolved: this one itself says that all is operational
    assert [(item.id, item.wanted) for item in page.listings[0].items if isinstance(item, Incident)] == [
        (one["id"], False) for one in recorded["activeIncidents"]
    ]
    over = read(KEYED, "incidents", list(recorded["notices"].values()), asked(own=False))
    ended = {item.id: item.ended for item in over.listings[0].items if isinstance(item, Incident)}
    resolved = {one["id"]: one["resolved"] for one in recorded["notices"].values() if one["resolved"]}
    assert {item: ended[item] for item in resolved} == {item: parse_instant(at) for item, at in resolved.items()}
