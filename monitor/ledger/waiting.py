"""The tickets that wait for an answer now, kept up fact by fact: what `/metrics` shows of response times.

Each is judged once a fact, not once an evaluation: the instants at which parts of its time are used up are kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.errors import InputError
from monitor.facts import Fact, key
from monitor.ledger.calendar import Class
from monitor.ledger.period import DAY, Month, month_at
from monitor.ledger.response import Settled, Support, Ticket, breaches_in, settle, target_of, told
from monitor.ledger.snapshot import USED, Answering, Used
from monitor.ledger.terms import Terms, policy_for

EARLIEST, LATEST = -2_208_988_800_000, 221_845_392_000_000
"""1900 and 9000: between them calendars are well defined; a ticket from beyond is in no month of a statement."""


class _Judged(NamedTuple):
    """A ticket under the promise of its month. `marks` are the instants from which on half and four fifths are used."""

    month: Month
    settled: Settled
    place: tuple[str, Class]
    received_at: int
    due: int
    marks: tuple[int, int]

    def used(self, as_of: int) -> Used:
        if as_of > self.due:
            return "100"
        half, most = self.marks
        return "80" if as_of >= most else "50" if as_of >= half else "0"


@dataclass(slots=True)
class TicketBook:
    """All tickets under one set of terms."""

    terms: Terms
    _tickets: dict[str, Ticket] = field(default_factory=dict)
    _waiting: dict[str, _Judged] = field(default_factory=dict)
    _late: dict[Month, dict[str, _Judged]] = field(default_factory=dict)
    _seen: set[bytes | str] = field(default_factory=set)

    def take(self, fact: Fact) -> None:
        """One more `ticket` fact, in order of recording; one that is told twice counts once."""
        identity = key(fact) if fact.id is None else fact.id
        if identity in self._seen:
            return
        self._seen.add(identity)
        name = str(fact.fields["ticket"])
        self._tickets[name] = ticket = told(self._tickets.get(name), fact)
        self._waiting.pop(name, None)
        judged = self._judge(ticket)
        if judged is None:
            return
        late = self._late.setdefault(judged.month, {})
        late.pop(name, None)
        if judged.settled.first_reply_at is None:
            self._waiting[name] = judged
        elif judged.settled.state == "late":
            late[name] = judged

    def view(self, as_of: int) -> Answering:
        """How it stands: what waits, of whatever month, and what of the running month is late."""
        running = month_at(as_of, self.terms.zone)
        waiting: Counter[tuple[str, Class, Used]] = Counter()
        oldest: dict[tuple[str, Class], int] = {}
        late: Counter[tuple[str, Class]] = Counter(each.place for each in self._late.get(running, {}).values())
        for place in self._shown(running):
            late[place] += 0
            waiting.update({(*place, used): 0 for used in USED})
        for judged in self._waiting.values():
            if judged.received_at > as_of:
                continue
            place, used = judged.place, judged.used(as_of)
            if place not in oldest:
                oldest[place] = judged.due
                waiting.update({(*place, each): 0 for each in USED if (*place, each) not in waiting})
            elif judged.due < oldest[place]:
                oldest[place] = judged.due
            waiting[*place, used] += 1
            if used == "100" and judged.month == running:
                late[place] += 1
        return Answering(dict(waiting), oldest, dict(late))

    def breaches(self, month: Month, as_of: int) -> dict[str, int]:
        """By priority of the month's promise, also where there is none."""
        support = self._support(month)
        if support is None:
            return {}
        late = Counter(each.settled.priority for each in self._late.get(month, {}).values())
        late.update(
            each.settled.priority
            for each in self._waiting.values()
            if each.month == month and each.settled.due is not None and each.settled.due < as_of
        )
        return {priority: breaches_in(support, late[priority]) for priority in support.respond_within}

    def _judge(self, ticket: Ticket) -> _Judged | None:
        received = ticket.received_at
        if not EARLIEST <= received < LATEST - DAY:
            return None
        month = month_at(received, self.terms.zone)
        support = self._support(month)
        if support is None:
            return None
        settled = settle(ticket, support, received)
        target = target_of(support, settled.priority, settled.klass)
        if target is None or settled.due is None:
            return None
        half, most = (support.calendar.share(received, target, hundredths) for hundredths in (50, 80))
        place = (settled.priority, settled.klass)
        return _Judged(month, settled, place, received, settled.due, (half, most))

    def _support(self, month: Month) -> Support | None:
        try:
            return policy_for(self.terms.policies, month).support
        except InputError:
            return None  # nothing was promised then

    def _shown(self, running: Month) -> list[tuple[str, Class]]:
        """What is shown with 0 where there is none: every priority and class of the promise in force."""
        support = self._support(running)
        if support is None:
            return []
        classes: tuple[Class, ...] = ("in_hours",) if support.calendar.round_the_clock else ("in_hours", "after_hours")
        return [(priority, klass) for priority in support.respond_within for klass in classes]
