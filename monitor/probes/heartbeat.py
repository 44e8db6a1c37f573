"""Heartbeat: a job says by itself that it ran, at least once in `every` and `grace`.

```yaml
heartbeat: {every: 1d, grace: 1h}
```
"""

from __future__ import annotations

from monitor.settings import Duration, PositiveDuration, Settings


class HeartbeatSettings(Settings):
    every: PositiveDuration
    grace: Duration = 0


def target(settings: HeartbeatSettings) -> str:
    return "heartbeat"


def host(settings: HeartbeatSettings) -> str:
    return ""
