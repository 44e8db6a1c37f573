"""Who says something, what is known when they do, and what their words come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from monitor.errors import FactError, InputError
from monitor.facts import Fact, Json, decode_fact
from monitor.ledger.credits import Customer
from monitor.ledger.entries import Entries, admit
from monitor.ledger.exclusion import Exclusion, concerns, declared_by_person, maintenances
from monitor.ledger.interval import Spans
from monitor.ledger.period import DAY, format_instant, month_at, parse_instant
from monitor.ledger.terms import Policy, Terms, policy_for

LONGEST = 31 * DAY
"""Of a window that a person declares or announces, in ms (design/reliability.md, "4 Bad input")."""


UNNOTICED = frozenset({"notice_too_short", "moved", "overrun"})
"""Refusals that an earlier announcement would have avoided."""


class UnknownSubjectError(InputError):
    """Nothing is recorded under the id that was named."""


class ConflictError(InputError):
    """What is recorded already does not allow it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who says so. `token` is the id of the bearer token that proves the name; None: the name was only typed."""

    name: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What stands recorded (no results; in order of recording), the terms, now, UTC ms, and who was promised."""

    facts: Sequence[Fact]
    terms: Terms
    now: int
    customers: Sequence[Customer] = ()

    def of(self, kind: str, field: str, subject: str) -> list[Fact]:
        """The facts of a kind about one subject, in order of recording."""
        return [fact for fact in self.facts if fact.kind == kind and fact.fields.get(field) == subject]


class Effect(NamedTuple):
    """What an exclusion comes to for one service as things stand; `notice_ms` is that of a maintenance.

    `granted` is when DOWN time is excused, `refused` why the rest of what is claimed is not. `first_start` is the first
    start that would still earn the notice, where this one does not. `policy_notice_ms` None: no policy is in force.
    """

    service: str
    granted: Spans
    refused: Mapping[str, Spans]
    notice_ms: int | None = None
    policy_notice_ms: int | None = None
    first_start: int | None = None


class Said(NamedTuple):
    """The id of what was spoken of, the fact to record (None: the same stands recorded), and what it comes to: for each
    service, or in words. `more` are further facts of the same words, of other subjects."""

    subject: str
    fact: Fact | None
    effects: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()
    more: tuple[Fact, ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that is to be recorded."""
        return self.more if self.fact is None else (self.fact, *self.more)


def spoken(kind: str, fields: Mapping[str, Json], author: Author, known: Known) -> Fact:
    """The fact of what a person said now: `source` says who, and `authenticated_by` which token proves it; null where
    the name was only typed.

    Raises FactError for a field that is not as facts.md has it, or that is not a person's to set.
    """
    for reserved in ("kind", "recorded_at", "id", "source", "authenticated_by"):
        if reserved in fields:
            raise FactError(f"{reserved}: is set when it is recorded; leave it out")
    proof = None if author.token is None else f"token {author.token}"
    given: dict[str, Json] = {"kind": kind, **fields, "source": f"person:{author.name}", "authenticated_by": proof}
    fact = decode_fact(given, known.now)
    if not isinstance(fact, Fact):
        raise FactError(f"kind: a person records no {kind}")
    return fact


def renamed(fact: Fact, field: str, subject: str) -> Fact:
    """The same about a subject that was given no name."""
    return Fact(fact.kind, fact.recorded_at, {**fact.fields, field: subject})


def with_id(fact: Fact, subject: str) -> Fact:
    """The fact with an id of the moment: a return to an earlier state is a fact of its own (facts.md, `id`)."""
    moment = f"{fact.source}/{subject}/{format_instant(fact.recorded_at)}"
    return Fact(fact.kind, fact.recorded_at, {**fact.fields, "id": moment})


def same(one: Fact, other: Fact) -> bool:
    """Whether both say the same of the same, whoever said it and when."""
    apart = {"id", "source", "authenticated_by", "author", "announced_at"}
    return _without(one, apart) == _without(other, apart)


def _without(fact: Fact, fields: set[str]) -> dict[str, Json]:
    return {name: value for name, value in fact.fields.items() if name not in fields}


def check_window(fact: Fact, terms: Terms) -> tuple[int, int]:
    """The ends of a window that is not empty, not too long, and of services that there are. Raises InputError."""
    start, end = instant_of(fact, "start"), instant_of(fact, "end")
    if end <= start:
        raise InputError("end: expected an instant after start")
    if end - start > LONGEST:
        raise InputError("end: expected at most 31 days after start; record longer ones in parts")
    named = [service.name for service in terms.services]
    for service in cast("list[str]", fact.fields.get("services") or []):
        if service not in named:
            raise InputError(f"services: there is no service {service!r}; the configuration names: {' '.join(named)}")
    return start, end


def instant_of(fact: Fact, field: str) -> int:
    """A field that decoding has made a canonical instant, in UTC ms."""
    return parse_instant(cast(str, fact.fields[field]))


def effects(known: Known, fact: Fact | None, subject: str, at: int) -> tuple[Effect, ...]:
    """What a maintenance or an exclusion comes to for each service it concerns, by the ledger's own functions.

    `at` is an instant of the month whose policy decides.
    """
    facts = [*known.facts, fact] if fact is not None else known.facts
    entries = admit(facts, max((each.recorded_at for each in facts), default=known.now))
    found = [_effect(known, entries, service.name, subject, at) for service in known.terms.services]
    return tuple(effect for effect in found if effect is not None)


def _effect(known: Known, entries: Entries, service: str, subject: str, at: int) -> Effect | None:
    try:
        policy = policy_for(known.terms.policies, month_at(at, known.terms.zone))
    except InputError:
        return Effect(service, [], {}) if any(concerns(fact, service) for fact in _about(entries, subject)) else None
    claimed = [*maintenances(entries, service, policy), *declared_by_person(entries, service, policy)]
    exclusion = next((each for each in claimed if each.id == subject), None)
    return None if exclusion is None else _stated(service, exclusion, policy, known.now)


def _about(entries: Entries, subject: str) -> list[Fact]:
    both = (("maintenance", "maintenance"), ("exclusion", "exclusion"))
    return [fact for kind, field in both for fact in entries.of(kind) if fact.fields[field] == subject]


def _stated(service: str, exclusion: Exclusion, policy: Policy, now: int) -> Effect:
    refused: dict[str, Spans] = {why: spans for why, spans in exclusion.refused.items() if spans}
    if exclusion.klass != "maintenance":
        return Effect(service, exclusion.granted, refused, policy_notice_ms=policy.notice_ms)
    notice = exclusion.shown.get("notice_ms")
    first = now + policy.notice_ms if refused.keys() & UNNOTICED else None
    return Effect(
        service,
        exclusion.granted,
        refused,
        notice if isinstance(notice, int) else None,
        policy.notice_ms,
        first,
    )
