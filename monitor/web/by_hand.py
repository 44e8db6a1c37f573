"""What people record over HTTP: exclusions, decisions, maintenance, tickets, claims. The author is the token's name.

A name that is typed (`author`) is taken, and marked as such wherever it is shown. Doing the same twice records nothing
twice: what stands already is answered as it is, with `new` 0.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from aiohttp import web

from monitor.errors import FactError, InputError, StoreError
from monitor.facts import Json, parse_json
from monitor.ledger.period import format_instant
from monitor.people import OPERATIONS, Author, ConflictError, Effect, Known, Said, UnknownSubjectError
from monitor.people.publishing import PUBLISHED_AND_NOT_KEPT, NotPublishedError, published, to_publish
from monitor.web.batch import without_input
from monitor.web.body import read_body
from monitor.web.daemon import Daemon
from monitor.web.guard import CALLER
from monitor.web.problems import Handler, Problem, unavailable
from monitor.web.tokens import Token

log = logging.getLogger(__name__)

JSON = "application/json"

RECORD_SECONDS = 20.0
"""For the fact to become durable; after that the sender is told to try again, which is safe."""

AUTHOR_LIMIT = 100  # characters


class ByHand:
    """The handlers, one an operation of `people.OPERATIONS`; one after the other, so that each knows of the last."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._one_at_a_time = asyncio.Lock()

    def does(self, operation: str, subject: str | None = None) -> Handler:
        """The handler of an operation. `subject` is the member that the path names."""

        async def handle(request: web.Request) -> web.Response:
            words = object_of(await read_body(request, JSON))
            if subject is not None:
                if subject in words:
                    raise Problem(422, "bad_fact", f"nothing was stored: {subject}: stands in the path; leave it out")
                words[subject] = request.match_info["subject"]
            author = author_of(words, request[CALLER])
            async with self._one_at_a_time:
                said, new = await self._record(operation, words, author)
            log.info("token %s: %s, %d new", request[CALLER].id, operation, new)
            return web.json_response(answer(said, new, author))

        return handle

    async def _record(self, operation: str, words: Mapping[str, Json], author: Author) -> tuple[Said, int]:
        try:
            known = await self._daemon.known()
            if operation == "announce" and "publish" in words:
                return await self._publish(words, author, known)
            said = OPERATIONS[operation](words, author, known)
            if said.fact is None:
                return said, 0
            async with asyncio.timeout(RECORD_SECONDS):
                return said, await self._daemon.record(said.facts)
        except NotPublishedError as error:
            raise Problem(502, "not_published", without_input(str(error))) from None
        except FactError as error:
            line = "" if error.line is None else f"line {error.line}: "
            raise Problem(422, "bad_fact", f"nothing was stored: {line}{without_input(error.reason)}") from None
        except UnknownSubjectError as error:
            raise Problem(404, "not_found", without_input(str(error))) from None
        except ConflictError as error:
            raise Problem(409, "conflict", f"nothing was stored: {without_input(str(error))}") from None
        except InputError as error:
            raise Problem(422, "bad_fact", f"nothing was stored: {without_input(str(error))}") from None
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", "it could not be kept; send it again") from None

    async def _publish(self, words: Mapping[str, Json], author: Author, known: Known) -> tuple[Said, int]:
        name = words["publish"]
        page = self._daemon.our_page(name) if isinstance(name, str) else None
        if page is None:
            raise InputError("publish: expected a source that announces maintenance and has an `api_key`")
        told = {field: value for field, value in words.items() if field != "publish"}
        notice = to_publish(told, author, known, page)
        if isinstance(notice, Said):
            return notice, 0
        answer = await self._daemon.publish(page.name, notice)
        said = published(told, author, known, (page, answer))
        if said.fact is None:
            return said, 0
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                return said, await self._daemon.record(said.facts)
        except (StoreError, TimeoutError):
            raise unavailable("store_unavailable", PUBLISHED_AND_NOT_KEPT) from None


def author_of(words: dict[str, Json], caller: Token) -> Author:
    """Whose word it is: the token's own name, or the name that was typed, which nothing proves. Takes `author` out of
    the words. Raises Problem."""
    typed = words.pop("author", None)
    if typed is None:
        if caller.is_local:
            raise Problem(422, "bad_fact", "nothing was stored: author: is missing; say who does this")
        return Author(caller.author, caller.id)
    if not isinstance(typed, str) or not typed.strip() or len(typed) > AUTHOR_LIMIT or not typed.isprintable():
        raise Problem(422, "bad_fact", f"nothing was stored: author: expected a name of at most {AUTHOR_LIMIT} letters")
    return Author(typed, caller.id if typed == caller.author and not caller.is_local else None)


def answer(said: Said, new: int, author: Author) -> dict[str, Json]:
    """What is told at once: the id, whether it is new, whose word it is, and what it comes to."""
    return {
        "subject": said.subject,
        "new": new,
        "author": author.name,
        "authenticated": author.token is not None,
        "effects": [effect_json(effect) for effect in said.effects],
        "notes": list(said.notes),
    }


def effect_json(effect: Effect) -> Json:
    return {
        "service": effect.service,
        "granted": [[format_instant(start), format_instant(end)] for start, end in effect.granted],
        "refused": {
            why: [[format_instant(start), format_instant(end)] for start, end in spans]
            for why, spans in effect.refused.items()
        },
        "notice_ms": effect.notice_ms,
        "policy_notice_ms": effect.policy_notice_ms,
        "first_start": None if effect.first_start is None else format_instant(effect.first_start),
    }


def object_of(body: bytes) -> dict[str, Json]:
    """The JSON object that a body is. Raises Problem."""
    try:
        given = parse_json(body)
    except FactError as error:
        raise Problem(422, "bad_fact", f"nothing was stored: {without_input(error.reason)}") from None
    if not isinstance(given, dict):
        raise Problem(422, "bad_fact", "nothing was stored: expected a JSON object")
    return given
