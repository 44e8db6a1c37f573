"""From what a look saw to the fact that is recorded of it (contracts/facts.md, `result`). Pure."""

from __future__ import annotations

from monitor.facts import Phases, Result
from monitor.interfaces import Observation, Tick
from monitor.probes import Missed, ProbedCheck
from monitor.probes.judge import milliseconds

DETAIL_LIMIT = 500  # contracts/facts.md
_UNMEASURED = Phases()


def look_result(check: ProbedCheck, tick: Tick, seen: Observation, vantage: str) -> Result:
    """The fact of one look. `recorded_at` is the recorder's to set; until then it is when the attempt began."""
    outcome, at, duration_ms, reason, detail, phases, status, ip, certificate_expires, _, _ = seen
    return Result(
        at,
        check.name,
        vantage,
        at,
        outcome,
        tick.confirm,
        None if tick.confirm else check.hold_ms,
        None if tick.confirm else tick.scheduled_at,
        reason,
        detail[:DETAIL_LIMIT] if detail else None,
        duration_ms,
        None if phases == _UNMEASURED else phases,
        status,
        ip,
        certificate_expires,
    )


def gap_result(missed: Missed, vantage: str, reason: str, detail: str) -> Result:
    """One scheduled void at the first slot that was missed, up to the next one that is not (design/faults.md)."""
    return Result(
        recorded_at=missed.at,
        check=missed.check,
        vantage=vantage,
        at=missed.at,
        outcome="void",
        hold_ms=missed.until - missed.at,
        scheduled_at=missed.at,
        reason=reason,
        detail=detail,
    )


def marked_unreliable(seen: Observation, late_ms: int) -> Observation:
    """The same look, saying that what was measured of it is too long: our own loop was late (faults.md row 92)."""
    note = f"durations unreliable: the loop was {late_ms} ms late"
    return seen._replace(detail=f"{seen.detail}; {note}" if seen.detail else note)


def stopped(at: int, spent_ns: int) -> Observation:
    """A look that our own stop cut short."""
    return Observation("void", at, milliseconds(spent_ns), "self_stop", "stopped during the look")
