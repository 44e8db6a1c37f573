"""Months, midnights and instants, against the zones that bend them most."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import InputError
from monitor.ledger.period import (
    DAY,
    HOUR,
    MINUTE,
    Month,
    format_instant,
    local_date,
    midnight,
    month_at,
    parse_instant,
    parse_month,
)

ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Gaza",
]


@pytest.mark.parametrize(
    ("zone", "month", "hours"),
    [
        ("UTC", "2026-02", 672),
        ("UTC", "2028-02", 696),
        ("UTC", "2026-06", 720),
        ("UTC", "2026-07", 744),
        ("Europe/London", "2026-03", 743),
        ("Europe/London", "2026-10", 745),
        ("Australia/Lord_Howe", "2026-04", 720.5),
        ("Australia/Lord_Howe", "2026-10", 743.5),
        ("Pacific/Apia", "2011-12", 720),  # Samoa left out 30 December 2011
    ],
)
def test_a_month_is_as_long_as_the_time_that_passed(zone: str, month: str, hours: float) -> None:
    start, end = parse_month(month).period(ZoneInfo(zone))
    assert end - start == hours * HOUR


def test_a_day_that_does_not_exist_begins_with_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert midnight(date(2011, 12, 30), apia) == midnight(date(2011, 12, 31), apia)


def test_a_skipped_midnight_is_the_moment_of_the_jump() -> None:
    # Brazil's clocks went from 00:00 to 01:00 on 4 November 2018.
    assert format_instant(midnight(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))) == "2018-11-04T03:00:00.000Z"


@given(st.sampled_from(ZONES), st.dates(date(1990, 1, 1), date(2037, 12, 31)))
def test_midnight_is_the_first_minute_of_its_date(zone_name: str, day: date) -> None:
    zone = ZoneInfo(zone_name)
    start = midnight(day, zone)
    assert local_date(start, zone) >= day
    assert local_date(start - MINUTE, zone) < day


@pytest.mark.parametrize("zone_name", ["America/New_York", "Asia/Tokyo", "UTC", "Europe/London"])
def test_the_first_and_the_last_instant_that_can_be_written_have_dates(zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    first, last = parse_instant("0001-01-01T00:00:00Z"), parse_instant("9999-12-31T23:59:59.999Z")
    assert (local_date(first, zone), local_date(last, zone).year) == (date.min, 9999)
    assert (month_at(first, zone), month_at(last, zone)) == (Month(1, 1), Month(9999, 12))
    assert abs(midnight(date.min, zone) - first) < DAY
    assert abs(midnight(date.max, zone) + DAY - 1 - last) < DAY


@given(st.sampled_from(ZONES), st.integers(1990, 2036), st.integers(1, 12))
def test_months_follow_each_other_without_gap(zone_name: str, year: int, number: int) -> None:
    zone, month = ZoneInfo(zone_name), Month(year, number)
    period = month.period(zone)
    assert period.end == month.shifted(1).period(zone).start
    assert month_at(period.start, zone) == month
    assert month_at(period.end - 1, zone) == month
    assert month_at(period.end, zone) == month.shifted(1)
    assert 27 * DAY < period.end - period.start < 32 * DAY


@given(st.integers(-(10**13), 10**14))
def test_an_instant_is_read_as_it_is_written(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T01:00:00.1+01:00", "2026-03-01T00:00:00.100Z"),
        ("2026-03-01T00:00:00.123999Z", "2026-03-01T00:00:00.123Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_every_offset_is_rewritten_as_utc_to_the_millisecond(text: str, canonical: str) -> None:
    assert format_instant(parse_instant(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T00:00:00",
        "2026-03-01",
        "2026-02-29T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "20260301T000000Z",
        "now",
        "",
    ],
)
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is no instant"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "March", "0000-01", "9999-12", "2026-03-01"])
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="YYYY-MM"):
        parse_month(text)
