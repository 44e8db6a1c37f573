"""The kinds of facts, frozen (contracts/facts.md, the table of kinds; design/faults.md for the reasons)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Outcome = Literal["pass", "fail", "void"]

# fmt: off
FAIL_REASONS = frozenset(
    (
        "dns_nxdomain", "dns_nodata", "dns_servfail", "dns_timeout", "dns_bad", "tcp_refused", "tcp_timeout",
        "tcp_reset", "net_unreachable", "tls_expired", "tls_not_yet_valid", "tls_hostname", "tls_untrusted",
        "tls_weak", "tls_protocol", "tls_reset", "tls_timeout", "http_protocol", "http_timeout_headers",
        "http_timeout_body", "http_truncated", "http_reset", "http_too_large", "http_decompress",
        "http_redirect_loop", "http_redirect_blocked", "http_status", "http_content", "heartbeat_missed",
        "icmp_timeout", "icmp_unreachable", "grpc_status", "grpc_not_serving", "ws_handshake", "ws_content",
        "tcp_content", "dns_answer", "slow", "timeout", "failed", "other",
    )
)
# fmt: on
"""Why a check failed: faults.md, "down reasons". Any other word is kept as `other`."""

# fmt: off
VOID_REASONS = frozenset(
    (
        "self_network", "self_resolver", "self_fd", "self_ports", "self_memory", "self_firewall", "self_loop",
        "self_suspended", "self_clock", "self_store", "self_overload", "self_stop", "self_down",
        "self_config", "self_ca", "missed",
    )
)
# fmt: on
"""Why we cannot say: faults.md, "unknown reasons"; always our own side."""

SEVERITIES = ("operational", "maintenance", "degraded", "partial_outage", "major_outage")
"""Severity of a provider's component, from best to worst (accounting.md section 5.2)."""

EXCLUSION_CLASSES = ("maintenance", "third_party", "force_majeure", "customer", "connectivity")
"""Classes of exclusions in the order that books an instant (accounting.md section 5.4)."""


class Phases(NamedTuple):
    """How long each part of a look took, in ms; None where it was not measured."""

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    processing: float | None = None
    transfer: float | None = None


class Result(NamedTuple):
    """One look of a check at one vantage; `at` is when the attempt began.

    Instants and `hold_ms` in ms. `extra` holds fields that facts.md does not name (and an explicit `"confirm": false`),
    so that the canonical line can be made again exactly.
    """

    recorded_at: int
    check: str
    vantage: str
    at: int
    outcome: Outcome
    confirm: bool = False
    hold_ms: int | None = None
    scheduled_at: int | None = None
    reason: str | None = None
    detail: str | None = None
    duration_ms: float | None = None
    phases_ms: Phases | None = None
    status: int | None = None
    ip: str | None = None
    certificate_expires: int | None = None
    id: str | None = None
    source: str | None = None
    extra: Mapping[str, Json] | None = None

    @property
    def kind(self) -> str:
        return "result"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of any other kind. `fields` is the whole checked object less `kind` and `recorded_at`, instants in
    canonical spelling; the ledger reads it through the typed views of its own modules."""

    kind: str
    recorded_at: int
    fields: Mapping[str, Json]

    @property
    def id(self) -> str | None:
        given = self.fields.get("id")
        return given if isinstance(given, str) else None

    @property
    def source(self) -> str | None:
        given = self.fields.get("source")
        return given if isinstance(given, str) else None


AnyFact = Result | Fact

_SUBJECT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "maintenance": ("maintenance",),
    "incident": ("provider", "incident"),
    "exclusion": ("exclusion",),
    "exclusion_decision": ("exclusion",),
    "ticket": ("ticket",),
    "claim": ("claim",),
    "traffic_event": ("event",),
    "closing": ("service", "month"),
    "seal": ("check", "vantage", "day"),
    "vital": ("metric", "metric_id"),
}


def subject(fact: AnyFact) -> tuple[str, ...]:
    """What the fact is about: facts about one subject recorded together are recorded 1 ms apart (facts.md)."""
    if isinstance(fact, Result):
        return ("result", fact.check, fact.vantage)
    kind = "exclusion" if fact.kind == "exclusion_decision" else fact.kind
    return (kind, *(str(fact.fields[name]) for name in _SUBJECT_FIELDS.get(fact.kind, ())))
