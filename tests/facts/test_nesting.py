"""How deep a document is nested, against one that walks it sign by sign."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import FactError
from monitor.facts import parse_json
from monitor.facts.nesting import MOST_LEVELS, is_nested_too_deep

NEARLY = MOST_LEVELS - 2


def deepest(document: bytes) -> int:
    """The most levels that are open at once, as RFC 8259 has strings and their escapes."""
    depth = most = 0
    quoted = escaped = False
    for sign in document.decode("latin-1"):
        if quoted:
            quoted, escaped = escaped or sign != '"', sign == "\\" and not escaped
        else:
            quoted = sign == '"'
            depth += (sign in "[{") - (sign in "]}")
            most = max(most, depth)
    return most


TEXTS = st.text(st.sampled_from('[]{}"\\ux'), max_size=8).map(json.dumps)
SIGNS = st.lists(st.sampled_from(["[", "]", "{", "}", ",", "1"]) | TEXTS, max_size=30).map("".join)


@given(SIGNS.map(str.encode))
@example(rb'"\\",[[["')
@example(rb'"\"[[[["')
@example(rb'"[","[","[","["')
@example(rb'[[["[[["]]]')
def test_levels_are_counted_as_strings_and_escapes_have_them(signs: bytes) -> None:
    document = b"[" * NEARLY + signs
    assert is_nested_too_deep(document) is (deepest(document) > MOST_LEVELS)


@pytest.mark.parametrize("signs", [b"[]", b'{"a":1}', b'["[", "{"]', b'["\\"["]'])
def test_a_wide_document_is_not_deep(signs: bytes) -> None:
    assert not is_nested_too_deep(b"[%s]" % b",".join([signs] * 5 * MOST_LEVELS))


def test_what_is_as_deep_as_may_be_is_read_and_what_is_deeper_is_told() -> None:
    assert parse_json("[" * MOST_LEVELS + "]" * MOST_LEVELS)
    for document in ("[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1), '{"a":' * (MOST_LEVELS + 1)):
        for given_as in (document, document.encode()):
            with pytest.raises(FactError, match="is nested too deep: at most 200 objects and lists within each other"):
                parse_json(given_as)
