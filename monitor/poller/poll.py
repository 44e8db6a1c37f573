"""One poll: the requests of a source one after the other, each reply read where it cannot hold up a probe."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from monitor.facts import Result
from monitor.poller.fetch import Answer, Bodies, Failure, Fetcher, Kept, Place, place_of
from monitor.settings import Settings
from monitor.sources import AnySource
from monitor.sources.kind import Asked, Component, Listing, Page, Problem, Ticket


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked: a source's kind, its settings, and what the poll is about."""

    kind: AnySource
    settings: Settings
    asked: Asked


@dataclass(slots=True)
class Seen:
    """What one poll saw. With a `failure` nothing of it is to be used but the problems."""

    at: int
    listings: list[Listing] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    problems: Counter[Problem] = field(default_factory=Counter)
    gone: list[str] = field(default_factory=list)
    bodies: dict[Place, Kept] = field(default_factory=dict)
    failure: Failure | None = None

    def add(self, page: Page) -> None:
        """Adds what one reply, or one delivery, said."""
        self.listings += page.listings
        self.results += page.results
        self.components += page.components
        self.tickets += page.tickets
        self.problems.update(page.problems)
        self.problems["component_gone"] += len(page.gone)
        self.gone += page.gone

    def fail(self, failure: Failure) -> Seen:
        """The poll has failed."""
        self.problems[failure.problem] += 1
        self.failure = failure
        return self


async def poll(asking: Asking, fetcher: Fetcher, before: Bodies) -> Seen:
    """Asks for everything once. `before` are the bodies of the last good poll."""
    seen = Seen(asking.asked.now)
    waiting = deque(asking.kind.begin(asking.settings, asking.asked))
    for _ in range(asking.kind.most_requests):
        if not waiting:
            return seen
        request = waiting.popleft()
        answer = await fetcher.fetch(request, before.get(place_of(request)))
        page = await _read(asking, answer)
        if isinstance(page, Page):
            seen.at = fetcher.clock.now()
            seen.add(page)
            if answer.kept is not None:
                seen.bodies[place_of(request)] = answer.kept
            waiting.extend(page.next)
        elif not request.optional:
            return seen.fail(page)
        elif not page.not_offered:
            seen.problems[page.problem] += 1
    if not waiting:
        return seen
    return seen.fail(Failure("too_many_requests", f"over {asking.kind.most_requests} requests in one poll"))


async def _read(asking: Asking, answer: Answer) -> Page | Failure:
    if isinstance(answer.reply, Failure):
        return answer.reply
    # In a thread: a large body takes longer to read than the loop may stand still.
    page = await asyncio.to_thread(asking.kind.read, asking.settings, asking.asked, answer.reply)
    if page.failed is None:
        return page
    return Failure(page.failed, f"the {answer.reply.request.purpose}", not_offered=page.failed == "html")
