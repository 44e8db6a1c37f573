"""A peak's figures against a brute-force model that asks of every second what it is booked as."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.event_report import Peak, document, event_json, event_text, verdict
from exporters.report_html import alone
from exporters.report_markdown import markdown
from monitor.event_reporting import event_report
from monitor.facts import AnyFact, Fact, Result
from monitor.ledger.live import live_book
from monitor.ledger.peaks import hours_of, traffic_events
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Period, format_instant, parse_instant
from monitor.ledger.terms import CheckTerms, Policy, ServiceTerms, Terms

ZONE = ZoneInfo("Europe/London")
START = parse_instant("2026-06-30T21:30:00Z")  # over the end of a month in London
END = START + 3 * HOUR
POLICIES = (
    Policy(effective_from=date(2026, 1, 1), objective=Fraction(999, 1000)),
    Policy(effective_from=date(2026, 7, 1), objective=Fraction(9, 10)),
)
TERMS = Terms(ZONE, (ServiceTerms("app", (CheckTerms("web", 70 * SECOND, fall=1),)),), POLICIES)
STEP = 30 * SECOND


def event(**changed: object) -> Fact:
    fields = {
        "event": "sale <b>",
        "customer": "acme",
        "start": format_instant(START),
        "end": format_instant(END),
        "notified_at": format_instant(START - HOUR),
        "expected_factor": 4.5,
        "author": "alice",
        **changed,
    }
    return Fact("traffic_event", START - HOUR, fields)  # type: ignore[arg-type]


def exclusion(start: int, end: int) -> Fact:
    span = {"start": format_instant(start), "end": format_instant(end)}
    said = {"exclusion": "x", "class": "customer", "reason": "r", "evidence": "e", "author": "a"}
    return Fact("exclusion", END, {**said, **span})


OUTCOMES = st.lists(st.sampled_from(["pass"] * 6 + ["fail", "void", ""]), min_size=370, max_size=370)


def looks(outcomes: list[str]) -> list[AnyFact]:
    begin = START - 5 * MINUTE
    return [
        Result(recorded_at=at, check="web", vantage="here", at=at, outcome=outcome, hold_ms=70 * SECOND)  # type: ignore[arg-type]
        for place, outcome in enumerate(outcomes)
        if outcome and (at := begin + place * STEP)
    ]


@settings(max_examples=20)
@given(OUTCOMES, st.integers(0, 4 * HOUR // STEP), st.integers(0, 360), st.integers(1, 60))
def test_every_moment_of_a_peak_is_in_one_account_and_its_hours_add_up(
    outcomes: list[str], elapsed: int, excused_from: int, excused_for: int
) -> None:
    as_of = START + elapsed * STEP + SECOND
    excused = (START + excused_from * STEP, START + (excused_from + excused_for) * STEP)
    facts = [*looks(outcomes), event(), exclusion(*excused)]
    report = event_report(facts, TERMS, {"acme": ["app"]}, "sale <b>", max(as_of, END))
    [figures] = report.view.figures
    live = live_book(TERMS, facts).peak("app", Period(START, END), max(as_of, END))
    assert figures == live
    states = {}
    for place, outcome in enumerate(outcomes):  # the newest look decides, while its hold lasts
        at = START - 5 * MINUTE + place * STEP
        for second in range(at, at + 70 * SECOND, STEP // 6) if outcome else ():
            states[second] = outcome
    model = {"up": 0, "down": 0, "excused": 0, "unknown": 0}
    for second in range(START, END, STEP // 6):
        outcome = states.get(second, "void")
        is_excused = excused[0] <= second < excused[1]
        account = {"pass": "up", "void": "unknown", "fail": "excused" if is_excused else "down"}[outcome]
        model[account] += STEP // 6
    found = {"up": figures.up, "down": figures.down, "excused": figures.excused, "unknown": figures.unknown}
    assert found == model
    hours = [hour.figures[0] for hour in report.hours]
    for account in ("up", "down", "excused", "unknown", "pending"):
        assert sum(getattr(hour, account) for hour in hours) == getattr(figures, account)
    assert sum(hour.budget for hour in hours) <= figures.budget < sum(hour.budget for hour in hours) + len(hours)


def test_a_budget_is_the_promised_part_of_the_time_that_counts_in_each_month() -> None:
    facts = [*looks(["pass"] * 370), event()]
    [figures] = event_report(facts, TERMS, {}, "sale <b>", END).view.figures
    june, july = parse_instant("2026-06-30T23:00:00Z") - START, END - parse_instant("2026-06-30T23:00:00Z")
    assert figures.budget == floor(Fraction(june, 1000) + Fraction(july, 10))
    assert (figures.down, figures.error_rate, verdict(figures)) == (0, (0, END - START), "within")


def test_the_newest_word_on_an_event_stands_and_hours_end_with_it() -> None:
    moved = Fact("traffic_event", START, {**event().fields, "end": format_instant(END + MINUTE)})
    [found] = traffic_events([event(), moved])
    assert found.end == END + MINUTE
    assert [hour.end - hour.start for hour in hours_of(found.period)] == [HOUR, HOUR, HOUR, MINUTE]


def test_every_format_says_the_same_and_shows_a_name_as_text() -> None:
    facts = [*looks(["pass"] * 40 + ["fail"] * 4 + ["pass"] * 326), event()]
    found = event_report(facts, TERMS, {}, "sale <b>", END)
    peak = Peak(found.view, found.hours, found.as_of, found.zone, [(START - HOUR // 2, 7), (START + HOUR // 2, 12)])
    told = event_json(peak)
    assert (told["late"], told["below_factor"], told["expected_factor"]) == (True, True, "4.500000000")
    text, page, words = event_text(peak), alone(document(peak)), markdown(document(peak))
    assert "sale <b>" not in page
    assert "sale &lt;b&gt;" in page
    for shown in (text, page, words.replace("\\", "")):
        assert "2m 00s" in shown
        assert "Sentry received 19 events of the app in the 2 hours of its own that the peak touches." in shown
        assert "(late)" in shown


def test_a_peak_of_a_log_of_before_that_lasts_for_more_than_31_days_is_none() -> None:
    # booked hour by hour, one that is said to have begun in the year 1 would hold up the daemon for ever
    assert traffic_events([event(end=format_instant(START + 31 * DAY))]) != []
    assert traffic_events([event(end=format_instant(START + 31 * DAY + 1))]) == []
    assert traffic_events([event(start="0001-01-01T00:00:00.000Z")]) == []
