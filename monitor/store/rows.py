"""A result as a row of columns and back, and its canonical line made again from the row.

The line that goes into the chain is always made from the row, so what is proved is what is kept. A property test
holds it equal to `monitor.facts.canonical_line`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, cast

from monitor.facts import Json, Outcome, Phases, Result, canonical_line
from monitor.ledger.period import format_instant
from monitor.store import timing

ResultRow = tuple[int, int, int, int, int | None, bytes | None, str | None]
"""seq, template, at, recorded_at, planned (at - scheduled_at), timing, rest: what is kept of a result."""

RESULT_COLUMNS = "seq, template, at, at + learned, planned, timing, rest"
"""What to select for a ResultRow."""

INSERT_RESULT = "INSERT INTO result VALUES (?1, ?2, ?3, ?4 - ?3, ?5, ?6, ?7)"
"""Keeps a ResultRow."""


class Shared(NamedTuple):
    """What the results of one check mostly have in common; kept once."""

    check: str
    vantage: str
    outcome: Outcome
    confirm: bool
    hold_ms: int | None
    reason: str | None
    status: int | None
    ip: str | None
    certificate_expires: int | None
    source: str | None


class Template(NamedTuple):
    """A Shared with its number in the store and the parts of the canonical line that it makes up.

    The line: `at`, opening, `duration_ms`, middle, `phases_ms`, reason, `recorded_at`, `scheduled_at`, closing.
    """

    number: int
    shared: Shared
    series: tuple[str, str]
    opening: str
    middle: str
    reason: str
    closing: str


_NO_PHASES = Phases()  # `"phases_ms": {}`, which is not the same as none


shared_of: Callable[[Result], tuple[object, ...]] = itemgetter(*map(Result._fields.index, Shared._fields))
"""The part of a result that goes to its template: the fields of its Shared, in their order."""


def template_body(shared: tuple[object, ...]) -> str:
    """The template as `template.body` keeps it: JSON of its fields in order."""
    return _text(shared)


def template(number: int, body: str) -> Template:
    """The template of a body. Raises ValueError or TypeError for a body that is none."""
    check, vantage, outcome, confirm, hold_ms, reason, status, ip, expires, source = json.loads(body)
    if not isinstance(check, str) or not isinstance(vantage, str):
        raise TypeError("a template names no check")
    shared = Shared(check, vantage, cast(Outcome, outcome), confirm, hold_ms, reason, status, ip, expires, source)
    opening = _member("certificate_expires", None if expires is None else format_instant(expires))
    opening += _member("check", check) + (',"confirm":true' if confirm else "")
    middle = _member("hold_ms", hold_ms) + _member("ip", ip) + ',"kind":"result"' + _member("outcome", outcome)
    closing = _member("source", source) + _member("status", status) + _member("vantage", vantage)
    return Template(number, shared, (check, vantage), opening, middle, _member("reason", reason), closing)


def to_row(seq: int, number: int, result: Result) -> ResultRow:
    """The columns of a result; `number` is that of its template."""
    recorded_at, _, _, at, _, _, _, scheduled_at, _, detail, duration, phases, _, _, _, given_id, _, extra = result
    packed = timing.pack(duration, phases)
    rest = None
    if detail is not None or given_id is not None or extra or phases == _NO_PHASES:
        rest = _rest(result)
    planned = None if scheduled_at is None else at - scheduled_at
    return seq, number, at, recorded_at, planned, packed, rest


def _rest(result: Result) -> str:
    kept: dict[str, Json] = {}
    if result.detail is not None:
        kept["detail"] = result.detail
    if result.id is not None:
        kept["id"] = result.id
    if result.extra:
        kept["extra"] = dict(result.extra)
    if result.phases_ms == _NO_PHASES:
        kept["no_phases"] = True
    return _text(kept)


def from_row(row: ResultRow, shared: Shared) -> Result:
    """The result of a row. Raises ValueError, TypeError or struct.error for a row that is none of ours."""
    _, _, at, recorded_at, planned, packed, rest = row
    check, vantage, outcome, confirm, hold_ms, reason, status, ip, expires, source = shared
    duration, phases = (None, None) if packed is None else timing.unpack(packed)
    detail = given_id = extra = None
    if rest is not None:
        kept = json.loads(rest)
        detail, given_id, extra = kept.get("detail"), kept.get("id"), kept.get("extra")
        phases = _NO_PHASES if "no_phases" in kept else phases
    scheduled_at = None if planned is None else at - planned
    head = (recorded_at, check, vantage, at, outcome, confirm, hold_ms, scheduled_at, reason)
    tail = (detail, duration, phases, status, ip, expires, given_id, source, extra)
    return tuple.__new__(Result, head + tail)  # half the time of Result(...): a month of results is read at once


def row_line(row: ResultRow, template: Template) -> bytes:
    """The canonical line of a row, without a line end. Raises FactError for what canonical JSON cannot spell."""
    _, _, at, recorded_at, planned, packed, rest = row
    if rest is not None:
        return canonical_line(from_row(row, template.shared))
    _, _, _, opening, middle, reason, closing = template
    duration, phases = ("", "") if packed is None else timing.spelled(packed)
    scheduled = "" if planned is None else f',"scheduled_at":"{instant_text(at - planned)}"'
    return (
        f'{{"at":"{instant_text(at)}"{opening}{duration}{middle}{phases}{reason}'
        f',"recorded_at":"{instant_text(recorded_at)}"{scheduled}{closing}}}'
    ).encode()


def instant_text(instant: int) -> str:
    """`format_instant`, quicker where many instants lie in few seconds."""
    return f"{_second_text(instant // 1000)}{instant % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    return format_instant(second * 1000)[:-4]


def _member(name: str, value: Json) -> str:
    return "" if value is None else f',"{name}":{_text(value)}'


_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
