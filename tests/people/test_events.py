"""An announced peak: what it lacks is told and never keeps it out; what cannot be meant is refused with the mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json
from monitor.ledger.credits import Customer, Fee
from monitor.ledger.money import Money
from monitor.ledger.peaks import traffic_events
from monitor.ledger.period import DAY, HOUR, SECOND, format_instant
from monitor.ledger.terms import PeakTerms
from monitor.people import ConflictError, Known, Said, UnknownSubjectError
from tests.people.test_by_hand import ALICE, BOB, NOW, POLICY, TERMS, known, says

ACME = Customer("acme", "enterprise", date(2025, 8, 1), (Fee(None, Money(Decimal(499), "USD")),))
ENDED = replace(ACME, name="ended", until=date(2026, 1, 1))
COMES = replace(ACME, name="comes", since=date(2027, 1, 1))
START, END = NOW + 8 * DAY, NOW + 8 * DAY + 4 * HOUR
PEAKS = replace(TERMS, policies=(replace(POLICY, peaks=PeakTerms(7 * DAY, 5, 15 * SECOND)),))


def at(*facts: Fact | None, now: int = NOW) -> Known:
    return replace(known(*facts, now=now), terms=PEAKS, customers=(ACME, ENDED, COMES))


def announced(known: Known, **changed: Json) -> Said:
    words: dict[str, Json] = {"customer": "acme", "start": format_instant(START), "end": format_instant(END)}
    return says("traffic_event", ALICE, known, **{**words, "expected_factor": 10, **changed})


def test_an_announcement_in_time_is_recorded_with_its_author_and_lacks_nothing() -> None:
    said = announced(at())
    assert said.fact is not None
    assert (said.subject, said.fact.fields["author"]) == (f"acme-{format_instant(START)}", "alice")
    assert said.fact.fields["notified_at"] == format_instant(NOW)
    assert said.notes == ("checks are looked at every 15 s at least while it lasts",)


def test_late_notice_and_a_small_factor_are_taken_in_and_told() -> None:
    said = announced(at(), start=format_instant(NOW + 7 * DAY - 1), expected_factor=5)
    assert said.fact is not None
    assert said.notes[0] == "late: the notice is 6d23h59m59s999ms before the start, the policy asks for 1w"
    begun = announced(at(), start=format_instant(NOW - HOUR)).notes[0]
    assert begun == "late: the notice is 1h after the start, the policy asks for 1w"
    assert said.notes[1] == "the expected factor of 5 is not above the policy's, 5; it is an event all the same"
    assert announced(at(), start=format_instant(NOW + 7 * DAY), expected_factor=5.1).notes[:-1] == ()


def test_the_customers_own_word_decides_how_long_the_notice_was() -> None:
    told = format_instant(NOW - 9 * DAY)
    assert len(announced(at(), start=format_instant(NOW + HOUR), notified_at=told).notes) == 1
    with pytest.raises(InputError, match="notified_at: is in the future"):
        announced(at(), notified_at=format_instant(NOW + 1))


def test_the_same_said_again_is_recorded_once_and_its_notice_stays() -> None:
    first = announced(at(), event="sale")
    again = announced(at(first.fact, now=NOW + 3 * DAY), event="sale")
    assert again.fact is None
    moved = announced(at(first.fact, now=NOW + 3 * DAY), event="sale", start=format_instant(START + HOUR))
    assert moved.fact is not None
    assert first.fact is not None
    assert moved.fact.fields["notified_at"] == first.fact.fields["notified_at"]
    assert [event.start for event in traffic_events([first.fact, moved.fact])] == [START + HOUR]


def test_an_event_that_is_over_is_recorded_and_says_that_nothing_was_done_for_it() -> None:
    past: dict[str, Json] = {"start": format_instant(NOW - 2 * HOUR), "end": format_instant(NOW - HOUR)}
    assert announced(at(), **past).notes[-1] == "it is over: nothing was looked at more often for it"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"customer": "nobody"}, "there is no customer 'nobody'; the configuration names: acme ended comes"),
        ({"customer": "ended"}, "was a customer until 2026-01-01, before the event"),
        ({"customer": "comes"}, "is a customer since 2027-01-01, after the event"),
        ({"end": format_instant(START)}, "end: expected an instant after start"),
        ({"end": format_instant(START + 32 * DAY)}, "at most 31 days"),
    ],
)
def test_what_cannot_be_meant_is_refused(changed: dict[str, Json], message: str) -> None:
    with pytest.raises(InputError, match=message):
        announced(at(), **changed)


def test_a_field_of_the_wrong_shape_is_refused() -> None:
    for wrong in ("ten", -1, None):
        with pytest.raises(FactError, match="expected_factor"):
            announced(at(), expected_factor=wrong)


def test_a_name_is_one_customers() -> None:
    first = announced(at(), event="sale")
    words: dict[str, Json] = {"customer": "ended", "start": "2025-12-01T00:00:00Z", "end": "2025-12-01T01:00:00Z"}
    with pytest.raises(ConflictError, match="another customer's"):
        says("traffic_event", BOB, at(first.fact), **words, event="sale", expected_factor=9)
    unnamed = announced(at())
    with pytest.raises(ConflictError, match="name that one"):
        announced(at(unnamed.fact), expected_factor=11)


def cancelled(known: Known, event: str = "sale", **more: Json) -> Said:
    return says("cancel_event", BOB, known, event=event, **more)


def test_a_cancelled_event_is_none_any_more_and_is_cancelled_once() -> None:
    first = announced(at(), event="sale")
    said = cancelled(at(first.fact), reason="postponed")
    assert first.fact is not None
    assert said.fact is not None
    assert (said.fact.fields["end"], said.fact.fields["reason"]) == (first.fact.fields["start"], "postponed")
    assert said.fact.fields["author"] == "bob"
    assert traffic_events([first.fact, said.fact]) == []
    assert cancelled(at(first.fact, said.fact)).fact is None


def test_an_event_that_is_announced_anew_has_the_notice_that_is_given_then() -> None:
    for name in ({"event": "sale"}, {}):
        first = announced(at(), **name)
        gone = cancelled(at(first.fact), first.subject)
        again = announced(at(first.fact, gone.fact, now=NOW + 3 * DAY), **name)
        assert first.fact is not None
        assert again.fact is not None
        assert (again.subject, again.fact.fields["notified_at"]) == (first.subject, format_instant(NOW + 3 * DAY))
        assert again.notes[0].startswith("late: ")
        facts = [fact for fact in (first.fact, gone.fact, again.fact) if fact is not None]
        assert [event.end for event in traffic_events(facts)] == [END]


def test_cancelling_says_what_it_comes_to_for_an_event_that_runs_or_is_over() -> None:
    first = announced(at(), event="sale")
    assert cancelled(at(first.fact)).notes == ()
    assert cancelled(at(first.fact, now=START)).notes[0].startswith("it had begun")
    assert cancelled(at(first.fact, now=END)).notes[0].startswith("it was over")


def test_a_cancellation_of_nothing_or_of_more_than_the_event_is_refused() -> None:
    with pytest.raises(UnknownSubjectError, match="there is no event 'sale'; announce it first"):
        cancelled(at())
    first = announced(at(), event="sale")
    for field in ("customer", "start", "end", "notified_at", "expected_factor"):
        with pytest.raises(FactError, match=f"{field}: a cancellation changes nothing else; leave it out"):
            cancelled(at(first.fact), **{field: format_instant(NOW)})
