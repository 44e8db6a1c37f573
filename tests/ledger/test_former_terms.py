"""A change of terms shows what the month would be under the terms before, whoever tries to hide it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.closing import Wanted, former_terms, statements
from monitor.config import parse, terms_json, to_terms
from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Json, Result, canonical_json
from monitor.ledger.changes import changes
from monitor.ledger.period import DAY, HOUR, MINUTE, Month, parse_instant

JUNE = Month(2026, 6)
START = parse_instant("2026-06-01T00:00:00Z")
CHECK = "{name: web, fall: %d, http: {url: 'https://app.example.com/'}}"
PROMISE = "policies: [{effective_from: %s, availability: {objective: 99.9%%}}]"


def written(fall: int, effective: str = "2020-01-01") -> str:
    return f"services: [{{name: app, checks: [{CHECK % fall}]}}]\n{PROMISE % effective}"


def terms_fact(text: str, at: int, digest: str | None = None) -> Fact:
    config = parse(text, "minutebook.yaml", Path(), {})
    fields: dict[str, Json] = {"terms": terms_json(config), "digest": digest or to_terms(config).digest, "id": str(at)}
    return Fact("terms", at, fields)


def looks() -> list[AnyFact]:
    """An hour of downtime on the 10th."""
    down = START + 9 * DAY
    passing = [Result(START, "web", "london", START, "pass", hold_ms=40 * DAY)]
    failing = [Result(at, "web", "london", at, "fail", hold_ms=HOUR) for at in range(down, down + HOUR, 5 * MINUTE)]
    return [*passing, *failing, Result(down + HOUR, "web", "london", down + HOUR, "pass", hold_ms=40 * DAY)]


def changed(*facts: Fact) -> list[Json]:
    terms = to_terms(parse(written(900), "minutebook.yaml", Path(), {}))
    [stated] = statements([*looks(), *facts], terms, Wanted(["app"], JUNE, START + 40 * DAY))
    assert isinstance(stated["terms_changed"], list)
    return stated["terms_changed"]


def _parts(change: dict[str, Json]) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", change["changes"])


NAMED = st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(0, 2), st.booleans(), st.none()), max_size=3)
VERSIONS = st.dictionaries(
    st.sampled_from("xyz"),
    st.one_of(st.integers(0, 2), NAMED, st.lists(NAMED.map(lambda item: {**item, "name": str(len(item))}), max_size=3)),
)


@given(VERSIONS, VERSIONS)
def test_what_differs_is_listed_and_nothing_else_is(before: dict[str, Json], after: dict[str, Json]) -> None:
    listed = changes(before, after)
    assert bool(listed) == (canonical_json(before) != canonical_json(after))
    back = [{"path": c["path"], "before": c["after"], "after": c["before"]} for c in changes(after, before)]  # type: ignore[index, call-overload]
    assert listed == back


def test_raising_fall_within_the_month_shows_the_breach_it_hides() -> None:
    [change] = changed(terms_fact(written(2), START - DAY), terms_fact(written(900), START + 20 * DAY))
    assert isinstance(change, dict)
    assert isinstance(change["under_before"], dict)
    assert change["under_before"]["verdict"] == "breached"
    [raised] = [part for part in _parts(change) if part["path"].endswith(".fall")]
    assert raised == {"path": "services[app].checks[web].fall", "before": "2", "after": "900"}


def test_terms_under_a_digest_that_is_not_theirs_prove_nothing() -> None:
    honest = terms_fact(written(2), START - DAY)
    forged = terms_fact(written(900), START + 19 * DAY, digest=str(honest.fields["digest"]))
    [change] = changed(honest, forged, terms_fact(written(900), START + 20 * DAY))
    assert isinstance(change, dict)
    assert isinstance(change["under_before"], dict)
    assert change["under_before"]["verdict"] == "breached"
    assert len(former_terms([honest, forged])) == 1
    assert [part["after"] for part in _parts(change) if part["path"].endswith(".fall")] == ["900"]


def test_terms_that_promised_nothing_for_the_month_do_not_stop_its_statement() -> None:
    [change] = changed(terms_fact(written(2, "8999-01-01"), START + DAY), terms_fact(written(900), START + 20 * DAY))
    assert isinstance(change, dict)
    assert change["under_before"] is None


@pytest.mark.parametrize("as_of", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_calendar_reaches_the_ends_of_time(as_of: str) -> None:
    terms = to_terms(parse(written(2), "minutebook.yaml", Path(), {}))
    with pytest.raises(InputError, match="years 1900 to 8999"):
        statements(looks(), terms, Wanted(["app"], JUNE, parse_instant(as_of)))
