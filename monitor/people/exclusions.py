"""Declared by a person, approved by another, revoked by anybody (contracts/accounting.md section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from monitor.errors import InputError
from monitor.facts import Fact, Json
from monitor.ledger.exclusion import is_authenticated
from monitor.people.known import (
    Author,
    ConflictError,
    Known,
    Said,
    UnknownSubjectError,
    check_window,
    effects,
    instant_of,
    renamed,
    same,
    spoken,
    with_id,
)


def exclude(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """An exclusion of class force_majeure, customer or connectivity. Without a name of its own it is named by class and
    start. It can be revoked and never edited: the same name for something else is a conflict."""
    fact = spoken("exclusion", {"exclusion": "unnamed", **said, "author": author.name}, author, known)
    if "exclusion" not in said:
        fact = renamed(fact, "exclusion", f"{fact.fields['class']}-{fact.fields['start']}")
    given = cast(str, fact.fields["exclusion"])
    for field in ("reason", "evidence"):
        if not cast(str, fact.fields[field]).strip():
            raise InputError(f"{field}: is empty; say what others can check")
    start, _ = check_window(fact, known.terms)
    if start > known.now:
        raise InputError("start: is in the future; an exclusion is declared for what has happened")
    before = known.of("exclusion", "exclusion", given)
    if not before:
        return Said(given, fact, effects(known, fact, given, start))
    if not same(before[0], fact):
        raise ConflictError("exclusion: this name stands for something else; revoke that, or choose another name")
    return Said(given, None, effects(known, None, given, start))


def decide(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """`approved`, by another person than the author, or `revoked`, by anybody and for good. An approval under a name
    that was only typed is recorded, and is nobody's."""
    fact = spoken("exclusion_decision", {**said, "author": author.name}, author, known)
    subject = cast(str, fact.fields["exclusion"])
    declared = next(iter(known.of("exclusion", "exclusion", subject)), None)
    if declared is None:
        raise UnknownSubjectError(f"there is no exclusion {subject!r}; record it first, or look at its name again")
    decisions = known.of("exclusion_decision", "exclusion", subject)
    start = instant_of(declared, "start")
    if fact.fields["decision"] == "approved":
        _check_approval(declared, decisions, author)
    if any(_decides_alike(decision, fact) for decision in decisions):
        return Said(subject, None, effects(known, None, subject, start))
    fact = with_id(fact, f"{subject}/{fact.fields['decision']}")
    return Said(subject, fact, effects(known, fact, subject, start))


def _check_approval(declared: Fact, decisions: list[Fact], author: Author) -> None:
    if any(decision.fields["decision"] == "revoked" for decision in decisions):
        raise ConflictError("this exclusion is revoked, which is final; declare another one")
    token = f"token {author.token}"
    if declared.fields["author"] == author.name or declared.fields.get("authenticated_by") == token:
        raise ConflictError("an exclusion is approved by another person than its author")


def _decides_alike(before: Fact, fact: Fact) -> bool:
    """Whether the decision stands already: once revoked is enough, and once approved by the same person, as well proved
    as now."""
    if before.fields["decision"] != fact.fields["decision"]:
        return False
    is_proved_now = is_authenticated(fact) and not is_authenticated(before)
    return fact.fields["decision"] == "revoked" or (
        before.fields["author"] == fact.fields["author"] and not is_proved_now
    )
