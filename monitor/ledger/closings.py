"""The life of a statement: draft, final, restated (contracts/accounting.md section 9).

A `closing` fact says of a service and month which revision was closed, as of which instant, under which terms, with
which digest. Nothing else is kept of a closed statement: it is computed again from those facts and terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from monitor.facts import AnyFact, Fact, Json
from monitor.facts.seals import SealedDays
from monitor.ledger.entries import Entries, admit, in_order
from monitor.ledger.late import LateFact, difference, late_facts
from monitor.ledger.months import TimelinesOf, service_book, timelines_from
from monitor.ledger.period import Month, format_instant, parse_instant, parse_month
from monitor.ledger.statement import Asked, own_digest, statement
from monitor.ledger.terms import CheckTerms, Terms
from monitor.ledger.timeline import Timelines


class Said(NamedTuple):
    """Whose word a closing is, whether a token proved the name, and why: the reason of a restatement."""

    author: str
    authenticated: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A `closing` fact that counts. `terms` and `digest` are digests, `head` that of the store's chain when it was
    closed; `tzdata` and `program` are the releases that it was made with."""

    service: str
    month: Month
    revision: int
    as_of: int
    digest: str
    said: Said
    recorded_at: int
    terms: str | None = None
    tzdata: str = ""
    program: str = ""
    head: str | None = None
    signature: str | None = None


Chain = Sequence[Closing]
"""The revisions of one service and month, from 1 on."""


def closings(facts: Iterable[AnyFact], as_of: int) -> Mapping[tuple[str, Month], Chain]:
    """Every closing recorded by `as_of`, by service and month. One that is not the next revision of what stands there,
    or as of an instant before it, counts for nothing; so does one of a month that was not over."""
    chains: dict[tuple[str, Month], list[Closing]] = {}
    kept: list[AnyFact] = [fact for fact in facts if fact.kind == "closing"]
    for fact in in_order(kept, as_of):
        if not isinstance(fact, Fact):
            continue
        closing = _closing(fact)
        chain = chains.setdefault((closing.service, closing.month), [])
        if closing.revision == len(chain) + 1 and (not chain or closing.as_of >= chain[-1].as_of):
            chain.append(closing)
    return {place: chain for place, chain in chains.items() if chain}


def _closing(fact: Fact) -> Closing:
    def told(name: str) -> str | None:
        given = fact.fields.get(name)
        return given if isinstance(given, str) else None

    return Closing(
        service=cast(str, fact.fields["service"]),
        month=parse_month(cast(str, fact.fields["month"])),
        revision=cast(int, fact.fields["revision"]),
        as_of=parse_instant(cast(str, fact.fields["as_of"])),
        digest=cast(str, fact.fields["digest"]),
        said=Said(cast(str, fact.fields["author"]), told("authenticated_by") is not None, told("reason")),
        recorded_at=fact.recorded_at,
        terms=told("terms"),
        tzdata=told("tzdata") or "",
        program=told("program") or "",
        head=told("head"),
        signature=told("signature"),
    )


@dataclass(slots=True)
class Recorded:
    """A log, read as of several instants; each is admitted and folded once, for however many services.

    `terms` are those that the log itself holds, by digest; `sealed` as in `admit`.
    """

    facts: Sequence[AnyFact]
    terms: Mapping[str, Terms]
    sealed: Sequence[SealedDays] = ()
    _read: dict[int, tuple[Entries, TimelinesOf]] = field(default_factory=dict)

    def at(self, as_of: int) -> tuple[Entries, TimelinesOf]:
        """What was recorded by then."""
        if as_of not in self._read:
            entries = admit(self.facts, as_of, self.sealed)
            self._read[as_of] = (entries, remembering(timelines_from(entries)))
        return self._read[as_of]

    def former(self, as_of: int) -> Mapping[str, Terms]:
        """The terms that had been recorded by then."""
        found = {fact.fields["digest"] for fact in self.at(as_of)[0].of("terms")}
        return {digest: terms for digest, terms in self.terms.items() if digest in found}

    def draft(self, terms: Terms, service: str, month: Month, reading: Reading) -> dict[str, Json]:
        """The statement as it would be. Raises InputError when no policy is in force in the month."""
        entries, timelines = self.at(reading.as_of)
        asked = Asked(month, reading.as_of, reading.tzdata, self.former(reading.as_of))
        return statement(terms, service, entries, timelines, asked)

    def late(self, terms: Terms, service: str, month: Month, between: tuple[int, int]) -> list[LateFact]:
        """What was recorded after the first of these instants and by the second, and is about the month."""
        before, now = (service_book(terms, service, *self.at(as_of)) for as_of in between)
        return late_facts(before, now, month, *between)


class Reading(NamedTuple):
    """As of when a statement is made, and with which release of the time zones."""

    as_of: int
    tzdata: str


def remembering(timelines: TimelinesOf) -> TimelinesOf:
    """The same, folding a check once."""
    known: dict[tuple[str, int, int, int], Mapping[str, Timelines]] = {}

    def remembered(check: CheckTerms) -> Mapping[str, Timelines]:
        place = (check.name, check.hold_ms, check.fall, check.rise)
        if place not in known:
            known[place] = timelines(check)
        return known[place]

    return remembered


def final(draft: Mapping[str, Json]) -> dict[str, Json]:
    """The first closed revision, from the draft that is closed."""
    return _revised(draft, {"status": "final", "revision": 1})


def restated(
    draft: Mapping[str, Json], before: Mapping[str, Json], said: Said, late: Sequence[LateFact]
) -> dict[str, Json]:
    """The revision after `before`: it names that, the facts that came late, and the difference in ms."""
    told: dict[str, Json] = {
        "supersedes": {name: before[name] for name in ("revision", "as_of", "digest")},
        "author": said.author,
        "author_authenticated": said.authenticated,
        "reason": said.reason,
        "facts": [late_fact.shown() for late_fact in late],
        "difference": difference(before, draft),
    }
    revision = cast(int, before["revision"])
    return _revised(
        draft, {"status": "restated", "revision": revision + 1, "supersedes": revision, "restatement": told}
    )


def _revised(draft: Mapping[str, Json], changed: Mapping[str, Json]) -> dict[str, Json]:
    revised = {**draft, **changed}
    return {**revised, "digest": own_digest(revised)}


def with_head(stated: Mapping[str, Json], head: str | None) -> dict[str, Json]:
    """The same with the store's head, which no digest covers."""
    return {**stated, "facts": {**cast("dict[str, Json]", stated["facts"]), "head": head}}


def revisions(recorded: Recorded, chain: Chain) -> list[dict[str, Json]]:
    """Every revision, computed again. Raises KeyError for terms that the log does not hold, InputError when no policy
    is in force. Whether each is what was closed is for the caller to compare."""
    found: list[dict[str, Json]] = []
    for closing in chain:
        terms = recorded.terms[closing.terms or ""]
        draft = recorded.draft(terms, closing.service, closing.month, Reading(closing.as_of, closing.tzdata))
        if not found:
            found.append(with_head(final(draft), closing.head))
        else:
            last = chain[len(found) - 1]
            late = recorded.late(terms, closing.service, closing.month, (last.as_of, closing.as_of))
            before = {**found[-1], "digest": last.digest}
            found.append(with_head(restated(draft, before, closing.said, late), closing.head))
    return found


def closing_fields(closing: Closing) -> dict[str, Json]:
    """The fields of the `closing` fact of a revision; an `id` keeps it from being recorded twice."""
    place = f"{closing.service}/{closing.month}/{closing.revision}"
    fields: dict[str, Json] = {
        "service": closing.service,
        "month": str(closing.month),
        "revision": closing.revision,
        "as_of": format_instant(closing.as_of),
        "digest": closing.digest,
        "author": closing.said.author,
        "terms": closing.terms,
        "tzdata": closing.tzdata,
        "program": closing.program,
        "head": closing.head,
        "id": f"closing/{place}",
    }
    told = {"reason": closing.said.reason, "signature": closing.signature}
    return {**fields, **{name: value for name, value in told.items() if value is not None}}
