"""How the daemon speaks of itself: its log, its process on /metrics, and in `sentry` its own errors and pulse."""

from __future__ import annotations

from monitor.telemetry.lines import say
from monitor.telemetry.log import logging_to, redacted
from monitor.telemetry.process import ProcessMetrics

__all__ = ["ProcessMetrics", "logging_to", "redacted", "say"]
