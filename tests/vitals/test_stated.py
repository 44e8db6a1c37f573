"""Web Vitals on a statement against the naive count, whichever way the samples were recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse, to_terms
from monitor.facts import AnyFact, Fact, Json, decode_fact
from monitor.ledger.closings import Reading, Recorded
from monitor.ledger.period import DAY, format_instant, parse_instant, parse_month
from monitor.ledger.statement import Asked, close
from monitor.ledger.terms import Terms
from monitor.ledger.vitals.samples import Report, days_of, samples_of
from monitor.ledger.vitals.tally import day_fields, promise_on
from monitor.ledger.vitals.windows import WINDOW_DAYS
from tests.vitals import model
from tests.vitals.strategies import logs

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
LONG = settings(settings.get_profile("minutebook"), max_examples=3000)
JUNE = parse_month("2026-06")
LATER = parse_instant("2026-07-10T00:00:00Z")
CONFIG = """
timezone: {zone}
services:
  - name: app
    checks: [{{name: web, http: {{url: 'https://web.example.com/'}}}}]
  - name: jobs
    checks: [{{name: job, http: {{url: 'https://job.example.com/'}}}}]
policies:
  - effective_from: 2025-07-22
    web_vitals: {{LCP: "{sign} 2.5s", CLS: "{sign} 0.1", INP: "{sign} 200ms", percentile: 75, min_samples: {least}}}
"""


def terms_of(zone: str = "Europe/London", sign: str = "<=", least: int = 1) -> Terms:
    return to_terms(parse(CONFIG.format(zone=zone, sign=sign, least=least), "minutebook.yaml", Path(), {}))


def vital(said: model.Said, recorded_at: int) -> Fact:
    told: dict[str, Json] = {"country": said.country} if said.country else {}
    return fact(
        "vital",
        recorded_at,
        {
            "metric": said.metric,
            "metric_id": said.metric_id,
            "value": json.loads(said.value),
            "at": format_instant(said.at),
            **told,
        },
    )


def fact(kind: str, recorded_at: int, fields: dict[str, Json]) -> Fact:
    decoded = decode_fact({"kind": kind, "recorded_at": format_instant(recorded_at), **fields})
    assert isinstance(decoded, Fact)
    return decoded


def recorded(reports: Sequence[model.Said], since: int = LATER - DAY) -> list[Fact]:
    return [vital(said, since + place) for place, said in enumerate(reports)]


def stated(facts: Sequence[AnyFact], terms: Terms, as_of: int = LATER, month: str = "2026-06") -> list[dict[str, Any]]:
    asked = Asked(parse_month(month), as_of, "2026.1", {})
    return close(facts, terms, [service.name for service in terms.services], asked)


def vitals(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = cast("list[dict[str, Any]]", statement["commitments"])
    return {each["commitment"]: each for each in found if each["commitment"] != "availability"}


def expected(cells: model.Cells, metric: str, days: tuple[str, str], sign: str) -> dict[str, Any]:
    values = [
        value
        for (name, day, _), each in cells.items()
        if name == metric and days[0] <= day <= days[1]
        for value in each
    ]
    limit = {"LCP": Fraction(2500), "INP": Fraction(200), "CLS": Fraction(1, 10)}[metric]
    good = model.bands(metric, values, limit, or_equal=sign == "<=")["good"]
    if not values:
        return {"samples": 0, "good": 0, "verdict": "no_data", "confidence": None, "result": None, "interval": None}
    borderline = model.is_borderline(good, len(values), Fraction(3, 4))
    return {
        "samples": len(values),
        "good": good,
        "verdict": "met" if good >= Fraction(3, 4) * len(values) else "missed",
        "confidence": "borderline" if borderline else "clear",
    }


def agree(reports: list[model.Said], zone: str, sign: str) -> None:
    cells = model.cells(list(dict.fromkeys(reports)), ZoneInfo(zone))  # a copy of a fact is the same fact
    for statement in stated(recorded(reports), terms_of(zone, sign)):
        for metric, told in vitals(statement).items():
            month = expected(cells, metric, ("2026-06-01", "2026-06-30"), sign)
            assert told | month == told
            assert told["breaches"] == (told["verdict"] == "missed")
            recent = told["last_28_days"]
            assert (recent["from"], recent["to"]) == ("2026-06-03", "2026-06-30")
            assert recent | expected(cells, metric, ("2026-06-03", "2026-06-30"), sign) == recent


ZONES = st.sampled_from(("UTC", "Europe/London", "America/Los_Angeles"))
SIGNS = st.sampled_from(("<", "<="))


@given(logs(), ZONES, SIGNS)
@FEW
def test_a_month_and_its_28_days_are_what_lists_of_values_say(reports: list[model.Said], zone: str, sign: str) -> None:
    agree(reports, zone, sign)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(logs(60), ZONES, SIGNS)
@LONG
def test_thousands_of_months_are_what_lists_of_values_say(reports: list[model.Said], zone: str, sign: str) -> None:
    agree(reports, zone, sign)


@given(logs(), st.sets(st.integers(0, 12)), st.booleans())
@FEW
def test_days_that_were_recorded_count_as_their_samples_did(
    reports: list[model.Said], chosen: set[int], keep_samples: bool
) -> None:
    """Also where the log holds both a day and its samples: nothing counts twice."""
    terms, reports = terms_of(), list(dict.fromkeys(reports))
    samples = samples_of(Report.of(each) for each in recorded(reports))
    tallies = days_of(samples, terms.zone, lambda cell: promise_on(terms, cell.day).limits[cell.metric])
    days = sorted({(cell.metric, cell.day) for cell in tallies})
    wanted = {day for place, day in enumerate(days) if place in chosen}
    fields = day_fields({cell: each for cell, each in tallies.items() if (cell.metric, cell.day) in wanted}, terms)
    gone = {sample.key for sample in samples if sample.cell(terms.zone)[:2] in wanted}
    kept = [each for each in recorded(reports) if keep_samples or Report.of(each).key not in gone]
    day_facts = [fact("vitals_day", LATER - 1, each) for each in fields]
    before, after = stated(recorded(reports), terms)[0], stated([*kept, *day_facts], terms)[0]
    assert before["commitments"] == after["commitments"]


def many(metric: str, values: dict[str, int], country: str | None = None) -> list[model.Said]:
    """So many samples of each value, spread over the days of June."""
    june = parse_instant("2026-06-01T12:00:00Z")
    texts = [text for text, count in values.items() for _ in range(count)]
    name = f"{metric}-{country}"
    return [
        model.Said(metric, f"{name}-{place}", text, june + place % 30 * DAY, country)
        for place, text in enumerate(texts)
    ]


def test_a_statement_says_all_that_was_counted() -> None:
    reports = many("LCP", {"1000": 100, "3000": 20}, "GB") + many("LCP", {"1000": 40, "9000": 59}, "DE")
    told = vitals(stated(recorded(reports), terms_of(least=100))[0])
    lcp = told["LCP"]
    assert {name: lcp[name] for name in ("target", "samples", "good", "needs_improvement", "poor")} == {
        "target": "<= 2500",
        "samples": 219,
        "good": 140,
        "needs_improvement": 20,
        "poor": 59,
    }
    assert (lcp["verdict"], lcp["confidence"], lcp["breaches"]) == ("missed", "clear", 1)
    assert [each["country"] for each in lcp["countries"]] == ["GB"], "99 samples of a country are not shown"
    assert lcp["countries"][0] | {"samples": 120, "good": 100} == lcp["countries"][0]
    assert (lcp["days"], lcp["partial"], told["CLS"]["partial"]) == (30, False, True)


def test_every_service_has_them_and_a_policy_that_promises_none_has_none() -> None:
    app, jobs = stated(recorded(many("LCP", {"1000": 3})), terms_of())
    assert app["commitments"][1:] == jobs["commitments"][1:]
    assert [each["commitment"] for each in app["commitments"]] == ["availability", "LCP", "INP", "CLS"]
    silent = to_terms(parse(CONFIG.format(zone="UTC", sign="<", least=1).split("policies")[0], "x.yaml", Path(), {}))
    statement = stated(recorded(many("LCP", {"1000": 3})), silent)[0]
    assert [each["commitment"] for each in statement["commitments"]] == ["availability"]
    assert statement["facts"]["count"] == 0, "what is not promised was not read"


def test_a_fact_that_was_recorded_later_changes_nothing_as_of_before() -> None:
    first, second = recorded(many("LCP", {"1000": 3}), LATER - 2 * DAY), recorded(many("INP", {"100": 3}), LATER)
    before = stated(first, terms_of(), LATER - DAY)
    assert stated([*first, *second], terms_of(), LATER - DAY) == before
    assert before[0]["facts"]["count"] == 3


def test_a_later_fact_corrects_a_day() -> None:
    terms = terms_of()
    samples = samples_of(Report.of(each) for each in recorded(many("LCP", {"1000": 30})))
    tallies = days_of(samples, terms.zone, lambda cell: promise_on(terms, cell.day).limits[cell.metric])
    fields = day_fields(tallies, terms)[0]
    wrong = fact("vitals_day", LATER - 2, {**fields, "good": 0, "poor": 1, "id": "by-hand"})
    for facts, good in (([wrong], 0), ([wrong, fact("vitals_day", LATER - 1, fields)], 1)):
        assert vitals(stated(facts, terms)[0])["LCP"]["good"] == good


READINGS: list[dict[str, Json]] = [
    {"metric": "LCP", "p75": 2310, "from": "2026-05-20", "to": "2026-06-16", "author": "ann", "evidence": "page.png"},
    {"metric": "LCP", "p75": 2000, "from": "2026-07-01", "to": "2026-07-09", "author": "ann"},
    {"metric": "INP", "p75": 180, "from": "2026-06-01T00:00:00Z", "to": "2026-06-28T23:00:00Z", "author": "bob"},
]


def test_what_others_publish_stands_beside_and_decides_nothing() -> None:
    facts = [*recorded(many("LCP", {"3000": 4})), *(fact("vitals_reading", LATER - 1, each) for each in READINGS)]
    told = vitals(stated(facts, terms_of())[0])
    assert [(each["p75"], each["author"], each["evidence"]) for each in told["LCP"]["published"]] == [
        (2310, "ann", "page.png")
    ]
    assert [(each["from"], each["to"]) for each in told["INP"]["published"]] == [("2026-06-01", "2026-06-29")]
    assert (told["LCP"]["verdict"], told["INP"]["verdict"]) == ("missed", "no_data")


def test_a_month_that_runs_is_judged_by_28_days_that_end_today() -> None:
    now = parse_instant("2026-06-10T12:00:00Z")
    facts = recorded(many("LCP", {"1000": 30}), now - 100)
    told = vitals(stated(facts, terms_of(), now)[0])["LCP"]["last_28_days"]
    assert (told["from"], told["to"], told["samples"]) == ("2026-05-14", "2026-06-10", 10)
    assert WINDOW_DAYS == 28


def test_what_came_after_closing_is_listed_with_its_effect() -> None:
    terms = terms_of()
    known, closed = recorded(many("LCP", {"1000": 3}), LATER - DAY), LATER
    late = recorded([*many("LCP", {"9000": 40}, "GB"), *many("INP", {"100": 2})], LATER + 1)
    elsewhere = vital(model.Said("LCP", "july", "9000", parse_instant("2026-07-03T00:00:00Z")), LATER + 500)
    facts = [*known, *late, elsewhere]
    log = Recorded(facts, {})
    found = log.late(terms, "app", JUNE, (closed, LATER + DAY))
    assert [(each.shown()["subject"], each.shown()["count"]) for each in found] == [("INP", 2), ("LCP", 40)]
    effect = found[1].effect
    assert effect is not None
    assert cast("dict[str, Any]", effect["vitals"])["LCP"] == {
        "samples": 40,
        "good": 0,
        "verdict": ["met", "missed"],
    }
    draft = log.draft(terms, "app", JUNE, Reading(LATER + DAY, "2026.1"))
    assert draft["facts"] == {**cast("dict[str, Json]", draft["facts"]), "count": 3 + 42 + 1}
