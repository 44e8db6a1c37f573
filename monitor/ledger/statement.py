"""The statement of one service and month, with the field names of contracts/statement.md.

`close` is the ledger's definition: a pure function of service, month, the facts recorded by `as_of`, and terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import unpack
from typing import NamedTuple, cast

from monitor.errors import InputError
from monitor.facts import AnyFact, Fact, Json, Spelling, canonical_json, digest, sha256_text
from monitor.facts.seals import SealedDays
from monitor.ledger.changes import changes as differences
from monitor.ledger.coverage import corroborator_availability, first_measured, vantage_coverage
from monitor.ledger.decimals import decimal
from monitor.ledger.entries import Entries, admit
from monitor.ledger.excused import announced_ms, granted_rows, refused_rows
from monitor.ledger.interval import clip, total
from monitor.ledger.months import (
    MonthBook,
    ServiceBook,
    TimelinesOf,
    book_month,
    burn_at,
    month_alike,
    service_book,
    timelines_from,
)
from monitor.ledger.outages import outages, unknown_inside
from monitor.ledger.period import DAY, Month, format_instant
from monitor.ledger.response import Responses, commitment_json, ticket_json
from monitor.ledger.snapshot import Burn, Figures
from monitor.ledger.terms import Terms, announced_late
from monitor.ledger.vitals.stated import KINDS as VITAL_KINDS
from monitor.ledger.vitals.stated import is_promised, vital_commitments


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement is asked for. `former` are earlier terms by digest, for `terms_changed`; `tzdata` the version of
    the time zones in use, which no fact holds."""

    month: Month
    as_of: int
    tzdata: str
    former: Mapping[str, Terms]


def close(
    facts: Iterable[AnyFact], terms: Terms, services: Iterable[str], asked: Asked, sealed: Sequence[SealedDays] = ()
) -> list[dict[str, Json]]:
    """One statement a service, in the order given; `sealed` as in `admit`. Raises InputError for a service that the
    terms do not name, or when no policy is in force in the month."""
    entries = admit(facts, asked.as_of, sealed)
    timelines = timelines_from(entries)
    return [statement(terms, service, entries, timelines, asked) for service in services]


def statement(terms: Terms, service: str, entries: Entries, timelines: TimelinesOf, asked: Asked) -> dict[str, Json]:
    """The statement of one service. Raises InputError when no policy is in force in the month."""
    of = service_book(terms, service, entries, timelines)
    return stated_of(of, month_alike(of, asked.month, asked.as_of), asked, proof_of(of))


OWN = frozenset(("service", "measured_since", "vantages", "outages", "facts"))
"""The members in which the statements of services differ whose months are booked alike."""


class _Common(NamedTuple):
    """The other members, with None in the place of those in OWN, and all of it spelled. `kept` is what the place where
    it is remembered names by its id()."""

    members: dict[str, Json]
    spelling: Spelling
    kept: tuple[object, ...]


class _Runs(NamedTuple):
    """Blips and lulls of the service's own checks, each vantage by itself: how many and for how many ms; and hidden
    downtime."""

    blips: tuple[int, int]
    lulls: tuple[int, int]
    unknown_inside_ms: int


def stated_of(of: ServiceBook, booked: MonthBook, asked: Asked, proof: dict[str, Json]) -> dict[str, Json]:
    """The statement of a month that is booked already, perhaps for another service of which it is the same. `proof` is
    of the facts that the service was read from, the same for each of its months."""
    common = _common(of, booked, asked)
    measured_since = first_measured(of)
    own: dict[str, Json] = {
        "service": of.service.name,
        "measured_since": format_instant(measured_since) if measured_since is not None else None,
        "vantages": vantage_coverage(of, booked),
        "outages": outages(of, booked),
        "facts": {**proof, "head": None},
    }
    return {**common.members, **own, "digest": common.spelling.sha256({**own, "facts": proof})}


def _common(of: ServiceBook, booked: MonthBook, asked: Asked) -> _Common:
    burned = burn_at(of, asked.as_of, {asked.month: booked})
    runs = _runs(of, booked)
    corroborating, changed = corroborator_availability(of, booked), _terms_changed(of, booked, asked)

    def made() -> _Common:
        exclusions, refused = granted_rows(of, booked), refused_rows(of, booked)
        members: dict[str, Json] = {
            **_head(of, booked, asked),
            **amounts(booked.figures),
            **_burn(burned),
            **_shown(runs),
            "maintenance_ms": {
                "announced": announced_ms(of, booked),
                "used": booked.figures.accounts.excused["maintenance"],
            },
            "terms": {"digest": of.terms.digest},
            "terms_changed": changed,
            "restatement": None,
            "vantages": None,
            "corroborators": corroborating,
            "outages": None,
            "exclusions": exclusions.rows,
            "refused": refused.rows,
            "commitments": commitments(of, booked),
            "tickets": [ticket_json(each) for each in _answered(of, booked).tickets],
            "facts": None,
        }
        spelled = {"exclusions": exclusions.spelled, "refused": refused.spelled}
        return _Common(members, Spelling(members, OWN, spelled), (booked, burned, of.terms))

    if corroborating or changed:  # they are of the service's own checks and time
        return made()
    place = ("common", id(booked), id(burned), id(of.terms), asked.tzdata, of.entries.count(), runs)
    return of.entries.alike(asked.as_of, place, made)


def _head(of: ServiceBook, booked: MonthBook, asked: Asked) -> dict[str, Json]:
    policy, period = booked.frame.policy, booked.frame.period
    effective = policy.effective_from
    return {
        "service": None,
        "month": str(asked.month),
        "timezone": of.terms.zone.key,
        "start": format_instant(period.start),
        "end": format_instant(period.end),
        "as_of": format_instant(asked.as_of),
        "status": "draft",
        "revision": 0,
        "supersedes": None,
        "policy": {
            "effective_from": effective.isoformat() if effective else None,
            "digest": policy.digest,
            **_announced_late(of, asked.month),
        },
        "measured_since": None,
        "tzdata": asked.tzdata,
    }


def _announced_late(of: ServiceBook, month: Month) -> dict[str, Json]:
    """Only where a version should decide the month and came too late: a statement says so."""
    late = announced_late(of.terms.policies, month)
    told: list[Json] = [
        {
            name: None if day is None else day.isoformat()
            for name, day in (
                ("effective_from", each.effective_from),
                ("announced_on", each.announced_on),
                ("takes_effect", each.takes_effect()),
            )
        }
        for each in late
    ]
    return {"announced_late": told} if told else {}


def amounts(f: Figures) -> dict[str, Json]:
    """The figures of section 6 with their names in a statement."""
    accounts = f.accounts
    return {
        "accounts_ms": {
            "month": accounts.month,
            "up": accounts.up,
            "down": accounts.down,
            "unknown": accounts.unknown,
            "pending": accounts.pending,
            "excused": dict(accounts.excused),
        },
        "third_party_ms": {"corroborated": f.third_party_corroborated, "declared": f.third_party_declared},
        "bounds_ms": {
            "down_shortest": f.down_shortest,
            "down_longest": f.down_longest,
            "excused_shortest": f.excused_shortest,
            "excused_longest": f.excused_longest,
        },
        "objective": decimal(f.objective),
        "base_ms": f.base,
        "budget_ms": f.budget,
        "budget_bound_by": f.budget_bound_by,
        "remaining_ms": f.remaining,
        "burned": decimal(f.burned),
        "availability": {
            "published": decimal(f.published),
            "gross": decimal(f.gross),
            "windows_removed": decimal(f.windows_removed),
            "worst": decimal(f.worst),
            "best": decimal(f.best),
        },
        "coverage": decimal(f.coverage),
        "verdict": f.verdict,
    }


def _burn(burn: Burn) -> dict[str, Json]:
    return {
        "burn": {name: decimal(rate) for name, rate in burn.rate.items()},
        "exhaustion": {
            name: format_instant(instant) if instant is not None else None for name, instant in burn.exhaustion.items()
        },
    }


def _runs(of: ServiceBook, booked: MonthBook) -> _Runs:
    elapsed = booked.books.measured.period
    counted: list[tuple[int, int]] = []
    for name in ("blips", "lulls"):
        lengths = [
            total(clip(spans, max(elapsed.start, check.life[0]), min(elapsed.end, check.life[1])))
            for check in of.readings.checks
            for timelines in check.vantages.values()
            for spans in (timelines.blips if name == "blips" else timelines.lulls).values()
        ]
        lengths = [length for length in lengths if length > 0]
        counted.append((len(lengths), sum(lengths)))
    blips, lulls = counted
    return _Runs(blips, lulls, unknown_inside(of.readings.measured.segments, elapsed, booked.frame.as_of))


def _shown(runs: _Runs) -> dict[str, Json]:
    counted = {"blips": runs.blips, "lulls": runs.lulls}
    return {
        **{name: {"count": count, "ms": ms} for name, (count, ms) in counted.items()},
        "unknown_inside_outage_ms": runs.unknown_inside_ms,
    }


def commitments(of: ServiceBook, booked: MonthBook) -> list[Json]:
    """What was promised for the month, and what it came to."""
    return [
        _commitment(booked.figures, booked.frame.policy.downtime_cap_ms),
        *vital_commitments(of.terms, of.entries, booked.frame.month, booked.frame.policy, booked.frame.as_of),
        *(commitment_json(each) for each in _answered(of, booked).commitments),
    ]


def _answered(of: ServiceBook, booked: MonthBook) -> Responses:
    return of.entries.answered(booked.frame.policy.support, booked.frame.period, booked.frame.as_of)


def _commitment(f: Figures, cap_ms: int | None) -> dict[str, Json]:
    cap = f" and <= {cap_ms} ms down" if cap_ms is not None else ""
    return {
        "commitment": "availability",
        "target": f">= {decimal(f.objective)}{cap}",
        "result": decimal(f.published),
        "verdict": f.verdict,
        "breaches": 1 if f.verdict == "breached" else 0,
    }


def _terms_changed(of: ServiceBook, booked: MonthBook, asked: Asked) -> list[Json]:
    """Every change of terms within the month, with what the month would be under the terms before (section 9)."""
    elapsed = booked.books.measured.period
    held: dict[str, Json] | None = None  # to make sure of the terms of a fleet takes longer than its statement
    changes: list[Json] = []
    before: str | None = None
    for fact in of.entries.of("terms"):
        now = cast(str, fact.fields["digest"])
        if before is not None and now != before and elapsed.start <= fact.recorded_at < elapsed.end:
            held = _held(of.entries.of("terms")) if held is None else held
            known = before in held and now in held
            changes.append(
                {
                    "recorded_at": format_instant(fact.recorded_at),
                    "before": before,
                    "digest": now,
                    "changes": differences(held[before], held[now]) if known else None,
                    "under_before": _under(asked.former.get(before), of, asked),
                }
            )
        before = now
    return changes


def _held(facts: Sequence[Fact]) -> dict[str, Json]:
    """The terms by digest; a fact that names other terms than it holds proves nothing."""
    pairs = ((cast(str, fact.fields["digest"]), fact.fields["terms"]) for fact in facts)
    return {digest: terms for digest, terms in pairs if sha256_text(canonical_json(terms)) == digest}


def _under(former: Terms | None, of: ServiceBook, asked: Asked) -> Json:
    """The month's amounts under former terms; None where they cannot be read or did not know the service."""
    if former is None or all(service.name != of.service.name for service in former.services):
        return None
    then = service_book(former, of.service.name, of.entries, timelines_from(of.entries))
    try:
        figures = book_month(then, asked.month, asked.as_of).figures
    except InputError:
        return None  # they promised nothing for this month
    then_ms = amounts(figures)
    return {name: then_ms[name] for name in ("accounts_ms", "base_ms", "budget_ms", "remaining_ms", "verdict")}


def consulted(of: ServiceBook) -> list[AnyFact]:
    """The facts that are there of those that the statement was computed from: every admitted result of the service's
    checks and of those that corroborate for it, and every admitted fact of the kinds that the ledger reads."""
    facts: list[AnyFact] = [
        result for name in _names(of) for results in of.entries.results.get(name, {}).values() for result in results
    ]
    return [*facts, *(fact for kind in _kinds(of) for fact in of.entries.of(kind))]


def _names(of: ServiceBook) -> list[str]:
    return sorted({check.name for check in of.service.checks} | set(of.terms.corroborating[of.service.name]))


def _kinds(of: ServiceBook) -> tuple[str, ...]:
    return _VITALS_TOO if is_promised(of.terms) else _CONSULTED


_CONSULTED = ("maintenance", "incident", "exclusion", "exclusion_decision", "ticket", "terms")
_VITALS_TOO = (*_CONSULTED, *VITAL_KINDS)


def proof_of(of: ServiceBook) -> dict[str, Json]:
    """How many facts the statement was computed from, and the digest over their ascending digests (section 9). The
    results under a seal stand there as one, by the seal's own digest of them: it is the same whether they are kept."""
    count = 0
    digests: list[bytes] = []
    for name in _names(of):
        for vantage in of.entries.vantages(name):
            for days in of.entries.sealed_of(name, vantage):
                count += days.size
                digests += unpack("32s" * (len(days.digests) // 32), days.digests)
            seals = {seal.start: seal for seal in of.entries.seals_of(name, vantage)}
            for seal in seals.values():
                count += seal.size
                digests.append(_raw(seal.digest))
            for result in of.entries.results_of(name, vantage):
                over = seals.get(result.at // DAY * DAY) if seals else None
                if over is None or result.recorded_at > over.as_of:
                    digests.append(digest(result))
                    count += 1
    others = of.entries.digests_of(_kinds(of))
    digests += others
    digests.sort()
    return {"count": count + len(others), "digest": sha256_text(b"".join(digests))}


def _raw(spelled: str) -> bytes:
    """The bytes of a digest; of what is none those of its text, which no digest is taken for."""
    try:
        return bytes.fromhex(spelled.removeprefix("sha256:"))
    except ValueError:
        return spelled.encode()


def own_digest(stated: Mapping[str, Json]) -> str:
    """SHA-256 of a statement's canonical JSON less `digest` and `facts.head` (section 9)."""
    facts = stated["facts"]
    kept = {name: value for name, value in facts.items() if name != "head"} if isinstance(facts, dict) else facts
    return sha256_text(canonical_json({**_less(stated, "digest"), "facts": kept}))


def _less(stated: Mapping[str, Json], name: str) -> dict[str, Json]:
    return {key: value for key, value in stated.items() if key != name}
