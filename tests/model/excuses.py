"""Section 5 of accounting.md by definition: what is granted, and what is refused and why, at one instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.model.log import Fact
from tests.model.moments import instant
from tests.model.policy import Policy

CLASSES = ("maintenance", "third_party", "force_majeure", "customer", "connectivity")
SEVERITIES = ("operational", "maintenance", "degraded", "partial_outage", "major_outage")


class Grant(NamedTuple):
    """An exclusion that is granted; sorts in the order of section 5.4."""

    order: int
    id: str

    @property
    def kind(self) -> str:
        """Its class."""
        return CLASSES[self.order]


class Refusal(NamedTuple):
    """A claim that is not granted, and why."""

    id: str
    kind: str
    why: str


@dataclass(frozen=True)
class Service:
    """What section 5 has to know of a service."""

    name: str
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Revision:
    """A maintenance's revision as one service sees it; `window` is null where it has none."""

    announced_at: int
    recorded_at: int
    window: tuple[int, int] | None
    emergency: bool

    def holds(self, t: int) -> bool:
        """Whether `t` is in its window."""
        return self.window is not None and self.window[0] <= t < self.window[1]

    def has_notice(self, policy: Policy) -> bool:
        """Whether its window was announced in time: a window that is too long is no window."""
        if self.window is None or self.is_too_long(policy):
            return False
        witnessed = self.recorded_at - self.announced_at <= policy.witness_within
        counts_from = self.announced_at if witnessed else self.recorded_at
        return self.window[0] - counts_from >= policy.notice

    def is_too_long(self, policy: Policy) -> bool:
        """Whether its window is longer than the policy's `longest`."""
        return (
            self.window is not None and policy.longest is not None and self.window[1] - self.window[0] > policy.longest
        )


def concerns(fact: Fact, service: Service) -> bool:
    """Whether a fact's `services` (absent or empty: all) hold this one."""
    return not fact.get("services") or service.name in fact["services"]


class Maintenance:
    """Section 5.1, for one service."""

    def __init__(self, name: str, facts: list[Fact], service: Service) -> None:
        self.name = name
        self.revisions = [
            Revision(
                instant(fact["announced_at"]),
                instant(fact["recorded_at"]),
                (instant(fact["start"]), instant(fact["end"])) if fact["start"] and concerns(fact, service) else None,
                bool(fact.get("emergency")),
            )
            for fact in facts
        ]
        self.emergency = any(revision.emergency for revision in self.revisions)

    def grant(self, t: int, policy: Policy) -> Grant | None:
        """Granted when a revision with notice and every later one hold `t`."""
        if self.emergency:
            return None
        for number, revision in enumerate(self.revisions):
            shared = all(r.holds(t) and not r.is_too_long(policy) for r in self.revisions[number:])
            if revision.has_notice(policy) and shared:
                return Grant(0, self.name)
        return None

    def refusal(self, t: int, policy: Policy) -> Refusal | None:
        """Why the newest revision's claim, or a cancelled one's last window, does not hold at `t`."""
        windows = [revision for revision in self.revisions if revision.window is not None]
        if not windows or not windows[-1].holds(t) or self.grant(t, policy):
            return None
        return Refusal(self.name, "maintenance", self.why(t, windows[-1], policy))

    def why(self, t: int, claim: Revision, policy: Policy) -> str:
        """The reason, given that `t` is claimed and not granted."""
        if self.emergency:
            return "emergency"
        if self.revisions[-1].window is None:
            return "cancelled"
        if claim.is_too_long(policy):
            return "too_long"
        ends = [r.window[1] for r in self.revisions if r.window is not None and r.has_notice(policy)]
        if not ends:
            return "notice_too_short"
        return "overrun" if t >= max(ends) else "moved"

    def edges(self) -> set[int]:
        """Where it begins and ends."""
        return {edge for revision in self.revisions for edge in revision.window or ()}


class Incident:
    """Section 5.2, for one service: the newest recorded fact about one incident."""

    def __init__(self, fact: Fact, service: Service) -> None:
        self.provider: str = fact["provider"]
        self.id = f"{self.provider}/{fact['incident']}"
        self.steps = {
            name: sorted(((instant(at), severity) for at, severity in steps), key=lambda step: step[0])
            for name, steps in fact["components"].items()
            if depends(service, self.provider, name)
        }

    def reaches(self, t: int, severity: str, around: tuple[int, int], components: str) -> bool:
        """Whether a component has at least `severity` at `t`, its pieces widened by `around`.

        `components` is `named`, `unnamed` (component `*`) or `any`.
        """
        lead, lag = around
        for name, steps in self.steps.items():
            if components != "any" and (name == "*") != (components == "unnamed"):
                continue
            for number, (start, reached) in enumerate(steps):
                end = steps[number + 1][0] if number + 1 < len(steps) else None
                enough = SEVERITIES.index(reached) >= SEVERITIES.index(severity)
                lasts = end is None or start < end
                if enough and lasts and start - lead <= t and (end is None or t < end + lag):
                    return True
        return False

    def declared(self, t: int, policy: Policy) -> bool:
        """Whether `t` is declared and, where evidence is corroborated, as widened."""
        around = (0, 0) if policy.declared else (policy.lead, policy.lag)
        return self.reaches(t, policy.min_severity, around, "any")

    def grant(self, t: int, policy: Policy, corroborated: bool) -> Grant | None:
        """Granted by the policy's evidence."""
        if policy.providers is not None and self.provider not in policy.providers:
            return None
        if policy.declared:
            granted = self.reaches(t, policy.min_severity, (0, 0), "named")
        else:
            granted = corroborated and self.declared(t, policy)
        return Grant(1, self.id) if granted else None

    def refusal(self, t: int, policy: Policy, corroborated: bool) -> Refusal | None:
        """Why what it claims at `t` does not hold."""
        claimed = self.declared(t, policy)
        active = self.reaches(t, "maintenance", (0, 0), "any")
        if not (claimed or active) or self.grant(t, policy, corroborated):
            return None
        if policy.providers is not None and self.provider not in policy.providers:
            why = "not_in_policy"
        else:
            why = "not_corroborated" if claimed else "below_severity"
        return Refusal(self.id, "third_party", why)

    def edges(self, policies: list[Policy]) -> set[int]:
        """Where a severity begins, also as widened."""
        starts = {at for steps in self.steps.values() for at, _ in steps}
        return (
            starts
            | {at - policy.lead for at in starts for policy in policies}
            | {at + policy.lag for at in starts for policy in policies}
        )


def depends(service: Service, provider: str, component: str) -> bool:
    """Whether a service depends on a component; one that is not named (`*`) may be any of its provider's."""
    wanted = [name.split("/", 1)[1] for name in service.depends_on if name.split("/", 1)[0] == provider]
    return component in wanted or "*" in wanted or (component == "*" and bool(wanted))


class Declared:
    """Section 5.3, for one service: an exclusion with the decisions about it."""

    def __init__(self, fact: Fact, decisions: list[Fact]) -> None:
        self.id: str = fact["exclusion"]
        self.kind: str = fact["class"]
        self.window = instant(fact["start"]), instant(fact["end"])
        self.revoked = any(decision["decision"] == "revoked" for decision in decisions)
        self.approved = any(d["decision"] == "approved" and self._by_another(fact, d) for d in decisions)

    @staticmethod
    def _by_another(fact: Fact, decision: Fact) -> bool:
        """By another author: where it is said who proved a name, by two proofs; a typed name (null) is nobody's."""
        proof, other = (each.get("authenticated_by", "unsaid") for each in (fact, decision))
        if fact["author"] == decision["author"] or proof is None or other is None:
            return False
        return bool(proof != other or proof == "unsaid")

    def holds(self, t: int) -> bool:
        """Whether it claims `t`."""
        return self.window[0] <= t < self.window[1]

    def grant(self, t: int, policy: Policy) -> Grant | None:
        """Granted unless revoked, or not approved where the policy requires it."""
        if not self.holds(t) or self.revoked or (policy.approval and not self.approved):
            return None
        return Grant(CLASSES.index(self.kind), self.id)

    def refusal(self, t: int, policy: Policy) -> Refusal | None:
        """Why what it claims at `t` does not hold."""
        if not self.holds(t) or self.grant(t, policy):
            return None
        return Refusal(self.id, self.kind, "revoked" if self.revoked else "not_approved")


class Excuses:
    """Everything that may excuse one service's downtime, from the facts that count."""

    def __init__(self, facts: list[Fact], service: Service) -> None:
        self.maintenances = [
            Maintenance(name, same, service)
            for name, same in grouped(facts, "maintenance", lambda fact: str(fact["maintenance"])).items()
        ]
        newest = grouped(facts, "incident", lambda fact: f"{fact['provider']}/{fact['incident']}")
        self.incidents = [Incident(same[-1], service) for same in newest.values()]
        decisions = grouped(facts, "exclusion_decision", lambda fact: str(fact["exclusion"]))
        self.declared = [
            Declared(same[0], decisions.get(name, []))
            for name, same in grouped(facts, "exclusion", lambda fact: str(fact["exclusion"])).items()
            if concerns(same[0], service)
        ]

    def edges(self, policies: list[Policy]) -> set[int]:
        """Every instant at which something may begin or end to be excused."""
        cuts = {edge for declared in self.declared for edge in declared.window}
        for maintenance in self.maintenances:
            cuts |= maintenance.edges()
        for incident in self.incidents:
            cuts |= incident.edges(policies)
        return cuts

    def granted(self, t: int, policy: Policy, corroborated: Callable[[str], bool]) -> list[Grant]:
        """What is granted at `t`, in the order of section 5.4; `corroborated(provider)` is asked at `t`."""
        grants: list[Grant | None] = [maintenance.grant(t, policy) for maintenance in self.maintenances]
        grants += [incident.grant(t, policy, corroborated(incident.provider)) for incident in self.incidents]
        grants += [declared.grant(t, policy) for declared in self.declared]
        return sorted(grant for grant in grants if grant is not None)

    def refused(self, t: int, policy: Policy, corroborated: Callable[[str], bool]) -> set[Refusal]:
        """What is claimed at `t` and not granted."""
        refusals: list[Refusal | None] = [maintenance.refusal(t, policy) for maintenance in self.maintenances]
        refusals += [incident.refusal(t, policy, corroborated(incident.provider)) for incident in self.incidents]
        refusals += [declared.refusal(t, policy) for declared in self.declared]
        return {refusal for refusal in refusals if refusal is not None}


def grouped(facts: list[Fact], kind: str, key: Callable[[dict[str, Any]], str]) -> dict[str, list[Fact]]:
    """Facts of a kind by what they are about, each group in the order of recording."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact["kind"] == kind:
            groups.setdefault(key(fact), []).append(fact)
    return groups
