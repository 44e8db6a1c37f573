"""The canonical line of a fact (RFC 8785), its digest and its idempotency key (contracts/facts.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

import rfc8785

from monitor.errors import FactError
from monitor.facts.kinds import AnyFact, Json, Phases, Result
from monitor.ledger.period import format_instant

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Json | Mapping[str, Json]) -> bytes:
    """RFC 8785. Raises FactError for what it cannot spell: NaN, infinity, integers beyond 2^53, lone surrogates."""
    plain: Json = dict(value) if isinstance(value, Mapping) else value
    try:
        return _encode(plain).encode() if _is_plain_json(plain) else rfc8785.dumps(plain)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise FactError(f"cannot be written as canonical JSON (RFC 8785): {error}") from None


def _is_plain_json(value: Json) -> bool:
    """Whether the stdlib encoder, five times as quick, spells it as RFC 8785 does: no float, no large integer, and
    ASCII keys, which sort alike by code point and by UTF-16."""
    if isinstance(value, dict):
        return all(key.isascii() for key in value) and all(map(_is_plain_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain_json, value))
    return not isinstance(value, float) and (not isinstance(value, int) or abs(value) < 2**53)


def fact_object(fact: AnyFact) -> dict[str, Json]:
    """The fact as a JSON object, `recorded_at` included."""
    if not isinstance(fact, Result):
        return {"kind": fact.kind, "recorded_at": format_instant(fact.recorded_at), **fact.fields}
    shown: dict[str, Json] = {
        "kind": "result",
        "recorded_at": format_instant(fact.recorded_at),
        "check": fact.check,
        "vantage": fact.vantage,
        "at": format_instant(fact.at),
        "outcome": fact.outcome,
    }
    if fact.confirm:
        shown["confirm"] = True
    plain = (fact.hold_ms, fact.reason, fact.detail, fact.duration_ms, fact.status, fact.ip, fact.id, fact.source)
    shown.update((name, value) for name, value in zip(_PLAIN, plain, strict=True) if value is not None)
    if fact.scheduled_at is not None:
        shown["scheduled_at"] = format_instant(fact.scheduled_at)
    if fact.certificate_expires is not None:
        shown["certificate_expires"] = format_instant(fact.certificate_expires)
    if fact.phases_ms is not None:
        shown["phases_ms"] = phases_object(fact.phases_ms)
    if fact.extra:
        shown.update(fact.extra)
    return shown


_PLAIN = ("hold_ms", "reason", "detail", "duration_ms", "status", "ip", "id", "source")


def phases_object(phases: Phases) -> dict[str, Json]:
    """The phases that were measured, by name."""
    return {name: value for name, value in zip(Phases._fields, phases, strict=True) if value is not None}


def canonical_line(fact: AnyFact) -> bytes:
    """The canonical JSON of the whole fact, without a line end: what chain groups and exports are made of."""
    shown = fact_object(fact)
    if isinstance(fact, Result) and not fact.extra and _is_plain(fact):
        return _encode(shown).encode()
    return canonical_json(shown)


def _is_plain(result: Result) -> bool:
    """Whether the stdlib encoder spells it as RFC 8785 does: no floats but short ones, and its known ASCII keys."""
    return _is_short(result.duration_ms) and (result.phases_ms is None or all(map(_is_short, result.phases_ms)))


def _is_short(number: float | None) -> bool:
    # repr() and ECMAScript agree on integers, and on fractions in this range (no exponent, no ".0").
    return number is None or type(number) is int or (0.001 <= number < 1e15 and number != int(number))


def digest(fact: AnyFact) -> bytes:
    """SHA-256 of the canonical line, `recorded_at` included (statement.md: `facts.digest`)."""
    return sha256(canonical_line(fact)).digest()


def key(fact: AnyFact) -> bytes:
    """What makes a second fact the same one: SHA-256 over kind and `id`, or over the canonical JSON less
    `recorded_at` where no id was given."""
    if fact.id is not None:
        return sha256(canonical_json([fact.kind, fact.id])).digest()
    shown = fact_object(fact)
    del shown["recorded_at"]
    return sha256(canonical_json(shown)).digest()


def sha256_text(data: bytes) -> str:
    """`sha256:` and the hex digest, as the statement prints digests."""
    return f"sha256:{sha256(data).hexdigest()}"
