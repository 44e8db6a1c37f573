"""The terms that a statement is made under: services, checks and policies as decoded from a configuration.

Durations and instants in ms. Defaults are those of contracts/accounting.md and minutebook.example.yaml; whoever makes
a `Terms` fills them in, so that nothing here depends on a file's format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from monitor.errors import InputError
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, midnight
from monitor.ledger.response import Support

Quorum = Literal["any", "majority", "all"] | int
Evidence = Literal["corroborated", "declared"]


class Dependency(NamedTuple):
    """`provider/component` of `depends_on`; the component `*` is every one."""

    provider: str
    component: str


@dataclass(frozen=True, slots=True)
class CheckTerms:
    """How one check is read (accounting.md sections 2 and 3). `hold_ms` is for results that carry none."""

    name: str
    hold_ms: int
    fall: int = 2
    rise: int = 1
    quorum: Quorum = "majority"
    corroboration: bool = False
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """A service and its checks, corroborating ones included (section 4)."""

    name: str
    checks: tuple[CheckTerms, ...]
    title: str = ""
    at_least: int = 1
    depends_on: tuple[Dependency, ...] = ()


class VitalLimit(NamedTuple):
    """What a Web Vital is compared with: ms for LCP and INP, no unit for CLS."""

    comparison: Literal["<", "<="]
    value: Fraction

    def holds(self, value: Decimal) -> bool:
        """Whether a value is within the limit, both exact."""
        return value < self.value if self.comparison == "<" else value <= self.value

    def __str__(self) -> str:
        """As the statement and facts spell it: `<= 2500`."""
        return f"{self.comparison} {Decimal(int(self.value * 10**9)).scaleb(-9).normalize():f}"


@dataclass(frozen=True, slots=True)
class VitalsPromise:
    """What is promised of Web Vitals (commitments.md section 1): a limit for each metric, which the percentile of its
    samples must be within; fewer than `min_samples` give no verdict."""

    limits: Mapping[str, VitalLimit]
    percentile: int = 75
    min_samples: int = 100


SHOPIFYS = VitalsPromise(
    {
        "LCP": VitalLimit("<=", Fraction(2500)),
        "INP": VitalLimit("<=", Fraction(200)),
        "CLS": VitalLimit("<=", Fraction(1, 10)),
    }
)
"""What "Built for Shopify" asks: what samples are counted under where nothing is promised of them."""


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """What a breach is worth (commitments.md section 3): parts of the monthly fee. `plans` None: every plan."""

    per_breach: Fraction
    cap: Fraction = Fraction(1)
    claim_months: int = 3
    plans: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TerminationTerms:
    """So many months with a breach in a row, or so many breaches within so many months (commitments.md section 3)."""

    consecutive_months: int = 3
    breaches: int = 4
    within_months: int = 6


@dataclass(frozen=True, slots=True)
class PeakTerms:
    """What is asked of an announced peak, and how often is looked meanwhile (commitments.md section 4); ms."""

    notice_ms: int = 7 * DAY
    factor: int = 5
    interval_ms: int = 15 * SECOND


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the promise (sections 5, 6 and 8).

    `effective_from` None: always in force. `providers` None: every provider. `min_severity` is an index into
    `facts.SEVERITIES`. `corroborated_by` names checks of any service, by provider. `support` None: nothing is promised
    of response times.
    """

    effective_from: date | None = None
    announced_on: date | None = None
    change_notice_ms: int = 30 * DAY
    objective: Fraction = Fraction(999, 1000)
    downtime_cap_ms: int | None = None
    finalise_after_ms: int = 5 * DAY
    notice_ms: int = 48 * HOUR
    witness_within_ms: int = 15 * MINUTE
    longest_ms: int | None = None
    providers: frozenset[str] | None = None
    min_severity: int = 3
    evidence: Evidence = "corroborated"
    corroborated_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lead_ms: int = 0
    lag_ms: int = 0
    approval_required: bool = False
    vitals: VitalsPromise | None = None
    credits: CreditTerms | None = None
    termination: TerminationTerms | None = None
    support: Support | None = None
    peaks: PeakTerms | None = None
    digest: str = ""

    def takes_effect(self) -> date | None:
        """The later of `effective_from` and `announced_on` plus the notice for a change (section 8)."""
        if self.effective_from is None or self.announced_on is None:
            return self.effective_from
        notice_days = -(-self.change_notice_ms // DAY)
        return max(self.effective_from, self.announced_on + timedelta(days=notice_days))


@dataclass(frozen=True)
class Terms:
    """Everything that a statement depends on beside the facts. `digest` is of their canonical JSON."""

    zone: ZoneInfo
    services: tuple[ServiceTerms, ...]
    policies: tuple[Policy, ...] = ()
    digest: str = ""

    def service(self, name: str) -> ServiceTerms:
        """Raises InputError with the names there are."""
        service = self._services.get(name)
        if service is None:
            raise InputError(f"there is no service {name!r}; the configuration names: {' '.join(self._services)}")
        return service

    @cached_property
    def corroborating(self) -> Mapping[str, list[str]]:
        """The checks that any policy names for a provider that a service depends on, by service."""
        return {service.name: corroborators(self.policies, service) for service in self.services}

    @cached_property
    def _services(self) -> Mapping[str, ServiceTerms]:
        return {service.name: service for service in self.services}

    @cached_property
    def checks(self) -> Mapping[str, CheckTerms]:
        """Every check of every service, by name."""
        return {check.name: check for service in self.services for check in service.checks}


ALWAYS = Policy(providers=frozenset())
"""The policy of a configuration without `policies`: always in force, every default, and no provider (section 8)."""


def corroborators(policies: Iterable[Policy], service: ServiceTerms) -> list[str]:
    """The checks that any of the policies names for a provider that the service depends on."""
    providers = {dependency.provider for dependency in service.depends_on}
    return sorted({check for p in policies for provider in providers for check in p.corroborated_by.get(provider, ())})


def policy_for(policies: tuple[Policy, ...], month: Month) -> Policy:
    """The version with the newest `effective_from` among those in effect on the month's first date (section 8).

    The one with the oldest `effective_from` needs no notice. Raises InputError when none is in force.
    """
    if not policies:
        return ALWAYS
    oldest = min(policies, key=_effective)
    in_force = [policy for policy in policies if _in_force(policy, month.first_day, is_oldest=policy is oldest)]
    if not in_force:
        raise InputError(
            f"no policy is in force in {month}: the first is effective from {oldest.effective_from}; "
            "ask for a later month, or add the policy that was promised then"
        )
    return max(in_force, key=_effective)


def announced_late(policies: tuple[Policy, ...], month: Month) -> list[Policy]:
    """The versions that should decide the month by their `effective_from` and do not yet, for want of notice (section
    8), in order of their dates."""
    decides = policy_for(policies, month)
    late = [each for each in policies if _effective(decides) < _effective(each) <= month.first_day]
    return sorted(late, key=_effective)


def _effective(policy: Policy) -> date:
    return policy.effective_from or date.min


def _in_force(policy: Policy, day: date, *, is_oldest: bool) -> bool:
    since = policy.effective_from if is_oldest else policy.takes_effect()
    return since is None or since <= day


def final_from(month: Month, terms: Terms) -> int:
    """When the daemon closes a month by itself: local midnight that many local days into the next month, and what is
    left of a day. Raises InputError when no policy is in force in the month."""
    days, rest = divmod(policy_for(terms.policies, month).finalise_after_ms, DAY)
    return midnight(month.shifted(1).first_day + timedelta(days=days), terms.zone) + rest
