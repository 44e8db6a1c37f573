"""What pydantic found, in the words of this project: each error with its place, what was expected, and the mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, TypeGuard

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.document import Document, Keys, path_text
from monitor.config.values import closest
from monitor.errors import Problem
from monitor.settings import Mistake, shown

Schema: TypeAlias = Mapping[str, object]
"""A JSON Schema, or a part of one."""

_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
}
_COMPARED = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def problems_of(error: ValidationError, document: Document, schema: Schema) -> Iterator[Problem]:
    """Every error of a validation; `schema` is that of the whole file, which knows the keys of each section."""
    found = error.errors(include_url=False)
    broken = {details["loc"][: len(details["loc"]) - cut] for details in found for cut in range(1, len(details["loc"]))}
    for details in found:
        if details["type"] == "too_short" and details["loc"] in broken:
            continue  # its members are there, and wrong
        yield from _problems(details, document, schema)


def at_keys(mistakes: Iterable[Mistake], document: Document, keys: Keys = ()) -> Iterator[Problem]:
    """The mistakes inside the value that the keys lead to."""
    for mistake in mistakes:
        yield document.problem((*keys, *mistake.keys), mistake.message)


def _problems(details: ErrorDetails, document: Document, schema: Schema) -> Iterator[Problem]:
    kind, keys, context = details["type"], details["loc"], details.get("ctx", {})
    if kind == "mistakes":
        yield from at_keys(context["found"], document, keys)
    elif kind == "missing":
        yield document.problem(keys[:-1], f"the key {keys[-1]} is missing")
    elif kind == "extra_forbidden":
        place = document.key_place(keys)
        yield Problem(document.name, *place, path_text(keys), _unknown_key(keys, schema))
    elif keys and keys[-1] == "[key]":
        place = document.key_place(keys[:-1])
        yield Problem(document.name, *place, path_text(keys[:-1]), details["msg"])
    else:
        yield document.problem(keys, _message(details))


def _message(details: ErrorDetails) -> str:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _EXPECTED:
        # Only what is no text is shown: a text in the wrong place may be a secret.
        mend = "; take the quotes away" if kind == "int_type" and isinstance(given, str) and given.isdecimal() else ""
        return f"expected {_EXPECTED[kind]}; found {'a text' if isinstance(given, str) else shown(given)}{mend}"
    if kind == "string_type":
        return f"expected a text; found {shown(given)}" + ("; put it in quotes" if _is_scalar(given) else "")
    if kind in _COMPARED:
        words, bound = _COMPARED[kind]
        return f"expected {words} {context[bound]}; found {shown(given)}"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        near = closest(given, expected.replace(" or ", ", ").split(", ")) if isinstance(given, str) else ""
        return f"expected {expected}; found {shown(given)}{near}"
    if kind == "too_short":
        return f"expected at least {context['min_length']} in the list; found {context['actual_length']}"
    if kind == "too_long":
        return f"expected at most {context['max_length']} in the list; found {context['actual_length']}"
    if kind == "string_too_short":
        return "expected a text; found an empty one"
    if kind == "string_pattern_mismatch":
        return f"expected a text that matches {context['pattern']}; found {shown(given)}"
    return details["msg"]


def _is_scalar(given: object) -> bool:
    return isinstance(given, bool | int | float)


def _unknown_key(keys: Keys, schema: Schema) -> str:
    if keys[-1] == "<<":
        return "merge keys are no part of YAML 1.2; write the keys out"
    known = known_keys(schema, keys[:-1])
    return f"unknown key{closest(str(keys[-1]), known) or '; expected one of ' + ', '.join(known)}"


def known_keys(schema: Schema, keys: Keys) -> list[str]:
    """The keys that a section may have, by the JSON Schema of the whole file."""
    here = _resolved(schema, schema)
    for key in keys:
        inner = _inner(here, key)
        if inner is None:
            return []
        here = _resolved(inner, schema)
    properties = here.get("properties")
    return list(properties) if _is_schema(properties) else []


def _inner(here: Schema, key: str | int) -> Schema | None:
    if isinstance(key, int):
        found = here.get("items")
    else:
        properties = here.get("properties")
        found = properties.get(key) if _is_schema(properties) else None
        found = found if found is not None else here.get("additionalProperties")
    return found if _is_schema(found) else None


def _resolved(here: Schema, schema: Schema) -> Schema:
    """Follows a reference, and of a choice takes the one that is a section or a list."""
    choices = here.get("anyOf")
    if isinstance(choices, list):
        sections = [_resolved(choice, schema) for choice in choices if _is_schema(choice)]
        return next((choice for choice in sections if choice.get("type") in ("object", "array")), here)
    reference = here.get("$ref")
    if isinstance(reference, str):
        definitions = schema.get("$defs")
        found = definitions.get(reference.rpartition("/")[2]) if _is_schema(definitions) else None
        return _resolved(found, schema) if _is_schema(found) else here
    return here


def _is_schema(found: object) -> TypeGuard[Schema]:
    return isinstance(found, Mapping)
