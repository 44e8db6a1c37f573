"""Sealed days: a statement is the same from all results, and from seals and what is kept of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.closing import Wanted, recorded_of, statements
from monitor.facts import AnyFact, Fact, Json, Result
from monitor.facts.seals import Seal, SealedDays, joined, seal_fact, seal_of
from monitor.ledger.closings import closings, revisions
from monitor.ledger.live import live_book
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, format_instant
from monitor.ledger.seals import AROUND, Pin, may_go, sealed
from monitor.ledger.terms import CheckTerms, Dependency, Policy, Quorum, ServiceTerms, Terms
from monitor.proof import differences
from tests.ledger.test_closings import EVER, Ledger, promised, terms_fact

MONTH = Month(2026, 6)
ZONES = tuple(ZoneInfo(name) for name in ("UTC", "Europe/London", "America/New_York"))
FIRST = MONTH.period(ZONES[0]).start - 2 * DAY
DAYS = 4
AFTER = FIRST + DAYS * DAY
PROOF = ("facts", "digest")


@dataclass(frozen=True, repr=False)
class Kept:
    """A world: all facts, the seals of its days, and those that are left when what may go has gone."""

    terms: Terms
    facts: list[AnyFact]
    seals: list[Fact]
    left: list[AnyFact]


def look(at: int, outcome: str = "pass", **more: Any) -> Result:
    reason = {"fail": "http_status", "void": "self_loop"}.get(outcome)
    fields: dict[str, Any] = {
        "recorded_at": at + 200,
        "check": "c",
        "vantage": "london",
        "reason": reason,
        "hold_ms": 70 * SECOND,
    }
    return Result(**{**fields, "at": at, "outcome": outcome, **more})


@st.composite
def series(draw: st.DrawFn, check: str, vantage: str) -> list[Result]:
    """Looks on a grid of its own, with what spoils a stretch here and there."""
    every = draw(st.sampled_from((10 * MINUTE, 30 * MINUTE, 30 * MINUTE, 3 * HOUR)))
    hold = draw(st.sampled_from((2 * every + 10 * SECOND, every, every - 1)))
    base = draw(st.integers(0, every - 1))
    count = DAYS * DAY // every
    source = draw(st.sampled_from((None, None, "agent")))
    shared: dict[str, Any] = {"check": check, "vantage": vantage, "hold_ms": hold, "source": source}
    looks = [look(FIRST + base + n * every, **shared) for n in range(count)]
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, count - 1))
        kind = draw(st.sampled_from(("fail", "fail", "fail", "void", "gap", "hold", "source", "no hold", "id")))
        for n in range(place, min(count, place + draw(st.integers(1, 4)))):
            changes: dict[str, dict[str, Any]] = {
                "fail": {"outcome": "fail", "reason": draw(st.sampled_from(("http_status", "tcp_reset")))},
                "void": {"outcome": "void", "reason": draw(st.sampled_from(("self_loop", "self_fd")))},
                "gap": {"at": -1},
                "hold": {"hold_ms": hold // 2},
                "source": {"source": "other"},
                "no hold": {"hold_ms": None},
                "id": {"id": f"{check}/{vantage}/{n}"},
            }
            looks[n] = looks[n]._replace(**changes[kind])
    looks = [each for each in looks if each.at >= 0]
    for _ in range(draw(st.integers(0, 4))):
        beside = draw(st.sampled_from(looks)).at + draw(st.sampled_from((0, 1, 5 * SECOND, every // 2)))
        outcome = draw(st.sampled_from(("pass", "fail", "void")))
        confirm = draw(st.booleans())
        learned = draw(st.sampled_from((SECOND, 3 * HOUR, 2 * DAY)))
        late = {"confirm": confirm, "recorded_at": beside + learned, "hold_ms": draw(st.sampled_from((1, hold, DAY)))}
        looks.append(look(beside, outcome, **{**shared, **late}))
    return sorted(looks, key=lambda each: each.recorded_at)


@st.composite
def worlds(draw: st.DrawFn) -> Kept:
    """One service of one or two checks from one to three vantages, what may excuse its outages, and perhaps a check
    that corroborates them."""
    zone = draw(st.sampled_from(ZONES))
    fall, rise = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    quorums: tuple[Quorum, ...] = ("any", "majority", "all", 2)
    quorum = draw(st.sampled_from(quorums))
    names = ("c", "d")[: draw(st.integers(1, 2))]
    own = tuple(CheckTerms(name, HOUR, fall=fall, rise=rise, quorum=quorum) for name in names)
    others = (CheckTerms("edge", HOUR, rise=rise, corroboration=True),)[: draw(st.integers(0, 1))]
    service = ServiceTerms("app", own + others, at_least=draw(st.integers(1, len(own))), depends_on=(CDN,))
    terms = Terms(zone, (service,), (draw(policies(corroborated=bool(others))),))
    results = [
        result
        for check in own + others
        for vantage in ("london", "paris", "oslo")[: draw(st.sampled_from((1, 1, 2, 3)))]
        for result in draw(series(check.name, vantage))
    ]
    fails = [result.at for result in results if result.outcome == "fail"]
    excuses = draw(st.lists(excusing(fails), max_size=5))
    return kept(terms, results, [], draw(st.sampled_from((0, HOUR, 2 * DAY))), [*chain.from_iterable(excuses)])


CDN = Dependency("cdn", "edge")


@st.composite
def policies(draw: st.DrawFn, *, corroborated: bool) -> Policy:
    """One version of a promise that excuses generously: what is refused wants no sealed days."""
    return Policy(
        downtime_cap_ms=draw(st.sampled_from((None, HOUR))),
        notice_ms=draw(st.sampled_from((0, 48 * HOUR))),
        evidence="corroborated" if corroborated else "declared",
        corroborated_by={"cdn": ("edge",)} if corroborated else {},
        lead_ms=draw(st.sampled_from((0, HOUR))),
        lag_ms=draw(st.sampled_from((0, HOUR))),
        approval_required=draw(st.booleans()),
    )


@st.composite
def excusing(draw: st.DrawFn, fails: Sequence[int]) -> list[Fact]:
    """A maintenance, an incident or an exclusion around a fail, with what was recorded of it later."""
    near = draw(st.sampled_from(fails or [FIRST + DAY])) - draw(st.sampled_from((0, 1, HOUR, 12 * HOUR)))
    start, end = format_instant(near), format_instant(near + draw(st.sampled_from((1, HOUR, DAY))))
    told = draw(st.sampled_from((near - 3 * DAY, near, near + DAY)))
    later = told + draw(st.sampled_from((HOUR, 2 * DAY)))
    name = str(draw(st.integers(0, 3)))
    kind = draw(st.sampled_from(("maintenance", "incident", "exclusion")))
    if kind == "maintenance":
        window: dict[str, Json] = {"maintenance": name, "announced_at": format_instant(told), "start": start}
        moved: dict[str, Json] = {**window, "announced_at": format_instant(later)}
        revised: list[dict[str, Json]] = [{"end": format_instant(near + HOUR)}, {"start": None, "end": None}]
        facts = [
            Fact(kind, told, {**window, "end": end}),
            Fact(kind, later, {**moved, **draw(st.sampled_from(revised))}),
        ]
    elif kind == "incident":
        steps: list[Json] = [[start, draw(st.sampled_from(("degraded", "major_outage")))], [end, "operational"]]
        incident: dict[str, Json] = {"provider": "cdn", "incident": name}
        components: list[dict[str, Json]] = [{"edge": steps}, {"*": steps}]
        facts = [Fact(kind, at, {**incident, "components": draw(st.sampled_from(components))}) for at in (told, later)]
    else:
        said: dict[str, Json] = {"class": "customer", "start": start, "end": end, "reason": "x", "evidence": "y"}
        decision = draw(st.sampled_from(("approved", "revoked")))
        decided: dict[str, Json] = {"exclusion": name, "decision": decision, "author": "bob"}
        facts = [
            Fact(kind, told, {"exclusion": name, "author": "ann", **said}),
            Fact("exclusion_decision", later, decided),
        ]
    return facts[: draw(st.integers(1, 2))]


Days = dict[int, Seal]


def seals_of(facts: Sequence[Result], lag: int) -> dict[tuple[str, str], Days]:
    """Every day of each series sealed `lag` after it ended, with what was recorded by then."""
    found: dict[tuple[str, str], Days] = {}
    for series in sorted({(each.check, each.vantage) for each in facts}):
        own = [each for each in facts if (each.check, each.vantage) == series]
        for start in range(FIRST, AFTER, DAY):
            as_of = start + DAY + lag
            under = [each for each in own if start <= each.at < start + DAY and each.recorded_at <= as_of]
            if under:
                seal = sealed(under, start, as_of)._replace(recorded_at=as_of + MINUTE)
                found.setdefault(series, {})[start] = seal
    return found


def gone_of(facts: Sequence[Result], seals: dict[tuple[str, str], Days], pins: Sequence[Pin]) -> set[int]:
    """The id() of all that may go, one day after the other."""
    gone: set[int] = set()
    for series, days in seals.items():
        own = [each for each in facts if (each.check, each.vantage) == series]
        for start in days:
            near = [each for each in own if start - AROUND <= each.at < start + DAY + AROUND and id(each) not in gone]
            gone |= {id(each) for each in may_go(near, days, start, pins)}
    return gone


def kept(terms: Terms, results: Sequence[Result], pins: Sequence[Pin], lag: int, excuses: Sequence[Fact] = ()) -> Kept:
    """Every day sealed, and all gone that may."""
    facts = sorted(results, key=lambda each: each.recorded_at)
    seals = seals_of(facts, lag)
    gone = gone_of(facts, seals, pins)
    told: list[Fact] = [seal_fact(seal) for days in seals.values() for seal in days.values()]
    left = [each for each in facts if id(each) not in gone]
    return Kept(terms, [*facts, *excuses], told, [*left, *excuses, *told])


def stated(facts: Sequence[AnyFact], terms: Terms, as_of: int, sealed: Sequence[SealedDays] = ()) -> dict[str, Any]:
    [statement] = statements(list(facts), terms, Wanted(["app"], MONTH, as_of), sealed)
    return dict(statement)


def together(facts: Sequence[AnyFact], days: int) -> tuple[list[AnyFact], list[SealedDays]]:
    """The facts without seals, and the seals, of so many days each, as a store gives them."""
    seals = [
        seal for fact in facts if isinstance(fact, Fact) and fact.kind == "seal" for seal in [seal_of(fact)] if seal
    ]
    groups: dict[tuple[str, str, int], list[Seal]] = {}
    for seal in sorted(seals, key=lambda each: each.start):
        groups.setdefault((seal.check, seal.vantage, (seal.start - FIRST) // (days * DAY)), []).append(seal)
    return [fact for fact in facts if fact.kind != "seal"], [*map(_together, groups.values())]


def _together(seals: Sequence[Seal]) -> SealedDays:
    first, last = seals[0], seals[-1]
    return SealedDays(
        first.check,
        first.vantage,
        first.start,
        last.start + DAY,
        max(seal.recorded_at for seal in seals),
        sum(seal.size for seal in seals),
        b"".join(sorted(bytes.fromhex(seal.digest.removeprefix("sha256:")) for seal in seals)),
        joined(stretch for seal in seals for stretch in seal.stretches),
        None,
        lambda _: seals if len(seals) < 3 else [_together(seals[:2]), _together(seals[2:])],
    )


def less_proof(statement: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in PROOF}


def stays_equal(world: Kept) -> None:
    for as_of in (AFTER + 3 * DAY, AFTER + 40 * DAY):
        from_all = stated(world.facts, world.terms, as_of)
        beside_seals = stated([*world.facts, *world.seals], world.terms, as_of)
        from_the_left = stated(world.left, world.terms, as_of)
        assert less_proof(from_the_left) == less_proof(from_all)
        assert from_the_left == beside_seals
        for days in (2, DAYS):
            facts, sealed = together(world.left, days)
            assert stated(facts, world.terms, as_of, sealed) == beside_seals


@given(worlds())
@settings(max_examples=12)
def test_a_statement_is_the_same_before_and_after_results_of_sealed_days_have_gone(world: Kept) -> None:
    stays_equal(world)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(worlds())
@settings(max_examples=2000)
def test_it_is_the_same_in_thousands_of_worlds(world: Kept) -> None:
    stays_equal(world)


@given(worlds())
@settings(max_examples=8)
def test_the_live_book_says_what_it_said_before_results_went(world: Kept) -> None:
    as_of = AFTER + 3 * DAY
    before, after = (live_book(world.terms, facts) for facts in (world.facts, world.left))
    assert before.view("app", as_of, public=True) == after.view("app", as_of, public=True)
    assert before.void_ms(AFTER) == after.void_ms(AFTER)


# -- what was closed stays provable

CHECKS = "[{name: c, fall: %d, rise: %d, http: {url: 'https://app.example.com/'}}]"
MAY = Month(2026, 5)
GAPS = st.lists(st.sampled_from((1, MINUTE, 20 * MINUTE, 3 * HOUR, DAY, 40 * DAY)), min_size=1, max_size=3)


def closed_stays_provable(results: Sequence[Result], ends: tuple[int, int], gaps: Sequence[int], lag: int) -> None:
    """May, which ends amid the looks, is closed and restated; then results go; then all of it is computed again."""
    written = promised(f"services: [{{name: app, checks: {CHECKS % ends}}}]")
    seals = seals_of(results, lag)
    told = [seal_fact(seal) for days in seals.values() for seal in days.values()]
    ledger = Ledger([terms_fact(written, FIRST - DAY), *results, *told], written, MAY)
    at = MAY.period(written.terms.zone).end
    for place, gap in enumerate(gaps):
        at += gap
        ledger.carry_out(at, restate=place > 0)
    pins = [
        Pin(closing.as_of, at_end)
        for (_, month), chain in closings(ledger.facts, EVER).items()
        for at_end in [month.period(written.terms.zone).end]
        for closing in chain
    ]
    gone = gone_of(results, seals, pins)
    left = [fact for fact in ledger.facts if id(fact) not in gone]
    recorded = recorded_of(left)
    again = [one for chain in closings(left, EVER).values() for one in revisions(recorded, chain)]
    assert again == ledger.given
    recorded = recorded_of(*together(left, DAYS))
    assert [one for chain in closings(left, EVER).values() for one in revisions(recorded, chain)] == ledger.given
    assert [differences(one, left, lambda _: None) for one in again] == [[] for _ in again]


ENDS = st.tuples(st.integers(1, 3), st.integers(1, 4))
LAGS = st.sampled_from((0, HOUR, 2 * DAY))


@given(series("c", "london"), ENDS, GAPS, LAGS)
@settings(max_examples=12)
def test_what_was_closed_is_proved_after_results_went(
    results: list[Result], ends: tuple[int, int], gaps: list[int], lag: int
) -> None:
    closed_stays_provable(results, ends, gaps, lag)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(series("c", "london"), ENDS, GAPS, LAGS)
@settings(max_examples=500)
def test_it_is_proved_in_hundreds_of_worlds(
    results: list[Result], ends: tuple[int, int], gaps: list[int], lag: int
) -> None:
    closed_stays_provable(results, ends, gaps, lag)
