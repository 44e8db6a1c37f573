"""Where witnesses disagree: every interval, who says what, and what was published late or not at all."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from exporters.reconciliation_text import reconciliation_text
from monitor.facts import AnyFact, Fact, Json, Result
from monitor.ledger.entries import admit
from monitor.ledger.months import service_book, timelines_from
from monitor.ledger.period import HOUR, MINUTE, Period, format_instant, parse_instant
from monitor.ledger.reconciliation import OwnPage, reconcile
from monitor.ledger.terms import CheckTerms, ServiceTerms, Terms

START = parse_instant("2026-06-01T00:00:00Z")
DAY = Period(START, START + 24 * HOUR)
TERMS = Terms(ZoneInfo("UTC"), (ServiceTerms("app", (CheckTerms("web", 10 * MINUTE, fall=1),)),))
PAGE = OwnPage("own-page", {"App": ("app",)})


def look(vantage: str, minute: int, outcome: str, hold: int = 10) -> Result:
    at = START + minute * MINUTE
    return Result(at, "web", vantage, at, cast(Any, outcome), hold_ms=hold * MINUTE)


def incident(name: str, recorded: int, *steps: tuple[int, str], component: str = "App") -> Fact:
    spelled: list[Json] = [[format_instant(START + minute * MINUTE), severity] for minute, severity in steps]
    fields: dict[str, Json] = {"provider": "own-page", "incident": name, "components": {component: spelled}}
    return Fact("incident", START + recorded * MINUTE, {**fields, "id": f"{name}/{recorded}"})


def found(*facts: AnyFact, period: Period = DAY) -> dict[str, Any]:
    entries = admit(facts, period.end)
    return reconcile(service_book(TERMS, "app", entries, timelines_from(entries)), [PAGE], period)


def test_each_witness_says_how_long_and_disagreements_name_both_sides() -> None:
    book = found(look("london", 0, "pass"), look("london", 10, "fail"), look("sentry", 5, "pass", hold=20))
    assert [(each["witness"], each["down_ms"], each["up_ms"]) for each in book["witnesses"]] == [
        ("london", 10 * MINUTE, 10 * MINUTE),
        ("sentry", 0, 20 * MINUTE),
        ("own-page", 0, 24 * HOUR),
    ]
    [between] = book["disagreements"]
    assert (between["ms"], between["down"], between["up"]) == (10 * MINUTE, ["london"], ["sentry", "own-page"])


def test_an_outage_that_was_published_late_says_how_late_and_one_that_never_was_says_so() -> None:
    book = found(
        look("london", 0, "pass"),
        look("london", 10, "fail"),
        look("london", 20, "pass"),
        look("london", 30, "fail"),
        look("london", 40, "pass"),
        incident("i1", 17, (12, "degraded")),
        incident("i1", 18, (12, "major_outage"), (19, "operational")),
    )
    first, second = book["published"]
    assert (first["late_ms"], first["page"], first["incident"]) == (7 * MINUTE, "own-page", "i1")
    assert (second["published_at"], second["late_ms"]) == (None, None)
    assert "published 7m 00s after" in reconciliation_text(book, "Europe/London")
    assert "never published" in reconciliation_text(book, "Europe/London")


def test_what_only_the_page_says_is_listed_and_a_component_that_is_no_service_is_not() -> None:
    book = found(
        look("london", 0, "pass", hold=600),
        incident("i1", 5, (10, "partial_outage"), (25, "operational")),
        incident("i2", 6, (40, "major_outage"), component="Docs"),
    )
    [alone] = book["published_only"]
    assert (alone["page"], alone["ms"]) == ("own-page", 15 * MINUTE)


LOOKS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 50),
        st.sampled_from(["pass", "fail", "void"]),
        st.integers(1, 15),
    ),
    max_size=14,
)


@given(LOOKS, st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["major_outage", "operational"])), max_size=4))
def test_it_is_what_a_watcher_of_every_minute_would_say(
    looks: list[tuple[str, int, str, int]], steps: list[tuple[int, str]]
) -> None:
    facts = [look(*each) for each in looks]
    hour = Period(START, START + HOUR)
    book = found(*facts, *([incident("i1", 0, *steps)] if steps else []), period=hour)
    entries = admit(facts, hour.end)
    of = service_book(TERMS, "app", entries, timelines_from(entries))
    listed = {
        minute: (tuple(each["down"]), tuple(each["up"]))
        for each in book["disagreements"]
        for minute in range(60)
        if parse_instant(each["start"]) <= START + minute * MINUTE < parse_instant(each["end"])
    }
    for minute in range(60):
        instant = START + minute * MINUTE
        says: dict[int, list[str]] = {1: [], 2: []}
        for name, timelines in sorted(of.readings.checks[0].vantages.items()):
            start, end = of.readings.checks[0].life
            for since, until, state in timelines.measured:
                if max(since, start) <= instant < min(until, end):
                    says[state].append(name)
        newest = sorted((step for step in steps if step[0] <= minute), key=lambda step: step[0])
        says[2 if newest and newest[-1][1] == "major_outage" else 1].append("own-page")
        expected = (tuple(says[2]), tuple(says[1])) if says[1] and says[2] else None
        assert listed.get(minute) == expected
