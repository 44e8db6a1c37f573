"""The process on /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest


class ProcessMetrics:
    """`process_*` and `python_*` as Prometheus clients name them: memory, CPU, open files, collections."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> str:
        """In text format 0.0.4: the last slice of the page."""
        return generate_latest(self._registry).decode()
