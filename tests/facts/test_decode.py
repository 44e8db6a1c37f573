"""What a facts file may hold, and what it is told when it holds something else."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FactError
from monitor.facts import (
    AnyFact,
    Fact,
    Json,
    Result,
    canonical_line,
    decode_fact,
    decode_line,
    key,
    parse_json,
    subject,
)
from monitor.facts.schema import KINDS

AT = "2026-06-01T00:00:00.000Z"
RESULT: dict[str, Json] = {
    "kind": "result",
    "recorded_at": "2026-06-01T00:00:01.000Z",
    "check": "web",
    "vantage": "london",
    "at": AT,
    "outcome": "fail",
}
EXAMPLES: dict[str, dict[str, Json]] = {
    "maintenance": {"maintenance": "m1", "announced_at": AT, "start": AT, "end": "2026-06-01T01:00:00Z"},
    "incident": {"provider": "cloudflare", "incident": "i1", "components": {"CDN": [[AT, "major_outage"]]}},
    "exclusion": {
        "exclusion": "x1",
        "class": "customer",
        "start": AT,
        "end": AT,
        "reason": "r",
        "evidence": "e",
        "author": "ann",
    },
    "exclusion_decision": {"exclusion": "x1", "decision": "approved", "author": "bob"},
    "vitals_day": {
        "metric": "LCP",
        "day": "2026-06-01",
        "country": "GB",
        "good": 1,
        "needs_improvement": 0,
        "poor": 0,
        "buckets": {"361": 1},
        "zero": 0,
    },
    "vital": {"metric": "CLS", "value": 0.1001, "metric_id": "v1", "at": AT, "country": "GB"},
    "vitals_reading": {"metric": "LCP", "p75": 2300, "from": "2026-05-01", "to": "2026-05-28", "author": "ann"},
    "ticket": {"ticket": "t1", "customer": "acme", "priority": "high", "received_at": AT, "first_reply_at": None},
    "claim": {"claim": "c1", "customer": "acme", "month": "2026-05", "commitment": "availability", "requested_at": AT},
    "traffic_event": {
        "event": "e1",
        "customer": "acme",
        "start": AT,
        "end": AT,
        "notified_at": AT,
        "expected_factor": 5.5,
    },
    "closing": {
        "service": "app",
        "month": "2026-05",
        "revision": 0,
        "as_of": AT,
        "digest": "sha256:0",
        "author": "ann",
    },
    "terms": {"terms": {"services": []}, "digest": "sha256:0"},
    "seal": {
        "check": "web",
        "vantage": "london",
        "day": "2026-06-01",
        "count": 2,
        "digest": "sha256:0",
        "stretches": [[AT, AT, 2, 70000]],
    },
    "lifecycle": {"event": "started", "at": AT},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, width=32) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def line(fields: dict[str, Json], **changes: Json) -> str:
    return json.dumps({**fields, **changes})


def refusal(text: str | bytes) -> str:
    with pytest.raises(FactError) as refused:
        decode_line(text)
    return str(refused.value)


def test_every_kind_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_every_kind_is_read_and_written_the_same(kind: str) -> None:
    given_line = line(EXAMPLES[kind], kind=kind, recorded_at=AT)
    fact = decode_line(given_line)
    assert isinstance(fact, Fact)
    assert decode_line(canonical_line(fact)) == fact


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in sorted(KINDS) for field in KINDS[kind][0]])
def test_a_missing_field_is_named(kind: str, field: str) -> None:
    fields = {name: value for name, value in EXAMPLES[kind].items() if name != field}
    assert refusal(line(fields, kind=kind, recorded_at=AT)).startswith(f"{field}: is missing (a {kind} needs ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
        ("[]", "expected a JSON object, one fact a line"),
        ("{}", f"kind: expected one of result {' '.join(sorted(KINDS))}; found null"),
        (line(RESULT, kind="outage"), f'kind: expected one of result {" ".join(sorted(KINDS))}; found "outage"'),
        (line(RESULT, check=""), 'check: expected a name; found ""'),
        (line(RESULT, check=7), "check: expected a name; found 7"),
        (line(RESULT, outcome="up"), 'outcome: expected pass, fail or void; found "up"'),
        (line(RESULT, at=1780272000), "at: expected an instant as text; found 1780272000"),
        (
            line(RESULT, at="2026-06-01T00:00:00"),
            "at: '2026-06-01T00:00:00' is no instant: RFC 3339 with an offset, for example 2026-03-01T00:00:00.000Z",
        ),
        (line(RESULT, hold_ms=-1), "hold_ms: expected a whole number, 0 or more; found -1"),
        (line(RESULT, hold_ms=1.5), "hold_ms: expected a whole number, 0 or more; found 1.5"),
        (line(RESULT, hold_ms=True), "hold_ms: expected a whole number, 0 or more; found true"),
        (line(RESULT, confirm=1), "confirm: expected true or false; found 1"),
        (
            line(RESULT, phases_ms={"dns": 1}),
            'phases_ms: expected only resolve connect tls processing transfer; found "dns"',
        ),
        (line(RESULT, check="a\0b"), 'check: expected Unicode text without NUL and lone surrogates; found "a\\u0000b"'),
        (line(RESULT, new=2**60), f'field["new"]: expected a number below 2^53; found {2**60}'),
        ('{"kind":"result","kind":"result"}', "the name 'kind' stands twice in one object"),
        (line(RESULT)[:-1] + ',"new":NaN}', "is not JSON: NaN is no number"),
        (line(RESULT)[:-1] + ',"new":-Infinity}', "is not JSON: -Infinity is no number"),
        (b"\xff", "is not UTF-8"),
        (b"\xef\xbb\xbf" + line(RESULT).encode(), "begins with a byte order mark; save it as UTF-8 without one"),
        (
            line(EXAMPLES["maintenance"], kind="maintenance", recorded_at=AT, end="2026-05-31T00:00:00Z"),
            "end: is before start: maintenance ends 2026-05-31T00:00:00.000Z and starts 2026-06-01T00:00:00.000Z",
        ),
        (
            line(EXAMPLES["maintenance"], kind="maintenance", recorded_at=AT, end=None),
            "end: expected both start and end, or null for both",
        ),
        (
            line(EXAMPLES["exclusion"], kind="exclusion", recorded_at=AT, **{"class": "maintenance"}),
            'class: expected one of force_majeure customer connectivity; found "maintenance"',
        ),
        (
            line(EXAMPLES["incident"], kind="incident", recorded_at=AT, components={"CDN": [[AT, "bad"]]}),
            'components["CDN"][0][1]: expected one of operational maintenance degraded partial_outage major_outage; '
            'found "bad"',
        ),
    ],
)
def test_what_is_bad_is_named_with_what_was_expected(text: str | bytes, message: str) -> None:
    assert refusal(text) == message


def test_without_recorded_at_only_a_given_one_will_do() -> None:
    fields = {name: value for name, value in RESULT.items() if name != "recorded_at"}
    assert refusal(line(fields)) == "recorded_at: is missing"
    assert decode_fact(fields, recorded_at=5).recorded_at == 5


def test_nesting_that_json_can_read_but_nothing_else_can_is_refused_too() -> None:
    deep_field = 'field["new"]: is nested too deep'
    for depth, words in ((33, deep_field), (199, deep_field), (200, "is nested too deep: at most 200")):
        deep = "[" * depth + "]" * depth
        assert refusal(line(RESULT)[:-1] + f',"new":{deep}}}').startswith(words)


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    assert refusal("[" * 100_000) == "is nested too deep: at most 200 objects and lists within each other"


def test_an_unknown_reason_is_kept_as_other_and_a_long_detail_is_cut() -> None:
    result = decode_line(line(RESULT, reason="moon_phase", detail="x" * 600))
    assert isinstance(result, Result)
    assert (result.reason, len(result.detail or "")) == ("other", 500)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_fields_that_nobody_named_are_kept(extra: dict[str, Json]) -> None:
    extra = {name: value for name, value in extra.items() if name not in RESULT and name not in ("id", "source")}
    try:
        fact = decode_fact({**RESULT, **extra})
    except FactError:
        return  # NUL, a lone surrogate, or a field of a result with the wrong type
    assert decode_line(canonical_line(fact)) == fact
    assert canonical_line(fact) == rfc8785.dumps({**RESULT, **extra})


numbers = st.integers(0, 10**7) | st.floats(0, 10**7, allow_nan=False).map(lambda value: round(value, 3))


@given(numbers, numbers, st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_the_canonical_line_is_rfc_8785(duration: float, connect: float, name: str) -> None:
    fields: dict[str, Json] = {**RESULT, "check": name, "duration_ms": duration, "phases_ms": {"connect": connect}}
    assert canonical_line(decode_fact(fields)) == rfc8785.dumps(fields)


@given(json_values)
def test_any_json_is_a_fact_or_a_refusal(value: Json) -> None:
    try:
        decode_fact(value)
    except FactError as error:
        refusals = str(error).splitlines()
    else:
        refusals = ["none"]
    assert len(refusals) == 1


@given(st.text() | st.binary())
def test_any_text_is_json_or_a_refusal(text: str | bytes) -> None:
    try:
        parse_json(text)
    except FactError as error:
        assert str(error)  # noqa: PT017 - which of the two it is depends on the text


def test_the_same_content_recorded_later_is_the_same_fact() -> None:
    first, again = decode_line(line(RESULT)), decode_line(line(RESULT, recorded_at="2026-07-01T00:00:00Z"))
    assert key(first) == key(again)
    assert key(first) != key(decode_line(line(RESULT, outcome="void")))


def test_an_id_makes_the_fact_whatever_else_it_says() -> None:
    first: AnyFact = decode_line(line(RESULT, id="probe-7"))
    assert key(first) == key(decode_line(line(RESULT, id="probe-7", outcome="void")))
    assert key(first) != key(decode_line(line(EXAMPLES["lifecycle"], kind="lifecycle", recorded_at=AT, id="probe-7")))


def test_a_decision_and_its_exclusion_are_one_subject() -> None:
    decided = decode_line(line(EXAMPLES["exclusion_decision"], kind="exclusion_decision", recorded_at=AT))
    declared = decode_line(line(EXAMPLES["exclusion"], kind="exclusion", recorded_at=AT))
    assert subject(decided) == subject(declared) == ("exclusion", "x1")
