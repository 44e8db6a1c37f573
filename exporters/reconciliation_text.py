"""Where the witnesses disagree, for a terminal: what each saw, who says otherwise for how long, what was published."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.numbers import duration
from exporters.stated import Statement, Wall, ms, plain, rows


def reconciliation_text(found: Statement, zone: str) -> str:
    """The lines, without a last line end. `found` is of `monitor.ledger.reconciliation`; `zone` an IANA name."""
    wall = Wall(zone)
    blocks = (_witnesses(found, wall), _disagreements(found, wall), _published(found, wall))
    return "\n".join(line for block in blocks for line in block)


def _witnesses(found: Statement, wall: Wall) -> Iterator[str]:
    yield f"{plain(found['service'])}: {wall.shown(found['start'])} to {wall.shown(found['end'])}"
    yield f"  measured: {duration(ms(found, 'measured_down_ms'))} down"
    for witness in rows(found, "witnesses"):
        kind = "the status page" if witness["kind"] == "page" else "vantage"
        yield f"  {kind} {plain(witness['witness'])}: {duration(ms(witness, 'down_ms'))} down," + (
            f" {duration(ms(witness, 'up_ms'))} up, {duration(ms(witness, 'unknown_ms'))} unknown"
        )


def _disagreements(found: Statement, wall: Wall) -> Iterator[str]:
    disagreements = rows(found, "disagreements")
    in_all = sum(ms(each, "ms") for each in disagreements)
    yield f"  disagreements: {len(disagreements)}, {duration(in_all)} in all" if disagreements else "  they agree"
    for each in disagreements:
        down, up = _names(each, "down"), _names(each, "up")
        yield f"    {wall.shown(each['start'])} to {wall.shown(each['end'])}  {duration(ms(each, 'ms'))}:" + (
            f" down by {down}; up by {up}"
        )


def _published(found: Statement, wall: Wall) -> Iterator[str]:
    for outage in rows(found, "published"):
        span = f"    {wall.shown(outage['start'])} to {wall.shown(outage['end'])}"
        if outage["published_at"] is None:
            yield f"{span}  never published"
            continue
        late = ms(outage, "late_ms")
        when = f"{duration(late)} after it began" if late >= 0 else f"{duration(-late)} before it began"
        yield f"{span}  published {when} ({plain(outage['page'])}, {plain(outage['incident'])})"
    for alone in rows(found, "published_only"):
        yield f"    {wall.shown(alone['start'])} to {wall.shown(alone['end'])}  down by {plain(alone['page'])} alone"


def _names(row: Statement, field: str) -> str:
    names = row[field]
    return ", ".join(plain(name) for name in names) if isinstance(names, list) else ""
