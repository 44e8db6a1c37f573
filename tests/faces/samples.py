"""Snapshots and statements to show: made up, but they add up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from exporters.self_metrics import SelfMetrics
from monitor.facts import Phases, Result
from monitor.ledger.accounts import one_less
from monitor.ledger.decimals import Ratio
from monitor.ledger.peaks import ErrorCount, Errors, PeakFigures, PeakView, TrafficEvent
from monitor.ledger.period import DAY, HOUR, MINUTE, SECOND, Month, parse_instant
from monitor.ledger.snapshot import (
    EXHAUSTION_WINDOWS,
    WINDOWS,
    Accounts,
    ActiveExclusion,
    Announced,
    Answering,
    Burn,
    Figures,
    Newest,
    NextMaintenance,
    Obligations,
    Recent,
    ServiceView,
    Snapshot,
    VitalFigures,
)
from monitor.ledger.terms import SHOPIFYS, PeakTerms

ZONE = ZoneInfo("Europe/London")
AS_OF = parse_instant("2026-03-20T12:00:00.250Z")
MARCH = Month(2026, 3)

SELF = SelfMetrics(
    version="0.1.0",
    python="3.11.7",
    facts_recorded={"result": 120, "maintenance": 0},
    slots_missed=2,
    probe_lag_seconds=0.0015,
    source_last_success={"cloudflare-status": AS_OF - MINUTE},
    source_problems={("cloudflare-status", "unknown_enum"): 1},
    hook_deliveries={("own-page", "forged"): 3},
    channel_deliveries={("acme", "sent"): 2},
    channel_waiting={"acme": 1},
    channel_failing_since={"acme": AS_OF - MINUTE},
    beacons={204: 17, 429: 2},
    vital_reports={"kept": 41, "value": 1},
    hook_ignored={("own-page", "subscriber"): 2},
    void_since={("admin", "self_network"): AS_OF - 7 * MINUTE},
    canary_up={"dns 9.9.9.9": True, "http https://www.iana.org/": False},
    resolver_up={"9.9.9.9": True, "149.112.112.112": False},
    queue_depth=3,
    event_loop_lag_seconds=0.004,
    clock_synchronized=True,
)


def figures(service: str, month: Month = MARCH, down: int = 61_234) -> Figures:
    """A month with `down` ms of downtime, 5 minutes excused, a minute unknown."""
    period = month.period(ZONE)
    length = period.end - period.start
    pending = max(0, period.end - AS_OF)
    excused = {"maintenance": 4 * MINUTE, "third_party": MINUTE, "force_majeure": 0, "customer": 0, "connectivity": 0}
    unknown = MINUTE
    up = length - pending - down - 5 * MINUTE - unknown
    counted = length - pending - 5 * MINUTE - unknown
    base = length - 5 * MINUTE - unknown
    objective = Fraction(999, 1000)
    budget = int((1 - objective) * base)
    return Figures(
        service=service,
        month=month,
        period=period,
        as_of=AS_OF,
        accounts=Accounts(length, up, down, unknown, pending, excused),
        third_party_corroborated=MINUTE,
        third_party_declared=0,
        down_shortest=down // 2,
        down_longest=down * 2,
        excused_shortest=4 * MINUTE,
        excused_longest=6 * MINUTE,
        objective=objective,
        base=base,
        budget=budget,
        budget_bound_by="objective",
        remaining=budget - down,
        burned=Ratio(down, budget),
        published=one_less(down, counted),
        gross=one_less(down + 5 * MINUTE, length - pending - unknown),
        windows_removed=one_less(down, counted),
        worst=one_less(down * 2 + unknown, length - pending - 6 * MINUTE),
        best=one_less(down // 2, length - pending - 4 * MINUTE),
        coverage=one_less(unknown, length - pending),
        verdict="breached" if down > budget else "on_track" if pending else "met",
    )


def burn(down: int = 61_234) -> Burn:
    return Burn(
        rate={name: Ratio(down * 1000, ms) for name, ms in WINDOWS.items()},
        error_ratio={name: Ratio(down, ms) for name, ms in WINDOWS.items()},
        exhaustion=dict.fromkeys(EXHAUSTION_WINDOWS, AS_OF + 5 * DAY),
    )


def view(service: str, *months: Figures, up: bool | None = True, public: bool = True) -> ServiceView:
    return ServiceView(
        service=service,
        title=f"The {service}",
        public=public,
        up=up,
        months=months or (figures(service), figures(service, MARCH.shifted(-1))),
        burn=burn(),
    )


def result(check: str = "admin", vantage: str = "london", **changed: object) -> Result:
    """A look that passed over TLS."""
    return Result(
        recorded_at=AS_OF,
        check=check,
        vantage=vantage,
        at=AS_OF - 10 * SECOND,
        outcome="pass",
        scheduled_at=AS_OF - 10 * SECOND,
        duration_ms=84.25,
        phases_ms=Phases(1.5, 10.0, 30.25, 40.0, 2.5),
        status=200,
        ip="192.0.2.1",
        certificate_expires=parse_instant("2026-06-01T00:00:00Z"),
    )._replace(**changed)  # type: ignore[arg-type]  # names of the tuple's fields


def newest(look: Result, service: str = "app", target: str = "https://app.example.com/health") -> Newest:
    return Newest(service, target, look, AS_OF + MINUTE)


def running_peak() -> PeakView:
    """An hour into three, four seconds down."""
    begun = TrafficEvent("sale", "acme", AS_OF - HOUR, AS_OF + 2 * HOUR, 0, Fraction(8), 0, "alice")
    spent = HOUR - 4 * SECOND
    figures = PeakFigures("app", begun.period, AS_OF, spent, 4 * SECOND, 0, 0, 2 * HOUR, 10_800, [], [])
    errors = Errors(during=ErrorCount(AS_OF - HOUR, AS_OF - 10 * SECOND, 1_184))
    return PeakView(begun, PeakTerms(), ("app",), (figures,), (figures,), errors)


def snapshot(*services: ServiceView, looks: tuple[Newest, ...] = ()) -> Snapshot:
    """One evaluation with an incident, a running exclusion and a void minute."""
    return Snapshot(
        as_of=AS_OF,
        services=services,
        newest=looks,
        severities={("cloudflare", "CDN"): 3},
        void_ms={("admin", "self_network"): MINUTE},
        peaks=(running_peak(),),
        answering=Answering(
            waiting={("high", "in_hours", "50"): 1, ("high", "in_hours", "100"): 2},
            oldest_due={("high", "in_hours"): AS_OF - MINUTE},
            late={("high", "in_hours"): 4},
        ),
        obligations=Obligations(
            breaches={("availability", Month(2026, 3)): 1},
            credit_ratio={("acme", Month(2026, 3)): Ratio(1, 10)},
            termination_right={("acme", Month(2026, 3)): False},
        ),
        vitals=(
            VitalFigures("LCP", "month", SHOPIFYS.limits["LCP"], 1529, 1201, Decimal("2310.4"), "met", "clear", 75),
            VitalFigures("CLS", "28d", SHOPIFYS.limits["CLS"], 3, 2, Decimal("0.0900"), "insufficient", None, 75),
        ),
    )


def announcement(**changed: object) -> Announced:
    """Two hours in three days, announced 50 hours ahead."""
    start = AS_OF + 3 * DAY
    url = "https://status.example.com/m1"
    told = Announced("m1", start, start + 2 * HOUR, 50 * HOUR, True, "own-page", "Database upgrade", url)
    return replace(told, **changed)  # type: ignore[arg-type]


def with_maintenance(service: ServiceView) -> ServiceView:
    return ServiceView(
        service.service,
        service.title,
        service.public,
        service.up,
        service.months,
        service.burn,
        active=(ActiveExclusion("m1", "maintenance", "own-page"),),
        next_maintenance=(NextMaintenance("own-page", AS_OF + 3 * DAY, 50 * HOUR),),
        recent=lambda: Recent(announced=(announcement(),)),
    )
