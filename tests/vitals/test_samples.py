"""Samples and days against values kept in lists: the last report wins, the first says where it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.facts import Fact, Json, decode_fact
from monitor.ledger.period import format_instant, parse_instant
from monitor.ledger.terms import SHOPIFYS, Policy, Terms, VitalLimit, VitalsPromise
from monitor.ledger.vitals.histogram import bucket, exact
from monitor.ledger.vitals.samples import Report, days_of, samples_of
from monitor.ledger.vitals.tally import COUNTRIES, Cell, Tally, day_fields, due, merged, place, tally_of
from tests.vitals import model
from tests.vitals.strategies import ZONES, logs

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
ZONE = ZoneInfo("Europe/London")
TERMS = Terms(ZONE, ())


def reported(said: model.Said) -> Report:
    return Report(said.metric, said.metric_id, exact(said.value), said.at, said.country or "ZZ")


def under(metric: str, comparison: str = "<=") -> VitalLimit:
    return VitalLimit("<" if comparison == "<" else "<=", SHOPIFYS.limits[metric].value)


def tallies(reports: list[model.Said], zone: ZoneInfo = ZONE, comparison: str = "<=") -> dict[Cell, Tally]:
    return days_of(samples_of(map(reported, reports)), zone, lambda cell: under(cell.metric, comparison))


@given(logs(), st.sampled_from(ZONES), st.sampled_from(("<", "<=")))
@FEW
def test_tallies_count_what_lists_of_values_count(reports: list[model.Said], zone: ZoneInfo, comparison: str) -> None:
    found = tallies(reports, zone, comparison)
    expected = model.cells(reports, zone)
    assert set(found) == set(expected)
    for place_of, values in expected.items():
        cell, tally = Cell(*place_of), found[Cell(*place_of)]
        banded = model.bands(cell.metric, values, SHOPIFYS.limits[cell.metric].value, or_equal=comparison == "<=")
        assert Counter(good=tally.good, needs_improvement=tally.needs_improvement, poor=tally.poor) == banded
        buckets = Counter(bucket(exact(str(float(value)))) for value in values)
        assert tally.zero == buckets.pop(None, 0)
        assert tally.buckets == buckets


@given(logs(), logs())
@FEW
def test_merged_tallies_count_what_all_samples_together_count(one: list[model.Said], two: list[model.Said]) -> None:
    others = [model.Said(said.metric, f"other-{said.metric_id}", said.value, said.at, said.country) for said in two]
    parts = [tallies(one), tallies(others)]
    whole = tallies(one + others)
    for cell, tally in whole.items():
        assert merged(part[cell] for part in parts if cell in part) == tally


@given(logs())
@FEW
def test_what_is_taken_back_leaves_no_trace(reports: list[model.Said]) -> None:
    tally = Tally()
    placed = [place(said.metric, exact(said.value), under(said.metric)) for said in reports]
    for each in placed:
        tally.add(each)
    for each in placed:
        tally.add(each, -1)
    assert tally == Tally()


@given(logs())
@FEW
def test_the_facts_of_a_day_say_what_its_tallies_count(reports: list[model.Said]) -> None:
    found = tallies(reports)
    facts = [fact_of(fields) for fields in day_fields(found, TERMS)]
    assert {fact.id: tally_of(fact, under(str(fact.fields["metric"]))) for fact in facts} == {
        f"vitals/{cell.metric}/{cell.day}/{cell.country}": tally for cell, tally in found.items()
    }


def fact_of(fields: Mapping[str, Json]) -> Fact:
    fact = decode_fact({"kind": "vitals_day", "recorded_at": format_instant(0), **fields})
    assert isinstance(fact, Fact)
    return fact


@given(logs(), st.sampled_from(("<", "<=")), st.sampled_from(("1.02", "1.3", "0.7", "2")))
@FEW
def test_a_day_that_was_counted_under_another_limit_gets_no_good_sample_too_many(
    reports: list[model.Said], comparison: str, factor: str
) -> None:
    for fields in day_fields(tallies(reports), TERMS):
        fact = fact_of(fields)
        cell = (str(fact.fields["metric"]), str(fact.fields["day"]), str(fact.fields["country"]))
        limit = VitalLimit("<" if comparison == "<" else "<=", SHOPIFYS.limits[cell[0]].value * Fraction(factor))
        again = tally_of(fact, limit)
        banded = model.bands(cell[0], model.cells(reports, ZONE)[cell], limit.value, or_equal=comparison == "<=")
        assert again.good <= banded["good"]
        assert again.samples == sum(banded.values())
        assert min(again.good, again.needs_improvement, again.poor) >= 0


def test_what_is_sent_from_everywhere_is_kept_in_a_bounded_number_of_tallies() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    countries = [one + two for one in letters for two in letters]
    reports = [model.Said("LCP", f"v{n}", "1000", 1_780_300_000_000, each) for n, each in enumerate(countries)]
    reports += [model.Said("LCP", "gb", "1000", 1_780_300_000_000, "GB")]
    fields = day_fields(tallies(reports), TERMS)
    assert len(fields) == COUNTRIES + 1
    assert sum(int(str(each["good"])) for each in fields) == len(reports)
    assert "GB" in {each["country"] for each in fields}


def test_a_day_is_counted_under_the_policy_of_its_month_and_recorded_two_days_after_it() -> None:
    strict = VitalsPromise({**SHOPIFYS.limits, "LCP": VitalLimit("<", Fraction(2500))})
    terms = Terms(ZONE, (), (Policy(vitals=strict),))
    fields = day_fields(tallies([model.Said("LCP", "v1", "2500", parse_instant("2026-06-03T10:00:00Z"), "GB")]), terms)
    assert [each["limit"] for each in fields] == ["< 2500"]
    assert due("2026-10-25", ZONE) == parse_instant("2026-10-28T00:00:00Z")
    assert due("2026-10-24", ZONE) == parse_instant("2026-10-26T23:00:00Z")
