"""What the fault catalogue's tests share: a look in this process, one whose memory is weighed, and the bounds."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from monitor.interfaces import Observation
from tests.daemon.conftest import bytecode, minutebook, start
from tests.faults.elsewhere import Errand, Seen, run_elsewhere
from tests.faults.networks import namespaces, wire
from tests.probes.conftest import LoopFactory, io, look
from tests.probes.conftest import pytest_asyncio_loop_factories as both_loops

__all__ = ["bytecode", "io", "look", "minutebook", "namespaces", "start", "weigh", "wire"]

SLACK = 10.0  # how many times as slow a loaded machine may be

STALLS = 5  # how often a look is made again that a stall of this machine made void

MOST_MEMORY = 2 * 1024 * 1024  # design/faults.md, "Defaults": at most 2 MB a probe


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Both loops for a look in this process; one that runs elsewhere has the daemon's loop."""
    both = both_loops(config, item)
    return both if "look" in getattr(item, "fixturenames", ()) else {"asyncio": both["asyncio"]}


Weigh = Callable[..., Awaitable[Seen]]


@pytest.fixture
def weigh() -> Weigh:
    """Looks at a URL from a process of its own and holds the most memory that it took to the catalogue's bound;
    other settings of the check as keywords, `timeout_ms` for the deadline, `warm` for a URL that is looked at first."""

    async def weigh_at(url: str, timeout_ms: int = 5_000, warm: str | None = None, **settings: Any) -> Seen:
        first = () if warm is None else (("http", {"url": warm}),)
        errand = Errand((("http", {"url": url, **settings}),), timeout_ms=timeout_ms, weighed=True, warm=first)
        seen = await run_elsewhere(errand)
        for _ in range(STALLS):
            if seen.only.reason == "self_loop" or seen.made > 1:  # two looks in one process: its peak is not one look's
                seen = await run_elsewhere(errand)
        assert seen.peak <= MOST_MEMORY, f"{seen.peak} bytes"
        return seen

    return weigh_at


def within(observation: Observation, seconds: float) -> bool:
    """Whether a look ended in the catalogue's time, by its own monotonic clock; a loaded machine has some slack."""
    assert observation.duration_ms <= seconds * 1000 * SLACK, observation
    return True


def words_of(observation: Observation) -> str:
    """A look's detail, empty without one, less what a loop of ours that was late puts behind it (row 92)."""
    return re.sub(r"(^|; )durations unreliable: .*", "", observation.detail or "", flags=re.DOTALL)


PATIENT_MS = 30_000  # the deadline of a look whose bound is shorter: one that waited for it would break the bound
SHORT_MS = 300  # the deadline of a look that only a deadline ends


def is_up(observation: Observation, seconds: float) -> bool:
    """Whether a look passed in the catalogue's time."""
    assert (observation.outcome, observation.reason) == ("pass", None), observation
    return within(observation, seconds)


def is_down(observation: Observation, reason: str, seconds: float) -> bool:
    """Whether a look failed for this reason in the catalogue's time."""
    assert (observation.outcome, observation.reason) == ("fail", reason), observation
    return within(observation, seconds)


def is_weighed(seen: Seen, reason: str | None) -> bool:
    """Whether a look that was weighed passed, or failed for this reason. A stall of a loaded machine makes it void once
    it is done: its weight holds, and its reason and time are for another test to show."""
    assert seen.only.reason in {reason, "self_loop"}, seen
    return True


def ended_by_its_deadline(observation: Observation, reason: str) -> bool:
    """Whether a look of SHORT_MS failed for this reason, neither before its deadline nor long after."""
    assert observation.duration_ms > SHORT_MS - 5, observation  # timers count whole ms
    return is_down(observation, reason, SHORT_MS / 1000 + 0.5)
