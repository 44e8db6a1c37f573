"""The live book says what the ledger says from scratch, in whatever order its facts come (performance.md, line 13)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse, to_terms
from monitor.errors import InputError
from monitor.facts import AnyFact, Result, decode_line
from monitor.ledger.entries import admit, by_series, in_order
from monitor.ledger.live import LiveBook, live_book
from monitor.ledger.months import book_month, burn_at, service_book, timelines_from
from monitor.ledger.period import month_at, parse_instant
from monitor.ledger.snapshot import Figures, ServiceView
from monitor.ledger.terms import Terms
from tests.strategies.months import World, worlds

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
LONG = settings(settings.get_profile("minutebook"), max_examples=3000)


def terms_of_world(world: World) -> Terms:
    return to_terms(parse(yaml.safe_dump(world.config), "minutebook.yaml", Path(), {}))


def facts_of_world(world: World) -> list[AnyFact]:
    return [decode_line(json.dumps(fact)) for fact in world.facts]


def fed_in_pieces(terms: Terms, facts: list[AnyFact], cuts: list[int]) -> LiveBook:
    """Facts committed in groups, late ones given again when the book asks: what the evaluator does."""
    book = LiveBook(terms)
    edges = sorted({0, len(facts), *(cut % (len(facts) + 1) for cut in cuts)})
    seen: list[AnyFact] = []
    for start, end in pairwise(edges):
        new = new_facts(seen, facts[start:end])
        seen += new
        book.take(new)
        if book.stale:
            book.retake([fact for fact in seen if isinstance(fact, Result)], sorted(book.stale))
    return book


def new_facts(seen: list[AnyFact], offered: list[AnyFact]) -> list[AnyFact]:
    """What a store commits of them: a second fact with the same kind and id is ignored."""
    known: set[tuple[str, str | None]] = {(fact.kind, fact.id) for fact in seen if fact.id is not None}
    new: list[AnyFact] = []
    for fact in offered:
        if fact.id is None or (fact.kind, fact.id) not in known:
            known.add((fact.kind, fact.id))
            new.append(fact)
    return new


def from_scratch(terms: Terms, service: str, facts: list[AnyFact], as_of: int) -> tuple[list[Figures], object]:
    entries = admit(facts, 2**62)
    of = service_book(terms, service, entries, timelines_from(entries))
    running = month_at(as_of, terms.zone)
    booked = {}
    for month in (running, running.shifted(-1)):
        try:
            booked[month] = book_month(of, month, as_of)
        except InputError:
            continue
    return [month.figures for month in booked.values()], burn_at(of, as_of, booked)


def void_ms_from_scratch(terms: Terms, facts: list[AnyFact], as_of: int) -> dict[tuple[str, str], int]:
    """Millisecond by millisecond would be too many: edge by edge, the newest scheduled result that covers it."""
    month = month_at(as_of, terms.zone).period(terms.zone)
    found: dict[tuple[str, str], int] = {}
    for name, vantages in by_series(fact for fact in facts if isinstance(fact, Result)).items():
        for results in vantages.values() if name in terms.checks else ():
            sums: dict[str, int] = {}
            looks = [result for result in results if not result.confirm]
            for place, look in enumerate(looks):
                hold = terms.checks[name].hold_ms if look.hold_ms is None else look.hold_ms
                following = [other.at for other in looks[place + 1 : place + 2]]
                end = min(look.at + hold, as_of, month.end, *following)
                if look.outcome == "void":
                    reason = look.reason or "missed"
                    sums[reason] = sums.get(reason, 0) + max(0, end - max(look.at, month.start))
            for reason, ms in sums.items():
                found[name, reason] = max(found.get((name, reason), 0), ms)
    return {place: ms for place, ms in found.items() if ms}


def agree(view: ServiceView, terms: Terms, facts: list[AnyFact], as_of: int) -> None:
    figures, burn = from_scratch(terms, view.service, facts, as_of)
    assert [one.month for one in view.months] == [one.month for one in figures]
    for live, scratch in zip(view.months, figures, strict=True):
        for name in Figures.__dataclass_fields__:
            assert name == "as_of" or getattr(live, name) == getattr(scratch, name), name
    assert view.burn == burn


def follow(world: World, cuts: list[int]) -> None:
    terms, facts = terms_of_world(world), list(in_order(facts_of_world(world), 2**62))
    as_of = parse_instant(world.as_of)
    for book in (fed_in_pieces(terms, facts, cuts), live_book(terms, facts)):
        for service in terms.services:
            agree(book.view(service.name, as_of, public=True), terms, facts, as_of)
        assert book.void_ms(as_of) == void_ms_from_scratch(terms, new_facts([], facts), as_of)


@given(worlds(), st.lists(st.integers(0, 200), max_size=6))
def test_facts_that_come_bit_by_bit_give_what_all_of_them_give(world: World, cuts: list[int]) -> None:
    follow(world, cuts)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(worlds(), st.lists(st.integers(0, 200), max_size=6))
@LONG
def test_thousands_of_worlds_come_bit_by_bit(world: World, cuts: list[int]) -> None:
    follow(world, cuts)


@given(worlds(), st.integers(0, 200))
@FEW
def test_a_month_that_is_over_stays_as_it_was_booked_unless_its_facts_change(world: World, cut: int) -> None:
    terms, facts = terms_of_world(world), list(in_order(facts_of_world(world), 2**62))
    as_of = parse_instant(world.as_of)
    early = new_facts([], facts[: cut % (len(facts) + 1)])
    late = new_facts(early, facts[cut % (len(facts) + 1) :])
    book = fed_in_pieces(terms, early, [])
    for service in terms.services:
        book.view(service.name, as_of, public=True)
    book.take(late)
    if book.stale:
        book.retake([fact for fact in early + late if isinstance(fact, Result)], sorted(book.stale))
    for service in terms.services:
        agree(book.view(service.name, as_of, public=True), terms, facts, as_of)
