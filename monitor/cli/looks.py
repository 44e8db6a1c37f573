"""One look, as the command `probe` prints it: the words and amounts that its fact would carry, and how they came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from exporters.warnings import LookWarning
from monitor.facts import Json, Phases, Result
from monitor.facts.canonical import fact_object
from monitor.interfaces import Observation
from monitor.ledger.period import format_instant
from monitor.probes.judge import needs_canaries
from monitor.probes.trace import Certificate, Hop

_CANARIES = "the daemon would ask its canaries whether this is our own network's fault before it records it"


class Look(NamedTuple):
    """Everything of one look: the fact it would be recorded as, the connections that were made, what it warns of."""

    target: str
    seen: Observation
    fact: Result
    hops: Sequence[Hop]
    warnings: Sequence[LookWarning]


def look_text(look: Look) -> str:
    """The verdict first and why, then every phase that was measured, then what else was seen."""
    return "\n".join(_lines(look))


def _lines(look: Look) -> Iterator[str]:
    seen = look.seen
    reason = f" ({seen.reason})" if seen.reason else ""
    yield f"{seen.outcome}{reason}: {look.target} in {seen.duration_ms:.3f} ms"
    if seen.detail:
        yield _row("detail", seen.detail)
    if needs_canaries(seen.reason):
        yield _row("note", _CANARIES)
    for name, spent in _measured(seen.phases):
        yield _row(name, f"{spent:.3f} ms")
    for name, shown in (("status", seen.status), ("address", seen.ip), ("certificate", _expiry(seen))):
        if shown is not None:
            yield _row(name, shown)
    for place, hop in enumerate(look.hops):
        yield _row(f"hop {place + 1}", _hop_line(hop))
        if hop.certificate is not None:
            yield _row("", _certificate_line(hop.certificate))
    for assertion in seen.assertions:
        yield _row("held" if assertion.passed else "not held", f"{assertion.name}: {assertion.words}")
    for warning in look.warnings:
        yield _row("warns" if warning.raised else "no warning", f"{warning.name}: {warning.words}")
    for name, value in sorted((seen.attributes or {}).items()):
        yield _row(name, value)


def _row(name: str, value: object) -> str:
    return f"  {name:<12} {value}"


def _measured(phases: Phases | None) -> Iterator[tuple[str, float]]:
    for name, spent in zip(Phases._fields, phases or Phases(), strict=True):
        if spent is not None:
            yield name, spent


def _hop_line(hop: Hop) -> str:
    way = f"{hop.target} at {hop.address}" if hop.proxy is None else f"{hop.target} through {hop.proxy}, {hop.address}"
    parts = [way, *(f"{name} {spent:.3f} ms" for name, spent in _measured(hop.phases))]
    if hop.tls is not None:
        parts.append(hop.tls)
    if hop.status is not None:
        parts.append(f"status {hop.status}")
    return ", ".join(parts)


def _certificate_line(certificate: Certificate) -> str:
    ends = "" if certificate.expires is None else f", until {format_instant(certificate.expires)}"
    which = "certificate" if certificate.verified else "unverified certificate"
    return f"{which} of {certificate.subject}, issued by {certificate.issuer}{ends}"


def look_json(look: Look) -> str:
    """The same as a JSON object; `fact` is the line that would be recorded, less the instant of recording."""
    seen = look.seen
    fact = {name: value for name, value in fact_object(look.fact).items() if name != "recorded_at"}
    shown = {
        "target": look.target,
        "at": format_instant(seen.at),
        "outcome": seen.outcome,
        "reason": seen.reason,
        "detail": seen.detail,
        "asks_canaries": needs_canaries(seen.reason),
        "duration_ms": seen.duration_ms,
        "phases_ms": dict(_measured(seen.phases)),
        "status": seen.status,
        "ip": seen.ip,
        "certificate_expires": _expiry(seen),
        "hops": [_hop_object(hop) for hop in look.hops],
        "assertions": [assertion._asdict() for assertion in seen.assertions],
        "warnings": [warning._asdict() for warning in look.warnings],
        "attributes": dict(seen.attributes or {}),
        "fact": fact,
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _hop_object(hop: Hop) -> Mapping[str, Json]:
    certificate = hop.certificate
    return {
        "target": hop.target,
        "address": hop.address,
        "proxy": hop.proxy,
        "phases_ms": dict(_measured(hop.phases)),
        "tls": hop.tls,
        "status": hop.status,
        "certificate": None
        if certificate is None
        else {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "expires": None if certificate.expires is None else format_instant(certificate.expires),
            "verified": certificate.verified,
        },
    }


def _expiry(seen: Observation) -> str | None:
    return None if seen.certificate_expires is None else format_instant(seen.certificate_expires)
