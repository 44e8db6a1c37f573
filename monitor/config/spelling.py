"""Canonical JSON of sections (RFC 8785), as `model_dump` and `canonical_json` have it, at a quarter of their cost.

The terms of ten thousand checks are 4 MB, nearly all of it defaults: what sections that give the same keys do not give,
and a value that stood elsewhere, is spelled once.
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from pydantic import PlainSerializer, WrapSerializer

from monitor.config.kinds import Check
from monitor.facts import Json, canonical_json
from monitor.settings import Settings

_KEPT = 256  # of what is kept to be said again: ten thousand checks say the same few
_SCALARS = frozenset({str, int, bool})


class _Member(NamedTuple):
    """A key that a section gives, with its quotes and colon as `opening`, and its field. `is_text` says that a text is
    written as it is, without a serializer of its own; `texts` are those of values that were met."""

    key: str
    opening: str
    field: str
    is_text: bool
    texts: dict[object, str]


_Plan = tuple[_Member | str, ...]
"""In the order of the keys, which are ASCII (that of RFC 8785): what is given, and the text of what is not."""

_plans: dict[object, _Plan] = {}


def spelled(section: Settings) -> str:
    """What the file would say of the section with every default written out, and nothing of what is None."""
    kinds, applied = (section.given, section.applied) if isinstance(section, Check) else ((), {})
    alike = (type(section), frozenset(section.model_fields_set), kinds)
    values, found = section.__dict__, list[str]()
    for member in _plans.get(alike) or _planned(alike, section):
        if isinstance(member, str):
            found.append(member)
            continue
        key, opening, field, is_text, texts = member
        value = values[field]
        kind = type(value)
        if key in applied:
            found.append(opening + _scalar(applied[key]))
        elif is_text and kind is str and value.isascii():
            found.append(opening + encode_basestring(value))
        elif kind in _SCALARS:
            found.append(opening + (texts.get(value) or _met(section, member)))
        elif value is not None:
            found.append(opening + _inner(section, member, value))
    return "{" + ",".join(found) + "}"


def _planned(alike: object, section: Settings) -> _Plan:
    """The plan of all sections that are alike in what they give."""
    members = sorted(_member(section, name) for name in type(section).model_fields)
    applied, meaningless = (section.applied, section.meaningless) if isinstance(section, Check) else ({}, ())
    plan: list[_Member | str] = []
    for member in members:
        if member.key in applied or (member.key not in meaningless and member.field in section.model_fields_set):
            plan.append(member)
        elif member.key not in meaningless and section.__dict__[member.field] is not None:
            plan.append(member.opening + _inner(section, member, section.__dict__[member.field]))
    if len(_plans) >= _KEPT:
        _plans.clear()
    _plans[alike] = made = tuple(plan)
    return made


def _member(section: Settings, name: str) -> _Member:
    field = type(section).model_fields[name]
    key = field.alias or name
    has_serializer = any(isinstance(each, PlainSerializer | WrapSerializer) for each in field.metadata)
    return _Member(key, f'"{key}":', name, field.annotation is str and not has_serializer, {})


def _inner(section: Settings, member: _Member, value: object) -> str:
    if isinstance(value, Settings):
        return spelled(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Settings):
        return f"[{','.join(map(spelled, value))}]"
    if value in ([], {}):
        return str(value)
    return _dumped(section, member)


def _met(section: Settings, member: _Member) -> str:
    if len(member.texts) >= _KEPT:
        member.texts.clear()
    text = member.texts[section.__dict__[member.field]] = _dumped(section, member)
    return text


def _dumped(section: Settings, member: _Member) -> str:
    """As pydantic has it, which knows the serializers of the field's type."""
    shown = section.model_dump(mode="json", by_alias=True, exclude_none=True, include={member.field})
    return _json(shown[member.key])


@lru_cache(maxsize=_KEPT, typed=True)
def _scalar(value: str | int) -> str:
    return _json(value)


def _json(value: Json) -> str:
    return canonical_json(value).decode()
