"""Web Vitals as they are shown now: what the pure function says of the same facts, however they came."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.prometheus import _vitals
from monitor.facts import AnyFact, Fact
from monitor.ledger.entries import admit
from monitor.ledger.live import LiveBook
from monitor.ledger.period import DAY, parse_instant
from monitor.ledger.snapshot import VitalFigures
from monitor.ledger.terms import SHOPIFYS, Terms
from monitor.ledger.vitals.samples import Report, days_of, samples_of
from monitor.ledger.vitals.tally import day_fields, promise_on
from monitor.ledger.vitals.verdict import Judged
from monitor.ledger.vitals.windows import ending, month_window, vitals_book
from tests.vitals import model
from tests.vitals.strategies import logs
from tests.vitals.test_stated import JUNE, fact, many, recorded, terms_of

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
NOW = parse_instant("2026-06-02T20:00:00Z")


def figures_of(judged: Judged, window: str) -> VitalFigures:
    return VitalFigures(
        metric=judged.metric,
        window=window,
        limit=judged.limit,
        samples=judged.samples,
        good=judged.good,
        result=judged.result(),
        verdict=judged.verdict,
        confidence=judged.confidence,
        percentile=75,
    )


def from_scratch(facts: Sequence[AnyFact], terms: Terms, as_of: int) -> tuple[VitalFigures, ...]:
    promise = terms.policies[0].vitals
    assert promise is not None
    book = vitals_book(admit(facts, 2**62), terms.zone, promise)
    windows = {"month": month_window(JUNE), "28d": ending("2026-06-02")}
    return tuple(
        figures_of(book.judged(metric, windows[name]), name) for metric in ("LCP", "INP", "CLS") for name in windows
    )


def day_facts(reports: list[model.Said], terms: Terms, chosen: set[int]) -> list[Fact]:
    samples = samples_of(Report.of(each) for each in recorded(reports))
    tallies = days_of(samples, terms.zone, lambda cell: promise_on(terms, cell.day).limits[cell.metric])
    days = sorted({(cell.metric, cell.day) for cell in tallies})
    wanted = {day for place, day in enumerate(days) if place in chosen}
    fields = day_fields({cell: each for cell, each in tallies.items() if cell[:2] in wanted}, terms)
    return [fact("vitals_day", NOW, each) for each in fields]


@given(logs(), st.sets(st.integers(0, 12)), st.integers(0, 40))
@FEW
def test_what_is_shown_is_what_the_pure_function_says(reports: list[model.Said], chosen: set[int], cut: int) -> None:
    terms = terms_of()
    facts = [*recorded(reports), *day_facts(reports, terms, chosen)]
    book = LiveBook(terms)
    for part in (facts[:cut], facts[cut:], facts[:cut]):  # what was read at the start may be told once more
        book.take(part)
        book.vitals(NOW, ())
    assert book.vitals(NOW, ()) == from_scratch(facts, terms, NOW)


@given(logs(), st.sets(st.integers(0, 12)))
@FEW
def test_open_days_count_like_recorded_ones_until_theirs_are(reports: list[model.Said], chosen: set[int]) -> None:
    terms = terms_of()
    every, some = day_facts(reports, terms, set(range(30))), day_facts(reports, terms, chosen)
    book = LiveBook(terms)
    book.take(some)
    assert book.vitals(NOW, tuple(every)) == from_scratch(every, terms, NOW)
    book.take(every)
    assert book.vitals(NOW, tuple(every)) == from_scratch(every, terms, NOW)


def test_a_month_that_is_missed_is_a_breach_of_that_month() -> None:
    book, terms = LiveBook(terms_of()), terms_of()
    book.take(recorded([*many("LCP", {"9000": 30}), *many("INP", {"100": 3})]))
    book.vitals(NOW, ())
    assert book.missed_vitals(JUNE) == {"LCP": 1, "INP": 0, "CLS": 0}
    assert book.missed_vitals(JUNE.shifted(-1)) == {"LCP": 0, "INP": 0, "CLS": 0}
    book.take(day_facts(many("LCP", {"100": 30}), terms, set(range(30))))
    book.vitals(NOW, ())
    assert book.missed_vitals(JUNE)["LCP"] == 0


def test_the_28_days_move_at_midnight_of_the_calendar() -> None:
    terms, facts = terms_of(), recorded(many("LCP", {"1000": 30}))
    book = LiveBook(terms)
    book.take(facts)
    evening = parse_instant("2026-06-30T22:59:59Z")
    assert [each.samples for each in book.vitals(evening, ()) if each.metric == "LCP"] == [30, 28]
    assert [each.samples for each in book.vitals(evening + 1000, ()) if each.metric == "LCP"] == [0, 27]
    assert book.vitals(evening - 400 * DAY, ()) == (), "no policy was in force"


def test_the_metrics_are_exact_and_what_no_sample_says_is_absent() -> None:
    lcp, cls = SHOPIFYS.limits["LCP"], SHOPIFYS.limits["CLS"]
    vitals = (
        VitalFigures("LCP", "month", lcp, 1529, 1201, Decimal("2310.4"), "met", "clear", 75),
        VitalFigures("CLS", "28d", cls, 3, 2, Decimal("0.0900"), "insufficient", None, 90),
        VitalFigures("INP", "28d", SHOPIFYS.limits["INP"], 0, 0, None, "no_data", None, 75),
    )
    lines = [
        f"{name}{{{','.join(labels.values())}}} {value}"
        for name, samples in _vitals(vitals)
        for labels, value in samples
    ]
    assert lines == [
        "web_vitals_p75_seconds{LCP,month} 2.3104",
        "web_vitals_limit_seconds{LCP,month} 2.5",
        "web_vitals_limit_seconds{INP,28d} 0.2",
        "web_vitals_p75_score{CLS,28d} 0.0900",
        "web_vitals_limit_score{CLS,28d} 0.1",
        "web_vitals_objective_ratio{LCP,month} 0.75",
        "web_vitals_objective_ratio{CLS,28d} 0.9",
        "web_vitals_objective_ratio{INP,28d} 0.75",
        "web_vitals_samples{LCP,month} 1529",
        "web_vitals_samples{CLS,28d} 3",
        "web_vitals_samples{INP,28d} 0",
        "web_vitals_good_ratio{LCP,month} 0.785480706",
        "web_vitals_good_ratio{CLS,28d} 0.666666666",
        "web_vitals_verdict_info{LCP,month,met,clear} 1",
        "web_vitals_verdict_info{CLS,28d,insufficient,} 1",
        "web_vitals_verdict_info{INP,28d,no_data,} 1",
    ]
