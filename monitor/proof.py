"""A statement proved offline: computed again from facts alone, and compared field by field (accounting.md 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from monitor.closing import recorded_of
from monitor.errors import FactError, InputError
from monitor.facts import AnyFact, Json
from monitor.ledger.changes import changes
from monitor.ledger.closings import Closing, Reading, Recorded, closings, revisions
from monitor.ledger.period import parse_instant, parse_month
from monitor.ledger.statement import own_digest

EVER = 2**62

Checked = Callable[[Closing], str | None]
"""What is wrong with a closing beside its digest: its signature, its head."""


def differences(stated: Mapping[str, Json], facts: Sequence[AnyFact], checked: Checked) -> list[str]:
    """What differs between a statement and what the facts give, one a line; none: it is proved.

    Raises InputError for what is no statement.
    """
    try:
        return [*_differing(stated, recorded_of(facts), checked)]
    except FactError as error:
        raise InputError(f"is no statement: {error.reason}") from None


def _differing(stated: Mapping[str, Json], recorded: Recorded, checked: Checked) -> Iterator[str]:
    own, said = own_digest(_with_facts(stated)), _text(stated, "digest")
    if own != said:
        yield f"digest: its own content gives {own}; it says {said}"
    revision = stated.get("revision")
    if type(revision) is not int or revision < 0:
        raise InputError("is no statement: revision: expected a whole number")
    if revision:
        yield from _of_closing(stated, recorded, revision, checked)
    else:
        yield from _of_draft(stated, recorded)


def _of_draft(stated: Mapping[str, Json], recorded: Recorded) -> Iterator[str]:
    digest = _text(cast("Mapping[str, Json]", _object(stated, "terms")), "digest")
    terms = recorded.terms.get(digest)
    if terms is None:
        yield f"terms: no fact holds {digest}"
        return
    reading = Reading(parse_instant(_text(stated, "as_of")), _text(stated, "tzdata"))
    month = parse_month(_text(stated, "month"))
    yield from _compared(stated, recorded.draft(terms, _text(stated, "service"), month, reading))


def _of_closing(stated: Mapping[str, Json], recorded: Recorded, revision: int, checked: Checked) -> Iterator[str]:
    place = (_text(stated, "service"), parse_month(_text(stated, "month")))
    chain = closings(recorded.facts, EVER).get(place, ())
    if len(chain) < revision:
        yield f"revision: the facts hold no closing of revision {revision} of {place[0]} {place[1]}"
        return
    closing = chain[revision - 1]
    if closing.digest != stated["digest"]:
        yield f"digest: revision {revision} was closed as {closing.digest}; it says {stated['digest']}"
    wrong = checked(closing)
    if wrong is not None:
        yield wrong
    missing = [each.terms for each in chain[:revision] if each.terms not in recorded.terms]
    if missing:
        yield f"terms: no fact holds {missing[0]}"
        return
    yield from _compared(stated, revisions(recorded, chain[:revision])[-1])


def _compared(stated: Mapping[str, Json], computed: Mapping[str, Json]) -> Iterator[str]:
    for change in changes(dict(stated), dict(computed)):
        told = cast("dict[str, str]", change)
        yield f"{told['path']}: it says {told['before']}; the facts give {told['after']}"


def _object(stated: Mapping[str, Json], name: str) -> Json:
    found = stated.get(name)
    if not isinstance(found, dict):
        raise InputError(f"is no statement: {name}: expected an object")
    return found


def _with_facts(stated: Mapping[str, Json]) -> Mapping[str, Json]:
    _object(stated, "facts")
    return stated


def _text(stated: Mapping[str, Json], name: str) -> str:
    found = stated.get(name)
    if not isinstance(found, str):
        raise InputError(f"is no statement: {name}: expected text")
    return found
