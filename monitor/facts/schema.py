"""What each kind of fact must and may hold, as data (contracts/facts.md, the table of kinds).

A check takes a field's name and its JSON, and gives the JSON to keep (instants in canonical spelling) or raises
FactError. A field that the table does not name is kept as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache

from monitor.errors import FactError, InputError
from monitor.facts.kinds import EXCLUSION_CLASSES, SEVERITIES, Json
from monitor.ledger.period import DAY, format_instant, parse_instant, parse_month

Check = Callable[[str, Json], Json]

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INDEX = re.compile(r"0|-?[1-9]\d{0,3}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_INTEGER_LIMIT = 2**53 - 1  # RFC 8785 numbers are IEEE 754 doubles: exact to here
_FIRST_INSTANT = parse_instant("0001-01-01T00:00:00Z")
_LAST_INSTANT = parse_instant("9999-12-31T00:00:00Z") + DAY - 1

DEEPEST = 32
"""Objects and lists within each other in a field that this page does not name; a `terms` fact has nine. Whoever reads
the fact again does so deeper in its stack than who took it in."""


def shown(value: Json) -> str:
    """The JSON as a message shows it: short, and on one line."""
    return json.dumps(value)[:60]


def inside(field: str, key: str) -> str:
    """The place of a member whose name was sent to us: quoted and cut, since it goes to terminals and answers."""
    return f"{field}[{json.dumps(key[:30])}]"


def text(field: str, given: Json) -> str:
    if not isinstance(given, str):
        raise FactError(f"{field}: expected text; found {shown(given)}")
    if not given.isprintable() and ("\0" in given or not _is_unicode(given)):
        raise FactError(f"{field}: expected Unicode text without NUL and lone surrogates; found {shown(given)}")
    return given


def name(field: str, given: Json) -> str:
    if given == "" or not isinstance(given, str):
        raise FactError(
            f"{field}: expected a name; found {shown(given)}" if given is not None else f"{field}: is missing"
        )
    return text(field, given)


def flag(field: str, given: Json) -> bool:
    if not isinstance(given, bool):
        raise FactError(f"{field}: expected true or false; found {shown(given)}")
    return given


def whole(field: str, given: Json) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= _INTEGER_LIMIT:
        raise FactError(f"{field}: expected a whole number, 0 or more; found {shown(given)}")
    return given


def number(field: str, given: Json) -> Json:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= _INTEGER_LIMIT:
        raise FactError(f"{field}: expected a number, 0 or more; found {shown(given)}")
    return given


def instant_ms(field: str, given: Json) -> int:
    if not isinstance(given, str):
        raise FactError(f"{field}: expected an instant as text; found {shown(given)}")
    try:
        return _parse_instant(given)
    except InputError as error:
        raise FactError(f"{field}: {error}") from None


@lru_cache(maxsize=256)  # a line says one instant twice, a file one expiry all along
def _parse_instant(given: str) -> int:
    parsed = parse_instant(given)
    if not _FIRST_INSTANT <= parsed <= _LAST_INSTANT:
        raise InputError(f"{given!r} is not in the years 1 to 9999 of UTC")
    return parsed


def instant(field: str, given: Json) -> str:
    return format_instant(instant_ms(field, given))


def nullable_instant(field: str, given: Json) -> str | None:
    return None if given is None else instant(field, given)


def day(field: str, given: Json) -> str:
    if isinstance(given, str) and _DAY.fullmatch(given):
        with suppress(ValueError):
            return date.fromisoformat(given).isoformat()
    raise FactError(f"{field}: expected a date, for example 2026-03-01; found {shown(given)}")


def instant_or_day(field: str, given: Json) -> str:
    return day(field, given) if isinstance(given, str) and _DAY.fullmatch(given) else instant(field, given)


def month(field: str, given: Json) -> str:
    try:
        return str(parse_month(text(field, given)))
    except InputError as error:
        raise FactError(f"{field}: {error}") from None


def matching(pattern: re.Pattern[str], expected: str) -> Check:
    def check(field: str, given: Json) -> str:
        if not isinstance(given, str) or pattern.fullmatch(given) is None:
            raise FactError(f"{field}: expected {expected}; found {shown(given)}")
        return given

    return check


def one_of(*words: str) -> Check:
    def check(field: str, given: Json) -> str:
        if not isinstance(given, str) or given not in words:
            raise FactError(f"{field}: expected one of {' '.join(words)}; found {shown(given)}")
        return given

    return check


def names(field: str, given: Json) -> list[Json]:
    if not isinstance(given, list):
        raise FactError(f"{field}: expected a list of names; found {shown(given)}")
    return [name(f"{field}[{place}]", item) for place, item in enumerate(given)]


def components(field: str, given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise FactError(f"{field}: expected an object of component: [[instant, severity], ...]; found {shown(given)}")
    return {name(field, component): _steps(inside(field, component), steps) for component, steps in given.items()}


def _steps(field: str, given: Json) -> list[Json]:
    if not isinstance(given, list):
        raise FactError(f"{field}: expected [[instant, severity], ...]; found {shown(given)}")
    severity = one_of(*SEVERITIES)
    steps: list[Json] = []
    for place, step in enumerate(given):
        if not isinstance(step, list) or len(step) != 2:
            raise FactError(f"{field}[{place}]: expected [instant, severity]; found {shown(step)}")
        steps.append([instant(f"{field}[{place}][0]", step[0]), severity(f"{field}[{place}][1]", step[1])])
    return steps


def counts(field: str, given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise FactError(f"{field}: expected an object of index: count; found {shown(given)}")
    for index in given:
        if _INDEX.fullmatch(index) is None:
            raise FactError(f"{inside(field, index)}: expected the index of a bucket, a whole number such as 361")
    return {index: whole(inside(field, index), count) for index, count in given.items()}


def stretches(field: str, given: Json) -> list[Json]:
    if not isinstance(given, list):
        raise FactError(f"{field}: expected a list of stretches; found {shown(given)}")
    checked: list[Json] = []
    for place, row in enumerate(given):
        where = f"{field}[{place}]"
        if not isinstance(row, list) or len(row) != 4:
            raise FactError(f"{where}: expected [first at, last at, count, hold_ms]; found {shown(row)}")
        checked.append([instant(where, row[0]), instant(where, row[1]), whole(where, row[2]), whole(where, row[3])])
    return checked


def spellable(field: str, given: Json, deeper: int = DEEPEST) -> Json:
    """Anything that RFC 8785 can spell, also inside, and at most `deeper` levels deep."""
    if isinstance(given, str):
        return text(field, given)
    if isinstance(given, int | float) and not abs(given) <= _INTEGER_LIMIT:
        raise FactError(f"{field}: expected a number below 2^53; found {shown(given)}")
    if isinstance(given, list | dict) and deeper == 0:
        raise FactError(f"{field}: is nested too deep: at most {DEEPEST} objects and lists within each other")
    if isinstance(given, list):
        return [spellable(field, item, deeper - 1) for item in given]
    if isinstance(given, dict):
        return {text(field, key): spellable(inside(field, key), value, deeper - 1) for key, value in given.items()}
    return given


def unnamed(field: str, given: Json) -> Json:
    """A field that facts.md does not name: kept as it is."""
    return spellable(inside("field", text("a field's name", field)), given)


def structure(field: str, given: Json) -> Json:
    if not isinstance(given, dict):
        raise FactError(f"{field}: expected an object; found {shown(given)}")
    return spellable(field, given)


def _is_unicode(given: str) -> bool:
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


_country = matching(_COUNTRY, "two capital letters (ISO 3166)")
_metric = one_of("LCP", "INP", "CLS")

KINDS: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "maintenance": (
        {"maintenance": name, "announced_at": instant, "start": nullable_instant, "end": nullable_instant},
        {"services": names, "title": text, "url": text, "emergency": flag},
    ),
    "incident": (
        {"provider": name, "incident": name, "components": components},
        {"title": text, "url": text, "impact": text, "status": text},
    ),
    "exclusion": (
        {
            "exclusion": name,
            "class": one_of(*EXCLUSION_CLASSES[2:]),
            "start": instant,
            "end": instant,
            "reason": text,
            "evidence": text,
            "author": name,
        },
        {"services": names},
    ),
    "exclusion_decision": (
        {"exclusion": name, "decision": one_of("approved", "revoked"), "author": name},
        {"reason": text},
    ),
    "vitals_day": (
        {
            "metric": _metric,
            "day": day,
            "country": text,
            "good": whole,
            "needs_improvement": whole,
            "poor": whole,
            "buckets": counts,
            "zero": whole,
        },
        {},
    ),
    "vital": ({"metric": _metric, "value": number, "metric_id": name, "at": instant}, {"country": _country}),
    "vitals_reading": (
        {"metric": _metric, "p75": number, "from": instant_or_day, "to": instant_or_day, "author": name},
        {"samples": whole, "evidence": text},
    ),
    "ticket": (
        {
            "ticket": name,
            "customer": name,
            "priority": name,
            "received_at": instant,
            "first_reply_at": nullable_instant,
        },
        {"channel": text, "evidence": text},
    ),
    "claim": (
        {"claim": name, "customer": name, "month": month, "commitment": name, "requested_at": instant},
        {"decision": one_of("granted", "refused"), "author": name, "reason": text},
    ),
    "traffic_event": (
        {
            "event": name,
            "customer": name,
            "start": instant,
            "end": instant,
            "notified_at": instant,
            "expected_factor": number,
        },
        {},
    ),
    "closing": (
        {"service": name, "month": month, "revision": whole, "as_of": instant, "digest": name, "author": name},
        {"reason": text, "terms": spellable},
    ),
    "terms": ({"terms": structure, "digest": name}, {}),
    "seal": (
        {"check": name, "vantage": name, "day": day, "count": whole, "digest": name, "stretches": stretches},
        {"as_of": instant, "rest": name},
    ),
    "lifecycle": (
        {"event": one_of("started", "stopped", "config_changed", "clock_stepped", "suspended"), "at": instant},
        {"detail": text, "terms": text},
    ),
}
"""Kind to (required fields, optional fields); `result` is decoded by itself, and `id` and `source` are any fact's."""

_COMMON: Mapping[str, Check] = {"id": name, "source": text}
_ENDS = (("start", "end"), ("from", "to"))


def check_fields(kind: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """The fields as they are kept. Raises FactError at the first that is wrong."""
    required, optional = KINDS[kind]
    missing = [field for field in required if field not in given]
    if missing:
        raise FactError(f"{missing[0]}: is missing (a {kind} needs {' '.join(required)})")
    checked: dict[str, Json] = {}
    for field, value in given.items():
        check = required.get(field) or optional.get(field) or _COMMON.get(field)
        checked[field] = check(field, value) if check is not None else unnamed(field, value)
    _check_ends(kind, checked)
    if kind == "vitals_day":
        _check_sums(checked)
    return checked


def _check_ends(kind: str, checked: Mapping[str, Json]) -> None:
    for first, last in _ENDS:
        start, end = checked.get(first), checked.get(last)
        if (start is None) != (end is None) and first in checked:
            raise FactError(f"{last if start else first}: expected both {first} and {last}, or null for both")
        if isinstance(start, str) and isinstance(end, str) and end < start:  # both are canonical: text order is time
            raise FactError(f"{last}: is before {first}: {kind} ends {end} and starts {start}")


def _check_sums(checked: Mapping[str, Json]) -> None:
    """A day counts each of its samples once in a band and once in a bucket."""
    buckets = checked["buckets"]
    in_buckets = [checked["zero"], *(buckets.values() if isinstance(buckets, dict) else ())]
    banded, bucketed = (
        sum(count for count in counted if isinstance(count, int))
        for counted in ([checked["good"], checked["needs_improvement"], checked["poor"]], in_buckets)
    )
    if banded != bucketed:
        raise FactError(
            f"buckets: expected {banded} samples, as good, needs_improvement and poor count; found {bucketed} with zero"
        )
