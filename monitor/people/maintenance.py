"""Maintenance announced by hand (contracts/accounting.md section 5.1): announced, moved, cancelled, completed early.

Each is one more revision. What counts is what customers could see, so an announcement needs the address of the
published notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from monitor.errors import InputError
from monitor.facts import Fact, Json
from monitor.ledger.period import format_instant
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

URL_LIMIT = 2_000  # characters


def announce(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """A window, or the next revision of the maintenance that is named. Announced now unless `announced_at` says when;
    it then counts from there only if it was recorded soon after. A window that has begun needs `late: true` and a
    `reason`, so that nobody records one by a slip."""
    fields: dict[str, Json] = {"announced_at": format_instant(known.now), "maintenance": "unnamed", **said}
    fact = spoken("maintenance", {**fields, "author": author.name}, author, known)
    is_named = "maintenance" in said
    if not is_named:
        fact = renamed(fact, "maintenance", f"maintenance-{fact.fields['start']}")
    subject = cast(str, fact.fields["maintenance"])
    start, _ = check_window(_with_a_window(fact), known.terms)
    _check_notice_is_published(fact)
    if instant_of(fact, "announced_at") > known.now:
        raise InputError("announced_at: is in the future; an announcement counts once customers can see it")
    if start <= known.now and not (fact.fields.get("late") is True and fact.fields.get("reason")):
        raise InputError("start: has passed; say `late: true` and a `reason` to record it all the same")
    before = known.of("maintenance", "maintenance", subject)
    if before and same(before[-1], fact):
        return Said(subject, None, effects(known, None, subject, start))
    if before and not is_named:
        raise ConflictError("maintenance: another one starts then; name this one, or name that one to revise it")
    fact = with_id(fact, subject)
    return Said(subject, fact, effects(known, fact, subject, start))


def cancel(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """The maintenance will not be: a revision without a window."""
    subject, newest = _newest(said, known)
    if newest.fields["start"] is None:
        return Said(subject, None)
    start = instant_of(newest, "start")
    fact = _revised(newest, {**said, "start": None, "end": None}, author, known)
    return Said(subject, fact, effects(known, fact, subject, start))


def complete(said: Mapping[str, Json], author: Author, known: Known) -> Said:
    """It ended early, now or at `at`: a revision that ends the window there."""
    subject, newest = _newest(said, known)
    if newest.fields["start"] is None:
        raise ConflictError("this maintenance is cancelled; there is nothing to complete")
    start, end = instant_of(newest, "start"), instant_of(newest, "end")
    at = said.get("at", format_instant(known.now))
    words = {name: value for name, value in said.items() if name != "at"}
    fact = _revised(newest, {**words, "start": newest.fields["start"], "end": at}, author, known)
    completed = instant_of(fact, "end")
    if not start < completed <= end:
        raise InputError("at: is not within the announced window; cancel what has not begun")
    if completed > known.now:
        raise InputError("at: is in the future; a maintenance is completed when it has ended")
    if completed == end:
        return Said(subject, None, effects(known, None, subject, start))
    return Said(subject, fact, effects(known, fact, subject, start))


def _newest(said: Mapping[str, Json], known: Known) -> tuple[str, Fact]:
    subject = said.get("maintenance")
    before = known.of("maintenance", "maintenance", subject) if isinstance(subject, str) else []
    if not isinstance(subject, str) or not before:
        raise UnknownSubjectError(f"there is no maintenance {subject!r}; announce it first, or look at its name again")
    return subject, before[-1]


def _revised(newest: Fact, changed: Mapping[str, Json], author: Author, known: Known) -> Fact:
    kept = {name: newest.fields[name] for name in ("services", "title", "url", "emergency") if name in newest.fields}
    fields: dict[str, Json] = {**kept, "announced_at": format_instant(known.now), **changed, "author": author.name}
    return with_id(spoken("maintenance", fields, author, known), cast(str, newest.fields["maintenance"]))


def _with_a_window(fact: Fact) -> Fact:
    if fact.fields["start"] is None:
        raise InputError("start: is missing; a maintenance that will not be is cancelled")
    return fact


def _check_notice_is_published(fact: Fact) -> None:
    url = fact.fields.get("url")
    if not isinstance(url, str) or len(url) > URL_LIMIT or not _is_web_address(url):
        raise InputError("url: expected the http or https address of the notice that customers can read")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
