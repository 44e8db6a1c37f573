"""Conditions on a JSON document: what may stand in a filter of RFC 9535 (JSONPath), over singular queries alone.

    $.status == "ok"                        == != < <= > >= of numbers and strings; == and != of anything
    $.items[0].price < 9.99                 members by .name or ['any name'], elements by [index], from the end by [-1]
    length($.items) >= 1                    elements, members or characters
    $.user                                  it is there; !$.error it is not
    search($.name, "^jo")                   a regular expression, RE2's, is found in it; match(...) takes all of it
    $.state == "up" || $.state == "idle"    one of them

A singular query finds one value or none, so a condition takes a step for each of its names, whatever the document is.
What is not there equals nothing but what is not there either, and is neither less nor more than anything (section
2.3.5.2.2). Numbers are compared exactly. Not taken: wildcards, slices, descendants, `&&` (write two conditions), and
parentheses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import NamedTuple, NoReturn, TypeAlias

from monitor.facts.nesting import is_nested_too_deep
from monitor.probes.pattern import BodyPattern

LONGEST = 1_000  # characters of a condition
DOCUMENT_BYTES = 240_000  # of ASCII; less of what Python keeps in two or four bytes a character
DOCUMENT_VALUES = 4_000
"""What a document of a target may have: decoded it takes under 2 MB (design/faults.md, "Defaults")."""

_ESCAPED_BEYOND_FF = re.compile(rb"\\u(?!00)")
_ESCAPED_BEYOND_FFFF = re.compile(rb"\\u[dD][89abAB]")


class Nothing(Enum):
    """What a query finds where there is no such value."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING

Value: TypeAlias = "bool | Decimal | str | list[Value] | dict[str, Value] | None"
Found: TypeAlias = "Value | Nothing"
_Test: TypeAlias = Callable[[Value], bool]


class DocumentError(ValueError):
    """A document that cannot be judged; the words hold no byte of it. `too_large`: it goes over a limit."""

    def __init__(self, words: str, too_large: bool = False) -> None:
        super().__init__(words)
        self.too_large = too_large


def read_json(body: bytes) -> Value:
    """The document in a body. Raises DocumentError for what is no JSON (RFC 8259), or too much of it."""
    if len(body) > DOCUMENT_BYTES // _bytes_a_character(body):
        raise DocumentError("the body is too large to be read as JSON", too_large=True)
    if body.count(b",") + body.count(b"[") + 2 * body.count(b"{") >= DOCUMENT_VALUES:
        raise DocumentError(f"the body has over {DOCUMENT_VALUES} JSON values", too_large=True)
    if is_nested_too_deep(body):
        raise DocumentError("the body is nested too deeply to be read as JSON")
    try:
        document: Value = json.loads(
            body.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant
        )
    except (ValueError, InvalidOperation):
        raise DocumentError("the body is no JSON") from None
    return document


def _bytes_a_character(body: bytes) -> int:
    """What Python may keep a character in: one that is wide makes its whole string so, also where it is escaped."""
    if not body.isascii() or _ESCAPED_BEYOND_FFFF.search(body):
        return 4
    return 2 if _ESCAPED_BEYOND_FF.search(body) else 1


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinity are no JSON")


class JsonCondition:
    """A condition as it is written. Raises ValueError, with what was expected and where, for what is none."""

    __slots__ = ("_alternatives", "text")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"expected at most {LONGEST} characters")
        self.text = text
        self._alternatives = _Parser(text).alternatives()

    def holds(self, document: Value) -> bool:
        """Whether it is true of a document."""
        return any(test(document) for test in self._alternatives)


# ---------------------------------------------------------------- values


class _Query(NamedTuple):
    """The way to one value: names of members and indexes of elements."""

    steps: tuple[str | int, ...]

    def __call__(self, document: Value) -> Found:
        here: Value = document
        for step in self.steps:
            if isinstance(here, dict) and isinstance(step, str):
                if step not in here:
                    return NOTHING
                here = here[step]
            elif isinstance(here, list) and isinstance(step, int):
                if not -len(here) <= step < len(here):
                    return NOTHING
                here = here[step]
            else:
                return NOTHING
        return here


class _Length(NamedTuple):
    query: _Query

    def __call__(self, document: Value) -> Found:
        found = self.query(document)
        return Decimal(len(found)) if isinstance(found, str | list | dict) else NOTHING


class _Literal(NamedTuple):
    value: Value

    def __call__(self, document: Value) -> Found:
        return self.value


_Comparable: TypeAlias = "_Query | _Length | _Literal"


def _same(one: Found, other: Found) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    return type(one) is type(other) and one == other


def _less(one: Found, other: Found) -> bool:
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one < other
    return isinstance(one, str) and isinstance(other, str) and one < other


_OPERATORS: Mapping[str, Callable[[Found, Found], bool]] = {
    "==": _same,
    "!=": lambda one, other: not _same(one, other),
    "<": _less,
    "<=": lambda one, other: _less(one, other) or _same(one, other),
    ">": lambda one, other: _less(other, one),
    ">=": lambda one, other: _less(other, one) or _same(one, other),
}


def _comparison(operator: str, one: _Comparable, other: _Comparable) -> _Test:
    compare = _OPERATORS[operator]
    return lambda document: compare(one(document), other(document))


def _found(query: _Query, wanted: bool) -> _Test:
    return lambda document: (query(document) is not NOTHING) is wanted


def _matched(query: _Query, pattern: BodyPattern, wanted: bool) -> _Test:
    def test(document: Value) -> bool:
        found = query(document)
        return (isinstance(found, str) and pattern.found_in(found.encode("utf-8", "surrogatepass"))) is wanted

    return test


# ---------------------------------------------------------------- reading a condition

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<query>\$(?:\.[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*
            |\[-?(?:0|[1-9]\d{0,9})\]|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\])*)
        |(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)
        |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
        |(?P<word>true|false|null)\b
        |(?P<function>length|search|match)\s*\(
        |(?P<operator>==|!=|<=|>=|<|>)
        |(?P<sign>\|\||!|,|\))
    )""",
    re.VERBOSE | re.ASCII,
)
_STEP = re.compile(r"""\.([^.\[]+)|\[(-?\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
_WORDS: Mapping[str, Value] = {"true": True, "false": False, "null": None}


class _Token(NamedTuple):
    kind: str | None
    text: str
    at: int
    end: int


class _Parser:
    """One pass over a condition, a token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._token = self._read(0)

    def alternatives(self) -> tuple[_Test, ...]:
        tests = [self._alternative()]
        while self._taken("sign", "||"):
            tests.append(self._alternative())
        if self._token.kind != "end":
            self._expected("an operator such as ==, or ||, or the end")
        return tuple(tests)

    def _alternative(self) -> _Test:
        wanted = not self._taken("sign", "!")
        if self._token.kind == "function" and self._token.text != "length":
            return self._pattern(wanted)
        if not wanted:
            return _found(self._query(), wanted)
        one = self._comparable()
        operator = self._token
        if operator.kind == "operator":
            self._next()
            return _comparison(operator.text, one, self._comparable())
        if not isinstance(one, _Query):
            self._expected("one of == != < <= > >=")
        return _found(one, wanted)

    def _pattern(self, wanted: bool) -> _Test:
        function = self._next()
        query = self._query()
        self._must(",")
        given = self._token
        if given.kind != "string":
            self._expected("a regular expression in quotes")
        self._next()
        expression = _unquoted(given.text)
        try:
            pattern = BodyPattern(expression)
            if function.text == "match":
                pattern = BodyPattern(rf"\A(?:{expression})\z")
        except ValueError as error:
            raise ValueError(f"the expression at character {given.at + 1}: {error}") from None
        self._must(")")
        return _matched(query, pattern, wanted)

    def _comparable(self) -> _Comparable:
        token = self._token
        if token.kind == "query":
            return self._query()
        if token.kind == "function" and token.text == "length":
            self._next()
            query = self._query()
            self._must(")")
            return _Length(query)
        if token.kind not in ("number", "string", "word"):
            self._expected('a query such as $.status, a function, or a value such as 5, "ok", true or null')
        self._next()
        if token.kind == "number":
            return _Literal(Decimal(token.text))
        return _Literal(_unquoted(token.text) if token.kind == "string" else _WORDS[token.text])

    def _query(self) -> _Query:
        if self._token.kind != "query":
            self._expected("a query such as $.status")
        steps = _STEP.findall(self._next().text)
        return _Query(tuple(name or (int(index) if index else _unquoted(quoted)) for name, index, quoted in steps))

    def _taken(self, kind: str, text: str) -> bool:
        taken = (self._token.kind, self._token.text) == (kind, text)
        if taken:
            self._next()
        return taken

    def _must(self, sign: str) -> None:
        if not self._taken("sign", sign):
            self._expected(sign)

    def _next(self) -> _Token:
        token = self._token
        self._token = self._read(token.end)
        return token

    def _read(self, at: int) -> _Token:
        found = _TOKEN.match(self._text, at)
        kind = found.lastgroup if found is not None else None
        if found is None or kind is None:
            at = len(self._text) - len(self._text[at:].lstrip())
            return _Token("end" if at == len(self._text) else None, "", at, at)
        return _Token(kind, found[kind], found.start(kind), found.end())

    def _expected(self, what: str) -> NoReturn:
        place = "at the end" if self._token.kind == "end" else f"at character {self._token.at + 1}"
        raise ValueError(f"{place}: expected {what}")


def _unquoted(quoted: str) -> str:
    r"""A string literal: the escapes of JSON, and \' in single quotes."""
    inner = quoted[1:-1]
    if quoted[0] == "'":
        inner = re.sub(r"\\.|\"", lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), inner)
    try:
        text = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        raise ValueError(f"expected a string with the escapes of JSON; found {quoted[:40]}") from None
    return str(text)
