"""Reading the body of a beacon: what is taken, and that nothing which can be sent raises or is taken for a number.

Ten thousand bodies go over HTTP (tests/faces/test_web_vitals.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.beacons.body import LARGEST, REJECTIONS, Beacon, Metric, read

LCP: dict[str, Any] = {"id": "v6-1700000000000-1234567890123", "name": "LCP", "value": 2412.5}


def beacon(body: object) -> Beacon:
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert isinstance(found, Beacon), found
    return found


def rejected(**changed: Any) -> Mapping[str, int]:
    found = beacon({"metrics": [{**LCP, **changed}]})
    assert not found.metrics
    return {str(reason): count for reason, count in found.rejected.items()}


@pytest.mark.parametrize(
    "body",
    [
        {"metrics": [LCP]},
        {"v": 1, "app": "a", "seq": 3, "ticket": "t", "metrics": [LCP]},
        {"appId": "gid://shopify/App/1", "shopId": "10", "userId": "5", "appLoadId": "x", "metrics": [LCP]},
        [LCP],
        LCP,
        {**LCP, "rating": "good", "delta": 2.5, "entries": [{}], "attribution": {"url": "https://x/?token=1"}},
    ],
)
def test_every_shape_that_is_sent_gives_its_metrics(body: object) -> None:
    assert beacon(body).metrics == (Metric("LCP", LCP["id"], 2412.5, None),)


def test_a_report_without_metrics_is_a_report() -> None:
    assert beacon({"metrics": []}) == Beacon((), {})


def test_the_country_is_kept_where_it_is_given() -> None:
    assert [each.country for each in beacon({"metrics": [{**LCP, "country": "DE"}, LCP]}).metrics] == ["DE", None]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"metrics": [NaN]}', b"[Infinity]", b"[-Infinity]"])
@pytest.mark.parametrize("around", [b"%s", b"[%s]"])
def test_what_is_no_json_is_told(body: bytes, around: bytes) -> None:
    assert read(around % body if body else body) == "bad_json"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_500,
        b'{"a":' * 2_000,
        b"[" * 8_000 + b"]" * 8_000,
        b'{"metrics": [], "metrics": []}',
        b'[{"id": "a", "id": "b", "name": "LCP", "value": 1}]',
        b'{"metrics": [' + b"9" * 5_000 + b"]}",
        b'\xef\xbb\xbf{"metrics": []}',
        b'{"metrics": [] }x',
        b'{"metrics": ["\n"]}',
    ],
)
def test_json_that_is_made_to_break_a_parser_is_told(body: bytes) -> None:
    assert read(body) == "bad_json"


@pytest.mark.parametrize(
    "body",
    [None, 1, "x", True, {}, {"metrics": None}, {"metrics": {}}, {"name": "LCP"}, [LCP] * 33, {"metrics": 33 * [1]}],
)
def test_another_shape_is_told(body: object) -> None:
    assert read(json.dumps(body).encode()) == "bad_shape"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": "lcp"}, "name"),
        ({"name": None}, "name"),
        ({"name": ["LCP"]}, "name"),
        ({"name": "FCP"}, "not_promised"),
        ({"name": "FID"}, "not_promised"),
        ({"id": ""}, "id"),
        ({"id": "a" * 65}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "\ud800"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": 5}, "id"),
        ({"value": "NaN"}, "value"),
        ({"value": "Infinity"}, "value"),
        ({"value": "12"}, "value"),
        ({"value": True}, "value"),
        ({"value": None}, "value"),
        ({"value": -0.001}, "value"),
        ({"value": -1}, "value"),
        ({"value": 600_000.1}, "value"),
        ({"value": 10**400}, "value"),
        ({"name": "INP", "value": 300_001}, "value"),
        ({"name": "CLS", "value": 100.001}, "value"),
        ({"country": "de"}, "country"),
        ({"country": "DEU"}, "country"),
        ({"country": 1}, "country"),
    ],
)
def test_a_metric_that_is_wrong_is_rejected_by_its_reason(changed: dict[str, Any], reason: str) -> None:
    assert rejected(**changed) == {reason: 1}


def test_a_number_beyond_all_numbers_is_rejected_alone() -> None:
    found = beacon(b'{"metrics": [{"id": "a", "name": "LCP", "value": 1e400}, {"id": "b", "name": "CLS", "value": 0}]}')
    assert [each.name for each in found.metrics] == ["CLS"]
    assert dict(found.rejected) == {"value": 1}


@pytest.mark.parametrize(
    ("name", "value"), [("LCP", 600_000), ("INP", 300_000), ("CLS", 100), ("CLS", 0), ("CLS", -0.0)]
)
def test_the_ends_of_what_is_taken_are_taken(name: str, value: float) -> None:
    [metric] = beacon({"metrics": [{**LCP, "name": name, "value": value}]}).metrics
    assert metric.value == value
    assert math.copysign(1, metric.value) == 1


def test_one_id_is_one_sample_of_each_metric() -> None:
    first, again, other = (
        Metric(name, "x", value, None).key() for name, value in (("LCP", 1.0), ("LCP", 2.0), ("INP", 1.0))
    )
    assert first == again != other
    assert len(first) == 12


# ---------------------------------------------------------------- whatever is sent

WORDS = st.sampled_from(
    ["metrics", "id", "name", "value", "country", "app", "appId", "ticket", "LCP", "INP", "CLS", "DE", "v", "a"]
)
TEXTS = WORDS | st.text(st.characters(codec=None), max_size=6)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**40, -1, 0, 600_000, 1e308, 5e-324])
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=12,
)
METRICS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["v6-1-2", "x"]) | TEXTS | ANY,
        "name": st.sampled_from([*LARGEST, "FCP"]) | ANY,
        "value": NUMBERS | ANY,
        "country": st.sampled_from(["DE", "GB"]) | ANY,
        "attribution": ANY,
    },
)
SHAPED = st.fixed_dictionaries(
    {"metrics": st.lists(METRICS, max_size=34)}, optional={"app": ANY, "ticket": ANY, "seq": ANY}
)
BODIES = (
    st.builds(lambda given: json.dumps(given).encode(), SHAPED | st.lists(METRICS, max_size=3) | METRICS | ANY)
    | st.builds(
        lambda given, at, put: (
            (text := json.dumps(given).encode())[: at % (len(text) + 1)] + put + text[at % (len(text) + 1) :]
        ),
        SHAPED,
        st.integers(0, 400),
        st.binary(max_size=3)
        | st.sampled_from([b"NaN", b"1e999", b"-", b'"\\ud800"', b"[" * 300, b"\\u0000", b"null"]),
    )
    | st.binary(max_size=60)
)


def judge(body: bytes) -> None:
    """The law: an answer that is documented, every metric accounted for, and no number that could poison a sum."""
    found = read(body)
    if not isinstance(found, Beacon):
        assert found in ("bad_json", "bad_shape")
        return
    given_metrics = json.loads(body)
    listed = given_metrics.get("metrics", [given_metrics]) if isinstance(given_metrics, dict) else given_metrics
    assert len(found.metrics) + sum(found.rejected.values()) == len(listed)
    assert found.rejected.keys() <= set(REJECTIONS)
    for metric in found.metrics:
        assert type(metric.value) is float
        assert 0 <= metric.value <= LARGEST[metric.name]
        assert metric.country is None or (len(metric.country) == 2 and metric.country.isascii())


@settings(max_examples=60)
@example(b'{"metrics": [{"id": "a", "name": "LCP", "value": NaN}]}')
@example(b"[1e400]")
@given(BODIES)
def test_whatever_is_sent_has_its_documented_answer(body: bytes) -> None:
    judge(body)
