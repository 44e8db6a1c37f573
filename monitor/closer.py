"""Closing and restating: what is asked for, what the facts allow, and the `closing` facts to record.

Contracts/accounting.md section 9. From the facts this is pure; `finalising` brings the daemon's store, and
`cli.recording` one that no daemon holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from operator import attrgetter
from typing import cast

from monitor import __version__
from monitor.closing import EARLIEST, closed, recorded_of, why_different
from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Json
from monitor.ledger.breaches import breaches_of
from monitor.ledger.closings import Chain, Closing, Reading, Recorded, Said, closing_fields, closings, final, restated
from monitor.ledger.late import difference
from monitor.ledger.period import Month, format_instant, parse_instant, parse_month
from monitor.ledger.terms import Terms
from monitor.people import Author, ConflictError, UnknownSubjectError, Words

DAEMON = "minutebook"
"""The author of what a daemon closes by itself."""

REASON_LETTERS = 2000

Sign = Callable[[str], str]
"""From the text of a digest to a signature of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be closed or restated. `services` None: all that can be. `reason` is that of a restatement."""

    month: Month
    services: tuple[str, ...] | None
    restate: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when it is done (UTC ms), with the store's head then, under the terms in force; who signs, and the location
    of a daemon that does it by itself."""

    as_of: int
    terms: Terms
    head: str | None
    sign: Sign | None = None
    daemon: str | None = None


@dataclass(slots=True)
class Outcome:
    """The facts to record, and what each comes to, as it is told."""

    facts: list[Fact] = field(default_factory=list)
    told: list[Json] = field(default_factory=list)

    def add(self, closing: tuple[Fact, Json] | None) -> None:
        """Adds a `closing` fact and what it comes to; None adds nothing."""
        if closing is not None:
            self.facts.append(closing[0])
            self.told.append(closing[1])


def order_of(words: Words, *, restate: bool) -> Order:
    """Raises InputError for a member that is wrong."""
    allowed = {"month", "service", "reason"} if restate else {"month", "service"}
    unknown = sorted(words.keys() - allowed)
    if unknown:
        raise InputError(f"{unknown[0][:40]}: is not known; expected {' '.join(sorted(allowed))}")
    month, service, reason = words.get("month"), words.get("service"), words.get("reason")
    if not isinstance(month, str):
        raise InputError("month: expected YYYY-MM, for example 2026-03")
    if service is not None and not isinstance(service, str):
        raise InputError("service: expected a name")
    if restate and (not isinstance(reason, str) or not reason.strip()):
        raise InputError("reason: is missing; say why the statement is restated, in words for the customer")
    if isinstance(reason, str) and len(reason) > REASON_LETTERS:
        raise InputError(f"reason: expected at most {REASON_LETTERS} letters")
    text = reason if isinstance(reason, str) else None
    return Order(parse_month(month), None if service is None else (service,), restate, text)


def carried_out(facts: Sequence[AnyFact], order: Order, at: Moment, author: Author) -> Outcome:
    """By hand. Raises InputError for a month that is not over or before the first fact, UnknownSubjectError for a
    service that never was, ConflictError for closing twice, for restating a draft, and where nothing came late;
    StatementDiffersError where what was closed cannot be computed again."""
    if author.name == DAEMON and author.token is None:
        raise InputError(f"author: {DAEMON} is the daemon's own name; say who does this")
    desk = Desk(recorded_of(facts), closings(facts, at.as_of), at, author)
    return desk.restate(order) if order.restate else desk.close(order)


@dataclass(frozen=True, slots=True)
class Desk:
    """A log at one moment, and who closes or restates in it."""

    recorded: Recorded
    chains: Mapping[tuple[str, Month], Chain]
    at: Moment
    author: Author

    def close(self, order: Order) -> Outcome:
        """Closes the drafts of a month that is over."""
        self._refuse_early(order.month)
        outcome = Outcome()
        wanted = order.services if order.services is not None else self.seen_in(order.month)
        open_ones = [service for service in wanted if (service, order.month) not in self.chains]
        if wanted and not open_ones:
            newest = max(self.chains[service, order.month][-1].revision for service in wanted)
            raise ConflictError(
                f"{' '.join(wanted)} {order.month}: closed already, revision {newest} stands; restating takes in what"
                " came since"
            )
        for service in open_ones:
            try:
                outcome.add(self.closing(service, order.month))
            except InputError:
                if order.services is not None:
                    raise
        if not outcome.facts:
            raise InputError(f"{order.month}: nothing was recorded of it, so there is nothing to close")
        return outcome

    def closing(self, service: str, month: Month) -> tuple[Fact, Json]:
        """The first revision. Raises InputError when nothing is known of that month, UnknownSubjectError."""
        terms = self._terms(service)
        draft = self.recorded.draft(terms, service, month, self._reading())
        since, end = draft["measured_since"], month.period(terms.zone).end
        if not isinstance(since, str) or parse_instant(since) >= end:
            first = f"the first look at it was {since}" if isinstance(since, str) else "it was never looked at"
            raise InputError(f"{service} {month}: nothing was recorded of it: {first}; close a later month")
        return self._fact(final(draft), terms, Said(self.author.name, self.author.token is not None), None)

    def restate(self, order: Order) -> Outcome:
        """The next revision of what is closed: of the service named, or of each that something came late for, or whose
        tickets were pending when it was closed and are late by now."""
        named = order.services
        places = [(service, order.month) for service in named or ()] or [
            place for place in self.chains if place[1] == order.month
        ]
        if named is not None and places[0] not in self.chains:
            self._terms(named[0])
        if not places or any(place not in self.chains for place in places):
            raise ConflictError(f"{order.month}: is a draft, which is made anew each time; close it first")
        outcome = Outcome()
        for place in places:
            outcome.add(self._restatement(self.chains[place], order))
        if not outcome.facts:
            raise ConflictError(f"{order.month}: nothing came since it was closed, so there is nothing to restate")
        return outcome

    def _restatement(self, chain: Chain, order: Order) -> tuple[Fact, Json] | None:
        newest = chain[-1]
        if self.at.as_of < newest.as_of:
            raise ConflictError(f"{newest.service} {newest.month}: the clock stands before its closing; set it right")
        before = closed(self.recorded, chain)
        terms = self.recorded.terms[newest.terms or ""]
        late = self.recorded.late(terms, newest.service, newest.month, (newest.as_of, self.at.as_of))
        waited = any(row["verdict"] == "pending" for row in cast("list[dict[str, Json]]", before["commitments"]))
        if not late and not waited and why_different(before, newest) is None:
            return None
        draft = self.recorded.draft(terms, newest.service, newest.month, self._reading())
        if not late and waited and draft["commitments"] == before["commitments"]:
            return None
        said = Said(self.author.name, self.author.token is not None, order.reason)
        return self._fact(restated(draft, {**before, "digest": newest.digest}, said, late), terms, said, before)

    def seen_in(self, month: Month) -> tuple[str, ...]:
        """The services of the terms in force that were seen before the month's end, and those of earlier terms that
        were looked at within it."""
        found: dict[str, bool] = {}
        current = {service.name for service in self.at.terms.services}
        for terms in (self.at.terms, *self.recorded.terms.values()):
            start, end = month.period(terms.zone)
            for service in terms.services:
                if not found.get(service.name):
                    first = EARLIEST if service.name in current else start
                    found[service.name] = any(self._looked_at(check.name, first, end) for check in service.checks)
        return tuple(service for service, was_seen in found.items() if was_seen)

    def _looked_at(self, check: str, first: int, end: int) -> bool:
        entries, _ = self.recorded.at(self.at.as_of)
        series = entries.results.get(check, {}).values()
        places = ((looks, bisect_left(looks, first, key=attrgetter("at"))) for looks in series)
        if any(place < len(looks) and looks[place].at < end for looks, place in places):
            return True
        return any(
            stretch.first < end and stretch.last >= first
            for vantage in entries.vantages(check)
            for days in entries.under(check, vantage)
            for stretch in days.stretches
        )

    def _terms(self, service: str) -> Terms:
        """The terms in force, or the newest that knew the service. Raises UnknownSubjectError."""
        for terms in (self.at.terms, *reversed([*self.recorded.terms.values()])):
            if any(each.name == service for each in terms.services):
                return terms
        named = " ".join(each.name for each in self.at.terms.services)
        raise UnknownSubjectError(f"there is no service {service!r} and never was; the configuration names: {named}")

    def _refuse_early(self, month: Month) -> None:
        end = month.period(self.at.terms.zone).end
        if self.at.as_of < end:
            raise InputError(f"{month}: is not over; it can be closed from {format_instant(end)} on")

    def _reading(self) -> Reading:
        return Reading(self.at.as_of, version("tzdata"))

    def _fact(
        self, stated: Mapping[str, Json], terms: Terms, said: Said, before: Mapping[str, Json] | None
    ) -> tuple[Fact, Json]:
        closing = Closing(
            service=cast(str, stated["service"]),
            month=parse_month(cast(str, stated["month"])),
            revision=cast(int, stated["revision"]),
            as_of=self.at.as_of,
            digest=cast(str, stated["digest"]),
            said=said,
            recorded_at=0,
            terms=terms.digest,
            tzdata=version("tzdata"),
            program=__version__,
            head=self.at.head,
            signature=None if self.at.sign is None else self.at.sign(cast(str, stated["digest"])),
        )
        source = f"person:{self.author.name}" if self.at.daemon is None else self.at.daemon
        found = breaches_of(closing.month, [stated])
        fields: dict[str, Json] = {
            **closing_fields(closing),
            "source": source,
            "breaches": {**found.by_name()},
            "unproven": found.is_unproven,
        }
        if self.author.token is not None:
            fields["authenticated_by"] = f"token {self.author.token}"
        told: dict[str, Json] = {
            "service": closing.service,
            "month": str(closing.month),
            "revision": closing.revision,
            "digest": closing.digest,
            "verdict": stated["verdict"],
            "difference": None if before is None else difference(before, stated),
        }
        return Fact("closing", 0, fields), told
