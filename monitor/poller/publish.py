"""Publishes a maintenance on a page of ours, and says what the page answered."""

from __future__ import annotations

import asyncio

from monitor.ledger.period import Period
from monitor.people.publishing import Notice, NotPublishedError, Published
from monitor.poller.fetch import Failure, Fetcher
from monitor.sources import instatus
from monitor.sources.instatus import InstatusSettings
from monitor.sources.instatus_publish import announcement, answered, ids_of
from monitor.sources.kind import ANY_COMPONENT, MOST_REQUESTS, Asked, Component

PUBLISH_S = 40.0
"""For all of it: a person waits."""

_REFUSED = ("forbidden", "status", "rate_limited", "redirected")
"""The page has answered, and has not taken it; after anything else nobody knows."""


async def publish(fetcher: Fetcher, source: str, settings: InstatusSettings, notice: Notice) -> Published:
    """Has the page show it, and its subscribers told. Raises NotPublishedError."""
    try:
        async with asyncio.timeout(PUBLISH_S):
            offered = await _offered(fetcher, source, settings)
            ids, missing = ids_of(notice.components, offered)
            if missing:
                raise NotPublishedError(
                    f"{source} has no component {missing[0]!r}, so nothing was published; `minutebook components"
                    f" {source}` lists what it has"
                )
            return await _post(fetcher, source, settings, notice._replace(components=tuple(ids)))
    except TimeoutError:
        raise _nobody_knows(source, "timeout") from None


async def _offered(fetcher: Fetcher, source: str, settings: InstatusSettings) -> list[Component]:
    now = fetcher.clock.now()
    asked = Asked(source, Period(now, now), wanted=frozenset({ANY_COMPONENT}))
    waiting = [instatus.components_request(settings)]
    found: list[Component] = []
    for _ in range(MOST_REQUESTS):
        if not waiting:
            break
        answer = await fetcher.fetch(waiting.pop(), None)
        if isinstance(answer.reply, Failure):
            raise _refused(source, answer.reply.problem, answer.reply.words)
        page = await asyncio.to_thread(instatus.parse, settings, asked, answer.reply)
        if page.failed is not None:
            raise _refused(source, page.failed, "its list of components")
        found += page.components
        waiting += page.next
    return found


async def _post(fetcher: Fetcher, source: str, settings: InstatusSettings, notice: Notice) -> Published:
    request = announcement(settings, notice.title, notice.window, list(notice.components))
    reply = (await fetcher.fetch(request, None)).reply
    if isinstance(reply, Failure):
        if reply.problem in _REFUSED:
            raise _refused(source, reply.problem, reply.words)
        raise _nobody_knows(source, reply.problem)
    found = answered(reply)
    if isinstance(found, str):
        raise _nobody_knows(source, found)
    url = settings.item_url("maintenance", found.id)
    return Published(found.id, url or settings.url, found.words)


def _refused(source: str, problem: str, words: str) -> NotPublishedError:
    mend = (
        "look at its api_key and page_id" if problem == "forbidden" else "publish it there by hand, and give its --url"
    )
    return NotPublishedError(f"{source} did not take it: {problem} ({words}); nothing was recorded: {mend}")


def _nobody_knows(source: str, problem: str) -> NotPublishedError:
    return NotPublishedError(
        f"{source} gave no answer to trust ({problem}); nothing was recorded. Look at the page: if it shows the"
        " maintenance, the next poll records it; if not, announce it again"
    )
