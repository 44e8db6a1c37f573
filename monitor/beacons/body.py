"""The body of a beacon, read: pure, and never an exception, whatever was sent (design/vitals.md, section 7).

Taken are `{"metrics": [...]}` (App Bridge's report, with or without the fields of former versions; the envelope of our
snippet), a bare array of metrics, and one metric of the web-vitals library. Of a metric `id`, `name`, `value` and
`country` are read. Everything else, shop and user ids with it, is dropped here and goes no further.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple, get_args

from monitor.errors import FactError
from monitor.facts import Json, parse_json

MOST_METRICS = 32
LARGEST_BODY = 16 * 1024
"""Bytes (commitments.md, section 1)."""

KEY_BYTES = 12

LARGEST: Mapping[str, int] = {"LCP": 600_000, "INP": 300_000, "CLS": 100}
"""The metrics that are promised, each with the largest value that is taken: ms, ms and a score without unit."""

NOT_PROMISED = frozenset({"FCP", "TTFB", "FID"})
"""Metrics of App Bridge and web-vitals that no commitment is about."""

Rejection = Literal["shape", "name", "not_promised", "id", "value", "country", "late"]
"""Why a single metric is dropped. `late`: its day was over and counted; only what waited in a spool can be."""

REJECTIONS: tuple[Rejection, ...] = get_args(Rejection)

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Metric(NamedTuple):
    """What a browser measured, as App Bridge names it; `country` is None where it was not given."""

    name: str
    id: str
    value: float
    country: str | None

    def key(self) -> bytes:
        """Stands for the metric and its id; who has it cannot tell the id."""
        return blake2b(f"{self.name}|{self.id}".encode(), digest_size=KEY_BYTES).digest()


class Beacon(NamedTuple):
    """A body that could be read: its good metrics, how many were rejected by reason, and what it says of its sender."""

    metrics: tuple[Metric, ...]
    rejected: Mapping[Rejection, int]
    apps: tuple[Json, ...] = ()
    ticket: Json = None


Unreadable = Literal["bad_json", "bad_shape"]


def read(body: bytes) -> Beacon | Unreadable:
    """The beacon, or why it is none: not JSON as RFC 8259 has it (also a name that stands twice), or not one of the
    shapes above with at most 32 metrics."""
    try:
        given = parse_json(body)
    except FactError:
        return "bad_json"
    listed = _listed(given)
    if listed is None or len(listed) > MOST_METRICS:
        return "bad_shape"
    read_metrics = [_metric(each) for each in listed]
    metrics = tuple(each for each in read_metrics if isinstance(each, Metric))
    rejected = Counter(each for each in read_metrics if not isinstance(each, Metric))
    if not isinstance(given, dict):
        return Beacon(metrics, rejected)
    apps = tuple(given[name] for name in ("app", "appId") if given.get(name) is not None)
    return Beacon(metrics, rejected, apps, given.get("ticket"))


def _listed(given: Json) -> list[Json] | None:
    if isinstance(given, list):
        return given
    if not isinstance(given, dict):
        return None
    if "metrics" in given:
        metrics = given["metrics"]
        return metrics if isinstance(metrics, list) else None
    return [given] if {"name", "value", "id"} <= given.keys() else None


def _metric(given: Json) -> Metric | Rejection:
    if not isinstance(given, dict):
        return "shape"
    name, metric_id, value, country = (given.get(field) for field in ("name", "id", "value", "country"))
    if not isinstance(name, str) or name not in LARGEST:
        return "not_promised" if isinstance(name, str) and name in NOT_PROMISED else "name"
    if not isinstance(metric_id, str) or _ID.fullmatch(metric_id) is None:
        return "id"
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_value(name, value):
        return "value"
    if country is None:
        return Metric(name, metric_id, math.fabs(value), None)
    if not isinstance(country, str) or not is_country(country):
        return "country"
    return Metric(name, metric_id, math.fabs(value), country)


def is_value(name: str, value: float) -> bool:
    """Whether a metric that is promised can have this value; never NaN or infinity."""
    return name in LARGEST and 0 <= value <= LARGEST[name]


def is_country(text: str) -> bool:
    """Two capital letters, as ISO 3166 has them."""
    return _COUNTRY.fullmatch(text) is not None
