"""The values of a YAML text that has nothing odd in it, at half the cost of a Document's tree of places.

Whatever could need a message, or is not what most files are made of (a tag, an anchor, a key twice, a number out of
range, a damaged text), makes it `OddError`; the text is then read with its places, which is what may say so.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from functools import lru_cache

import yaml

from monitor.facts import Json

LARGEST_INTEGER = 2**53 - 1  # what canonical JSON can hold exactly (RFC 8785)
MOST_VALUES = 1_000_000  # once aliases are written out
DEEPEST = 32  # the deepest key of the example stands at 8

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NO_TEXT = frozenset("+-.0123456789~nNtTfF")  # what a scalar that is no text can begin with


class OddError(Exception):
    """The text is to be read with its places."""


def resolved(text: str) -> bool | int | float | str | None:
    """A scalar without quotes, by the core schema of YAML 1.2. Raises ValueError with a message for a number that
    canonical JSON cannot hold."""
    if text and text[0] not in _NO_TEXT:
        return text
    return _no_text(text)


@lru_cache(maxsize=256)  # ten thousand checks say the same few
def _no_text(text: str) -> bool | int | float | str | None:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        number = int(text, 0) if text[:2] in ("0o", "0x") else int(text[:32])
        if abs(number) <= LARGEST_INTEGER:
            return number
        raise ValueError("the number is too large; expected one below 2^53, or quotes around a text")
    if _NOT_FINITE.fullmatch(text) or (_NUMBER.fullmatch(text) and math.isinf(float(text))):
        raise ValueError("the number is not finite; expected a finite number, or quotes around a text")
    return float(text) if _NUMBER.fullmatch(text) else text


def read_plain(text: str) -> Json:
    """Raises OddError."""
    try:
        return _values(LOADER(text).get_event)
    except (yaml.YAMLError, ValueError):
        raise OddError from None


def _values(next_event: Callable[[], yaml.Event]) -> Json:
    """One loop, because a file of ten thousand checks is a hundred thousand events."""
    next_event(), next_event()  # of the stream and of the document
    top: list[Json] = []
    mapping: dict[str, Json] | None = None  # what is filled: a mapping, or else a list
    members = top
    key: str | None = None
    waiting: list[tuple[dict[str, Json] | None, list[Json], str | None]] = []
    for count in itertools.count():
        event = next_event()
        value: Json
        if type(event) is yaml.ScalarEvent:
            if event.tag is not None or event.anchor is not None or count > MOST_VALUES:
                raise OddError
            if mapping is not None and key is None:
                key = event.value
                continue
            value = resolved(event.value) if event.implicit[0] else event.value
        elif type(event) is yaml.MappingStartEvent or type(event) is yaml.SequenceStartEvent:
            keyless = mapping is not None and key is None
            if event.tag is not None or event.anchor is not None or len(waiting) == DEEPEST or keyless:
                raise OddError
            waiting.append((mapping, members, key))
            mapping, members, key = ({} if type(event) is yaml.MappingStartEvent else None), [], None
            continue
        elif type(event) is yaml.MappingEndEvent or type(event) is yaml.SequenceEndEvent:
            value = members if mapping is None else mapping
            mapping, members, key = waiting.pop()
        else:
            break  # an alias, or the end of the document
        if mapping is None:
            members.append(value)
        elif key is None or key in mapping:
            raise OddError
        else:
            mapping[key] = value
            key = None
    if type(next_event()) is not yaml.StreamEndEvent or waiting:
        raise OddError  # an alias, or a second document
    return top[0]
