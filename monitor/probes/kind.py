"""What a kind of probe is, what a check that is probed looks like, and what a probe may reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from monitor.interfaces import Clock, Observation, Tick
from monitor.probes.judge import milliseconds
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from monitor.probes.trace import Trace
from monitor.settings import Settings

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Io:
    """All that a probe reaches the world through, and how long it may take; `trace` where the look is to be shown."""

    clock: Clock
    resolver: Resolver
    tls: Tls
    allow_private_targets: bool
    timeout_ms: int
    trace: Trace | None = None


Probe = Callable[[Tick, Io], Awaitable[Observation]]
"""A probe bound to its settings. It never raises for what a target does."""


async def _within_memory(probe: Probe, tick: Tick, io: Io) -> Observation:
    """The look, which is void where there was no memory for it (design/faults.md row 18)."""
    began = io.clock.monotonic_ns()
    try:
        return await probe(tick, io)
    except MemoryError:
        spent = io.clock.monotonic_ns() - began
        at = io.clock.now() - spent // 1_000_000
        return Observation("void", at, milliseconds(spent), "self_memory", "no memory for the look")


@dataclass(frozen=True, slots=True)
class ProbeKind(Generic[S]):
    """One kind: its settings, and what is done with them.

    `target` is the `instance` label of its metrics, `host` what probes at once are limited by. `probe` is None for a
    kind that is not asked from here. `refusal` says why this process can probe none of this kind, and the mend; None:
    it can.
    """

    settings: type[S]
    target: Callable[[S], str]
    host: Callable[[S], str]
    probe: Callable[[S, Tick, Io], Awaitable[Observation]] | None = None
    refusal: Callable[[], str | None] = lambda: None

    def target_of(self, settings: Settings) -> str:
        return self.target(self._own(settings))

    def host_of(self, settings: Settings) -> str:
        return self.host(self._own(settings))

    def bind(self, settings: Settings) -> Probe | None:
        """The probe of these settings; TypeError for another kind's."""
        return None if self.probe is None else partial(_within_memory, partial(self.probe, self._own(settings)))

    def _own(self, settings: Settings) -> S:
        if not isinstance(settings, self.settings):
            raise TypeError(f"expected {self.settings.__name__}, found {type(settings).__name__}")
        return settings


class ProbedCheck(NamedTuple):
    """A check of the configuration as the scheduler and the prober know it; durations in ms.

    `settings` is of the kind's type. `fall` and `rise` are the lengths of the runs of accounting.md section 2.4.
    """

    service: str
    name: str
    kind: str
    settings: Settings
    interval_ms: int
    timeout_ms: int
    hold_ms: int
    fall: int
    rise: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots of a check that nobody looked in: from the first one's instant until the next slot's, UTC ms.

    `since_start` tells those of the time before the daemon started from those that it slept through.
    """

    check: str
    at: int
    until: int
    slots: int
    since_start: bool
