"""The life of a statement: what is closed stays, whatever comes later, and is computed again from its facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.closer import Moment, Order, carried_out
from monitor.closing import Stated, Wanted, beside, recorded_of, standing, statements
from monitor.config import WrittenTerms, parse, written_terms
from monitor.errors import InputError, StatementDiffersError
from monitor.facts import AnyFact, Fact, Json, Result, decode_line, parse_json
from monitor.ledger.closings import closings, revisions
from monitor.ledger.late import difference
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, format_instant, parse_instant, parse_month
from monitor.ledger.statement import own_digest
from monitor.ledger.terms import final_from
from monitor.people import Author, ConflictError, UnknownSubjectError
from monitor.proof import differences
from tests.strategies.months import World, worlds_recorded_one_by_one

FEW = settings(settings.get_profile("minutebook"), max_examples=40)
LONG = settings(settings.get_profile("minutebook"), max_examples=2000)
EVER = 2**62
REVISED = {"status", "revision", "supersedes", "restatement", "digest", "facts"}
ANN = Author("ann")


def promised(text: str) -> WrittenTerms:
    return written_terms(parse(text, "minutebook.yaml", Path(), {}))


def terms_fact(written: WrittenTerms, at: int) -> Fact:
    fields: dict[str, Json] = {"terms": parse_json(written.written), "digest": written.terms.digest, "id": str(at)}
    return Fact("terms", at, fields)


class Ledger:
    """A log that grows, and closings in it."""

    def __init__(self, facts: Sequence[AnyFact], written: WrittenTerms, month: Month) -> None:
        self.facts, self.terms, self.month = [*facts], written.terms, month
        self.given: list[dict[str, Any]] = []

    def known(self, as_of: int) -> list[AnyFact]:
        return [fact for fact in self.facts if fact.recorded_at <= as_of]

    def carry_out(self, as_of: int, *, restate: bool) -> None:
        """Closes or restates as of then, and keeps what was given away."""
        order = Order(self.month, None, restate, "because" if restate else None)
        try:
            outcome = carried_out(self.known(as_of), order, Moment(as_of, self.terms, "sha256:00"), ANN)
        except (ConflictError, InputError):
            return
        self.facts += [replace(fact, recorded_at=as_of + 1) for fact in outcome.facts]
        services = [cast(str, cast("dict[str, Json]", told)["service"]) for told in outcome.told]
        stated = standing(recorded_of(self.known(as_of + 1)), self.terms, Wanted(services, self.month, as_of + 1))
        assert all(one.wrong is None for one in stated)
        self.given += [dict(one.statement) for one in stated]


def lived(world: World, gaps: Sequence[int]) -> Ledger:
    """A month of a world, closed and restated at instants that lie so far apart."""
    written = promised(yaml.safe_dump(world.config))
    month = parse_month(world.month)
    facts = [decode_line(json.dumps(fact)) for fact in world.facts]
    first = min(fact.recorded_at for fact in facts) - DAY
    ledger = Ledger([terms_fact(written, first), *facts], written, month)
    at = month.period(written.terms.zone).end
    for place, gap in enumerate(gaps):
        at += gap
        ledger.carry_out(at, restate=place > 0)
    return ledger


GAPS = st.lists(st.sampled_from((1, MINUTE, HOUR, DAY, 10 * DAY, 40 * DAY)), min_size=1, max_size=4)


def stays_what_it_was(ledger: Ledger, chance: Any) -> None:
    shuffled = [*ledger.facts]
    chance.shuffle(shuffled)
    recorded = recorded_of(shuffled)
    again = [stated for chain in closings(shuffled, EVER).values() for stated in revisions(recorded, chain)]
    in_order = sorted(again, key=lambda one: (one["revision"], one["service"]))
    assert in_order == sorted(ledger.given, key=lambda one: (one["revision"], one["service"]))
    for stated in again:
        as_of = parse_instant(cast(str, stated["as_of"]))
        asked = Wanted([cast(str, stated["service"])], ledger.month, as_of)
        [draft] = statements(ledger.known(as_of), ledger.terms, asked)
        assert {name: value for name, value in stated.items() if name not in REVISED} == {
            name: value for name, value in draft.items() if name not in REVISED
        }
        assert stated["digest"] == own_digest(stated)
        assert differences(stated, shuffled, lambda _: None) == []


@given(worlds_recorded_one_by_one(), GAPS, st.randoms(use_true_random=False))
@FEW
def test_what_was_closed_stays_and_is_computed_again_from_the_facts_in_any_order(
    world: World, gaps: list[int], chance: Any
) -> None:
    stays_what_it_was(lived(world, gaps), chance)


def listed_late_facts_are_all_that_matter(ledger: Ledger) -> None:
    recorded = recorded_of(ledger.facts)
    now = max(fact.recorded_at for fact in ledger.facts)
    for (service, month), chain in closings(ledger.facts, EVER).items():
        [stated] = standing(recorded_of(ledger.facts), ledger.terms, Wanted([service], month, now))
        [draft] = statements(ledger.facts, ledger.terms, Wanted([service], month, now))
        told = beside(recorded_of(ledger.facts), stated, now)
        assert told is not None
        change = difference(stated.statement, draft)
        late = recorded.late(ledger.terms, service, month, (chain[-1].as_of, now))
        assert told["effect"] == (change if late else None)
        kept = [fact for fact in ledger.facts if fact.recorded_at <= chain[-1].as_of]
        came = [fact for group in late for fact in group.facts]
        [with_them] = statements([*kept, *came], ledger.terms, Wanted([service], month, now))
        assert difference(stated.statement, with_them) == change
        if len(late) == 1:
            assert late[0].effect == change


@given(worlds_recorded_one_by_one(), GAPS)
@FEW
def test_the_effect_of_what_came_late_is_the_difference_of_computing_again(world: World, gaps: list[int]) -> None:
    listed_late_facts_are_all_that_matter(lived(world, gaps))


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(worlds_recorded_one_by_one(), GAPS, st.randoms(use_true_random=False))
@LONG
def test_both_hold_in_thousands_of_worlds(world: World, gaps: list[int], chance: Any) -> None:
    ledger = lived(world, gaps)
    assume(ledger.given)
    stays_what_it_was(ledger, chance)
    listed_late_facts_are_all_that_matter(ledger)


# ---------------------------------------------------------------- one month, by hand

OCTOBER = Month(2026, 10)
START, END = parse_instant("2026-10-01T00:00:00Z"), parse_instant("2026-11-01T00:00:00Z")
CHECK = "{name: web, fall: %d, http: {url: 'https://app.example.com/'}}"


def configured(fall: int = 2, more: str = "", finalise_after: str = "5d") -> WrittenTerms:
    promise = f"availability: {{objective: 99.9%, finalise_after: {finalise_after}}}"
    policies = f"policies: [{{effective_from: 2020-01-01, {promise}}}]"
    return promised(f"services: [{{name: app, checks: [{CHECK % fall}]}}{more}]\n{policies}")


def look(at: int, outcome: str = "pass", recorded_at: int | None = None) -> Result:
    return Result(at if recorded_at is None else recorded_at, "web", "london", at, outcome, hold_ms=40 * DAY)  # type: ignore[arg-type]


def month_of_looks() -> list[AnyFact]:
    return [look(START), look(START + 10 * DAY, "fail"), look(START + 10 * DAY + HOUR, "fail"), look(START + 11 * DAY)]


@pytest.fixture
def ledger() -> Ledger:
    """October with a day of downtime, not closed."""
    written = configured()
    return Ledger([terms_fact(written, START - DAY), *month_of_looks()], written, OCTOBER)


def attempt(ledger: Ledger, order: Order, as_of: int, author: Author = ANN) -> None:
    carried_out(ledger.known(as_of), order, Moment(as_of, ledger.terms, None), author)


@pytest.mark.parametrize(
    ("order", "as_of", "error", "said"),
    [
        (Order(OCTOBER, None, False), END - 1, InputError, "not over; it can be closed from 2026-11-01T00:00:00.000Z"),
        (Order(Month(2027, 1), None, False), END, InputError, "not over; it can be closed from 2027-02-01T00:00"),
        (Order(Month(2026, 8), ("app",), False), END, InputError, "the first look at it was 2026-10-01T00:00:00.000Z"),
        (Order(Month(2026, 8), None, False), END, InputError, "nothing was recorded of it"),
        (Order(OCTOBER, ("nope",), False), END, UnknownSubjectError, "there is no service 'nope' and never was"),
        (Order(OCTOBER, ("nope",), True, "why"), END, UnknownSubjectError, "there is no service 'nope'"),
        (Order(OCTOBER, None, True, "why"), END, ConflictError, "is a draft"),
        (Order(OCTOBER, ("app",), True, "why"), END, ConflictError, "is a draft"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(
    ledger: Ledger, order: Order, as_of: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        attempt(ledger, order, as_of)


def test_nothing_is_closed_twice_and_nothing_is_restated_for_nothing(ledger: Ledger) -> None:
    ledger.carry_out(END, restate=False)
    with pytest.raises(ConflictError, match="closed already, revision 1 stands"):
        attempt(ledger, Order(OCTOBER, None, False), END + DAY)
    with pytest.raises(ConflictError, match="nothing came since"):
        attempt(ledger, Order(OCTOBER, None, True, "why"), END + DAY)


def test_nobody_closes_in_the_daemons_name(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="the daemon's own name"):
        attempt(ledger, Order(OCTOBER, None, False), END, Author("minutebook"))


def test_a_closed_month_that_new_facts_contradict_stands_until_it_is_restated(ledger: Ledger) -> None:
    ledger.carry_out(END + DAY, restate=False)
    [closed] = ledger.given
    assert (closed["status"], closed["revision"], closed["supersedes"]) == ("final", 1, None)
    ledger.facts.append(look(START + 10 * DAY + 30 * MINUTE, "pass", END + 2 * DAY))
    [stands] = standing(recorded_of(ledger.facts), ledger.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert stands.statement == closed
    told = beside(recorded_of(ledger.facts), stands, END + 3 * DAY)
    assert told is not None
    assert [(each["kind"], each["count"]) for each in cast("list[dict[str, Json]]", told["late"])] == [("result", 1)]
    assert cast(Any, told["effect"])["accounts_ms"]["down"] == -DAY
    ledger.carry_out(END + 4 * DAY, restate=True)
    restated = ledger.given[-1]
    assert (restated["status"], restated["revision"], restated["supersedes"]) == ("restated", 2, 1)
    assert restated["restatement"]["supersedes"]["digest"] == closed["digest"]
    assert restated["restatement"]["difference"] == told["effect"]
    assert restated["restatement"]["facts"] == told["late"]
    assert (restated["restatement"]["author"], restated["restatement"]["reason"]) == ("ann", "because")
    assert restated["accounts_ms"]["down"] == 0


def test_a_run_that_was_open_at_the_end_is_decided_by_what_came_after_it() -> None:
    written = configured()
    facts: list[AnyFact] = [terms_fact(written, START - DAY), look(START), look(END - HOUR, "fail")]
    ledger = Ledger(facts, written, OCTOBER)
    ledger.carry_out(END, restate=False)
    ledger.facts.append(look(END + MINUTE, "fail"))
    listed_late_facts_are_all_that_matter(ledger)
    [stands] = standing(recorded_of(ledger.facts), ledger.terms, Wanted(["app"], OCTOBER, END + DAY))
    told = beside(recorded_of(ledger.facts), stands, END + DAY)
    assert cast(Any, told)["effect"]["accounts_ms"]["down"] == HOUR


@pytest.mark.parametrize(("begins", "ends"), [(END, END + HOUR), (START - HOUR, START)])
def test_a_late_incident_beside_the_month_that_reaches_into_it_is_listed(begins: int, ends: int) -> None:
    """By the policy's `lead` and `lag`, which widen what a provider claims."""
    third = "third_party: {evidence: corroborated, corroborated_by: {edge: [cdn]}, lead: 5m, lag: 5m}"
    availability = "availability: {objective: 99.9%, finalise_after: 5d}"
    cdn = "{name: cdn, fall: 1, role: corroboration, http: {url: 'https://cdn.example.com/'}}"
    written = promised(
        f"services: [{{name: app, depends_on: [edge/CDN], checks: [{CHECK % 1}, {cdn}]}}]\n"
        "sources: [{name: page, provider: edge, statuspage: {url: 'https://edge.example.com'}}]\n"
        f"policies: [{{effective_from: 2020-01-01, {availability}, {third}}}]"
    )
    down = [look(each, "fail") for each in (begins - MINUTE, ends + MINUTE)]
    looks = [look(START - DAY), down[0], look(begins + MINUTE), down[1], look(ends + 2 * MINUTE)]
    facts: list[AnyFact] = [terms_fact(written, START - 2 * DAY)]
    for each in looks:
        facts += [each, each._replace(check="cdn")]
    ledger = Ledger(facts, written, OCTOBER)
    ledger.carry_out(END + DAY, restate=False)
    steps = {"CDN": [[format_instant(begins), "major_outage"], [format_instant(ends), "operational"]]}
    told: dict[str, Json] = {"provider": "edge", "incident": "i1", "components": cast(Json, steps)}
    ledger.facts.append(Fact("incident", END + 2 * DAY, told))
    listed_late_facts_are_all_that_matter(ledger)
    recorded = recorded_of(ledger.facts)
    [late] = recorded.late(ledger.terms, "app", OCTOBER, (END + DAY, END + 3 * DAY))
    assert late.effect is not None
    assert cast(Any, late.effect)["accounts_ms"]["down"] < 0


def test_a_late_exclusion_of_another_month_that_keeps_its_name_from_this_one_is_listed(ledger: Ledger) -> None:
    """Of two declarations of one name the first stands: without it, the second would seem to excuse something."""
    ledger.carry_out(END + DAY, restate=False)
    for recorded_at, start in ((END + 2 * DAY, END + DAY), (END + 3 * DAY, START + 10 * DAY)):
        said: dict[str, Json] = {"exclusion": "x", "class": "force_majeure", "reason": "flood", "evidence": "photo"}
        window: dict[str, Json] = {"start": format_instant(start), "end": format_instant(start + HOUR), "author": "ann"}
        ledger.facts.append(Fact("exclusion", recorded_at, {**said, **window}))
    decision: dict[str, Json] = {"exclusion": "x", "decision": "approved", "author": "bob"}
    ledger.facts.append(Fact("exclusion_decision", END + 4 * DAY, decision))
    listed_late_facts_are_all_that_matter(ledger)
    late = recorded_of(ledger.facts).late(ledger.terms, "app", OCTOBER, (END + DAY, END + 5 * DAY))
    assert [each.shown()["kind"] for each in late] == ["exclusion", "exclusion", "exclusion_decision"]


def test_editing_the_configuration_never_rewrites_what_is_closed(ledger: Ledger) -> None:
    ledger.carry_out(END + DAY, restate=False)
    stricter = configured(fall=900)
    ledger.facts.append(terms_fact(stricter, END + 2 * DAY))
    [stands] = standing(recorded_of(ledger.facts), stricter.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert stands == Stated(ledger.given[0], stands.closing, None)
    [draft] = statements(ledger.facts, stricter.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert cast(Any, draft)["accounts_ms"]["down"] == 0
    ledger.facts.append(look(START + DAY, "fail", END + 4 * DAY))
    ledger.terms = stricter.terms
    ledger.carry_out(END + 5 * DAY, restate=True)
    assert ledger.given[-1]["terms"] == ledger.given[0]["terms"]


def test_a_service_that_the_configuration_no_longer_names_is_closed_under_the_terms_that_knew_it(
    ledger: Ledger,
) -> None:
    other = promised("services: [{name: other, checks: [{name: x, http: {url: 'https://x.example.com/'}}]}]")
    ledger.facts.append(terms_fact(other, START + 20 * DAY))
    ledger.terms = other.terms
    ledger.carry_out(END, restate=False)
    assert [stated["service"] for stated in ledger.given] == ["app"]


def test_facts_slipped_in_behind_a_closing_are_said_loudly(ledger: Ledger) -> None:
    ledger.carry_out(END + DAY, restate=False)
    ledger.facts.append(look(START + 10 * DAY + MINUTE, "pass", START + 10 * DAY + MINUTE))
    [stands] = standing(recorded_of(ledger.facts), ledger.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert stands.wrong is not None
    assert "is not what was closed" in stands.wrong
    assert any("closed as" in line for line in differences(stands.statement, ledger.facts, lambda _: None))


def test_a_closing_whose_terms_are_gone_is_said_loudly(ledger: Ledger) -> None:
    ledger.carry_out(END + DAY, restate=False)
    without = [fact for fact in ledger.facts if fact.kind != "terms"]
    with pytest.raises(StatementDiffersError, match="which are not among the facts"):
        standing(recorded_of(without), ledger.terms, Wanted(["app"], OCTOBER, END + 3 * DAY))
    assert any("no fact holds" in line for line in differences(ledger.given[0], without, lambda _: None))


def test_before_it_was_closed_it_was_a_draft(ledger: Ledger) -> None:
    ledger.carry_out(END + DAY, restate=False)
    [stands] = standing(recorded_of(ledger.facts), ledger.terms, Wanted(["app"], OCTOBER, END + DAY))
    assert (stands.statement["status"], stands.closing) == ("draft", None)


@pytest.mark.parametrize("revision", [0, 2, 3])
def test_a_closing_that_is_not_the_next_revision_counts_for_nothing(ledger: Ledger, revision: int) -> None:
    ledger.carry_out(END + DAY, restate=False)
    [closing] = [fact for fact in ledger.facts if isinstance(fact, Fact) and fact.kind == "closing"]
    as_of = "2026-10-02T00:00:00.000Z"
    forged = {**closing.fields, "revision": revision, "as_of": as_of, "digest": "sha256:00", "id": "forged"}
    ledger.facts.append(Fact("closing", END + 3 * DAY, forged))
    [chain] = closings(ledger.facts, EVER).values()
    assert [each.revision for each in chain] == [1]


@pytest.mark.parametrize(
    ("path", "value"),
    [("status", "final"), ("revision", 1), ("accounts_ms", {}), ("as_of", "2026-11-02T00:00:00.001Z"), ("new", 1)],
)
def test_a_draft_that_was_touched_is_not_proved(ledger: Ledger, path: str, value: Json) -> None:
    [draft] = statements(ledger.facts, ledger.terms, Wanted(["app"], OCTOBER, END + DAY))
    assert differences(draft, ledger.facts, lambda _: None) == []
    assert differences({**draft, path: value}, ledger.facts, lambda _: None)


@pytest.mark.parametrize("path", ["digest", "facts", "revision", "service", "month", "as_of", "tzdata", "terms"])
def test_what_is_no_statement_is_refused(ledger: Ledger, path: str) -> None:
    [draft] = statements(ledger.facts, ledger.terms, Wanted(["app"], OCTOBER, END + DAY))
    with pytest.raises(InputError):
        differences({**draft, path: None}, ledger.facts, lambda _: None)


@pytest.mark.parametrize(
    ("finalise_after", "instant"),
    [("5d", "2026-11-06T00:00:00Z"), ("0s", "2026-11-01T00:00:00Z"), ("36h", "2026-11-02T12:00:00Z")],
)
def test_a_month_is_final_so_many_local_days_into_the_next(finalise_after: str, instant: str) -> None:
    assert final_from(OCTOBER, configured(finalise_after=finalise_after).terms) == parse_instant(instant)
