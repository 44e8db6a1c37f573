"""What the process says of itself on `/metrics`: measured by the shells, put together by the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SelfMetrics:
    """One reading of the daemon's own state. Instants in ms; None: not known, so not shown.

    `facts_recorded` holds every kind from the start, at 0 where nothing came yet: the first one must be an increase.
    `source_problems` by source and reason, `hook_deliveries` by source and outcome, `channel_deliveries` by channel and
    outcome, in the same way.
    `beacons` by the status of the answer, `vital_reports` by outcome.
    `hook_ignored` by source and the sender's own name for it, bounded in number. `void_since` is by check and reason.
    """

    version: str
    python: str
    facts_recorded: Mapping[str, int] = field(default_factory=dict)
    slots_missed: int = 0
    probe_lag_seconds: float | None = None
    source_last_success: Mapping[str, int] = field(default_factory=dict)
    source_problems: Mapping[tuple[str, str], int] = field(default_factory=dict)
    hook_deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    beacons: Mapping[int, int] = field(default_factory=dict)
    vital_reports: Mapping[str, int] = field(default_factory=dict)
    hook_ignored: Mapping[tuple[str, str], int] = field(default_factory=dict)
    void_since: Mapping[tuple[str, str], int] = field(default_factory=dict)
    channel_deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    channel_waiting: Mapping[str, int] = field(default_factory=dict)
    channel_failing_since: Mapping[str, int] = field(default_factory=dict)
    canary_up: Mapping[str, bool] = field(default_factory=dict)
    resolver_up: Mapping[str, bool] = field(default_factory=dict)
    queue_depth: int = 0
    event_loop_lag_seconds: float | None = None
    config_last_reload_successful: bool = True
    clock_synchronized: bool | None = None
    store_writable: bool = True
