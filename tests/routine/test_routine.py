"""Recurring windows announce themselves: by the clock on the wall, ahead of time, once, honestly when plans change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor.config import parse
from monitor.facts import Fact, decode_fact
from monitor.ledger.entries import admit
from monitor.ledger.exclusion import maintenances
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period, parse_instant
from monitor.ledger.terms import Policy
from monitor.routine import Plan, due, windows

CHICAGO, UTC_ZONE = ZoneInfo("America/Chicago"), ZoneInfo("UTC")
SERVICES = "services: [{name: jobs, checks: [{name: web, http: {url: 'https://app.example.com/'}}]}]\n"


def between(start: str, end: str) -> Period:
    return Period(parse_instant(f"{start}T00:00:00Z"), parse_instant(f"{end}T00:00:00Z"))


def plan(*routines: str) -> Plan:
    config = parse(f"{SERVICES}routine_maintenance: [{', '.join(routines)}]\n", "minutebook.yaml", Path(), {})
    return Plan(config.routine_maintenance, config.timezone)


def weekend(every: str = "FRI 20:00", length: str = "33h", more: str = "") -> str:
    return f"{{name: weekend, every: '{every}', for: {length}, timezone: America/Chicago, announce_ahead: 14d{more}}}"


def starts(facts: list[Fact]) -> list[str]:
    return [str(fact.fields["start"]) for fact in facts]


def test_a_window_is_announced_two_weeks_ahead_and_only_once() -> None:
    weekly = plan(weekend())
    start = parse_instant("2026-06-20T01:00:00Z")  # Friday the 19th, 20:00 in Chicago
    assert "2026-06-20T01:00:00.000Z" not in starts(due(weekly, [], start - 14 * DAY - 1))
    announced = due(weekly, [], start - 14 * DAY)
    assert starts(announced) == ["2026-06-13T01:00:00.000Z", "2026-06-20T01:00:00.000Z"]
    assert announced[1].fields["end"] == "2026-06-21T10:00:00.000Z"
    assert due(weekly, announced, start - 14 * DAY + MINUTE) == []


def test_it_begins_by_the_clock_on_the_wall_through_both_changes() -> None:
    weekly = plan(weekend(every="SUN 02:30", length="1h")).routines[0]
    spring = dict(windows(weekly, UTC_ZONE, between("2026-03-01", "2026-03-16")))
    assert [window.start for window in spring.values()] == [
        parse_instant("2026-03-01T08:30:00Z"),
        parse_instant("2026-03-08T08:30:00Z"),  # 02:30 does not exist: an hour later on the wall, as much elapsed
        parse_instant("2026-03-15T07:30:00Z"),
    ]
    autumn = plan(weekend(every="SUN 01:30", length="3h")).routines[0]
    [(_, twice)] = windows(autumn, UTC_ZONE, between("2026-11-01", "2026-11-02"))
    assert twice == Period(parse_instant("2026-11-01T06:30:00Z"), parse_instant("2026-11-01T09:30:00Z"))


def test_every_second_one_counts_from_the_first() -> None:
    alternating = plan(weekend(every="other FRI 20:00", more=", starting: 2026-06-12")).routines[0]
    found = windows(alternating, UTC_ZONE, between("2026-06-01", "2026-07-15"))
    assert [day for day, _ in found] == [date(2026, 6, 12), date(2026, 6, 26), date(2026, 7, 10)]


def test_what_has_begun_is_not_announced_any_more() -> None:
    start = parse_instant("2026-06-20T01:00:00Z")
    assert "2026-06-20T01:00:00.000Z" not in starts(due(plan(weekend()), [], start))


def test_a_plan_that_changes_is_a_revision_and_one_that_ends_a_cancellation() -> None:
    now = parse_instant("2026-06-14T00:00:00Z")
    announced = due(plan(weekend()), [], now)
    assert starts(announced) == ["2026-06-20T01:00:00.000Z", "2026-06-27T01:00:00.000Z"]
    later = due(plan(weekend(every="FRI 21:00")), announced, now + HOUR)
    assert [fact.fields["maintenance"] for fact in later] == [fact.fields["maintenance"] for fact in announced]
    assert starts(later) == ["2026-06-20T02:00:00.000Z", "2026-06-27T02:00:00.000Z"]
    ended = due(Plan((), UTC_ZONE), [*announced, *later], now + 2 * HOUR)
    assert [fact.fields["start"] for fact in ended] == [None, None]
    assert due(Plan((), UTC_ZONE), [*announced, *later, *ended], now + 3 * HOUR) == []


def test_a_window_under_way_stays_as_it_was_announced() -> None:
    start = parse_instant("2026-06-20T01:00:00Z")
    announced = due(plan(weekend()), [], start - DAY)
    ended = due(Plan((), UTC_ZONE), announced, start + HOUR)
    assert [fact.fields["maintenance"] for fact in ended] == [announced[1].fields["maintenance"]]


def test_announced_in_time_it_is_excused() -> None:
    start = parse_instant("2026-06-20T01:00:00Z")
    announced = due(plan(weekend(more=", services: [jobs]")), [], start - 14 * DAY)
    facts = [decode_fact({"kind": "maintenance", **fact.fields}, fact.recorded_at) for fact in announced]
    entries = admit(facts, start)
    assert [e.granted for e in maintenances(entries, "jobs", Policy())][1] == [(start, start + 33 * HOUR)]
    assert maintenances(entries, "app", Policy()) == []


@given(
    st.integers(0, 6),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - made aware below
)
def test_a_week_of_the_wall_clock_has_one_window(weekday: int, minute: int, zone: str, began: datetime) -> None:
    name = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"][weekday]
    every = f"{name} {minute // 60:02d}:{minute % 60:02d}"
    routine = plan(f"{{name: r, every: '{every}', for: 1h, timezone: {zone}}}").routines[0]
    since = int(began.replace(tzinfo=UTC).timestamp()) * SECOND
    found = list(windows(routine, UTC_ZONE, Period(since, since + 70 * DAY)))
    assert len(found) in (9, 10, 11)
    for (day, window), (following, _) in pairwise(found):
        assert following - day == timedelta(days=7)
        shown = datetime.fromtimestamp(window.start / 1000, ZoneInfo(zone))
        minutes = shown.hour * 60 + shown.minute
        assert shown.weekday() == weekday or minutes < 120  # a time that the clocks skipped may fall into the next day
        assert minutes == minute or window.start == int(
            datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone)).timestamp() * 1000
        )


def test_a_window_may_end_by_the_clock_on_the_wall() -> None:
    def lengths(routine: str) -> set[int]:
        whole_year = between("2026-01-01", "2027-01-01")
        return {window.end - window.start for _, window in windows(plan(routine).routines[0], UTC_ZONE, whole_year)}

    until = "{{name: w, every: '{}', until: '{}', timezone: America/Chicago}}"
    assert lengths(until.format("FRI 20:00", "SUN 05:00")) == {32 * HOUR, 33 * HOUR, 34 * HOUR}
    assert lengths(until.format("TUE 20:00", "TUE 21:00")) == {HOUR}
    assert lengths(until.format("TUE 20:00", "TUE 20:00")) == {7 * DAY - HOUR, 7 * DAY, 7 * DAY + HOUR}
