"""Random doings on a page, held against a count by brute force: what is recorded is what the page says, to the ms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from monitor.facts import SEVERITIES, Fact
from monitor.ledger.period import HOUR, MINUTE, Period, parse_instant
from monitor.ledger.third_party import component_steps
from monitor.poller.compare import Told, after_poll
from monitor.poller.known import Known, known_of
from monitor.sources import statuspage
from monitor.sources.kind import Asked, Listing, Reply
from monitor.sources.notice import STATUSES
from monitor.sources.reading import parse_iso
from tests.vendors.statuspage import StatusPage

START = parse_instant("2026-06-10T00:00:00Z")
NAMES = {"cdn1": "CDN", "kv1": "KV"}
SETTINGS = statuspage.StatuspageSettings(url="https://status.example.com")
TOLD = Told("page", "cloudflare", {})

ITEMS = st.sampled_from(["a", "b", "c"])
SAID = st.dictionaries(st.sampled_from(sorted(NAMES)), st.sampled_from([*sorted(STATUSES), "unheard_of"]))
Deed = tuple[str, str, dict[str, str], int]
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.tuples(st.just("open"), ITEMS, SAID, st.integers(0, 90)),
    st.tuples(st.just("identified"), ITEMS, SAID, st.integers(0, 90)),
    st.tuples(st.just("resolved"), ITEMS, SAID, st.integers(0, 20)),
    st.tuples(st.just("restart"), ITEMS, st.just({}), st.just(0)),
)


class Replayed:
    """A page that is polled after each deed, without sockets."""

    def __init__(self) -> None:
        self.page = StatusPage(dict(NAMES))
        self.now = START
        self.facts: list[Fact] = []
        self.known: Known = {}

    def do(self, deed: Deed) -> None:
        what, item, said, minutes = deed
        self.now += 7 * MINUTE + 137
        if what == "restart":
            self.known = known_of(self.facts, ["page"])["page"]
        elif what == "open" and item not in self.page.incidents:
            self.page.open(item, self.now, said)
        elif what != "open" and item in self.page.incidents:
            self.page.update(item, self.now, what, said, shown=self.now - minutes * MINUTE)
        self.poll()

    def poll(self) -> None:
        self.now += MINUTE
        asked = Asked("page", Period(self.now - MINUTE, self.now), frozenset(NAMES.values()), is_provider=True)
        listings: list[Listing] = []
        for request in statuspage.first(SETTINGS, asked):
            body = json.dumps(self.page.at(request.url.removeprefix(SETTINGS.url))).encode()
            listings += statuspage.parse(SETTINGS, asked, Reply(request, body, self.now)).listings
        change = after_poll(TOLD, self.known, listings, self.now)
        assert not change.problems
        self.facts += [Fact(fact.kind, self.now, fact.fields) for fact in change.facts]
        self.known = change.known


def counted(incident: dict[str, Any], component: str, instant: int) -> int:
    """How bad the page says that a component was then, by going through everything that it says."""
    end = parse_iso(incident["resolved_at"]) if incident["resolved_at"] else None
    if end is not None and instant >= end:
        return 0
    worst = 0
    updates = sorted(incident["incident_updates"], key=lambda one: (one["display_at"], one["created_at"]))
    for update in updates:
        if cast(int, parse_iso(update["display_at"])) <= instant:
            for entry in update["affected_components"] or []:
                if entry["name"] == component and entry["new_status"] in STATUSES:
                    worst = SEVERITIES.index(STATUSES[entry["new_status"]])
    return worst


def recorded(facts: Sequence[Fact], item: str, component: str, instant: int) -> int:
    """The same by the newest fact."""
    newest = [fact for fact in facts if fact.fields["incident"] == item][-1:]
    past = [how for fact in newest for at, how in component_steps(fact).get(component, ()) if at <= instant]
    return past[-1] if past else 0


@given(deeds=st.lists(DEEDS, max_size=14))
def test_what_is_recorded_is_what_the_page_says_at_every_instant(
    deeds: list[Deed],
) -> None:
    replayed = Replayed()
    for deed in deeds:
        replayed.do(deed)
    for item, incident in replayed.page.incidents.items():
        coded = any(update["affected_components"] for update in incident["incident_updates"])
        shown = [cast(int, parse_iso(update["display_at"])) for update in incident["incident_updates"]]
        for component in NAMES.values() if coded else ():
            for instant in sorted({at + near for at in shown for near in (-1, 0, 1)} | {replayed.now}):
                said = counted(incident, component, instant)
                assert recorded(replayed.facts, item, component, instant) == said, (component, instant - START)


@given(deeds=st.lists(DEEDS, max_size=10), idle=st.integers(1, 5))
def test_polls_of_a_page_that_does_not_change_record_nothing(deeds: list[Deed], idle: int) -> None:
    replayed = Replayed()
    for deed in deeds:
        replayed.do(deed)
    before = len(replayed.facts)
    for _ in range(idle):
        replayed.now += HOUR
        replayed.known = known_of(replayed.facts, ["page"])["page"]
        replayed.poll()
    assert len(replayed.facts) == before
    assert len({fact.fields["id"] for fact in replayed.facts}) == before
