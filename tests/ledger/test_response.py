"""Response times: the worked table of commitments.md section 2, what calendars may say, and a model that asks minute by
minute."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse, to_terms
from monitor.facts import Fact, decode_line
from monitor.ledger.calendar import Calendar
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant
from monitor.ledger.response import Support, Ticket, responses, settle, target_of, tickets_of
from tests.model.answers import Desk, settled
from tests.model.moments import written
from tests.strategies.places import Place, places
from tests.strategies.tickets import desks, receipts, tickets

LONDON = ZoneInfo("Europe/London")
FEW = settings(settings.get_profile("minutebook"), max_examples=25)
LONG = settings(settings.get_profile("minutebook"), max_examples=4000)
ENGLAND = [
    date(2025, 12, 25),
    date(2025, 12, 26),
    date(2026, 1, 1),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 4),
    date(2026, 5, 25),
    date(2026, 8, 31),
    date(2026, 12, 25),
    date(2026, 12, 28),
]
DISCOUNT_KIT = {
    "hours": {"mon-fri": "09:00-21:00"},
    "business_days": "mon-fri",
    "holidays": ENGLAND,
    "respond_within": {
        "critical": {"in_hours": "30m", "after_hours": "2h"},
        "high": {"in_hours": "12bh", "after_hours": "next_business_day"},
        "low": {"in_hours": "3bd", "after_hours": "3bd"},
    },
}

WORKED = """
2026-03-24T14:00:00.000Z in_hours    2026-03-24T14:30:00.000Z 2026-03-25T14:00:00.000Z 2026-03-27T14:00:00.000Z
2026-03-27T20:45:00.000Z in_hours    2026-03-27T21:15:00.000Z 2026-03-30T19:45:00.000Z 2026-04-01T19:45:00.000Z
2026-03-27T21:01:00.000Z after_hours 2026-03-27T23:01:00.000Z 2026-03-30T20:00:00.000Z 2026-04-01T20:00:00.000Z
2026-03-29T00:30:00.000Z after_hours 2026-03-29T02:30:00.000Z 2026-03-30T20:00:00.000Z 2026-04-01T20:00:00.000Z
2026-03-30T07:59:00.000Z after_hours 2026-03-30T09:59:00.000Z 2026-03-30T20:00:00.000Z 2026-04-01T20:00:00.000Z
2026-04-02T19:30:00.000Z in_hours    2026-04-02T20:00:00.000Z 2026-04-07T19:30:00.000Z 2026-04-09T19:30:00.000Z
2026-04-03T10:00:00.000Z after_hours 2026-04-03T12:00:00.000Z 2026-04-07T20:00:00.000Z 2026-04-09T20:00:00.000Z
2026-10-24T22:30:00.000Z after_hours 2026-10-25T00:30:00.000Z 2026-10-26T21:00:00.000Z 2026-10-28T21:00:00.000Z
2026-10-25T00:30:00.000Z after_hours 2026-10-25T02:30:00.000Z 2026-10-26T21:00:00.000Z 2026-10-28T21:00:00.000Z
2026-12-24T16:00:00.000Z in_hours    2026-12-24T16:30:00.000Z 2026-12-29T16:00:00.000Z 2026-12-31T16:00:00.000Z
"""


def support_of(written_support: dict[str, Any], zone: str = "Europe/London") -> Support:
    """A section as a configuration file has it, through the file's own reader."""
    config = {
        "timezone": zone,
        "services": [{"name": "app", "checks": [{"name": "web", "http": {"url": "https://web.example.com/"}}]}],
        "policies": [{"effective_from": date(2020, 1, 1), "support": written_support}],
    }
    support = to_terms(parse(yaml.safe_dump(config), "minutebook.yaml", Path(), {})).policies[0].support
    assert support is not None
    return support


def fact(name: str, recorded_at: int, **fields: Any) -> Fact:
    given = {"customer": "acme", "priority": "low", "first_reply_at": None, **fields}
    for field in ("received_at", "first_reply_at"):
        given[field] = written(given[field]) if given[field] is not None else None
    found = decode_line(json.dumps({"kind": "ticket", "ticket": name, "recorded_at": written(recorded_at), **given}))
    assert isinstance(found, Fact)
    return found


def ticket(*facts: Fact) -> Ticket:
    (found,) = tickets_of(facts).values()
    return found


def at(text: str) -> int:
    return parse_instant(f"{text}:00.000Z")


@pytest.mark.parametrize("row", [line.split() for line in WORKED.split("\n") if line], ids=lambda row: row[0])
def test_the_worked_table(row: list[str]) -> None:
    support, received = support_of(DISCOUNT_KIT), parse_instant(row[0])
    klass = support.calendar.klass(received)
    found = [target_of(support, priority, klass) for priority in ("critical", "high", "low")]
    dues = [format_instant(support.calendar.due(received, target)) for target in found if target is not None]
    assert [klass, *dues] == row[1:]


# ---------------------------------------------------------------- calendars


def calendar(hours: dict[str, str], business_days: str, target: str, holidays: list[date] | None = None) -> Any:
    support = support_of(
        {
            "hours": hours,
            "business_days": business_days,
            "holidays": holidays or [],
            "respond_within": {"any": {"in_hours": target, "after_hours": target}},
        }
    )

    def due(received: str) -> str:
        return format_instant(support.calendar.due(at(received), support.respond_within["any"].in_hours))[:16]

    return due


ALWAYS = {"mon-sun": "00:00-24:00"}


def test_business_days_stay_what_they_were_when_support_is_round_the_clock() -> None:
    assert calendar(ALWAYS, "mon-fri", "3bd")("2026-06-05T14:00") == "2026-06-10T14:00"
    assert calendar(ALWAYS, "mon-fri", "next_business_day")("2026-06-06T10:00") == "2026-06-08T23:00"
    assert calendar(ALWAYS, "mon-fri", "12bh")("2026-06-06T10:00") == "2026-06-06T22:00"


def test_a_holiday_closes_no_hours_that_are_round_the_clock_but_is_no_business_day() -> None:
    good_friday = [date(2026, 4, 3)]
    support = support_of({**DISCOUNT_KIT, "hours": ALWAYS, "holidays": good_friday})
    assert support.calendar.klass(at("2026-04-03T10:00")) == "in_hours"
    assert calendar(ALWAYS, "mon-fri", "12bh", good_friday)("2026-04-02T20:00") == "2026-04-03T08:00"
    assert calendar(ALWAYS, "mon-fri", "1bd", good_friday)("2026-04-02T20:00") == "2026-04-06T20:00"


def test_openings_that_go_past_midnight_are_one_stretch_of_time() -> None:
    night = {"mon-fri": "22:00-24:00", "tue-sat": "00:00-06:00"}
    nights = {"mon": "22:00-24:00", "tue-fri": "00:00-06:00, 22:00-24:00", "sat": "00:00-06:00"}
    with pytest.raises(Exception, match="tue has hours twice"):
        calendar(night, "mon-fri", "4bh")
    assert calendar(nights, "tue-fri", "4bh")("2026-01-05T23:00") == "2026-01-06T03:00"
    assert calendar(nights, "tue-fri", "8bh")("2026-01-06T05:00") == "2026-01-07T05:00"
    assert calendar(nights, "tue-fri", "next_business_day")("2026-01-06T23:00") == "2026-01-08T00:00"


def test_what_comes_within_a_break_of_a_business_day_came_after_it_opened() -> None:
    due = calendar({"mon-fri": "09:00-12:00, 13:00-18:00"}, "mon-fri", "next_business_day")
    assert due("2026-01-06T08:59") == "2026-01-06T18:00"
    assert due("2026-01-06T12:30") == "2026-01-07T18:00"


def test_open_days_that_are_no_business_days_count_hours_but_not_days() -> None:
    hours = {"mon-fri": "09:00-21:00", "sat": "10:00-14:00"}
    assert calendar(hours, "mon-fri", "2bh")("2026-01-09T20:00") == "2026-01-10T11:00"
    assert calendar(hours, "mon-fri", "1bd")("2026-01-09T20:00") == "2026-01-12T20:00"
    assert calendar(hours, "mon-fri", "next_business_day")("2026-01-10T11:00") == "2026-01-12T21:00"


def test_a_day_of_a_change_of_clocks_has_the_hours_that_really_pass() -> None:
    summer, winter = date(2026, 3, 29), date(2026, 10, 25)
    always = support_of({**DISCOUNT_KIT, "hours": ALWAYS}).calendar
    assert [sum(end - start for start, end in always.openings(day)) // HOUR for day in (summer, winter)] == [23, 25]
    night = Calendar(LONDON, {6: ((90, 150),)}, frozenset({6}))
    assert night.openings(summer) == [(at("2026-03-29T01:00"), at("2026-03-29T01:30"))]
    assert night.openings(winter) == [
        (at("2026-10-25T00:30"), at("2026-10-25T01:00")),
        (at("2026-10-25T01:30"), at("2026-10-25T02:30")),
    ]


def test_a_date_that_a_zone_leaves_out_has_no_hours() -> None:
    apia = Calendar(ZoneInfo("Pacific/Apia"), dict.fromkeys(range(7), ((0, 1440),)), frozenset(range(7)))
    assert apia.openings(date(2011, 12, 30)) == []
    assert [end - start for start, end in apia.openings(date(2011, 12, 29))] == [DAY]


def test_a_calendar_that_never_opens_has_no_due_instant() -> None:
    closed = Calendar(LONDON, {}, frozenset({0}))
    support = support_of(DISCOUNT_KIT)
    for target in (support.respond_within["high"].in_hours, support.respond_within["high"].after_hours):
        with pytest.raises(ValueError, match="the calendar"):
            closed.due(at("2026-01-05T10:00"), target)


def test_a_share_of_the_time_runs_as_the_target_counts() -> None:
    support = support_of(DISCOUNT_KIT)
    shares = {
        priority: [
            format_instant(support.calendar.share(at(received), target, hundredths))[:16]
            for hundredths in (50, 80, 100)
        ]
        for priority, received, target in (
            ("30m on the wall clock", "2026-03-24T14:00", support.respond_within["critical"].in_hours),
            ("12bh from a Friday evening", "2026-03-27T20:45", support.respond_within["high"].in_hours),
            ("the next business day, from a Saturday", "2026-03-28T10:00", support.respond_within["high"].after_hours),
        )
    }
    assert shares == {
        "30m on the wall clock": ["2026-03-24T14:15", "2026-03-24T14:24", "2026-03-24T14:30"],
        "12bh from a Friday evening": ["2026-03-30T13:45", "2026-03-30T17:21", "2026-03-30T19:45"],
        "the next business day, from a Saturday": ["2026-03-30T14:00", "2026-03-30T17:36", "2026-03-30T20:00"],
    }


# ---------------------------------------------------------------- what stands of a ticket's facts

RECEIVED = at("2026-03-24T14:00")


def test_a_ticket_without_a_reply_is_pending_at_its_due_instant_and_late_after_it() -> None:
    support, open_one = support_of(DISCOUNT_KIT), ticket(fact("t", RECEIVED, priority="critical", received_at=RECEIVED))
    due = RECEIVED + 30 * MINUTE
    assert [settle(open_one, support, as_of).state for as_of in (due, due + 1)] == ["pending", "late"]


def test_a_later_receipt_or_a_lower_priority_cures_nothing() -> None:
    late_word = RECEIVED + 10 * MINUTE
    told = [
        fact("t", RECEIVED, priority="critical", received_at=RECEIVED),
        fact("t", late_word, priority="low", received_at=RECEIVED + 2 * HOUR, first_reply_at=RECEIVED + 31 * MINUTE),
    ]
    found = settle(ticket(*told), support_of(DISCOUNT_KIT), RECEIVED + DAY)
    assert (found.priority, found.due, found.state) == ("critical", RECEIVED + 30 * MINUTE, "late")
    assert [given.received_at for given in found.ticket.given] == [RECEIVED, RECEIVED + 2 * HOUR]


def test_a_higher_priority_counts_when_it_was_given_before_the_ticket_was_due() -> None:
    support = support_of(DISCOUNT_KIT)
    first = fact("t", RECEIVED, priority="high", received_at=RECEIVED)
    due = support.calendar.due(RECEIVED, support.respond_within["high"].in_hours)
    found = {
        when: settle(
            ticket(first, fact("t", when, priority="critical", received_at=RECEIVED)), support, due + DAY
        ).priority
        for when in (RECEIVED + MINUTE, due - 1, due)
    }
    assert list(found.values()) == ["critical", "critical", "high"]


def test_a_reply_from_before_its_ticket_is_no_reply() -> None:
    told = fact("t", RECEIVED, priority="critical", received_at=RECEIVED, first_reply_at=RECEIVED - 1)
    found = settle(ticket(told), support_of(DISCOUNT_KIT), RECEIVED + HOUR)
    assert (found.state, found.first_reply_at) == ("late", None)


def test_the_newest_word_on_the_reply_stands() -> None:
    support = support_of(DISCOUNT_KIT)
    told = [
        fact("t", RECEIVED + number, priority="critical", received_at=RECEIVED, first_reply_at=reply)
        for number, reply in enumerate((None, RECEIVED + MINUTE, RECEIVED + 40 * MINUTE, None))
    ]
    states = [settle(ticket(*told[:count]), support, RECEIVED + 10 * MINUTE).state for count in (1, 2, 3, 4)]
    assert states == ["pending", "met", "late", "pending"]


def test_a_priority_that_the_policy_does_not_name_has_no_target_and_is_listed() -> None:
    support = support_of(DISCOUNT_KIT)
    march = Month(2026, 3).period(LONDON)
    unheard = ticket(fact("t", RECEIVED, priority="urgent", received_at=RECEIVED))
    found = responses([unheard], support, march, RECEIVED + DAY)
    assert [(each.state, each.due) for each in found.tickets] == [("no_target", None)]
    assert [each.verdict for each in found.commitments] == ["met", "met", "met"]
    then = ticket(*(fact("t", RECEIVED + n, priority=p, received_at=RECEIVED) for n, p in ((0, "urgent"), (9, "low"))))
    assert settle(then, support, RECEIVED).priority == "low"


@pytest.mark.parametrize(("count", "breaches"), [("per_ticket", 3), ("per_class", 1)])
def test_a_breach_is_a_late_ticket_or_a_priority_with_one(count: str, breaches: int) -> None:
    support = support_of({**DISCOUNT_KIT, "count": count})
    late = [
        ticket(fact(f"t{n}", RECEIVED, priority="critical", received_at=RECEIVED + n, first_reply_at=RECEIVED + DAY))
        for n in range(3)
    ]
    open_one = ticket(fact("t9", RECEIVED, priority="critical", received_at=RECEIVED + HOUR))
    found = responses([*late, open_one], support, Month(2026, 3).period(LONDON), RECEIVED + HOUR)
    (critical,) = [each for each in found.commitments if each.priority == "critical"]
    assert (critical.verdict, critical.breaches) == ("missed", breaches)
    only_open = responses([open_one], support, Month(2026, 3).period(LONDON), RECEIVED + HOUR)
    assert {each.priority: each.verdict for each in only_open.commitments}["critical"] == "pending"


def test_a_ticket_belongs_to_the_month_in_which_it_was_received() -> None:
    support = support_of(DISCOUNT_KIT)
    march, april = Month(2026, 3).period(LONDON), Month(2026, 4).period(LONDON)
    last = ticket(fact("t", march.end, received_at=march.end - 1))
    first = ticket(fact("u", march.end, received_at=march.end))
    for month, name in ((march, "t"), (april, "u")):
        found = responses([last, first], support, month, march.end + 30 * DAY)
        assert [each.ticket.ticket for each in found.tickets] == [name]


# ---------------------------------------------------------------- against the model


def agree(place: Place, written_support: dict[str, Any], draw: st.DataObject) -> None:
    support, desk = support_of(written_support, place.zone), Desk(written_support, ZoneInfo(place.zone))
    received = draw.draw(receipts(place))
    klass = support.calendar.klass(received)
    anchors = [desk.due(received, due[klass]) for due in written_support["respond_within"].values()]
    told = draw.draw(tickets(place, "t", [*anchors, received]))
    as_of = max(draw.draw(st.sampled_from(anchors)) + draw.draw(st.sampled_from((0, 1, -1))), told[-1]["recorded_at"])
    expected = settled(desk, told, as_of)
    found = settle(
        tickets_of(fact(each.pop("ticket"), each.pop("recorded_at"), **each) for each in told)["t"], support, as_of
    )
    assert {"priority": found.priority, "class": found.klass, "due": found.due, "state": found.state} == expected


@given(st.data())
@FEW
def test_a_ticket_comes_to_what_the_model_finds_minute_by_minute(data: st.DataObject) -> None:
    place = data.draw(places())
    agree(place, data.draw(desks(place)), data)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(st.data())
@LONG
def test_thousands_of_tickets_come_to_what_the_model_finds(data: st.DataObject) -> None:
    place = data.draw(places())
    agree(place, data.draw(desks(place)), data)


@given(st.data())
@FEW
def test_all_of_a_tickets_time_is_used_when_it_is_due(data: st.DataObject) -> None:
    place = data.draw(places())
    support = support_of(data.draw(desks(place)), place.zone)
    received, targets = data.draw(receipts(place)), data.draw(st.sampled_from([*support.respond_within.values()]))
    for target in targets:
        half, most, due = (support.calendar.share(received, target, hundredths) for hundredths in (50, 80, 100))
        assert received <= half <= most <= due == support.calendar.due(received, target)


# ---------------------------------------------------------------- scenario 17, beside its statements

SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "17-response-times"


RUNS = json.loads((SCENARIO / "expected.json").read_text(encoding="utf-8"))["runs"]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["as_of"])
def test_each_ticket_of_the_scenario_is_due_and_answered_as_it_was_worked(run: dict[str, Any]) -> None:
    config = parse((SCENARIO / "config.yaml").read_text(encoding="utf-8"), "config.yaml", SCENARIO, {})
    support, as_of = to_terms(config).policies[0].support, parse_instant(run["as_of"])
    facts = [decode_line(line) for line in (SCENARIO / "facts.jsonl").read_text(encoding="utf-8").splitlines()]
    known = [each for each in facts if isinstance(each, Fact) and each.kind == "ticket" and each.recorded_at <= as_of]
    assert support is not None
    year, month = (int(part) for part in run["month"].split("-"))
    found = responses(tickets_of(known).values(), support, Month(year, month).period(LONDON), as_of)
    rows = [
        {
            "ticket": each.ticket.ticket,
            "customer": each.ticket.customer,
            "priority": each.priority,
            "class": each.klass,
            "due": format_instant(each.due or 0),
            "state": each.state,
        }
        for each in found.tickets
    ]
    assert rows == run["beside"]["tickets"]
