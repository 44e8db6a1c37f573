"""The tickets that wait for an answer now, kept up fact by fact: what `/metrics` shows of response times.

Each is judged once a fact, not once an evaluation: the instants at which parts of its time are used up are kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
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


@dataclass(slots=True)
class _Queue:
    """The tickets of one month, priority and class that wait: when each came, has used half and four fifths of its
    time, and is due; each list in order, so that however many wait they are counted in no time."""

    received: list[int] = field(default_factory=list)
    half: list[int] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    due: list[tuple[int, int]] = field(default_factory=list)

    def add(self, judged: _Judged) -> None:
        half, most = judged.marks
        for line, instant in ((self.received, judged.received_at), (self.half, half), (self.most, most)):
            insort(line, instant)
        insort(self.due, (judged.due, judged.received_at))

    def remove(self, judged: _Judged) -> None:
        half, most = judged.marks
        for line, instant in ((self.received, judged.received_at), (self.half, half), (self.most, most)):
            del line[bisect_left(line, instant)]
        del self.due[bisect_left(self.due, (judged.due, judged.received_at))]

    def counts(self, as_of: int) -> dict[Used, int]:
        """By how much of their time is used; those that are received later do not wait yet."""
        came, half, most = (bisect_right(line, as_of) for line in (self.received, self.half, self.most))
        late = bisect_left(self.due, (as_of,))
        return {"0": came - half, "50": half - most, "80": most - late, "100": late}

    def oldest_due(self, as_of: int) -> int | None:
        """When the first of those that wait is due."""
        return next((due for due, received in self.due if received <= as_of), None)


@dataclass(slots=True)
class TicketBook:
    """All tickets under one set of terms."""

    terms: Terms
    _tickets: dict[str, Ticket] = field(default_factory=dict)
    _waiting: dict[str, _Judged] = field(default_factory=dict)
    _queues: dict[tuple[Month, tuple[str, Class]], _Queue] = field(default_factory=dict)
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
        before = self._waiting.pop(name, None)
        if before is not None:
            self._queues[before.month, before.place].remove(before)
        judged = self._judge(ticket)
        if judged is None:
            return
        late = self._late.setdefault(judged.month, {})
        late.pop(name, None)
        if judged.settled.first_reply_at is None:
            self._waiting[name] = judged
            self._queues.setdefault((judged.month, judged.place), _Queue()).add(judged)
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
        for (month, place), queue in self._queues.items():
            due = queue.oldest_due(as_of)
            if due is None:
                continue
            oldest[place] = min(due, oldest.get(place, due))
            counts = queue.counts(as_of)
            waiting.update({(*place, used): count for used, count in counts.items()})
            late[place] += counts["100"] if month == running else 0
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
