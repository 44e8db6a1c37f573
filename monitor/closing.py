"""Statements from facts, as every face asks for them: the ledger with what only a shell knows put in.

That is the release of the time zones, and the terms of earlier configurations, which stand in `terms` facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import NamedTuple

from monitor.config import terms_of
from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Json
from monitor.ledger.period import Month
from monitor.ledger.statement import Asked, close
from monitor.ledger.terms import Terms

EARLIEST, LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (1900, 9000))
"""Instants that a statement can be as of: calendars, and windows before them, are well defined there."""


class Wanted(NamedTuple):
    """Which statements: of these services, for this month, as of this instant (UTC ms)."""

    services: Sequence[str]
    month: Month
    as_of: int


def statements(facts: Sequence[AnyFact], terms: Terms, wanted: Wanted) -> list[dict[str, Json]]:
    """One statement a service, in the order wanted, from any superset of the facts that matter.

    Raises InputError when no policy is in force in the month, or a service is not in the terms.
    """
    if not EARLIEST <= wanted.as_of <= LATEST:
        raise InputError("a statement is as of an instant of the years 1900 to 8999")
    asked = Asked(wanted.month, wanted.as_of, version("tzdata"), former_terms(facts))
    return close(facts, terms, wanted.services, asked)


def latest(facts: Iterable[AnyFact], now: int) -> int:
    """The instant that a statement of today is as of: now, or the newest `recorded_at` where that is ahead of it (facts
    that were taken in together are recorded 1 ms apart)."""
    return max(now, max((fact.recorded_at for fact in facts), default=now))


def former_terms(facts: Iterable[AnyFact]) -> Mapping[str, Terms]:
    """Every terms that the log holds and this program can still read, by digest."""
    former: dict[str, Terms] = {}
    for fact in facts:
        if isinstance(fact, Fact) and fact.kind == "terms":
            terms = terms_of(terms_object(fact))
            digest = fact.fields["digest"]
            if (
                terms is not None and terms.digest == digest
            ):  # a fact that names other terms than it holds proves nothing
                former.setdefault(terms.digest, terms)
    return former


def newest_terms(facts: Iterable[AnyFact]) -> Terms:
    """The terms recorded last: what a store without a configuration file was kept under. Raises InputError."""
    recorded = [fact for fact in facts if isinstance(fact, Fact) and fact.kind == "terms"]
    if not recorded:
        raise InputError("the store holds no terms yet: name a configuration with -c FILE")
    newest = max(recorded, key=lambda fact: fact.recorded_at)
    terms = terms_of(terms_object(newest))
    if terms is None:
        raise InputError("the terms in the store were written by another version: name the configuration with -c FILE")
    return terms


def terms_object(fact: Fact) -> Mapping[str, Json]:
    """What a `terms` fact carries."""
    given = fact.fields["terms"]
    return given if isinstance(given, dict) else {}
