"""Heartbeat: a job says by itself that it ran, at least once in `every` and `grace`.

```yaml
heartbeat: {every: 1d, grace: 1h}
```

It posts to `/api/v1/heartbeats/{check}`; monitor.heartbeats keeps time.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.settings import Duration, Mistake, PositiveDuration, Settings, format_duration

SHORTEST_MS = 1_000
"""More often than that a report is no news: who is missed is found once a second."""


class HeartbeatSettings(Settings):
    every: PositiveDuration
    grace: Duration = 0

    def mistakes(self) -> Iterator[Mistake]:
        if self.every < SHORTEST_MS:
            yield Mistake(("every",), f"expected at least 1s; found {format_duration(self.every)}")


def target(settings: HeartbeatSettings) -> str:
    return "heartbeat"


def host(settings: HeartbeatSettings) -> str:
    return ""
