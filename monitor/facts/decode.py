"""From a line of JSON to a checked fact (contracts/facts.md). What is bad is refused with the field and the mend."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import NoReturn, cast

from monitor.errors import FactError
from monitor.facts.kinds import FAIL_REASONS, VOID_REASONS, AnyFact, Fact, Json, Outcome, Phases, Result
from monitor.facts.nesting import MOST_LEVELS, is_nested_too_deep
from monitor.facts.schema import KINDS, check_fields, instant_ms, name, shown, text, unnamed, whole

DETAIL_LIMIT = 500
"""Characters of `detail` that are kept (facts.md)."""

_RESULT_TEXTS = ("reason", "detail", "ip", "source")
_RESULT_FIELDS = frozenset(
    {"kind", "recorded_at", "confirm", "hold_ms", "scheduled_at", "duration_ms", "phases_ms", "status"}
    | {"certificate_expires", "check", "vantage", "at", "outcome", "id", *_RESULT_TEXTS}
)


def parse_json(text: str | bytes) -> Json:
    """JSON with no duplicate keys, NaN or infinity, MOST_LEVELS deep at most. Raises FactError."""
    try:
        if is_nested_too_deep(text if isinstance(text, bytes) else text.encode()):
            raise FactError(f"is nested too deep: at most {MOST_LEVELS} objects and lists within each other")
        return cast(Json, _decoder.decode(text if isinstance(text, str) else text.decode()))
    except json.JSONDecodeError as error:
        if error.doc.startswith("\ufeff"):
            raise FactError("begins with a byte order mark; save it as UTF-8 without one") from None
        raise FactError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeError:
        raise FactError("is not UTF-8") from None
    except ValueError as error:
        raise FactError(f"is not JSON: {str(error)[:100]}") from None


def decode_line(line: str | bytes, recorded_at: int | None = None) -> AnyFact:
    """One line of a facts file; see `decode_fact`."""
    return decode_fact(parse_json(line), recorded_at)


def decode_fact(given: Json, recorded_at: int | None = None) -> AnyFact:
    """A checked fact. `recorded_at` replaces the one given (import, the API); without it the fact must carry its own.

    Raises FactError with the field, what was expected, and what stood there.
    """
    if not isinstance(given, dict):
        raise FactError("expected a JSON object, one fact a line")
    kind = given.get("kind")
    if not isinstance(kind, str) or (kind != "result" and kind not in KINDS):
        raise FactError(f"kind: expected one of result {' '.join(sorted(KINDS))}; found {shown(kind)}")
    if recorded_at is None:
        recorded_at = _required_instant(given, "recorded_at")
    if kind == "result":
        return _decode_result(given, recorded_at)
    fields = check_fields(kind, {field: given[field] for field in given if field not in ("kind", "recorded_at")})
    return Fact(kind, recorded_at, fields)


def _decode_result(given: Mapping[str, Json], recorded_at: int) -> Result:
    get = given.get
    check, vantage, outcome = name("check", get("check")), name("vantage", get("vantage")), get("outcome")
    if outcome not in ("pass", "fail", "void"):
        raise FactError(f"outcome: expected pass, fail or void; found {shown(outcome)}")
    at = _required_instant(given, "at")
    for field in _RESULT_TEXTS:
        if field in given:
            text(field, given[field])
    if "id" in given:
        name("id", given["id"])
    extra = {field: unnamed(field, given[field]) for field in given.keys() - _RESULT_FIELDS}
    confirm = get("confirm", False)
    if not isinstance(confirm, bool):
        raise FactError(f"confirm: expected true or false; found {shown(confirm)}")
    if not confirm and "confirm" in given:
        extra["confirm"] = False
    detail = cast("str | None", get("detail"))
    return Result(
        recorded_at,
        check,
        vantage,
        at,
        cast(Outcome, outcome),
        confirm,
        whole("hold_ms", given["hold_ms"]) if "hold_ms" in given else None,
        _optional_instant(given, "scheduled_at"),
        _reason(cast("str | None", get("reason")), cast(Outcome, outcome)),
        detail if detail is None else detail[:DETAIL_LIMIT],
        _number("duration_ms", given["duration_ms"]) if "duration_ms" in given else None,
        _phases(given["phases_ms"]) if "phases_ms" in given else None,
        whole("status", given["status"]) if "status" in given else None,
        cast("str | None", get("ip")),
        _optional_instant(given, "certificate_expires"),
        cast("str | None", get("id")),
        cast("str | None", get("source")),
        extra or None,
    )


def _reason(reason: str | None, outcome: Outcome) -> str | None:
    if reason is None or outcome == "pass":  # a pass has none by the page; what came is kept, and says nothing
        return reason
    return reason if reason in (FAIL_REASONS if outcome == "fail" else VOID_REASONS) else "other"


def _phases(given: Json) -> Phases:
    if not isinstance(given, dict):
        raise FactError(f"phases_ms: expected an object of {' '.join(Phases._fields)}; found {shown(given)}")
    unknown = given.keys() - _PHASES
    if unknown:
        raise FactError(f"phases_ms: expected only {' '.join(Phases._fields)}; found {shown(min(unknown))}")
    return Phases(**{phase: _number(_PHASE_NAMES[phase], value) for phase, value in given.items()})


_PHASES = frozenset(Phases._fields)
_PHASE_NAMES = {phase: f"phases_ms.{phase}" for phase in Phases._fields}


def _number(field: str, given: Json) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < 2**53:
        raise FactError(f"{field}: expected a number of ms, 0 or more; found {shown(given)}")
    return given


def _required_instant(given: Mapping[str, Json], field: str) -> int:
    if field not in given:
        raise FactError(f"{field}: is missing")
    return instant_ms(field, given[field])


def _optional_instant(given: Mapping[str, Json], field: str) -> int | None:
    return instant_ms(field, given[field]) if field in given else None


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise FactError(f"the name {twice[:60]!r} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise FactError(f"is not JSON: {name} is no number")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)  # json.loads would make one a line
