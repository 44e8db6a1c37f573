"""The canonical line of a fact (RFC 8785), its digest and its idempotency key (contracts/facts.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import cast

import rfc8785

from monitor.errors import FactError
from monitor.facts.kinds import AnyFact, Json, Phases, Result
from monitor.ledger.period import format_instant

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Json | Mapping[str, Json]) -> bytes:
    """RFC 8785. Raises FactError for what it cannot spell: NaN, infinity, integers beyond 2^53, lone surrogates."""
    if isinstance(value, str):
        return _text(value).encode()
    if isinstance(value, list) and not value:
        return b"[]"
    plain: Json = dict(value) if isinstance(value, Mapping) else value
    try:
        return _spelled_alike(plain) or rfc8785.dumps(plain)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise FactError(f"cannot be written as canonical JSON (RFC 8785): {error}") from None


_UNLIKE = re.compile(r'[\[,:](?<![^"]:)-?[0-9]+(?:[.eE]|(?<=[0-9]{16}))')
"""What a number can look like that RFC 8785 may spell otherwise: a float, or an integer of 16 digits. A text can look
so too, then only time is lost; an instant does not, since what stands before its colons is no quote."""


def _spelled_alike(value: Json) -> bytes | None:
    """What the stdlib encoder, five times as quick, writes, where it spells as RFC 8785 does: no float, no large
    integer, and ASCII, which sorts alike by code point and by UTF-16. None where it may not."""
    if not isinstance(value, dict | list):
        return None
    try:
        text = _encode(value)
    except ValueError:
        return None  # NaN or infinity
    if text.isascii() or _has_ascii_keys(value):
        return None if _UNLIKE.search(text) else text.encode()
    return None


def _has_ascii_keys(value: Json) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() for key in value) and all(map(_has_ascii_keys, value.values()))
    return not isinstance(value, list) or all(map(_has_ascii_keys, value))


class SpelledFields(Mapping[str, Json]):
    """The fields of a fact of which one, named `large`, is spelled already, megabytes of it: `canonical` goes into the
    line as it is, and is read only where somebody asks for it."""

    __slots__ = ("_canonical", "_large", "_others")

    def __init__(self, others: Mapping[str, Json], large: str, canonical: bytes) -> None:
        self._others = others
        self._large = large
        self._canonical = canonical

    def __getitem__(self, name: str) -> Json:
        if name != self._large:
            return self._others[name]
        read: Json = json.loads(self._canonical)
        return read

    def __iter__(self) -> Iterator[str]:
        return iter((*self._others, self._large))

    def __len__(self) -> int:
        return len(self._others) + 1

    def line(self, kind: str, recorded_at: int) -> bytes:
        """The canonical line of the fact that these are the fields of."""
        others = {"kind": kind, "recorded_at": format_instant(recorded_at), **self._others}
        spelled = {name: canonical_json(value) for name, value in others.items()} | {self._large: self._canonical}
        return b"{" + b",".join(b'"%b":%b' % (name.encode(), spelled[name]) for name in sorted(spelled)) + b"}"


class Spelling:
    """RFC 8785 of objects with ASCII names that have most members in common: these are spelled, and hashed up to the
    first of the others, once. Raises FactError as `canonical_json`.

    `own` are the names of the others, one at least; `spelled` has the values of some members in common as canonical
    JSON already.
    """

    def __init__(
        self, common: Mapping[str, Json], own: Set[str], spelled: Mapping[str, bytes] = MappingProxyType({})
    ) -> None:
        pieces = [b"{"]  # what stands before each of `own`, in order, and after the last
        run: dict[str, Json] = {}
        for name in sorted({*common, *own}):
            if name not in own and name not in spelled:
                run[name] = common[name]
                continue
            pieces[-1] += _members(run)
            run = {}
            pieces[-1] += b'"%b":' % name.encode("ascii")
            if name in own:
                pieces.append(b"")
            else:
                pieces[-1] += spelled[name] + b","
        pieces[-1] += _members(run)
        pieces[-1] = pieces[-1].removesuffix(b",") + b"}"
        self._own = sorted(own)
        self._begun = sha256(pieces[0])
        self._between = [b"," + piece if piece != b"}" else piece for piece in pieces[1:]]

    def sha256(self, own: Mapping[str, Json]) -> str:
        """`sha256:` and the hex digest of the object with these others."""
        digest = self._begun.copy()
        for name, following in zip(self._own, self._between, strict=True):
            digest.update(canonical_json(own[name]) + following)
        return f"sha256:{digest.hexdigest()}"


def _members(run: Mapping[str, Json]) -> bytes:
    return canonical_json(run)[1:-1] + b"," if run else b""


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
    if isinstance(fact, Result) and not fact.extra:
        return _result_line(fact).encode()
    if not isinstance(fact, Result) and isinstance(fact.fields, SpelledFields):
        return fact.fields.line(fact.kind, fact.recorded_at)
    return canonical_json(fact_object(fact))


def _result_line(result: Result) -> str:
    """Member by member in their order: results are most of a log, and this is a third of what an encoder costs."""
    parts = [f'{{"at":"{format_instant(result.at)}"']
    if result.certificate_expires is not None:
        parts.append(f'"certificate_expires":"{format_instant(result.certificate_expires)}"')
    parts.append(f'"check":{_text(result.check)}')
    if result.confirm:
        parts.append('"confirm":true')
    if result.detail is not None:
        parts.append(f'"detail":{_text(result.detail)}')
    if result.duration_ms is not None:
        parts.append(f'"duration_ms":{_number(result.duration_ms)}')
    if result.hold_ms is not None:
        parts.append(f'"hold_ms":{result.hold_ms}')
    if result.id is not None:
        parts.append(f'"id":{_text(result.id)}')
    if result.ip is not None:
        parts.append(f'"ip":{_text(result.ip)}')
    parts.append(f'"kind":"result","outcome":"{result.outcome}"')
    if result.phases_ms is not None:
        parts.append(f'"phases_ms":{_phases_line(result.phases_ms)}')
    if result.reason is not None:
        parts.append(f'"reason":{_text(result.reason)}')
    parts.append(f'"recorded_at":"{format_instant(result.recorded_at)}"')
    if result.scheduled_at is not None:
        parts.append(f'"scheduled_at":"{format_instant(result.scheduled_at)}"')
    if result.source is not None:
        parts.append(f'"source":{_text(result.source)}')
    if result.status is not None:
        parts.append(f'"status":{result.status}')
    parts.append(f'"vantage":{_text(result.vantage)}}}')
    return ",".join(parts)


def _phases_line(phases: Phases) -> str:
    members = sorted(phases_object(phases).items())
    return "{" + ",".join(f'"{name}":{_number(cast(float, spent))}' for name, spent in members) + "}"


def _number(number: float) -> str:
    # repr() and ECMAScript agree on integers, and on fractions in this range (no exponent, no ".0").
    if number == int(number) and number < 2**53:
        return str(int(number))
    return repr(number) if 0.001 <= number < 1e15 else canonical_json(number).decode()


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FactError(f"cannot be written as canonical JSON (RFC 8785): {error}") from None
    return _encode(text)


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
