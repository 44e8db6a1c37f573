"""What a look warns of and is not failed for: the section `warn` of a check. Shown, alerted, never downtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from monitor.ledger.period import DAY, format_instant
from monitor.ledger.snapshot import Newest, WarnLimits

WarningName = Literal["certificate_days", "duration"]


class LookWarning(NamedTuple):
    """One of the two, by its key in `warn`: whether it is raised, and words for a person."""

    name: WarningName
    raised: bool
    words: str


class Measured(NamedTuple):
    """What warnings come from: when a look was (an instant), how long it took (ms), when the first certificate ends."""

    at: int
    duration_ms: float | None
    certificate_expires: int | None


def warnings_of(limits: WarnLimits, measured: Measured) -> Iterator[LookWarning]:
    """Those that can be told of this look; what was not measured or not asked for is absent."""
    expires = measured.certificate_expires
    if limits.certificate_ms is not None and expires is not None:
        left = (expires - measured.at) // DAY
        words = f"the certificate ends on {format_instant(expires)}, in {max(left, 0)} days"
        yield LookWarning("certificate_days", expires - measured.at < limits.certificate_ms, words)
    if limits.duration_ms is not None and measured.duration_ms is not None:
        words = f"took {measured.duration_ms:.0f} ms, over {limits.duration_ms} ms is slow"
        yield LookWarning("duration", measured.duration_ms > limits.duration_ms, words)


def warnings_of_newest(newest: Newest) -> Iterator[LookWarning]:
    """Those of a check's newest result."""
    result = newest.result
    return warnings_of(newest.warn, Measured(result.at, result.duration_ms, result.certificate_expires))
