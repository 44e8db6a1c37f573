"""What a statement is made under: the JSON of the `terms` fact, and the ledger's Terms, which are read from it.

The services of live terms are taken from the sections that the JSON is made of, not read back from it: of ten thousand
checks it is 4 MB. A test holds both ways to the same terms, so the ledger rests on nothing that the log does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.config.kinds import Check
from monitor.config.model import Config, Probing, Service
from monitor.config.policy import NO_POLICIES, Credits, Promise, Support, Termination, TrafficEvents, VitalsTerms
from monitor.config.spelling import spelled
from monitor.config.values import Day, DependencyText, Moment, MomentText, QuorumText, Zone
from monitor.config.weekly import Target
from monitor.facts import SEVERITIES, Json, canonical_json, sha256_text
from monitor.ledger import calendar, response
from monitor.ledger.credits import Customer
from monitor.ledger.period import midnight
from monitor.ledger.terms import (
    CheckTerms,
    CreditTerms,
    Dependency,
    PeakTerms,
    Policy,
    ServiceTerms,
    TerminationTerms,
    Terms,
    VitalsPromise,
)
from monitor.settings import PositiveDuration

_NO_PROBING = Probing()
_TERMS = frozenset({"timezone", "services", "sources", "policies"})


def terms_json(config: Config, without: Set[str] = frozenset()) -> dict[str, Json]:
    """The `terms` of a `terms` fact: as the file would say them with every default written out, without a secret.

    Of `probing` stands what differs from its defaults: canaries and confirming looks decide what is void and what is a
    blip, and terms of a file that says nothing of them are those that earlier versions wrote. `without` leaves sections
    out.
    """
    written: dict[str, Json] = config.model_dump(
        mode="json", by_alias=True, exclude_none=True, include={*_TERMS} - without
    )
    unset = {name for name, value in config.probing if value == getattr(_NO_PROBING, name)}
    if probing := config.probing.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=unset):
        written["probing"] = probing
    if config.policies is None:
        written["policies"] = [NO_POLICIES.model_dump(mode="json", by_alias=True, exclude_none=True)]
    return written


class WrittenTerms(NamedTuple):
    """The terms that the ledger works under, and the canonical JSON that they were read from."""

    terms: Terms
    written: bytes


def written_terms(config: Config) -> WrittenTerms:
    """Both, for who records them too: of ten thousand checks they are 4 MB of JSON, so not to be made twice."""
    others = terms_json(config, without=frozenset({"services"}))
    written = {name: canonical_json(value) for name, value in others.items()}
    written["services"] = b"[%b]" % b",".join([spelled(service).encode() for service in config.services])
    canonical = b"{%b}" % b",".join([b'"%b":%b' % (name.encode(), written[name]) for name in sorted(written)])
    policies = _Policies.model_validate_json(canonical_json({"policies": others["policies"]})).policies
    found = _Found(config.timezone, config.services, policies)
    return WrittenTerms(_terms(found, others["policies"], canonical), canonical)


def to_terms(config: Config) -> Terms:
    """The terms that the ledger works under; their digest is that of `terms_json`."""
    return written_terms(config).terms


def customers_of(config: Config) -> tuple[Customer, ...]:
    """The customers as the ledger knows them; they are no part of the terms, which others are given."""
    return tuple(Customer(each.name, each.plan, each.since, each.monthly_fee, each.until) for each in config.customers)


def terms_of(written: Mapping[str, Json]) -> Terms | None:
    """Reads the terms of a fact back; None where they are of a shape that this version does not know."""
    try:
        canonical = canonical_json(written)
        read = _Written.model_validate_json(canonical)
    except ValidationError:
        return None
    return _terms(_Found(read.timezone, read.services, read.policies), written["policies"], canonical)


# ---------------------------------------------------------------- what the ledger reads


class _Section(BaseModel):
    """Of what was written, the part that decides amounts; the rest of a section is of no matter here."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Check(_Section):
    name: str
    hold: PositiveDuration
    fall: int
    rise: int
    quorum: QuorumText
    role: str | None = None
    since: MomentText | None = None
    until: MomentText | None = None


class _DownWhen(_Section):
    at_least: int


class _Service(_Section):
    name: str
    title: str
    down_when: _DownWhen
    depends_on: tuple[DependencyText, ...]
    checks: tuple[_Check, ...]


class _Policy(Promise):
    model_config = ConfigDict(extra="ignore")

    effective_from: Day | None = None
    announced_on: Day | None = None


class _Policies(_Section):
    policies: tuple[_Policy, ...]


class _Written(_Policies):
    timezone: Zone
    services: tuple[_Service, ...]


class _Found(NamedTuple):
    """What terms are made of: services of the configuration in force, or as a fact has them."""

    zone: ZoneInfo
    services: Sequence[Service | _Service]
    policies: Sequence[_Policy]


def _terms(found: _Found, policies: Json, canonical: bytes) -> Terms:
    digests = [sha256_text(canonical_json(policy)) for policy in policies] if isinstance(policies, list) else []
    return Terms(
        zone=found.zone,
        services=tuple(_service_terms(service, found.zone) for service in found.services),
        policies=tuple(
            _policy(policy, digest, found.zone) for policy, digest in zip(found.policies, digests, strict=True)
        ),
        digest=sha256_text(canonical),
    )


def _service_terms(service: Service | _Service, zone: ZoneInfo) -> ServiceTerms:
    return ServiceTerms(
        name=service.name,
        title=service.title,
        at_least=service.down_when.at_least,
        depends_on=tuple(Dependency(*dependency) for dependency in service.depends_on),
        checks=tuple(_check_terms(check, zone) for check in service.checks),
    )


def _check_terms(check: Check | _Check, zone: ZoneInfo) -> CheckTerms:
    return CheckTerms(
        name=check.name,
        hold_ms=check.hold,
        fall=check.fall,
        rise=check.rise,
        quorum=check.quorum,
        corroboration=check.role is not None,
        since=_instant(check.since, zone),
        until=_instant(check.until, zone),
    )


def _instant(moment: Moment | None, zone: ZoneInfo) -> int | None:
    return midnight(moment, zone) if isinstance(moment, date) else moment


def _policy(policy: _Policy, digest: str, zone: ZoneInfo) -> Policy:
    providers = policy.third_party.providers
    return Policy(
        effective_from=policy.effective_from,
        announced_on=policy.announced_on,
        change_notice_ms=policy.change_notice,
        objective=policy.availability.objective,
        downtime_cap_ms=policy.availability.downtime_cap,
        finalise_after_ms=policy.availability.finalise_after,
        notice_ms=policy.maintenance.notice,
        witness_within_ms=policy.maintenance.witness_within,
        longest_ms=policy.maintenance.longest,
        providers=None if providers is None else frozenset(providers),
        min_severity=SEVERITIES.index(policy.third_party.min_severity),
        evidence=policy.third_party.evidence,
        corroborated_by=policy.third_party.corroborated_by,
        lead_ms=policy.third_party.lead,
        lag_ms=policy.third_party.lag,
        approval_required=policy.declared_by_person.approval == "required",
        vitals=_vitals(policy.web_vitals),
        credits=_credits(policy.credits),
        termination=_termination(policy.termination),
        support=_support(policy.support, zone) if policy.support is not None else None,
        peaks=_peaks(policy.traffic_events),
        digest=digest,
    )


def _vitals(promised: VitalsTerms | None) -> VitalsPromise | None:
    if promised is None:
        return None
    limits = {"LCP": promised.LCP, "INP": promised.INP, "CLS": promised.CLS}
    return VitalsPromise(limits, promised.percentile, promised.min_samples)


def _credits(given: Credits | None) -> CreditTerms | None:
    if given is None:
        return None
    plans = None if given.plans is None else frozenset(given.plans)
    return CreditTerms(given.per_breach, given.cap, given.claim_within, plans)


def _termination(given: Termination | None) -> TerminationTerms | None:
    if given is None:
        return None
    return TerminationTerms(given.consecutive_months, given.breaches, given.within_months)


def _support(support: Support, zone: ZoneInfo) -> response.Support:
    return response.Support(
        calendar=calendar.Calendar(
            zone=support.timezone or zone,
            hours={
                day: tuple((opens, closes) for opens, closes in openings) for day, openings in support.hours.items()
            },
            business_days=frozenset(support.business_days),
            holidays=frozenset(support.holidays),
        ),
        respond_within={
            priority: response.Targets(_target(due.in_hours), _target(due.after_hours))
            for priority, due in support.respond_within.items()
        },
        count=support.count,
    )


def _target(target: Target) -> calendar.Target:
    return calendar.Target(target.unit, target.amount, str(target))


def _peaks(given: TrafficEvents | None) -> PeakTerms | None:
    return None if given is None else PeakTerms(given.notice, given.factor, given.event_interval)
