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


def ends_soon(limits: WarnLimits, at: int, expires: int | None) -> bool | None:
    """Whether a certificate ends sooner after a look than it should; None: not measured, or not asked for."""
    limit = limits.certificate_ms
    return None if limit is None or expires is None else expires - at < limit


def is_slow(limits: WarnLimits, duration_ms: float | None) -> bool | None:
    """Whether a look took longer than it should; None: not measured, or not asked for."""
    limit = limits.duration_ms
    return None if limit is None or duration_ms is None else duration_ms > limit


def warnings_of(limits: WarnLimits, measured: Measured) -> Iterator[LookWarning]:
    """Those that can be told of this look; what was not measured or not asked for is absent."""
    at, duration, expires = measured
    soon, slow = ends_soon(limits, at, expires), is_slow(limits, duration)
    if soon is not None and expires is not None:
        days = max((expires - at) // DAY, 0)
        yield LookWarning(
            "certificate_days", soon, f"the certificate ends on {format_instant(expires)}, in {days} days"
        )
    if slow is not None:
        yield LookWarning("duration", slow, f"took {duration:.0f} ms, over {limits.duration_ms} ms is slow")


def warnings_of_newest(newest: Newest) -> Iterator[LookWarning]:
    """Those of a check's newest result."""
    result = newest.result
    return warnings_of(newest.warn, Measured(result.at, result.duration_ms, result.certificate_expires))
