"""YAML 1.2: what a scalar means, where everything stands, and that no text can do harm."""

from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.document import Place, place_in, read_document, read_with_places
from monitor.config.plain import OddError, read_plain
from monitor.errors import ConfigError, Problem
from tests.config.written import EXAMPLE, SMALLEST, decoded


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("12:30:00", "12:30:00"),
        ("2025-07-01", "2025-07-01"),
        ("1_000", "1_000"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-1", -1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("+.nan", "+.nan"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("'null'", "null"),
        ('"1"', "1"),
        ("TRUE", True),
        ("false", False),
        ("99.9%", "99.9%"),
        ("9.9.9.9", "9.9.9.9"),
        ("=", "="),
    ],
)
def test_a_scalar_means_what_the_core_schema_of_yaml_1_2_says(written: str, meant: object) -> None:
    found = read_document(f"key: {written}\n", "f").values
    assert found == {"key": meant}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(meant)


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert read_document("{42: a, yes: b, 1.0: c, null: d}", "f").values == {
        "42": "a",
        "yes": "b",
        "1.0": "c",
        "null": "d",
    }


def test_an_alias_repeats_what_its_anchor_names() -> None:
    assert read_document("a: &one {x: [1]}\nb: *one\n", "f").values == {"a": {"x": [1]}, "b": {"x": [1]}}


def test_a_byte_order_mark_moves_no_place() -> None:
    document = read_document("\ufefftimezone: UTC\n", "f")
    assert document.place(("timezone",)) == Place(1, 11)


def test_values_and_keys_know_their_places() -> None:
    document = read_document("a:\n  - {b: 1,\n     ü: two}\n", "f")
    assert document.place(("a", 0)) == Place(2, 5)
    assert document.place(("a", 0, "b")) == Place(2, 9)
    assert document.place(("a", 0, "ü")) == Place(3, 9)
    assert document.key_place(("a", 0, "ü")) == Place(3, 6)


def test_the_place_of_what_is_missing_is_that_of_what_should_hold_it() -> None:
    document = read_document("a:\n  - b: 1\n", "f")
    assert document.place(("a", 0, "missing", "deeper")) == Place(2, 5)
    assert document.place(("a", 7)) == Place(2, 3)


def test_a_problem_names_file_line_column_and_path() -> None:
    document = read_document("a:\n  - {'b c': 1}\n", "minutebook.yaml")
    assert str(document.problem(("a", 0, "b c"), "is wrong")) == "minutebook.yaml:2:13: a[0]['b c']: is wrong"


@given(st.text(alphabet="ab\n\té", max_size=40), st.integers(0, 40))
def test_a_place_counts_lines_and_columns_from_one(text: str, position: int) -> None:
    position = min(position, len(text))
    line, column = place_in(text, position)
    assert text.split("\n")[line - 1][: column - 1] == text[:position].rpartition("\n")[2]


@given(st.text(max_size=300))
def test_any_text_is_decoded_or_refused_with_a_place(text: str) -> None:
    _decoded_or_refused(text)


_WORDS = st.sampled_from(
    [*"[]{}:,-?&*!|>'\"%@#`~ \n\t", "services", "name", "checks", ": ", "\n  ", "- ", "http", "30s"]
)


@given(st.lists(_WORDS, max_size=60).map("".join))
def test_any_pile_of_yaml_signs_is_decoded_or_refused_with_a_place(text: str) -> None:
    _decoded_or_refused(text)


@given(
    st.lists(_WORDS | st.sampled_from(["a: 1", "{a: b}", "\n- ", "[1, x]", "0x1F", ".5", "true", "&a "]), max_size=30)
)
def test_a_text_read_without_places_has_the_values_of_the_same_text_with_them(words: list[str]) -> None:
    text = "".join(words)
    try:
        plain = read_plain(text)
    except OddError:
        return
    placed = read_with_places(text, "minutebook.yaml")
    assert (repr(plain), ()) == (repr(placed.values), placed.problems)


@pytest.mark.parametrize(
    "odd",
    ["a: 1\na: 2", "&a b", "!!str 1", "[*a]", "*a", "{[1]: 2}", "a: .inf", "a\n---\nb", "", "a: [", "9" * 20, "[" * 40],
)
def test_what_may_need_a_message_is_read_with_its_places(odd: str) -> None:
    with pytest.raises(OddError):
        read_plain(odd)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=12)
_KEYS = st.sampled_from(
    ["services", "checks", "http", "url", "policies", "support", "hours", "sources", "from_file", "0"]
)
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=25
)


@given(_TREES)
def test_any_tree_is_decoded_or_refused_with_a_place(tree: object) -> None:
    _decoded_or_refused(yaml.safe_dump(tree))


@given(st.data())
def test_the_example_with_a_piece_exchanged_is_decoded_or_refused_with_a_place(data: st.DataObject) -> None:
    text = EXAMPLE.read_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    _decoded_or_refused(text[:start] + data.draw(st.text(string.printable, max_size=10)) + text[end:])


def test_the_smallest_file_is_decoded() -> None:
    assert list(decoded(SMALLEST).checks) == ["web"]


def _decoded_or_refused(text: str) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        decoded(text)
    except ConfigError as refused:
        problems = refused.problems
    assert problems != ()
    assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in problems or ())
