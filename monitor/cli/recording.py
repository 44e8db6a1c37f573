"""How a command records by hand: through the daemon that holds the store, or into the store where none runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from socket import socket
from typing import cast
from urllib.parse import quote

import click

from monitor.cli.inputs import ALL_TIME, Command, configuration, storage_of
from monitor.clock import SystemClock
from monitor.closer import Moment, carried_out, order_of
from monitor.closing import newest_terms
from monitor.config import Config, customers_of, to_terms, written_terms
from monitor.errors import InputError, StoreError
from monitor.facts import AnyFact, Fact, Json
from monitor.finalising import head_text
from monitor.ledger.period import Period
from monitor.people import OPERATIONS, Author, Known, Said, Words
from monitor.people.publishing import PUBLISHED_AND_NOT_KEPT, Notice, Published, published, to_publish
from monitor.poller import Fetcher, session
from monitor.signing import signer
from monitor.store import open_for_writing
from monitor.store.url import store_path
from monitor.web.body import BODY_LIMIT
from monitor.web.by_hand import answer
from monitor.web.closings import closings_answer
from monitor.web.control import Local, connected
from monitor.web.tokens import Tokens
from monitor.wiring import control_socket, our_page, publish_on, terms_fact, tokens_file

TOKEN = "MINUTEBOOK_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable that holds a token: the author is then the token's name."""

PATHS: Mapping[str, str] = {
    "exclude": "/api/v1/exclusions",
    "decide": "/api/v1/exclusions/{}/decisions",
    "announce": "/api/v1/maintenance",
    "cancel": "/api/v1/maintenance/{}/cancellation",
    "complete": "/api/v1/maintenance/{}/completion",
    "close": "/api/v1/closings",
    "restate": "/api/v1/restatements",
    "traffic_event": "/api/v1/events",
    "cancel_event": "/api/v1/events/{}/cancellation",
    "ticket": "/api/v1/tickets",
    "reading": "/api/v1/readings",
    "claim": "/api/v1/claims",
    "decide_claim": "/api/v1/claims/{}/decisions",
}
"""Where the daemon takes each operation in; {} is the subject, the member named in SUBJECTS."""

CLOSING = frozenset({"close", "restate"})
"""Operations that take the whole log."""

SUBJECTS: Mapping[str, str] = {
    "decide": "exclusion",
    "cancel": "maintenance",
    "complete": "maintenance",
    "cancel_event": "event",
    "decide_claim": "claim",
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a command was told: the operation, its members as facts.md names them, and the author as typed."""

    operation: str
    words: Words
    author: str | None


def author_option(command: Command) -> Command:
    """`--author`."""
    return click.option(
        "--author", help=f"Who does this; shown as unauthenticated. Leave it out with a token in {TOKEN}."
    )(command)


def record(config_file: Path | None, spoken: Spoken) -> Mapping[str, Json]:
    """Records what was said; the answer is that of the API. Raises InputError, StoreError."""
    config = configuration(config_file)
    url = storage_of(config)
    if spoken.author is None and not os.environ.get(TOKEN):
        raise InputError(f"who does this? Say --author NAME, or give a token in {TOKEN}")
    with connected(control_socket(store_path(url))) as daemon:
        if daemon is not None:
            return _sent(daemon, spoken)
    return _written(url, config, spoken)


def _sent(daemon: socket, spoken: Spoken) -> Mapping[str, Json]:
    field = SUBJECTS.get(spoken.operation)
    words = dict(spoken.words)
    subject = str(words.pop(field)) if field is not None else ""
    if spoken.author is not None:
        words["author"] = spoken.author
    headers = {"Content-Type": "application/json"}
    if os.environ.get(TOKEN):
        headers["Authorization"] = f"Bearer {os.environ[TOKEN]}"
    connection = Local(daemon)
    try:
        path = PATHS[spoken.operation].format(quote(subject, safe=""))
        connection.request("POST", path, json.dumps(words).encode(), headers)
        response = connection.getresponse()
        told = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise StoreError(f"the daemon did not answer ({type(error).__name__}); run the command again") from error
    if response.status == 200:
        return cast("Mapping[str, Json]", told)
    refused = StoreError if response.status >= 500 else InputError
    raise refused(str(told.get("detail", f"the daemon answered {response.status}")))


def _written(url: str, config: Config | None, spoken: Spoken) -> Mapping[str, Json]:
    now = SystemClock().now()
    author = _author(url, spoken, lambda: now)
    if spoken.operation in CLOSING:
        return _closed(url, config, spoken, (author, now))
    with open_for_writing(url, now) as store:
        facts = [fact for fact in store.read(Period(0, 0), ALL_TIME.end) if isinstance(fact, Fact)]
        terms = to_terms(config) if config is not None else newest_terms(facts)
        customers = () if config is None else customers_of(config)
        said = _said(config, spoken, author, Known(facts, terms, now, customers))
        try:
            new = store.append(said.facts) if said.facts else 0
        except StoreError as error:
            raise error if "publish" not in spoken.words else StoreError(PUBLISHED_AND_NOT_KEPT) from error
    return answer(said, new, author)


def _said(config: Config | None, spoken: Spoken, author: Author, known: Known) -> Said:
    name = spoken.words.get("publish")
    if name is None:
        return OPERATIONS[spoken.operation](spoken.words, author, known)
    page = our_page(config, str(name)) if config is not None else None
    if config is None or page is None:
        raise InputError(f"--publish: {name} is no source that announces maintenance and has an `api_key`")
    words = {field: value for field, value in spoken.words.items() if field != "publish"}
    notice = to_publish(words, author, known, page)
    if isinstance(notice, Said):
        return notice
    return published(words, author, known, (page, asyncio.run(_publish(config, page.name, notice))))


async def _publish(config: Config, name: str, notice: Notice) -> Published:
    async with session() as client:
        return await publish_on(Fetcher(client, SystemClock()), config, name, notice)


def _closed(url: str, config: Config | None, spoken: Spoken, who_and_when: tuple[Author, int]) -> Mapping[str, Json]:
    """Closing or restating where no daemon runs. The terms are recorded first, where they are not the newest that the
    store holds: a statement is computed from what the log holds."""
    author, now = who_and_when
    order = order_of(spoken.words, restate=spoken.operation == "restate")
    sign = None if config is None else signer(config.signing_key)
    with open_for_writing(url, now) as store:
        as_of = max(now, store.newest_recorded() or now)
        facts = [*store.read(ALL_TIME, as_of)]
        terms = newest_terms(facts) if config is None else to_terms(config)
        if config is not None and _newest_digest(facts) != terms.digest:
            as_of += 1
            promised = replace(terms_fact(config.location, written_terms(config), as_of), recorded_at=as_of)
            facts.append(promised)
            store.append([promised])
        outcome = carried_out(facts, order, Moment(as_of, terms, head_text(store.head()), sign), author)
        store.append([replace(fact, recorded_at=as_of + 1) for fact in outcome.facts])
    return closings_answer(str(order.month), outcome.told, author.name, author.token)


def _newest_digest(facts: Sequence[AnyFact]) -> Json:
    return next(
        (fact.fields["digest"] for fact in reversed(facts) if isinstance(fact, Fact) and fact.kind == "terms"), None
    )


def _author(url: str, spoken: Spoken, now: Callable[[], int]) -> Author:
    text = os.environ.get(TOKEN)
    if not text:
        return Author(cast(str, spoken.author))
    token = Tokens(tokens_file(store_path(url)), now).find(text)
    if token is None or token.role != "operator":
        raise InputError(f"{TOKEN}: is no operator's token that is in force; `minutebook token list` shows them")
    if spoken.author is None:
        return Author(token.author, token.id)
    return Author(spoken.author, token.id if spoken.author == token.author else None)


def show(told: Mapping[str, Json]) -> None:
    """What was recorded, and at once what it comes to."""
    whose = told["author"] if told["authenticated"] else f"{told['author']} (unauthenticated)"
    click.echo(f"{told['subject']}: {'recorded' if told['new'] else 'stands recorded already'}, by {whose}")
    for effect in cast("list[dict[str, Json]]", told["effects"]):
        click.echo(f"  {effect['service']}: {_effect(effect)}")
    for note in cast("list[str]", told["notes"]):
        click.echo(f"  {note}")


def _effect(effect: Mapping[str, Json]) -> str:
    parts = [f"excuses downtime from {start} to {end}" for start, end in cast("list[list[str]]", effect["granted"])]
    for why, spans in cast("dict[str, list[list[str]]]", effect["refused"]).items():
        parts += [f"{why.replace('_', ' ')}: not from {start} to {end}" for start, end in spans]
    if "not_approved" in cast("dict[str, Json]", effect["refused"]):
        parts.append("it counts once another person approves it, and a token proves each of the two names")
    if effect["policy_notice_ms"] is None:
        parts.append("no policy is in force then: it excuses nothing")
    if effect["first_start"] is not None:
        hours = cast(int, effect["policy_notice_ms"]) / 3_600_000
        first = effect["first_start"]
        parts.append(f"the notice is {hours:g} h: announced now, the first start that earns it is {first}")
    return "; ".join(parts) or "excuses nothing"


def text_of(file: Path) -> str:
    """A file that is sent as a member of JSON. Raises InputError."""
    if file.stat().st_size > BODY_LIMIT // 2:
        raise InputError(f"{file}: is over {BODY_LIMIT // 2048} KiB; record it in parts")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
