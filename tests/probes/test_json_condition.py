"""Conditions on JSON: what RFC 9535 says of a filter, held to a second evaluator, and bodies made to break them."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.facts.nesting import MOST_LEVELS
from monitor.probes.json_condition import DOCUMENT_BYTES, LONGEST, DocumentError, JsonCondition, read_json

BODY = b"""{"status": "ok", "items": [{"price": 9.98}, {"price": 1e400}], "a b": null, "it's": 1, "n": -3, "on": true,
"name": "johnny", "empty": [], "one": [1, {"a": [true]}], "same": [1.0, {"a": [true]}], "\\u00fc": "\\ud83d\\ude00"}"""


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('$.status == "ok"', True),
        ("$.status=='ok'", True),
        ('"ok" == $.status', True),
        ('$.status != "ok"', False),
        ('$.status < "p"', True),
        ("$.items[0].price < 9.99", True),
        ("$.items[-1].price > 1e300", True),
        ("$.items[2].price > 0", False),
        ("$.n <= -3", True),
        ("$.n >= -2.999", False),
        ("5 > $.n", True),
        ("$['a b'] == null", True),
        ('$["it\'s"] == 1.0', True),
        ("$['it\\'s'] == 1", True),
        ("$.ü == '\\ud83d\\ude00'", True),
        ("length($.ü) == 1", True),
        ("$.on == true", True),
        ("$.on == 1", False),
        ("$.on < 2", False),
        ("$.one == $.same", True),
        ("$.one <= $.same", True),
        ("$.one < $.same", False),
        ("length($.items) >= 2", True),
        ("length($.status) == 2", True),
        ("length($.empty) == 0", True),
        ("length($) > 5", True),
        ("length($.n) == 0", False),
        ("$.empty", True),
        ("$['a b']", True),
        ("!$.error", True),
        ("!$.on", False),
        ("$.missing == $.nothing", True),
        ("$.missing == null", False),
        ('$.missing != "x"', True),
        ("$.missing < 1", False),
        ("$.status.deeper", False),
        ("$.items.price", False),
        ("$.name[0]", False),
        ('search($.name, "^jo")', True),
        ('match($.name, "jo")', False),
        ('match($.name, "jo|johnny")', True),
        ("!search($.name, 'x')", True),
        ("search($.n, '3')", False),
        ("!search($.missing, '.')", True),
        ('$.status == "no" || $.n == -3', True),
        ('$.status == "no" || $.n == 3', False),
        ("$ == $", True),
    ],
)
def test_a_condition_is_read_as_the_standard_says(text: str, holds: bool) -> None:
    assert JsonCondition(text).holds(read_json(BODY)) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at the end: expected a query such as $.status, a function, or a value"),
        ("$.a ==", "at the end: expected a query"),
        ("$.a = 1", "at character 5: expected an operator such as ==, or ||, or the end"),
        ("$..a", "at character 2: expected an operator"),
        ("$.*", "at character 2: expected an operator"),
        ("$.a && $.b", "at character 5: expected an operator"),
        ("5", "at the end: expected one of == != < <= > >="),
        ("length($.a)", "at the end: expected one of =="),
        ("length(5) == 1", "at character 8: expected a query such as $.status"),
        ("search($.a)", "at character 11: expected ,"),
        ("search($.a, b)", "at character 13: expected a regular expression in quotes"),
        ('search($.a, "(")', "the expression at character 13: missing )"),
        ('match($.a, "a)(b")', "the expression at character 12: unexpected )"),
        ('$.a == "x', "at character 8: expected a query"),
        ("$.a == 1 ||", "at the end: expected a query"),
        ("($.a == 1)", "at character 1: expected a query"),
        ("$.a == yes", "at character 8: expected a query"),
        ("$[99999999999]", "at character 2: expected an operator"),
        (r"$.a == '\q'", r"expected a string with the escapes of JSON; found '\q'"),
        ("a.b == 1", "at character 1: expected a query"),
        ("!5 == 5", "at character 2: expected a query"),
        ("$." + "a" * LONGEST, "expected at most 1000 characters"),
    ],
)
def test_what_is_no_condition_is_refused_at_its_place(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"expected|missing|unexpected") as caught:
        JsonCondition(text)
    assert str(caught.value).startswith(words)


# ---------------------------------------------------------------- a second evaluator

NAMES = st.sampled_from(["a", "b", "c d", 'e"', "f'", "ü", "\\"])
NUMBERS = st.integers(-3, 3) | st.decimals(-2, 2, places=1).map(float)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text("ab\n\"'", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
STEPS = st.lists(NAMES | st.integers(-2, 2), max_size=3)
LITERALS = st.none() | st.booleans() | NUMBERS | st.text("ab\n\"'", max_size=2)
MISSING = object()
Side = tuple[str, Any]
SIDES = st.one_of(
    st.tuples(st.just("literal"), LITERALS),
    st.tuples(st.just("query"), STEPS),
    st.tuples(st.just("length"), STEPS),
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def written(side: Side) -> str:
    kind, what = side
    if kind == "literal":
        return json.dumps(what, ensure_ascii=False)
    query = "$" + "".join(f"[{json.dumps(step, ensure_ascii=False)}]" for step in what)
    return query if kind == "query" else f"length({query})"


def value_of(side: Side, document: Any) -> Any:
    kind, what = side
    if kind == "literal":
        return what
    for step in what:
        try:
            document = document[step] if isinstance(document, list) == isinstance(step, int) else document[MISSING]
        except (KeyError, IndexError, TypeError):
            return MISSING
    if kind == "query":
        return document
    return len(document) if isinstance(document, str | list | dict) else MISSING


def plain(value: Any) -> Any:
    """Values that are equal when JSON's are: True is no 1, and 1 is 1.0."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None or value is MISSING:
        return ("constant", value)
    return value if isinstance(value, str) else Fraction(value)


def expected(one: Any, sign: str, other: Any) -> bool:
    same = bool(plain(one) == plain(other))
    if sign in ("==", "!="):
        return same is (sign == "==")
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
    if numbers or (isinstance(one, str) and isinstance(other, str)):
        return bool(OPERATORS[sign](one, other))
    return same and "=" in sign


@given(DOCUMENTS, SIDES, st.sampled_from(["==", "!=", *OPERATORS]), SIDES)
def test_every_comparison_comes_out_as_in_a_second_evaluator(document: Any, one: Side, sign: str, other: Side) -> None:
    found = JsonCondition(f"{written(one)} {sign} {written(other)}").holds(read_json(json.dumps(document).encode()))
    assert found is expected(value_of(one, document), sign, value_of(other, document))


@given(DOCUMENTS, STEPS, STEPS)
def test_what_is_there_is_found_and_what_is_not_is_not(document: Any, steps: list[Any], others: list[Any]) -> None:
    read = read_json(json.dumps(document).encode())
    there = [value_of(("query", each), document) is not MISSING for each in (steps, others)]
    one, other = written(("query", steps)), written(("query", others))
    assert JsonCondition(one).holds(read) is there[0]
    assert JsonCondition(f"!{one}").holds(read) is not there[0]
    assert JsonCondition(f"{one} || {other}").holds(read) is any(there)


@given(st.text(max_size=30) | st.text("$.ab[]'\"=<>!|(),length search-0123 ", max_size=30))
def test_any_text_is_a_condition_or_a_refusal(text: str) -> None:
    try:
        condition = JsonCondition(text)
    except ValueError:
        return
    assert condition.holds(read_json(BODY)) in (True, False)


# ---------------------------------------------------------------- hostile bodies

CONDITIONS = [JsonCondition(text) for text in ("$.a < $.b", "$[0] == $[1]", 'search($.a, "x")', "length($) > 1e999")]
NO_JSON = {
    "nothing": b"",
    "a page": b"<html>",
    "NaN": b"NaN",
    "infinity": b'{"a": -Infinity}',
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "two documents": b"{} {}",
    "a number beyond all": b'{"a": 1e99999999999999999999}',
    "nested lists": b"[" * 3_000,
    "nested objects": b'{"a":' * 1_900,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_said_in_words_of_ours(body: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read_json(body)
    assert not caught.value.too_large


TOO_LARGE = {
    "bytes": b'"' + b"a" * DOCUMENT_BYTES + b'"',
    "bytes that are no ASCII": ('"' + "ü" * DOCUMENT_BYTES + '"').encode()[: DOCUMENT_BYTES // 2],
    "numbers": b"[" + b"1," * 20_000 + b"1]",
    "objects": b"[" + b"{}," * 6_000 + b"1]",
    "lists": b"[" * 20_000,
}


@pytest.mark.parametrize("body", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_would_take_too_much_memory_is_not_decoded(body: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read_json(body)
    assert caught.value.too_large


ODD = {
    "a long number": b'{"a": ' + b"9" * 100_000 + b"}",
    "an exponent": b'{"a": 1e999999999, "b": 1e-999999999}',
    "equal keys": b'{"a": 1, "a": 2}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a BOM": b'\xef\xbb\xbf{"a": 1}',
    "nested lists": b"[" + b"[" * 150 + b"]" * 150 + b"," + b"[" * 150 + b"]" * 150 + b"]",
    "a NUL": b'{"a": "\\u0000"}',
}


def verdict(body: bytes) -> bool | str:
    try:
        document = read_json(body)
        held = [condition.holds(document) for condition in CONDITIONS]
    except DocumentError as error:
        return str(error)
    return any(held)


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_what_is_only_odd_is_judged(body: bytes) -> None:
    assert verdict(body) in (True, False)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_any_body_is_a_verdict(body: bytes) -> None:
    assert verdict(body) in (True, False, "the body is no JSON")


def test_how_deep_a_document_may_be_nested_is_the_same_on_every_python() -> None:
    deep, deeper = (b"[" * levels + b"]" * levels for levels in (MOST_LEVELS - 1, MOST_LEVELS))
    assert verdict(b"[" + deep + b"," + deep + b"]") is True
    assert verdict(b"[" + deeper + b"," + deeper + b"]") == "the body is nested too deeply to be read as JSON"
