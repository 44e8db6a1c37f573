"""Statements from facts, as every face asks for them: the ledger with what only a shell knows put in.

That is the release of the time zones, and the terms of earlier configurations, which stand in `terms` facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import NamedTuple

from monitor import __version__
from monitor.config import terms_of
from monitor.errors import InputError, StatementDiffersError
from monitor.facts import AnyFact, Fact, Json
from monitor.facts.seals import SealedDays
from monitor.ledger.closings import Chain, Closing, Reading, Recorded, closings, revisions
from monitor.ledger.late import difference
from monitor.ledger.period import Month, format_instant
from monitor.ledger.statement import Asked, close
from monitor.ledger.terms import Terms

EARLIEST, LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (1900, 9000))
"""Instants that a statement can be as of: calendars, and windows before them, are well defined there."""


class Wanted(NamedTuple):
    """Which statements: of these services, for this month, as of this instant (UTC ms)."""

    services: Sequence[str]
    month: Month
    as_of: int


def statements(
    facts: Sequence[AnyFact], terms: Terms, wanted: Wanted, sealed: Sequence[SealedDays] = ()
) -> list[dict[str, Json]]:
    """One statement a service, in the order wanted, from any superset of the facts that matter; `sealed` are seals
    beside those among the facts.

    Raises InputError when no policy is in force in the month, or a service is not in the terms.
    """
    _check(wanted.as_of)
    asked = Asked(wanted.month, wanted.as_of, version("tzdata"), former_terms(facts))
    return close(facts, terms, wanted.services, asked, sealed)


class Stated(NamedTuple):
    """A statement as it stands. `closing` is what closed it, None of a draft; `wrong` says why what is computed now is
    not what was closed."""

    statement: Mapping[str, Json]
    closing: Closing | None = None
    wrong: str | None = None


def standing(recorded: Recorded, terms: Terms, wanted: Wanted) -> list[Stated]:
    """As `statements`, from what `recorded_of` gives, but the closed revision where one was recorded by then, under the
    terms that it was closed with.

    Raises InputError as that does, StatementDiffersError where a revision cannot be computed at all.
    """
    _check(wanted.as_of)
    chains = closings(recorded.facts, wanted.as_of)
    reading = Reading(wanted.as_of, version("tzdata"))
    found: list[Stated] = []
    for service in wanted.services:
        chain = chains.get((service, wanted.month))
        if chain is None:
            found.append(Stated(recorded.draft(terms, service, wanted.month, reading)))
        else:
            statement = closed(recorded, chain)
            found.append(Stated(statement, chain[-1], why_different(statement, chain[-1])))
    return found


def closed(recorded: Recorded, chain: Chain) -> dict[str, Json]:
    """The newest revision, computed again. Raises StatementDiffersError where that cannot be."""
    return revisions_of(recorded, chain)[-1]


def revisions_of(recorded: Recorded, chain: Chain) -> list[dict[str, Json]]:
    """Every revision, computed again. Raises StatementDiffersError where that cannot be."""
    of = chain[-1]
    unread = next((each for each in chain if each.terms not in recorded.terms), None)
    if unread is not None:
        raise StatementDiffersError(
            f"{of.service} {of.month} revision {unread.revision}: it was closed under the terms {unread.terms}, which "
            "are not among the facts, or of a version that this program cannot read"
        )
    try:
        return revisions(recorded, chain)
    except InputError as error:
        raise StatementDiffersError(
            f"{of.service} {of.month} revision {of.revision}: cannot be computed: {error}"
        ) from None


def why_different(statement: Mapping[str, Json], closing: Closing) -> str | None:
    """Why a closed statement that was computed again is not what was closed; None where it is."""
    if statement["digest"] == closing.digest:
        return None
    return (
        f"{closing.service} {closing.month} revision {closing.revision}: what its facts give now is not what was closed"
        f": digest {statement['digest']}, closed as {closing.digest} by minutebook {closing.program or '?'} with tzdata"
        f" {closing.tzdata or '?'}; this is minutebook {__version__} with tzdata {version('tzdata')}. Facts were added"
        " behind its instant, taken away, or the program changed: keep this store, and prove the statement that was"
        " given away with `minutebook verify STATEMENT.json --facts FACTS.jsonl` under that version"
    )


def beside(recorded: Recorded, stated: Stated, as_of: int) -> dict[str, Json] | None:
    """What stands beside a closed statement: who closed it, and what came later with its effect in ms, which nothing
    but a restatement takes in. None of a draft."""
    closing = stated.closing
    if closing is None:
        return None
    terms = recorded.terms[closing.terms or ""]
    late = recorded.late(terms, closing.service, closing.month, (closing.as_of, as_of))
    now = recorded.draft(terms, closing.service, closing.month, Reading(as_of, closing.tzdata)) if late else None
    return {
        "service": closing.service,
        "month": str(closing.month),
        "revision": closing.revision,
        "digest": closing.digest,
        "closed_at": format_instant(closing.recorded_at),
        "author": closing.said.author,
        "author_authenticated": closing.said.authenticated,
        "reason": closing.said.reason,
        "signature": closing.signature,
        "late": [each.shown() for each in late],
        "effect": None if now is None else difference(stated.statement, now),
    }


def recorded_of(facts: Sequence[AnyFact], sealed: Sequence[SealedDays] = ()) -> Recorded:
    """The facts, and seals beside them, with the terms that they hold and this program can read."""
    return Recorded(facts, former_terms(facts), sealed)


def _check(as_of: int) -> None:
    if not EARLIEST <= as_of <= LATEST:
        raise InputError("a statement is as of an instant of the years 1900 to 8999")


def latest(facts: Iterable[AnyFact | SealedDays], now: int) -> int:
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
