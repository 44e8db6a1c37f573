"""Chrome's own figures of a public origin (CrUX API, records and history): a second source, which decides nothing.

An app inside somebody's admin page is never in it. A bin is `[start, end)`, so 200 ms exactly is no good INP here. The
verdict is by the density of the first bin: a rounded CLS percentile of "0.10" has been seen with 72.6 % good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import cast

from monitor.facts import Json, parse_json
from monitor.settings import Secret
from monitor.sources.kind import Request

API = "https://chromeuxreport.googleapis.com"
METRICS: Mapping[str, str] = {
    "LCP": "largest_contentful_paint",
    "INP": "interaction_to_next_paint",
    "CLS": "cumulative_layout_shift",
}
GOOD = Decimal("0.75")
MOST_PERIODS = 60
"""Of a history; the API gives 25, or up to 40 where asked."""

_LARGEST = 10**6

Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Place:
    """Whose figures are asked for. `url` is where the API is."""

    origin: str
    key: Secret
    url: str = API


def latest(place: Place) -> Request:
    """Asks for the 28 days that ended last."""
    return _request(place, "records:queryRecord")


def history(place: Place) -> Request:
    """Asks for the last 25 windows, a week apart."""
    return _request(place, "records:queryHistoryRecord")


def _request(place: Place, method: str) -> Request:
    body: Json = {"origin": place.origin, "metrics": [*METRICS.values()]}
    return Request(method, f"{place.url}/v1/{method}", {"X-Goog-Api-Key": place.key}, body)


def readings(body: bytes, place: Place) -> list[dict[str, Json]]:
    """The fields of a `vitals_reading` fact for each metric and window that the answer has figures of. Raises FactError
    for what is no JSON; what is not as documented is left out."""
    given = parse_json(body)
    record = _object(_object(given).get("record"))
    metrics = _object(record.get("metrics"))
    found: list[dict[str, Json]] = []
    for metric, name in METRICS.items():
        told = _object(metrics.get(name))
        for period, density, p75 in _windows(record, told):
            days, good, percentile = _period(period), _share(density), _number(p75)
            if days is not None and good is not None and percentile is not None:
                found.append(_fields(place, metric, days, (good, percentile)))
    return found


def _fields(
    place: Place, metric: str, days: tuple[date, date], figures: tuple[Decimal, int | float]
) -> dict[str, Json]:
    first, last = (day.isoformat() for day in days)
    good, p75 = figures
    return {
        "metric": metric,
        "p75": p75,
        "from": first,
        "to": last,
        "author": "CrUX",
        "source": "crux",
        "evidence": place.url,
        "subject": place.origin,
        "good_ratio": float(good),
        "verdict": "met" if good >= GOOD else "missed",
        "id": f"crux/{place.origin}/{metric}/{last}",
    }


def _windows(record: Object, told: Object) -> Iterator[tuple[Json, Json, Json]]:
    """Period, density of the first bin and percentile of each window, of a record or of a history."""
    if "collectionPeriods" in record:
        first = _object(next(iter(_list(told.get("histogramTimeseries"))), None))
        percentiles = _list(_object(told.get("percentilesTimeseries")).get("p75s"))
        periods = _list(record.get("collectionPeriods"))
        yield from list(zip(periods, _list(first.get("densities")), percentiles, strict=False))[-MOST_PERIODS:]
    elif told:
        first = _object(next(iter(_list(told.get("histogram"))), None))
        percentile = _object(told.get("percentiles")).get("p75")
        yield record.get("collectionPeriod"), first.get("density"), percentile


def _period(given: Json) -> tuple[date, date] | None:
    period = _object(given)
    first, last = _date(period.get("firstDate")), _date(period.get("lastDate"))
    return None if first is None or last is None or last < first else (first, last)


def _date(given: Json) -> date | None:
    parts = [_object(given).get(name) for name in ("year", "month", "day")]
    if not all(isinstance(part, int) and not isinstance(part, bool) for part in parts):
        return None
    try:
        return date(*cast("list[int]", parts))
    except (ValueError, OverflowError):
        return None


def _share(given: Json) -> Decimal | None:
    """A density, exactly as it was written; windows without enough visits say "NaN"."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    share = Decimal(str(given))
    return share if share.is_finite() and 0 <= share <= 1 else None


def _number(given: Json) -> int | float | None:
    """A percentile: CLS is a text with two digits."""
    if isinstance(given, bool) or not isinstance(given, int | float | str) or len(str(given)) > 20:
        return None
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number <= _LARGEST:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _object(given: Json) -> Object:
    return given if isinstance(given, dict) else {}


def _list(given: Json) -> list[Json]:
    return given if isinstance(given, list) else []
