"""What the page shows behind its figures is the same booking: days add up, outages are the statement's."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings

from monitor.config import parse, to_terms
from monitor.errors import InputError
from monitor.facts import Fact, decode_line
from monitor.ledger.course import course
from monitor.ledger.entries import admit
from monitor.ledger.incidents import incidents_at
from monitor.ledger.live import LiveBook
from monitor.ledger.months import book_month, service_book, timelines_from
from monitor.ledger.outages import outage_spans
from monitor.ledger.period import DAY, HOUR, format_instant, parse_instant, parse_month
from monitor.ledger.recent import announced, days_of, recent
from monitor.ledger.terms import Dependency, ServiceTerms
from tests.strategies.months import World, worlds

FEW = settings(settings.get_profile("minutebook"), max_examples=8)
JUNE = parse_instant("2026-06-10T00:00:00Z")


@FEW
@given(world=worlds())
def test_the_days_of_a_month_add_up_to_its_accounts_and_its_outages_are_the_statements(world: World) -> None:
    terms = to_terms(parse(yaml.safe_dump(world.config), "minutebook.yaml", Path(), {}))
    entries = admit([decode_line(json.dumps(fact)) for fact in world.facts], 2**62)
    month, as_of = parse_month(world.month), parse_instant(world.as_of)
    for service in terms.services:
        of = service_book(terms, service.name, entries, timelines_from(entries))
        try:
            booked = book_month(of, month, as_of)
        except InputError:
            continue
        days, accounts = list(days_of(booked, terms.zone)), booked.figures.accounts
        assert sum(day.down for day in days) == accounts.down
        assert sum(day.excused for day in days) == accounts.excused_total
        assert sum(day.unknown for day in days) == accounts.unknown
        assert sum(day.pending for day in days) == accounts.pending
        drawn = course(of, booked)["days"]
        assert [day.date for day in days] == [row["date"] for row in drawn]  # type: ignore[union-attr,index,call-overload]
        for day in days:
            assert (day.worst == "down") == bool(day.down)
        shown = recent([booked], terms.zone, as_of)
        assert [*shown.outages] == [within for _, within in outage_spans(of, booked)]
        assert [day.date for day in shown.days] == [day.date for day in days if day.worst != "pending"]
        assert all(one.start <= other.start for one, other in pairwise(shown.announced))


def maintenance(at: int, start: int | None, end: int | None) -> Fact:
    fields = {
        "maintenance": "m1",
        "announced_at": format_instant(at),
        "start": None if start is None else format_instant(start),
        "end": None if end is None else format_instant(end),
        "title": "Upgrade",
    }
    return Fact("maintenance", at, {**fields, "source": "own-page"})


def test_a_maintenance_is_announced_until_it_is_over_or_cancelled() -> None:
    terms = to_terms(
        parse("services: [{name: app, checks: [{name: web, http: {url: 'https://a.b/'}}]}]", "m", Path(), {})
    )
    book = LiveBook(terms)
    start, end = JUNE + 3 * DAY, JUNE + 3 * DAY + HOUR
    book.take([maintenance(JUNE, start, end)])
    view = book.view("app", JUNE + 1, public=True)
    [window] = view.recent().announced
    assert (window.title, window.start, window.notice, window.excuses) == ("Upgrade", start, 3 * DAY, True)
    assert len(view.next_maintenance) == 1
    assert len(book.view("app", end - 1, public=True).recent().announced) == 1
    assert book.view("app", end, public=True).recent().announced == ()
    book.take([maintenance(JUNE + HOUR, None, None)])
    cancelled = book.view("app", JUNE + 2 * HOUR, public=True)
    assert (cancelled.recent().announced, cancelled.next_maintenance) == ((), ())


def test_a_maintenance_of_the_next_month_is_announced_too() -> None:
    terms = to_terms(
        parse("services: [{name: app, checks: [{name: web, http: {url: 'https://a.b/'}}]}]", "m", Path(), {})
    )
    book = LiveBook(terms)
    book.take([maintenance(JUNE, JUNE + 40 * DAY, JUNE + 40 * DAY + HOUR)])
    assert len(book.view("app", JUNE + 1, public=True).recent().announced) == 1
    assert list(announced([], JUNE)) == []


def incident(at: int, components: dict[str, list[list[str]]]) -> Fact:
    return Fact("incident", at, {"provider": "edge", "incident": "i1", "components": components, "title": "Slow"})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("depends_on", "components", "hit"),
    [
        (("edge", "CDN"), ["CDN"], True),
        (("edge", "DNS"), ["CDN"], False),
        (("edge", "*"), ["CDN"], True),
        (("edge", "DNS"), ["*"], True),
        (("other", "*"), ["*"], False),
    ],
)
def test_an_incident_names_the_services_that_depend_on_it(
    depends_on: tuple[str, str], components: list[str], hit: bool
) -> None:
    services = [ServiceTerms("app", (), depends_on=(Dependency(*depends_on),))]
    since, until = format_instant(JUNE), format_instant(JUNE + HOUR)
    fact = incident(JUNE, {name: [[until, "operational"], [since, "major_outage"]] for name in components})
    [found] = incidents_at([fact], services, JUNE + 1).going_on
    assert (found.services == {"app"}) is hit
    assert (found.since, found.components) == (JUNE, dict.fromkeys(components, 4))
    assert incidents_at([fact], services, JUNE + HOUR).going_on == ()
    assert incidents_at([fact], services, JUNE - 1).going_on == ()
    assert incidents_at([fact, incident(JUNE, {})], services, JUNE + 1).going_on == ()
