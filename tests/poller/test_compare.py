"""What is new: what polls saw, held against what was known (contracts/facts.md; design/upstreams.md H)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from monitor.facts import Fact
from monitor.ledger.period import HOUR, MINUTE, Period, format_instant, parse_instant
from monitor.poller.compare import CONFIRMED, Told, after_failure, after_poll
from monitor.poller.known import NOTHING, Known, known_of
from monitor.sources.kind import Incident, Item, Listing, Maintenance, Severity, Steps

START = parse_instant("2026-06-10T08:00:00Z")
TOLD = Told("page", "cloudflare", {})
OWN = Told("own", "own", {"App": ("app",), "api": ("app", "jobs"), "Docs": ("site",)})
DOWN: Steps = ((START, "major_outage"),)


class Feed:
    """A page that is polled every minute; `facts` is everything that was recorded."""

    def __init__(self, told: Told = TOLD, facts: Sequence[Fact] = ()) -> None:
        self.told = told
        self.now = START
        self.facts: list[Fact] = list(facts)
        self.known: Known = known_of(self.facts, [told.source])[told.source] if facts else NOTHING
        self.since = START

    def poll(self, *items: Item) -> list[Fact]:
        """A good poll whose list holds these items."""
        return self.polled(a_list(*items))

    def polled(self, *listings: Listing) -> list[Fact]:
        self.now += MINUTE
        change = after_poll(self.told, self.known, listings, self.now)
        return self._take(change.facts, change.known)

    def fail(self, after: int = MINUTE) -> list[Fact]:
        """A poll that failed."""
        self.now += after
        change = after_failure(self.told, self.known, self.now, self.since)
        return self._take(change.facts, change.known)

    def restarted(self) -> Feed:
        """The same page after a restart: what is known comes from the facts."""
        again = Feed(self.told, self.facts)
        again.now = again.since = self.now
        return again

    def _take(self, facts: Sequence[Fact], known: Known) -> list[Fact]:
        recorded = [Fact(fact.kind, self.now, fact.fields) for fact in facts]
        self.facts += recorded
        self.known = known
        return recorded


def a_list(*items: Item, name: str = "list", full: bool = False, others: Mapping[str, int] | None = None) -> Listing:
    held: dict[str, int | None] = {item.id: item.began for item in items}
    return Listing(name, items, {**held, **(others or {})}, full=full)


def incident(item: str = "i", steps: Steps = DOWN, began: int = START, component: str = "CDN") -> Incident:
    return Incident(item, began, {component: steps})


def maintenance(start: int, end: int, **more: object) -> Maintenance:
    return Maintenance("m", START, Period(start, end), **more)  # type: ignore[arg-type]


def steps_of(fact: Fact, component: str = "CDN") -> list[tuple[str, Severity]]:
    components = fact.fields["components"]
    assert isinstance(components, dict)
    return [tuple(step) for step in components[component]]  # type: ignore[union-attr, arg-type]


# ---------------------------------------------------------------- a fact only where something changed


def test_the_first_sighting_is_a_fact_with_its_moment_and_the_same_again_is_none() -> None:
    feed = Feed()
    [fact] = feed.poll(incident())
    assert fact.kind == "incident"
    assert fact.fields["id"] == f"page/i/{format_instant(START + MINUTE)}"
    assert fact.fields["provider"] == "cloudflare"
    assert fact.source == "page"
    assert feed.poll(incident()) == []
    assert feed.restarted().poll(incident()) == []


@pytest.mark.parametrize("changed", [{"title": "Root cause"}, {"status": "resolved"}, {"components": {}}])
def test_an_edit_is_a_fact_and_a_return_to_the_earlier_state_is_another(changed: dict[str, object]) -> None:
    feed = Feed()
    feed.poll(incident())
    edited = Incident(**{"id": "i", "began": START, "components": {"CDN": DOWN}, **changed})  # type: ignore[arg-type]
    [edit] = feed.poll(edited)
    [back] = feed.restarted().poll(incident())
    ids = [feed.facts[0].fields["id"], edit.fields["id"], back.fields["id"]]
    assert len(set(ids)) == 3


def test_what_is_not_wanted_is_no_fact_unless_it_once_was() -> None:
    feed = Feed()
    unwanted = Incident("i", START, {}, wanted=False)
    assert feed.poll(unwanted) == []
    feed.poll(incident())
    [fact] = feed.poll(unwanted)
    assert fact.fields["components"] == {}


def test_an_item_in_two_lists_of_one_poll_is_one_fact() -> None:
    feed = Feed()
    active = Listing("list", (incident(),), {"i": START}, holds="active")
    assert len(feed.polled(a_list(incident()), active)) == 1


# ---------------------------------------------------------------- deleted, and aged out


def test_an_incident_that_is_gone_from_between_others_is_withdrawn_at_the_third_poll() -> None:
    feed = Feed()
    older, newer = incident("older", began=START - HOUR), incident("newer", began=START + HOUR)
    feed.poll(older, incident(), newer)
    assert [feed.poll(older, newer) for _ in range(CONFIRMED - 1)] == [[], []]
    [fact] = feed.poll(older, newer)
    assert (fact.fields["incident"], fact.fields["components"]) == ("i", {})
    assert [feed.poll(older, newer) for _ in range(90)] == [[]] * 90
    [again] = feed.restarted().poll(older, incident(), newer)
    assert steps_of(again) == [(format_instant(START), "major_outage")]


def test_an_incident_that_was_only_missing_for_two_polls_was_not_deleted() -> None:
    feed = Feed()
    older, newer = incident("older", began=START - HOUR), incident("newer", began=START + HOUR)
    feed.poll(older, incident(), newer)
    for _ in range(5):
        assert feed.poll(older, newer) == []
        assert feed.poll(older, newer) == []
        assert feed.poll(older, incident(), newer) == []


def test_a_closed_incident_that_is_the_oldest_or_the_newest_has_aged_out_or_may_come_back() -> None:
    closed: Steps = (*DOWN, (START + MINUTE, "operational"))
    feed = Feed()
    feed.poll(incident(steps=closed), incident("newer", steps=closed, began=START + HOUR))
    assert [feed.poll(incident("newer", steps=closed, began=START + HOUR)) for _ in range(90)] == [[]] * 90
    assert [feed.poll(incident(steps=closed)) for _ in range(90)] == [[]] * 90


def test_an_item_that_cannot_be_read_is_not_deleted() -> None:
    feed = Feed()
    others = {"older": START - HOUR, "newer": START + HOUR, "i": START}
    feed.polled(a_list(incident(), others=others))
    assert [feed.polled(a_list(others=others)) for _ in range(30)] == [[]] * 30


def test_an_item_that_is_there_unread_between_two_polls_that_miss_it_is_not_deleted() -> None:
    feed = Feed()
    others = {"older": START - HOUR, "newer": START + HOUR}
    feed.polled(a_list(incident(), others=others))
    for _ in range(5):
        assert feed.polled(a_list(others=others)) == []
        assert feed.polled(a_list(others=others)) == []
        assert feed.polled(a_list(others={**others, "i": START})) == []


# ---------------------------------------------------------------- out of sight


def test_an_open_incident_ends_at_the_last_good_poll_once_its_feed_is_gone_for_an_hour_and_comes_back_with_it() -> None:
    feed = Feed()
    feed.poll(incident())
    last_seen = feed.now
    assert [feed.fail() for _ in range(60)] == [[]] * 60
    [fact] = feed.fail()
    assert steps_of(fact) == [(format_instant(START), "major_outage"), (format_instant(last_seen), "operational")]
    assert feed.fail() == []
    [back] = feed.poll(incident())
    assert steps_of(back) == [(format_instant(START), "major_outage")]
    assert "out_of_sight" not in back.fields


def test_a_closed_incident_does_not_change_while_its_feed_is_gone() -> None:
    feed = Feed()
    feed.poll(incident(steps=(*DOWN, (START + MINUTE, "operational"))))
    assert feed.fail(30 * HOUR) == []


def test_after_a_restart_the_feed_has_an_hour_again() -> None:
    feed = Feed()
    feed.poll(incident())
    feed.now += 5 * HOUR
    again = feed.restarted()
    assert again.fail() == []
    [fact] = again.fail(HOUR)
    assert steps_of(fact)[-1] == (format_instant(START + MINUTE), "operational")


@pytest.mark.parametrize("lost", [a_list(), a_list(full=True, others={"newer": START + HOUR}), a_list(others={"i": 0})])
def test_an_open_incident_that_its_list_lost_ends_where_it_was_seen_last(lost: Listing) -> None:
    feed = Feed()
    feed.poll(incident())
    last_seen = feed.now
    assert [feed.polled(lost) for _ in range(60)] == [[]] * 60
    [fact] = feed.polled(lost)
    assert steps_of(fact)[-1] == (format_instant(last_seen), "operational")
    assert [feed.polled(lost) for _ in range(90)] == [[]] * 90


def test_an_open_incident_of_a_list_that_the_page_does_not_offer_any_more_ends_too() -> None:
    feed = Feed()
    feed.polled(a_list(incident(), name="planned"), a_list())
    last_seen = feed.now
    assert [feed.polled(a_list()) for _ in range(60)] == [[]] * 60
    [fact] = feed.polled(a_list())
    assert steps_of(fact)[-1] == (format_instant(last_seen), "operational")
    assert feed.polled(a_list()) == []


def test_what_is_gone_from_a_list_of_what_goes_on_is_over() -> None:
    feed = Feed()
    feed.polled(Listing("list", (incident(),), {"i": START}, holds="active"))
    last_seen = feed.now
    [fact] = feed.polled(Listing("list", (), {}, holds="active"))
    assert steps_of(fact)[-1] == (format_instant(last_seen), "operational")


# ---------------------------------------------------------------- pages that tell only what holds now


def now_only(severity: Severity, ended: int | None = None) -> Incident:
    return Incident("i", START, {}, now={"CDN": severity}, ended=ended)


def test_what_holds_at_each_poll_becomes_a_timeline() -> None:
    feed = Feed()
    feed.poll(now_only("major_outage"))
    assert feed.poll(now_only("major_outage")) == []
    feed = feed.restarted()
    [fact] = feed.poll(now_only("degraded"))
    assert steps_of(fact) == [
        (format_instant(START + MINUTE), "major_outage"),
        (format_instant(START + 3 * MINUTE), "degraded"),
    ]
    [fact] = feed.poll(now_only("degraded", ended=START + 3 * MINUTE + 1))
    assert steps_of(fact)[-1] == (format_instant(START + 3 * MINUTE + 1), "operational")
    assert feed.poll(now_only("degraded", ended=START + 3 * MINUTE + 1)) == []


# ---------------------------------------------------------------- maintenance


LATER = START + 72 * HOUR


def test_a_maintenance_counts_from_when_its_page_says_and_a_revision_from_when_it_was_seen() -> None:
    feed = Feed()
    [first] = feed.poll(maintenance(LATER, LATER + HOUR, announced_at=START - HOUR))
    assert first.fields["announced_at"] == format_instant(START - HOUR)
    assert (first.fields["start"], first.fields["end"]) == (format_instant(LATER), format_instant(LATER + HOUR))
    assert feed.poll(maintenance(LATER, LATER + HOUR, announced_at=START, title="another text")) == []
    [second] = feed.poll(maintenance(LATER, LATER + 2 * HOUR, announced_at=START - HOUR))
    assert second.fields["announced_at"] == format_instant(feed.now)
    tighter = maintenance(LATER, LATER + 3 * HOUR, revised_at=feed.now + 1)
    assert feed.poll(tighter)[0].fields["announced_at"] == format_instant(feed.now - MINUTE + 1)
    before = maintenance(LATER, LATER + 4 * HOUR, revised_at=START)
    assert feed.poll(before)[0].fields["announced_at"] == format_instant(feed.now)


def test_a_page_cannot_announce_in_the_future() -> None:
    [fact] = Feed().poll(maintenance(LATER, LATER + HOUR, announced_at=LATER))
    assert fact.fields["announced_at"] == format_instant(START + MINUTE)


def test_a_maintenance_that_was_cancelled_is_a_revision_without_a_window() -> None:
    feed = Feed()
    assert feed.poll(Maintenance("m", START, None)) == []
    feed.poll(maintenance(LATER, LATER + HOUR))
    [fact] = feed.poll(Maintenance("m", START, None))
    assert (fact.fields["start"], fact.fields["end"]) == (None, None)
    assert feed.poll(Maintenance("m", START, None)) == []


@pytest.mark.parametrize("others", [{"older": START - HOUR}, {"older": START - HOUR, "newer": START + HOUR}])
def test_a_maintenance_that_was_taken_off_its_page_is_cancelled_before_its_start(others: dict[str, int]) -> None:
    feed = Feed()
    feed.poll(maintenance(LATER, LATER + HOUR))
    assert [feed.polled(a_list(others=others)) for _ in range(CONFIRMED - 1)] == [[], []]
    [fact] = feed.polled(a_list(others=others))
    assert (fact.fields["start"], fact.fields["end"]) == (None, None)
    assert fact.fields["announced_at"] == format_instant(feed.now)
    assert feed.polled(a_list(others=others)) == []
    [back] = feed.poll(maintenance(LATER, LATER + HOUR, announced_at=START))
    assert back.fields["announced_at"] == format_instant(feed.now)


def test_a_list_that_came_back_empty_cancels_a_maintenance_after_an_hour_only() -> None:
    feed = Feed()
    feed.poll(maintenance(LATER, LATER + HOUR))
    assert [feed.polled(a_list()) for _ in range(60)] == [[]] * 60
    assert len(feed.polled(a_list())) == 1


def test_a_maintenance_that_is_taken_off_while_it_is_done_ends_where_it_was_seen_last_and_one_that_is_over_stays() -> (
    None
):
    others = {"older": START - HOUR}
    feed = Feed()
    feed.poll(maintenance(START, START + HOUR))
    last_seen = feed.now
    facts = [fact for _ in range(9) for fact in feed.polled(a_list(others=others))]
    assert [(fact.fields["start"], fact.fields["end"]) for fact in facts] == [
        (format_instant(START), format_instant(last_seen))
    ]
    over = Feed()
    over.poll(maintenance(START - 2 * HOUR, START - HOUR))
    assert [over.polled(a_list(others=others)) for _ in range(90)] == [[]] * 90


def test_a_maintenance_that_has_aged_out_stays_as_it_is() -> None:
    feed = Feed()
    feed.poll(maintenance(LATER, LATER + HOUR))
    newer = a_list(full=True, others={"newer": START + HOUR})
    assert [feed.polled(newer) for _ in range(90)] == [[]] * 90


def test_a_failing_feed_says_nothing_of_a_maintenance() -> None:
    feed = Feed()
    feed.poll(maintenance(LATER, LATER + HOUR))
    assert feed.fail(30 * HOUR) == []


@pytest.mark.parametrize(
    ("components", "services"),
    [
        ((("App", "c1"),), ["app"]),
        ((("API", "api"), ("Docs", "c3")), ["app", "jobs", "site"]),
        ((), ["app", "jobs", "site"]),  # it names none: everything that the page is mapped to
    ],
)
def test_a_maintenance_is_about_the_services_that_its_components_are(
    components: tuple[tuple[str, ...], ...], services: list[str]
) -> None:
    [fact] = Feed(OWN).poll(maintenance(LATER, LATER + HOUR, components=components))
    assert fact.fields["services"] == services


def test_a_maintenance_of_components_that_are_no_services_of_ours_is_none() -> None:
    feed = Feed(OWN)
    elsewhere = maintenance(LATER, LATER + HOUR, components=(("Blog", "c9"),))
    assert feed.poll(elsewhere) == []
    feed.poll(maintenance(LATER, LATER + HOUR, components=(("App",),)))
    [narrowed] = feed.poll(elsewhere)
    assert narrowed.fields["start"] is None
    assert "services" not in Feed().poll(maintenance(LATER, LATER + HOUR))[0].fields  # no mapping: all of them
