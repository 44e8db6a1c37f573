"""What can excuse downtime: maintenance announced properly, and what a person declares (accounting.md 5.1, 5.3).

Third parties are in `third_party`. An `Exclusion` says when it is granted, whatever the service's state was, and what
of its claim is refused and why; `accounts` books the DOWN time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from monitor.facts import EXCLUSION_CLASSES, Fact, Json
from monitor.ledger.entries import Entries
from monitor.ledger.interval import Span, Spans, normalise, subtract
from monitor.ledger.period import parse_instant
from monitor.ledger.terms import Policy

Why = Literal[
    "notice_too_short",
    "overrun",
    "moved",
    "cancelled",
    "emergency",
    "not_corroborated",
    "below_severity",
    "not_approved",
    "revoked",
    "not_in_policy",
    "too_long",
]
"""Why a claim is refused (statement.md)."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One exclusion as it stands for one service under one policy. Spans are not clipped to a month.

    `provider` is set for third parties. `shown` are the fields that the statement shows beside the figures.
    """

    id: str
    klass: str
    granted: Spans
    refused: Mapping[Why, Spans] = field(default_factory=dict)
    claimed: Spans = field(default_factory=list)
    provider: str | None = None
    shown: Mapping[str, Json] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, str]:
        """Which of several exclusions takes an instant: by class, then by id in code points (section 5.4)."""
        return (EXCLUSION_CLASSES.index(self.klass), self.id)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a maintenance for one service: its effective announcement, and its window there or None.

    A window longer than the policy allows is refused, which leaves none; `too_long` keeps it for what it claims.
    """

    announced: int
    window: Span | None
    fact: Fact
    too_long: Span | None = None

    def notice(self) -> int:
        return self.window[0] - self.announced if self.window is not None else 0


def text_of(fact: Fact, name: str) -> str | None:
    """A text field of a fact, None where it has none."""
    value = fact.fields.get(name)
    return value if isinstance(value, str) else None


def is_authenticated(fact: Fact) -> bool:
    """Whether a bearer token proves who said it; a name that was only typed proves nothing."""
    return text_of(fact, "authenticated_by") is not None


def concerns(fact: Fact, service: str) -> bool:
    """Whether a fact's `services` (absent or empty: all) name the service."""
    services = cast("list[str] | None", fact.fields.get("services"))
    return not services or service in services


def maintenances(entries: Entries, service: str, policy: Policy) -> list[Exclusion]:
    """Every maintenance that ever had a window for the service (section 5.1)."""
    asks = what_they_ask(entries, service, policy)
    return entries.once("maintenance", asks, lambda: _maintenances(entries.of("maintenance"), service, policy))


def what_they_ask(entries: Entries, service: str, policy: Policy) -> tuple[object, ...]:
    """All that the maintenances of a service depend on beside their facts: they are alike where this is."""
    facts = entries.of("maintenance")
    choosy = entries.once("maintenance", ("choosy",), lambda: [fact for fact in facts if fact.fields.get("services")])
    named = tuple(concerns(fact, service) for fact in choosy)
    return (named, policy.witness_within_ms, policy.longest_ms, policy.notice_ms)


def _maintenances(facts: Sequence[Fact], service: str, policy: Policy) -> list[Exclusion]:
    by_id: dict[str, list[Fact]] = {}
    for fact in facts:
        by_id.setdefault(cast(str, fact.fields["maintenance"]), []).append(fact)
    found = [_maintenance(name, those, service, policy) for name, those in by_id.items()]
    return [exclusion for exclusion in found if exclusion is not None]


def revisions(facts: Sequence[Fact], service: str, policy: Policy) -> list[Revision]:
    """In order of recording, each with the announcement that counts."""
    return [_revision(fact, service, policy) for fact in facts]


def _revision(fact: Fact, service: str, policy: Policy) -> Revision:
    announced = parse_instant(cast(str, fact.fields["announced_at"]))
    if fact.recorded_at - announced > policy.witness_within_ms:
        announced = fact.recorded_at
    start, end = text_of(fact, "start"), text_of(fact, "end")
    window = (parse_instant(start), parse_instant(end)) if start is not None and end is not None else None
    if window is None or not concerns(fact, service):
        return Revision(announced, None, fact)
    if policy.longest_ms is not None and window[1] - window[0] > policy.longest_ms:
        return Revision(announced, None, fact, too_long=window)
    return Revision(announced, window, fact)


def _maintenance(name: str, facts: Sequence[Fact], service: str, policy: Policy) -> Exclusion | None:
    revised = revisions(facts, service, policy)
    claims = [claim for revision in revised if (claim := revision.window or revision.too_long) is not None]
    if not claims:
        return None
    newest, claim = revised[-1], claims[-1]
    is_emergency = any(fact.fields.get("emergency") is True for fact in facts)
    granted = [] if is_emergency else _granted(revised, policy)
    left = subtract(normalise([claim]), granted)
    refused: dict[Why, Spans]
    if is_emergency:
        refused = {"emergency": left}
    elif newest.too_long is not None:
        refused = {"too_long": left}
    elif newest.window is None:
        refused = {"cancelled": left}
    else:
        refused = _late_parts(left, _noticed(revised, policy))
    return Exclusion(name, "maintenance", granted, refused, normalise([claim]), None, _shown(revised, granted, policy))


def _noticed(revised: Sequence[Revision], policy: Policy) -> list[Span]:
    """The windows that were announced early enough."""
    return [r.window for r in revised if r.window is not None and r.notice() >= policy.notice_ms]


def _granted(revised: Sequence[Revision], policy: Policy) -> Spans:
    """What lies in a window with notice and in the window of every later revision."""
    granted: Spans = []
    shared: Span | None = None
    for place, revision in enumerate(reversed(revised)):
        if revision.window is None:
            break
        start, end = revision.window
        shared = (start, end) if place == 0 or shared is None else (max(start, shared[0]), min(end, shared[1]))
        if shared[0] >= shared[1]:
            break
        if revision.notice() >= policy.notice_ms:
            granted.append(shared)
    return normalise(granted)


def _late_parts(left: Spans, noticed: Sequence[Span]) -> dict[Why, Spans]:
    """Why the rest of the newest window is refused (section 5.4)."""
    if not noticed:
        return {"notice_too_short": left}
    last_end = max(end for _, end in noticed)
    return {
        "overrun": [(max(start, last_end), end) for start, end in left if end > last_end],
        "moved": [(start, min(end, last_end)) for start, end in left if start < last_end],
    }


def _shown(revised: Sequence[Revision], granted: Spans, policy: Policy) -> dict[str, Json]:
    """What the statement shows: the announcement behind the first granted instant, and every revision."""
    grounds = [r for r in revised if r.window is not None and r.notice() >= policy.notice_ms]
    first = granted[0][0] if granted else None
    ground = next(
        (r for r in grounds if first is not None and r.window and r.window[0] <= first < r.window[1]), revised[-1]
    )
    newest = revised[-1].fact
    return {
        "source": newest.source,
        "url": text_of(newest, "url"),
        "title": text_of(newest, "title"),
        "announced": ground.announced,
        "notice_ms": ground.notice(),
        "revisions": [
            {
                "recorded_at": revision.fact.recorded_at,
                "announced_at": revision.fact.fields["announced_at"],
                "start": revision.fact.fields["start"],
                "end": revision.fact.fields["end"],
            }
            for revision in revised
        ],
        "author": text_of(newest, "sent_by") or text_of(newest, "author"),
        "author_authenticated": is_authenticated(newest) or text_of(newest, "sent_by") is not None,
    }


def declared_by_person(entries: Entries, service: str, policy: Policy) -> list[Exclusion]:
    """Every exclusion that a person declared for the service (section 5.3)."""
    decisions: dict[str, list[Fact]] = {}
    for fact in entries.of("exclusion_decision"):
        decisions.setdefault(cast(str, fact.fields["exclusion"]), []).append(fact)
    first: dict[str, Fact] = {}
    for fact in entries.of("exclusion"):
        first.setdefault(cast(str, fact.fields["exclusion"]), fact)
    return [_declared(fact, decisions.get(name, []), policy) for name, fact in first.items() if concerns(fact, service)]


def _is_anothers(declared: Fact, decision: Fact) -> bool:
    """Whether another person decides than declared it: another name and, where the log says how names were proved
    (`authenticated_by`; null: one was only typed), both proved and not by one token. A second name is soon typed."""
    if declared.fields["author"] == decision.fields["author"]:
        return False
    proofs = [fact.fields["authenticated_by"] for fact in (declared, decision) if "authenticated_by" in fact.fields]
    return None not in proofs and len(set(map(str, proofs))) == len(proofs)


def _declared(fact: Fact, decisions: Sequence[Fact], policy: Policy) -> Exclusion:
    approval = next((d for d in decisions if d.fields["decision"] == "approved" and _is_anothers(fact, d)), None)
    window = normalise([(parse_instant(cast(str, fact.fields["start"])), parse_instant(cast(str, fact.fields["end"])))])
    refused: dict[Why, Spans] = {}
    if any(d.fields["decision"] == "revoked" for d in decisions):
        refused = {"revoked": window}
    elif policy.approval_required and approval is None:
        refused = {"not_approved": window}
    shown: dict[str, Json] = {
        "source": fact.source,
        "url": text_of(fact, "url"),
        "announced": fact.recorded_at,
        "notice_ms": None,
        "revisions": [],
        "author": fact.fields["author"],
        "author_authenticated": is_authenticated(fact),
        "approver": None if approval is None else approval.fields["author"],
        "approver_authenticated": approval is not None and is_authenticated(approval),
        "evidence": fact.fields["evidence"],
        "reason": fact.fields["reason"],
    }
    granted = [] if refused else window
    name, klass = cast(str, fact.fields["exclusion"]), cast(str, fact.fields["class"])
    return Exclusion(name, klass, granted, refused, window, None, shown)
