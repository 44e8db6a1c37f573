"""From a body to checked facts (contracts/facts.md; interface.md, `/api/v1/facts`). Pure: all of a batch, or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import cast

from monitor.errors import FactError
from monitor.facts import AnyFact, Fact, Json, Result, check_entry, decode_fact, parse_json, subject
from monitor.ledger.period import SECOND, parse_instant

JSON_LINES = "application/x-ndjson"
JSON_ARRAY = "application/json"

AHEAD = 2 * SECOND
"""How far an agent's clock may be ahead of ours, in ms (interface.md)."""

PERSONS = frozenset({"exclusion", "exclusion_decision"})
"""Kinds that count by whose word they are (accounting.md section 5.3)."""

NOTICES = frozenset({"incident", "maintenance"})
"""Kinds that pages tell, and that excuse."""

_ECHO = re.compile(r"; found .*|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends (`name`: the token's), and when. `vantage` None: an operator, who may send everything. `others` are who
    speaks for itself here: our own location, and sources that are asked.

    `longest_hold(check)` in ms, None for a check that the configuration does not name.
    """

    now: int
    vantage: str | None
    longest_hold: Callable[[str], int | None]
    name: str = "somebody"
    others: Collection[str] = ()


class NotYoursError(FactError):
    """An agent sent what is not its own to say."""


def decode_batch(body: bytes, content_type: str, sender: Sender) -> list[AnyFact]:
    """The facts in the order given, recorded now. Raises FactError or NotYoursError with the number of the first line
    (for an array: of the first element) that is refused."""
    recorded: dict[tuple[str, ...], int] = {}
    return [_stamped(_decoded(number, given, sender), recorded) for number, given in _objects(body, content_type)]


def without_input(reason: str) -> str:
    """The reason less what it quotes: an answer never repeats what was sent."""
    bare = " ".join(_ECHO.sub("", reason).split()).replace(" ;", ";")
    return "".join(character if " " <= character <= "~" else "?" for character in bare)


def _decoded(number: int, given: Json, sender: Sender) -> AnyFact:
    try:
        fact = check_entry(decode_fact(given, sender.now))
    except FactError as error:
        raise FactError(without_input(error.reason), number) from None
    if sender.vantage is None:
        return _from_operator(fact, number, sender.name)
    try:
        return _from_agent(fact, sender.vantage, sender)
    except FactError as error:
        raise type(error)(error.reason, number) from None


def _from_operator(fact: AnyFact, number: int, name: str) -> AnyFact:
    """Everything, but no proof of a name: a batch is typed text, whoever sends it, and so approves nothing. What may
    excuse says who sent it, whatever source it names."""
    if not isinstance(fact, Fact):
        return fact
    if "authenticated_by" in fact.fields:
        raise FactError("authenticated_by: is set when a person records it; leave it out", number)
    if fact.kind in PERSONS:
        return replace(fact, fields={**fact.fields, "authenticated_by": None})
    return replace(fact, fields={**fact.fields, "sent_by": name}) if fact.kind in NOTICES else fact


def _objects(body: bytes, content_type: str) -> Iterator[tuple[int, Json]]:
    if content_type == JSON_ARRAY:
        given = _parsed(body, None)
        if not isinstance(given, list):
            raise FactError("expected a JSON array of facts; one a line is application/x-ndjson")
        yield from enumerate(given, start=1)
        return
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.strip():
            yield number, _parsed(line, number)


def _parsed(text: bytes, number: int | None) -> Json:
    """A line; or, with no number, the array."""
    try:
        return parse_json(text)
    except FactError as error:
        raise FactError(without_input(error.reason), number) from None


def _from_agent(fact: AnyFact, vantage: str, sender: Sender) -> AnyFact:
    """What an agent may say: how its own looks went, and of its own life."""
    if fact.source not in (None, vantage):
        raise NotYoursError("source: an agent speaks for its own vantage only; leave it out")
    if fact.id is not None and fact.id.partition("/")[0] in {*sender.others} - {vantage}:
        raise NotYoursError("id: begins as those of somebody else here do, whose fact would then be a repetition")
    if isinstance(fact, Result):
        if fact.vantage != vantage:
            raise NotYoursError("vantage: an agent sends results of its own vantage only")
        _check_not_ahead(fact.at, sender.now)
        return fact._replace(hold_ms=_hold(fact, sender.longest_hold(fact.check)))
    if fact.kind != "lifecycle":
        raise NotYoursError("kind: an agent sends result and lifecycle only; everything else needs an operator")
    _check_not_ahead(parse_instant(cast(str, fact.fields["at"])), sender.now)
    return replace(fact, fields={**fact.fields, "source": vantage})


def _check_not_ahead(at: int, now: int) -> None:
    if at > now + AHEAD:
        raise FactError("at: is more than 2 s ahead of this daemon's clock; set the agent's clock by NTP")


def _hold(result: Result, longest: int | None) -> int | None:
    """Cut to 3 x interval + timeout; of a check that is not configured (yet) the check's own will count."""
    return None if result.hold_ms is None or longest is None else min(result.hold_ms, longest)


def _stamped(fact: AnyFact, recorded: dict[tuple[str, ...], int]) -> AnyFact:
    """Facts of one subject in one batch are recorded 1 ms apart, in the order given (facts.md)."""
    key = subject(fact)
    before = recorded.get(key)
    if before is None:
        recorded[key] = fact.recorded_at
        return fact
    recorded[key] = before + 1
    if isinstance(fact, Fact):
        return replace(fact, recorded_at=before + 1)
    return fact._replace(recorded_at=before + 1)
