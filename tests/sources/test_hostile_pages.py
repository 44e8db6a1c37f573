"""Whatever a page sends: no exception, only facts that the log can hold, and no excuse out of nothing."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import canonical_line
from monitor.ledger.period import MINUTE, Period
from monitor.ledger.third_party import component_steps
from monitor.poller.compare import Change, Told, after_poll
from monitor.poller.known import NOTHING
from monitor.sources import statuspage
from monitor.sources.kind import PROBLEMS, Asked, Page, Reply, Request
from tests.sources.mutations import Payload, mutated
from tests.sources.statuspage_payloads import NOW, SETTINGS, incident, planned, update

T = "2026-06-10T"
COMPONENTS = [{"id": "api", "name": "API", "group": False, "group_id": "g"}, {"id": "g", "name": "Edge", "group": True}]
BAD = {
    "incidents": [
        incident(
            "bad",
            update("investigating", f"{T}08:00:00Z", ("API", "major_outage"), ("Web", "degraded_performance")),
            update("monitoring", f"{T}08:20:00Z", ("API", "operational")),
            update("resolved", f"{T}09:00:00Z"),
            components=COMPONENTS,
        ),
        incident("open", update("investigating", f"{T}11:00:00Z"), impact="critical"),
        incident("afterwards", update("resolved", f"{T}10:00:00Z"), impact="none"),
    ],
    "scheduled_maintenances": [
        planned(
            "work",
            f"{T}20:00:00Z",
            f"{T}22:00:00Z",
            update("scheduled", "2026-06-01T00:00:00Z", ("API", "under_maintenance")),
            components=COMPONENTS,
        )
    ],
    "components": [*COMPONENTS, {"id": "k", "name": "KV", "status": "operational"}],
}
WELL = {
    "incidents": [
        incident(
            "well",
            update("investigating", f"{T}08:00:00Z", ("API", "operational")),
            update("resolved", f"{T}09:00:00Z", ("API", "operational")),
            impact="none",
            components=COMPONENTS,
        )
    ]
}


def read(payload: Payload, purpose: str, *, announces: bool = False) -> tuple[Page, Change]:
    """What a reply says, and what facts it makes where nothing was known."""
    asked = Asked(
        "page",
        Period(NOW - MINUTE, NOW),
        frozenset({"*", "API"}),
        is_provider=not announces,
        announces_maintenance=announces,
    )
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    page = statuspage.parse(SETTINGS, asked, Reply(Request(purpose, ""), body, NOW))
    return page, after_poll(Told("page", "them", {"API": ("app",)}), NOTHING, page.listings, NOW)


@given(payload=mutated(BAD), purpose=st.sampled_from(sorted(statuspage._LISTS)), announces=st.booleans())
@settings(max_examples=400)
def test_a_payload_that_was_not_meant_is_read_without_an_exception(
    payload: Payload, purpose: str, announces: bool
) -> None:
    page, change = read(payload, purpose, announces=announces)
    assert set(page.problems) <= set(PROBLEMS)
    for fact in change.facts:
        line = canonical_line(fact)
        assert len(line) < 8_000
        assert b"\n" not in line
        assert b"\\u0000" not in line


@given(payload=mutated(WELL))
@settings(max_examples=400)
def test_nothing_that_is_left_out_or_made_up_turns_what_was_well_into_an_outage(payload: Payload) -> None:
    _, change = read(payload, statuspage.INCIDENTS)
    for fact in change.facts:
        for steps in component_steps(fact).values():
            assert all(severity == 0 for _, severity in steps), fact


@given(body=st.binary(max_size=200), purpose=st.sampled_from(sorted(statuspage._LISTS)))
def test_bytes_that_are_no_page_are_no_poll(body: bytes, purpose: str) -> None:
    page, change = read(body, purpose)
    assert page.failed is not None
    assert change.facts == ()
