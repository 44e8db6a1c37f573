"""A month is the sum of its days, in every account and whatever the clocks do."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import yaml
from hypothesis import given

from monitor.config import parse, to_terms
from monitor.facts import decode_line
from monitor.ledger.accounts import Booked, book, cover
from monitor.ledger.entries import admit
from monitor.ledger.interval import total
from monitor.ledger.months import book_month, service_book, timelines_from
from monitor.ledger.period import Period, midnight, parse_instant, parse_month
from tests.strategies.months import World, worlds


def amounts(booked: Booked) -> Counter[str]:
    return Counter({"up": booked.up, "down": booked.down, "unknown": total(booked.unknown), **booked.excused})


@given(worlds())
def test_a_month_is_the_sum_of_its_days(world: World) -> None:
    terms = to_terms(parse(yaml.safe_dump(world.config), "minutebook.yaml", Path(), {}))
    month, as_of = parse_month(world.month), parse_instant(world.as_of)
    entries = admit([decode_line(json.dumps(fact)) for fact in world.facts], as_of)
    midnights = [midnight(month.first_day + timedelta(days=day), terms.zone) for day in range(32)]
    end = month.period(terms.zone).end
    days = [Period(a, min(b, as_of)) for a, b in itertools.pairwise(midnights) if a < min(end, as_of)]
    for service in terms.services:
        of = service_book(terms, service.name, entries, timelines_from(entries))
        booked = book_month(of, month, as_of)
        by_day: Counter[str] = Counter()
        for day in days:
            by_day.update(amounts(book(of.readings.measured.segments, cover(booked.exclusions, day), day)))
        assert by_day == amounts(booked.books.measured)
