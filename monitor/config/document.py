"""A YAML text as a tree of values that know their places (YAML 1.2, core schema; design/dependencies.md, pyyaml).

`on`, `NO`, `12:30:00` and dates stay texts, a mapping's keys are texts, tags are refused, a key stands once, and what
aliases write out is bounded. PyYAML scans; the tree is built from its events, so that nothing here recurses as deep
as a file likes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import yaml

from monitor.config.plain import DEEPEST, LOADER, MOST_VALUES, OddError, read_plain, resolved
from monitor.errors import ConfigError, Problem
from monitor.facts import Json

LARGEST_FILE = 5_000_000  # bytes; ten thousand checks are about one million


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Inner:
    """Where a mapping or a list and all that is in it stand. `size` counts the values, those of aliases included."""

    at: int
    entries: dict[str, tuple[int, Spot]] | list[Spot]
    size: int = 1


Spot = int | Inner
"""Where a value stands: of a scalar only the number of characters before it."""

Keys = tuple[str | int, ...]
"""The way to a value: keys of mappings and places in lists, from the top."""


@dataclass(frozen=True)
class Document:
    """A file that could be read as YAML: its values, and what is wrong with it as such. Where they stand is found when
    it is asked."""

    name: str
    text: str
    values: Json
    problems: tuple[Problem, ...] = ()

    @cached_property
    def spots(self) -> Spot:
        return read_with_places(self.text, self.name).spots

    def place(self, keys: Keys) -> Place:
        """Where the value is; the nearest value around it that exists, if it does not."""
        return place_in(self.text, _position(self._spots(keys)[-1]))

    def key_place(self, keys: Keys) -> Place:
        """Where the last key itself stands."""
        *_, holder = self._spots(keys[:-1])
        if isinstance(holder, Inner) and isinstance(holder.entries, dict) and str(keys[-1]) in holder.entries:
            return place_in(self.text, holder.entries[str(keys[-1])][0])
        return place_in(self.text, _position(holder))

    def places(self, keys: Keys) -> list[Place]:
        """Where everything inside the value stands."""
        waiting, found = [self._spots(keys)[-1]], list[Place]()
        while waiting:
            spot = waiting.pop()
            found.append(place_in(self.text, _position(spot)))
            entries = spot.entries if isinstance(spot, Inner) else []
            waiting += [inner for _, inner in entries.values()] if isinstance(entries, dict) else entries
        return found

    def problem(self, keys: Keys, message: str) -> Problem:
        """The problem at the value."""
        return Problem(self.name, *self.place(keys), path_text(keys), message)

    def _spots(self, keys: Keys) -> list[Spot]:
        """From the top inwards, as far as the keys lead."""
        way = [self.spots]
        for key in keys:
            entries = way[-1].entries if isinstance(way[-1], Inner) else None
            if isinstance(entries, dict) and str(key) in entries:
                way.append(entries[str(key)][1])
            elif isinstance(entries, list) and isinstance(key, int) and key < len(entries):
                way.append(entries[key])
            else:
                break
        return way


def _position(spot: Spot) -> int:
    return spot.at if isinstance(spot, Inner) else spot


def place_in(text: str, position: int) -> Place:
    """The place with that many characters before it."""
    ends = _line_ends(text)
    line = bisect_left(ends, position)
    return Place(line + 1, position - (ends[line - 1] if line else -1))


@lru_cache(maxsize=1)  # a file has as many places as mistakes
def _line_ends(text: str) -> Sequence[int]:
    return [found.start() for found in re.finditer("\n", text)]


def path_text(keys: Keys) -> str:
    """`services[0].checks[1].http.url`; keys that are no plain words stand in brackets."""
    parts: list[str] = []
    for key in keys:
        if isinstance(key, str) and re.fullmatch(r"[\w-]+", key):
            parts.append(f".{key}" if parts else key)
        else:
            parts.append(f"[{key!r}]" if isinstance(key, str) else f"[{key}]")
    return "".join(parts)


def read_document(text: str, name: str) -> Document:
    """Raises ConfigError when the text is no YAML, or larger than a configuration can be."""
    text = text.removeprefix("\ufeff")
    if len(text) > LARGEST_FILE:
        raise _refused(name, Place(1, 1), f"is over {LARGEST_FILE // 1_000_000} MB: no configuration is that large")
    try:
        return Document(name, text, read_plain(text))
    except OddError:
        placed = read_with_places(text, name)
    return Document(name, text, placed.values, placed.problems)


class Placed(NamedTuple):
    """The values of a text, where they stand, and what is wrong with it as YAML."""

    values: Json
    spots: Spot
    problems: tuple[Problem, ...]


def read_with_places(text: str, name: str) -> Placed:
    """Raises ConfigError as `read_document` does."""
    builder = _Builder(name, text)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.add(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = place_in(text, mark.index) if mark else Place(1, 1)
        raise _refused(name, place, _scan_message(error, text)) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        at = error.position if isinstance(error, yaml.reader.ReaderError) else error.start
        message = "is no text: a control character or half a character stands here"
        raise _refused(name, place_in(text, at), message) from None
    if builder.spots is None:
        raise _refused(name, Place(1, 1), "is empty: expected at least `services`")
    return Placed(builder.values, builder.spots, tuple(builder.problems))


def _refused(name: str, place: Place, message: str) -> ConfigError:
    return ConfigError((Problem(name, *place, "", message),))


def _scan_message(error: yaml.MarkedYAMLError, text: str) -> str:
    mark, context = error.problem_mark, error.context_mark
    if mark and text[mark.index : mark.index + 1] == "\t":
        return "a tab stands where the indentation is; indent with spaces"
    what = str(error.problem or "cannot be read").rstrip()
    if error.context and context and (mark is None or context.line != mark.line):
        what += f" ({error.context} that begins in line {context.line + 1})"
    if mark and mark.index >= len(text.rstrip()):
        what += "; the file ends here: is it only half written?"
    return f"is no YAML: {what}"


@dataclass(slots=True)
class _Open:
    """A mapping or a list that has not ended, with the key that waits for its value."""

    values: dict[str, Json] | list[Json]
    spots: Inner
    anchor: str | None
    key: str | None = None
    key_at: int = 0


class _Builder:
    """Builds values and spots from events, one at a time."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.values: Json = None
        self.spots: Spot | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Json, Spot]] = {}
        self._documents = 0

    def add(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._open.pop()
            self._put(ended.values, ended.spots, ended.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused(event, "a second document begins here (---); expected one")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text: str = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        if self._waits_for_key():
            self._key(text, event)
            return
        value: Json = text
        if event.implicit[0]:
            try:
                value = resolved(text)
            except ValueError as error:
                self._problem(event, str(error))
                value = 0
        self._put(value, _at(event), event.anchor)

    def _waits_for_key(self) -> bool:
        return bool(self._open) and self._open[-1].key is None and isinstance(self._open[-1].values, dict)

    def _key(self, key: str, event: yaml.ScalarEvent) -> None:
        holder = self._open[-1]
        entries = holder.spots.entries
        if isinstance(entries, dict) and key in entries:
            first = place_in(self.text, entries[key][0])
            self._problem(event, f"the key {key!r} stands twice, first in line {first.line}; keep one of them")
        holder.key, holder.key_at = key, _at(event)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if self._waits_for_key():
            raise self._refused(event, "expected a text as key; found a mapping or a list")
        if len(self._open) == DEEPEST:
            raise self._refused(event, f"is nested over {DEEPEST} levels deep: no configuration is that deep")
        if isinstance(event, yaml.MappingStartEvent):
            self._open.append(_Open({}, Inner(_at(event), {}), event.anchor))
        else:
            self._open.append(_Open([], Inner(_at(event), []), event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._waits_for_key():
            raise self._refused(event, "expected a text as key; found an alias")
        if event.anchor not in self._anchors:
            inside = any(holder.anchor == event.anchor for holder in self._open)
            why = "stands inside what it names" if inside else "has no anchor before it"
            raise self._refused(event, f"the alias *{event.anchor} {why}")
        self._put(*self._anchors[event.anchor], None)

    def _put(self, value: Json, spot: Spot, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, spot)
        if not self._open:
            self.values, self.spots = value, spot
            return
        holder = self._open[-1]
        spots = holder.spots
        spots.size += spot.size if isinstance(spot, Inner) else 1
        if spots.size > MOST_VALUES:
            place = place_in(self.text, holder.key_at or spots.at)
            raise _refused(self.name, place, f"holds over {MOST_VALUES:,} values once aliases are written out")
        if isinstance(holder.values, list) and isinstance(spots.entries, list):
            holder.values.append(value)
            spots.entries.append(spot)
        elif isinstance(holder.values, dict) and isinstance(spots.entries, dict) and holder.key is not None:
            holder.values.setdefault(holder.key, value)
            spots.entries.setdefault(holder.key, (holder.key_at, spot))
            holder.key = None

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self._problem(event, f"the tag {tag} is not understood; leave it out, quotes make a text")

    def _problem(self, event: yaml.Event, message: str) -> None:
        place = place_in(self.text, _at(event))
        self.problems.append(Problem(self.name, *place, path_text(self._keys()), message))

    def _keys(self) -> Keys:
        """The way to the value that comes next."""
        keys: list[str | int] = []
        for holder in self._open:
            if isinstance(holder.values, list):
                keys.append(len(holder.values))
            elif holder.key is not None:
                keys.append(holder.key)
        return tuple(keys)

    def _refused(self, event: yaml.Event, message: str) -> ConfigError:
        return _refused(self.name, place_in(self.text, _at(event)), message)


def _at(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark is not None else 0
