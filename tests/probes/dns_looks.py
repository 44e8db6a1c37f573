"""A DNS look at a name server of the test's own."""

from __future__ import annotations

from monitor.clock import SystemClock
from monitor.interfaces import Observation
from monitor.probes import Io
from monitor.probes.dns import DnsSettings, probe
from monitor.probes.resolver import Resolver
from monitor.probes.tls import Tls
from tests.probes.conftest import TICK
from tests.probes.names import Reply, naming, records

NAME = "app.example.com"
ONE = records((60, "A", "192.0.2.1"))
TWO = records((60, "A", "192.0.2.1"), (60, "A", "192.0.2.2"))


def io_with(*servers: str, timeout_ms: int = 2_000, allow_private: bool = True) -> Io:
    clock = SystemClock()
    return Io(clock, Resolver(servers, clock.monotonic_ns), Tls(), allow_private, timeout_ms)


async def look(server: str | None, *resolvers: str, timeout_ms: int = 2_000, **settings: object) -> Observation:
    given = DnsSettings.model_validate({"name": NAME, "server": server, **settings})
    return await probe(given, TICK, io_with(*resolvers, timeout_ms=timeout_ms))


async def look_at(reply: Reply, timeout_ms: int = 2_000, **settings: object) -> Observation:
    async with naming({NAME: reply}) as server:
        return await look(server.address, timeout_ms=timeout_ms, **settings)
