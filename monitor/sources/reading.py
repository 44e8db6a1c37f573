"""Reading what a vendor sent: every value is asked for by its type, and what is not as expected is counted, not raised.

Texts are cut and cleaned here, once, so that none reaches a fact, a label or a log unbounded.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from monitor.errors import FactError
from monitor.facts import Json, parse_json
from monitor.ledger.period import MINUTE
from monitor.sources.kind import Page, Problem, Reply

LONGEST_ID = 100
LONGEST_NAME = 200
LONGEST_URL = 500
MOST_ITEMS = 2_000
"""Items of one list that are looked at; the longest lists of real pages hold some hundreds of components."""

MOST_COMMAS = 100_000
"""Of a page. The parser is in the way of every thread between one object's end and the next, so that of 5 MB of bare
numbers, or of one object's members, looks under way are as late as after a stall: nearly half a second of CPU. So many
take 50 ms; a page of 5 MB that is a page has fewer."""

EARLIEST = int(datetime(2005, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""No status page is older (upstreams.md, "Parsing rules common to all"): what says so has lost its clock."""

AHEAD = 5 * MINUTE
"""How far a vendor's clock may be ahead of ours where it tells of something that has been."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Object = Mapping[str, Json]


class Reading:
    """What is wrong with one reply so far, and typed access to what it holds. `now` is when it came."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.problems: Counter[Problem] = Counter()

    def count(self, problem: Problem) -> None:
        self.problems[problem] += 1

    # -- values; None where there is none, and what is there of a wrong type is counted

    def text(self, given: Object, key: str, longest: int = LONGEST_NAME) -> str | None:
        """A text, cleaned and cut; None where it is absent, null or empty."""
        value = given.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.count("wrong_type")
            return None
        return cleaned(value, longest) or None

    def id(self, given: Object, key: str = "id") -> str | None:
        """What names an item; absent, empty or longer than an id is, the item cannot be kept, which is counted."""
        value = given.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            self.count("missing_field")
        elif not isinstance(value, str):
            self.count("wrong_type")
        elif len(value) > LONGEST_ID or cleaned(value, LONGEST_ID) != value:
            self.count("too_long" if len(value) > LONGEST_ID else "wrong_type")
        else:
            return value
        return None

    def past(self, given: Object, key: str) -> int | None:
        """The instant of something that has been: not before 2005, not ahead of us by more than a clock can be."""
        instant = self.scheduled(given, key)
        if instant is not None and instant > self.now + AHEAD:
            self.count("bad_time")
            return None
        return instant

    def scheduled(self, given: Object, key: str) -> int | None:
        """The instant of something that may be to come. ISO 8601 with any offset; without one it is no instant."""
        value = given.get(key)
        if value is None:
            return None
        instant = parse_iso(value) if isinstance(value, str) else None
        if instant is None or instant < EARLIEST:
            self.count("bad_time" if isinstance(value, str) else "wrong_type")
            return None
        return instant

    def objects(self, given: Object, key: str) -> Iterator[Object]:
        """The objects of a list; anything else in it is counted. Absent or null: none."""
        value = given.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.count("wrong_type")
            return
        if len(value) > MOST_ITEMS:
            self.count("too_long")
        for item in value[:MOST_ITEMS]:
            if isinstance(item, dict):
                yield item
            else:
                self.count("wrong_type")


def parse_iso(text: str) -> int | None:
    """ISO 8601 with an offset or Z, as UTC ms; None for anything else, and for what has no date in UTC."""
    if len(text) > 40:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            return None
        since = parsed.astimezone(UTC) - _EPOCH
    except (ValueError, OverflowError):
        return None
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def cleaned(text: str, longest: int) -> str:
    """Printable, on one line, at most so long."""
    kept = "".join(character if character.isprintable() else " " for character in text[: 2 * longest])
    return " ".join(kept.split())[:longest]


def body_of(reply: Reply, most_commas: int | None = MOST_COMMAS) -> Json | Page:
    """The reply's JSON; where it is none, the page that says why. `most_commas` None: of a server of our own, whose
    answers are long."""
    body = reply.body.removeprefix(codecs.BOM_UTF8)
    start = body[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return Page(failed="html")
    if most_commas is not None and body.count(b",") > most_commas:
        return Page(failed="too_large")
    try:
        return parse_json(body)
    except FactError:
        return Page(failed="not_json")


def object_of(reply: Reply) -> Object | Page:
    """The same of what can be an object alone."""
    body = body_of(reply)
    return body if isinstance(body, dict | Page) else Page(failed="wrong_type")
