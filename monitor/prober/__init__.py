"""The prober: from ticks to results."""

from __future__ import annotations

from monitor.prober.canaries import Canary
from monitor.prober.prober import Outlets, Prober, ProbingOptions, VoidSpell, probe_once
from monitor.prober.watch import Notice

__all__ = ["Canary", "Notice", "Outlets", "Prober", "ProbingOptions", "VoidSpell", "probe_once"]
