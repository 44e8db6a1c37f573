"""What a person says by hand: what becomes a fact, what it comes to, and what is refused with the mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json
from monitor.ledger.entries import admit
from monitor.ledger.exclusion import declared_by_person, maintenances
from monitor.ledger.period import DAY, HOUR, MINUTE, format_instant, parse_instant
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms
from monitor.people import OPERATIONS, Author, ConflictError, Known, Said, UnknownSubjectError

NOW = parse_instant("2026-06-15T12:00:00Z")
POLICY = Policy(effective_from=date(2026, 1, 1), approval_required=True)
TERMS = Terms(
    ZoneInfo("Europe/London"),
    (ServiceTerms("app", (CheckTerms("admin", 70_000),)), ServiceTerms("jobs", (CheckTerms("nightly", 70_000),))),
    (POLICY,),
)
ALICE, BOB, TYPED = Author("alice", "0a"), Author("bob", "0b"), Author("alice")


def known(*facts: Fact | None, now: int = NOW) -> Known:
    return Known([fact for fact in facts if fact is not None], TERMS, now)


def says(operation: str, author: Author, at: Known, **words: Json) -> Said:
    return OPERATIONS[operation](words, author, at)


def outage(**changed: Json) -> Mapping[str, Json]:
    return {
        "class": "connectivity",
        "start": format_instant(NOW - 2 * HOUR),
        "end": format_instant(NOW - HOUR),
        "reason": "fibre cut",
        "evidence": "https://carrier.example/4711",
        **changed,
    }


def window(start: int, end: int, /, **changed: Json) -> dict[str, Json]:
    return {
        "start": format_instant(start),
        "end": format_instant(end),
        "url": "https://status.example.com/m/1",
        **changed,
    }


# ---------------------------------------------------------------- exclusions


def test_an_exclusion_says_whose_word_it_is_and_what_it_still_needs() -> None:
    said = OPERATIONS["exclude"](outage(), ALICE, known())
    assert said.fact is not None
    assert said.subject == "connectivity-2026-06-15T10:00:00.000Z"
    assert said.fact.fields["author"] == "alice"
    assert said.fact.source == "person:alice"
    assert said.fact.fields["authenticated_by"] == "token 0a"
    for effect in said.effects:
        assert effect.granted == []
        assert effect.refused == {"not_approved": [(NOW - 2 * HOUR, NOW - HOUR)]}
    assert [effect.service for effect in said.effects] == ["app", "jobs"]


def test_a_name_that_was_only_typed_is_proved_by_nothing() -> None:
    said = OPERATIONS["exclude"](outage(), TYPED, known())
    assert said.fact is not None
    assert said.fact.fields["authenticated_by"] is None
    [shown, _] = [
        each for service in ("app", "jobs") for each in declared_by_person(admit([said.fact], NOW), service, POLICY)
    ]
    assert shown.shown["author_authenticated"] is False


def test_what_another_person_approves_is_granted() -> None:
    declared = OPERATIONS["exclude"](outage(services=["app"]), ALICE, known()).fact
    said = says("decide", BOB, known(declared), exclusion="connectivity-2026-06-15T10:00:00.000Z", decision="approved")
    [effect] = said.effects
    assert (effect.service, effect.granted) == ("app", [(NOW - 2 * HOUR, NOW - HOUR)])


@pytest.mark.parametrize(
    "author", [Author("alice"), ALICE, Author("mallory", "0a")], ids=["typed", "same", "one token"]
)
def test_nobody_approves_what_they_declared(author: Author) -> None:
    declared = OPERATIONS["exclude"](outage(exclusion="x1"), ALICE, known()).fact
    with pytest.raises(ConflictError, match="another person"):
        says("decide", author, known(declared), exclusion="x1", decision="approved")


def test_revoked_is_for_good_and_anybody_may() -> None:
    declared = OPERATIONS["exclude"](outage(exclusion="x1"), ALICE, known()).fact
    approved = says("decide", BOB, known(declared), exclusion="x1", decision="approved").fact
    revoked = says("decide", ALICE, known(declared, approved), exclusion="x1", decision="revoked")
    assert [effect.granted for effect in revoked.effects] == [[], []]
    with pytest.raises(ConflictError, match="final"):
        says("decide", BOB, known(declared, approved, revoked.fact), exclusion="x1", decision="approved")


def test_the_same_said_twice_is_recorded_once() -> None:
    first = OPERATIONS["exclude"](outage(exclusion="x1"), ALICE, known()).fact
    later = known(first, now=NOW + MINUTE)
    assert OPERATIONS["exclude"](outage(exclusion="x1"), ALICE, later).fact is None
    approved = says("decide", BOB, later, exclusion="x1", decision="approved").fact
    assert says("decide", BOB, known(first, approved), exclusion="x1", decision="approved").fact is None


def test_a_name_that_stands_for_something_else_is_a_conflict() -> None:
    first = OPERATIONS["exclude"](outage(exclusion="x1"), ALICE, known()).fact
    with pytest.raises(ConflictError, match="revoke that"):
        OPERATIONS["exclude"](outage(exclusion="x1", reason="another"), ALICE, known(first))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"end": format_instant(NOW - 2 * HOUR)}, "end: expected an instant after start"),
        ({"start": format_instant(NOW - 32 * DAY)}, "end: expected at most 31 days after start"),
        ({"end": format_instant(NOW + 2 * HOUR), "start": format_instant(NOW + HOUR)}, "start: is in the future"),
        ({"services": ["shop"]}, "services: there is no service 'shop'; the configuration names: app jobs"),
        ({"reason": " "}, "reason: is empty"),
        ({"class": "maintenance"}, "class: expected one of force_majeure customer connectivity"),
        ({"start": "2026-06-15T10:00:00"}, "start:"),
        ({"evidence": None}, "evidence: expected text"),
        ({"authenticated_by": "token 0b"}, "authenticated_by: is set when it is recorded"),
        ({"recorded_at": format_instant(NOW)}, "recorded_at: is set when it is recorded"),
        ({"source": "person:bob"}, "source: is set when it is recorded"),
        ({"exclusion": 7}, "exclusion: expected a name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(changed: Mapping[str, Json], message: str) -> None:
    with pytest.raises(InputError) as refused:
        OPERATIONS["exclude"](outage(**changed), ALICE, known())
    assert message in str(refused.value)


def test_a_decision_needs_something_to_decide() -> None:
    with pytest.raises(UnknownSubjectError, match="there is no exclusion 'x9'"):
        says("decide", BOB, known(), exclusion="x9", decision="approved")


# ---------------------------------------------------------------- maintenance


def test_exactly_the_notice_is_enough_and_a_millisecond_less_is_told_with_the_first_start() -> None:
    start = NOW + 48 * HOUR
    said = OPERATIONS["announce"](window(start, start + HOUR), ALICE, known())
    assert said.effects[0].granted == [(start, start + HOUR)]
    assert (said.effects[0].notice_ms, said.effects[0].first_start) == (48 * HOUR, None)
    late = OPERATIONS["announce"](window(start - 1, start + HOUR), ALICE, known())
    assert late.effects[0].granted == []
    assert late.effects[0].refused == {"notice_too_short": [(start - 1, start + HOUR)]}
    assert late.effects[0].first_start == start


def test_moving_late_excuses_what_both_windows_share() -> None:
    start = NOW + 50 * HOUR
    first = OPERATIONS["announce"](window(start, start + 2 * HOUR, maintenance="m1"), ALICE, known())
    later = known(first.fact, now=NOW + 10 * HOUR)
    moved = OPERATIONS["announce"](window(start + HOUR, start + 3 * HOUR, maintenance="m1"), BOB, later)
    assert moved.effects[0].granted == [(start + HOUR, start + 2 * HOUR)]
    assert moved.effects[0].first_start == NOW + 58 * HOUR


def test_cancelled_excuses_nothing_and_completed_early_only_until_then() -> None:
    start = NOW + 50 * HOUR
    first = OPERATIONS["announce"](window(start, start + 2 * HOUR, maintenance="m1"), ALICE, known()).fact
    cancelled = says("cancel", BOB, known(first, now=NOW + HOUR), maintenance="m1")
    assert [effect.granted for effect in cancelled.effects] == [[], []]
    done = says("complete", BOB, known(first, now=start + HOUR), maintenance="m1")
    assert done.effects[0].granted == [(start, start + HOUR)]
    assert says("cancel", BOB, known(first, cancelled.fact), maintenance="m1").fact is None
    with pytest.raises(ConflictError, match="cancelled"):
        says("complete", BOB, known(first, cancelled.fact, now=start + HOUR), maintenance="m1")


def test_the_first_recorded_revision_is_the_one_a_bare_repetition_means() -> None:
    start = NOW + 50 * HOUR
    first = OPERATIONS["announce"](window(start, start + HOUR), ALICE, known()).fact
    later = known(first, now=NOW + MINUTE)
    assert OPERATIONS["announce"](window(start, start + HOUR), ALICE, later).fact is None
    with pytest.raises(ConflictError, match="another one starts then"):
        OPERATIONS["announce"](window(start, start + 2 * HOUR), ALICE, later)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"url": ""}, "url: expected the http or https address"),
        ({"url": "javascript:alert(1)"}, "url: expected the http or https address"),
        ({"url": "https://a.example/\n"}, "url: expected the http or https address"),
        ({"url": "https://[broken"}, "url: expected the http or https address"),
        ({"url": None}, "url: expected text"),
        ({"start": format_instant(NOW - 1)}, "start: has passed"),
        ({"start": format_instant(NOW - 1), "late": True}, "start: has passed"),
        ({"announced_at": format_instant(NOW + 1)}, "announced_at: is in the future"),
        ({"start": None, "end": None}, "start: is missing; a maintenance that will not be is cancelled"),
        ({"emergency": "yes"}, "emergency: expected true or false"),
    ],
)
def test_an_announcement_that_nobody_could_read_is_refused(changed: Mapping[str, Json], message: str) -> None:
    with pytest.raises(InputError) as refused:
        OPERATIONS["announce"](window(NOW + 50 * HOUR, NOW + 51 * HOUR, **changed), ALICE, known())
    assert message in str(refused.value)


def test_a_window_that_has_begun_is_recorded_with_its_reason_and_earns_nothing() -> None:
    words = window(NOW - HOUR, NOW + HOUR, late=True, reason="the page was down", announced_at="2026-06-01T00:00:00Z")
    said = OPERATIONS["announce"](words, ALICE, known())
    assert said.fact is not None
    assert all(effect.granted == [] for effect in said.effects)


# ---------------------------------------------------------------- laws

INSTANTS = st.integers(NOW - 3 * DAY, NOW + 5 * DAY)
WORDS = st.dictionaries(
    st.sampled_from("start end url services late reason announced_at maintenance exclusion class evidence at".split()),
    st.one_of(
        INSTANTS.map(format_instant),
        st.sampled_from(["m1", "x1", "https://a.example/1", "connectivity", "approved", "revoked", ""]),
        st.booleans(),
        st.none(),
        st.lists(st.sampled_from(["app", "jobs", "shop"]), max_size=2),
        st.text(max_size=5),
    ),
)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), WORDS, st.sampled_from([ALICE, BOB, TYPED])), max_size=6)
)
def test_whatever_is_said_is_a_fact_or_a_refusal_and_excuses_no_more_than_the_ledger_does(
    said: list[tuple[str, dict[str, Json], Author]],
) -> None:
    facts: list[Fact] = []
    for step, (operation, words, author) in enumerate(said):
        at = replace(known(*facts, now=NOW + step * HOUR))
        try:
            answer = OPERATIONS[operation](words, author, at)
        except (FactError, InputError):
            continue
        if answer.fact is not None:
            facts.append(answer.fact)
        entries = admit(facts, NOW + step * HOUR)
        for effect in answer.effects:
            found = [
                *maintenances(entries, effect.service, POLICY),
                *declared_by_person(entries, effect.service, POLICY),
            ]
            assert effect.granted in [exclusion.granted for exclusion in found if exclusion.id == answer.subject]
