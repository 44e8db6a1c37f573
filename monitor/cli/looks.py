"""One look, as the command `probe` prints it."""

from __future__ import annotations

import json

from monitor.facts import Phases
from monitor.interfaces import Observation
from monitor.ledger.period import format_instant


def look_text(target: str, look: Observation) -> str:
    """The verdict first, then every phase that was measured, then what else was seen."""
    reason = f" ({look.reason})" if look.reason else ""
    lines = [f"{look.outcome}{reason}: {target} in {look.duration_ms:.3f} ms"]
    if look.detail:
        lines.append(f"  detail       {look.detail}")
    for name, spent in zip(Phases._fields, look.phases or Phases(), strict=True):
        if spent is not None:
            lines.append(f"  {name:<12} {spent:.3f} ms")
    for name, value in (("status", look.status), ("address", look.ip), ("certificate", _expiry(look))):
        if value is not None:
            lines.append(f"  {name:<12} {value}")
    lines += [f"  {name:<12} {value}" for name, value in sorted((look.attributes or {}).items())]
    return "\n".join(lines)


def look_json(target: str, look: Observation) -> str:
    """The same as a JSON object."""
    shown = {
        "target": target,
        "at": format_instant(look.at),
        "outcome": look.outcome,
        "reason": look.reason,
        "detail": look.detail,
        "duration_ms": look.duration_ms,
        "phases_ms": {k: v for k, v in (look.phases or Phases())._asdict().items() if v is not None},
        "status": look.status,
        "ip": look.ip,
        "certificate_expires": _expiry(look),
        "attributes": dict(look.attributes or {}),
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _expiry(look: Observation) -> str | None:
    return None if look.certificate_expires is None else format_instant(look.certificate_expires)
