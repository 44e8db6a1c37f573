"""What the probes' tests share: a way to the network with short deadlines, and a look at a URL through it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.interfaces import Observation, Tick
from monitor.prober import network
from monitor.probes import Io
from monitor.probes.http import HttpSettings, probe
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls

TICK = Tick("app", 1, 1_780_000_000_000)

Look = Callable[..., Awaitable[Observation]]


LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Both loops that the daemon runs on: their sockets fail in their own ways."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    with contextlib.suppress(ImportError):
        factories["uvloop"] = importlib.import_module("uvloop").new_event_loop
    return factories


@pytest.fixture(autouse=True)
def no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a host without routes: this machine's own gateway says nothing of the name servers of a test."""
    monkeypatch.setattr(network, "ROUTES", Path("/nowhere"))


@pytest.fixture
async def io() -> AsyncIterator[Io]:
    clock = SystemClock()
    resolver = Resolver((), clock.monotonic_ns)
    yield Io(clock, resolver, Tls(), allow_private_targets=True, timeout_ms=2_000)
    await resolver.aclose()


@pytest.fixture
def look(io: Io) -> Look:
    """Probes a URL; other settings as keywords, `timeout_ms` for the deadline."""

    async def look_at(url: str, timeout_ms: int = 2_000, **settings: object) -> Observation:
        given = HttpSettings.model_validate({"url": url, **settings})
        return await probe(given, TICK, Io(io.clock, io.resolver, io.tls, io.allow_private_targets, timeout_ms))

    return look_at
