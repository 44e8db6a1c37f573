"""TCP: a connection to host and port within the deadline.

```yaml
tcp: {host: app.example.com, port: 443}
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from pydantic import Field

from monitor.facts import Phases
from monitor.interfaces import Observation, Tick
from monitor.probes import judge
from monitor.probes.address import literal, vetted
from monitor.probes.connect import Connected, connect
from monitor.probes.deadline import Deadline
from monitor.probes.judge import PASS, Phase, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.web import ascii_host
from monitor.settings import Mistake, Settings


class TcpSettings(Settings):
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)

    def mistakes(self) -> Iterator[Mistake]:
        try:
            ascii_host(self.host)
        except ValueError as error:
            yield Mistake(("host",), f"expected a host name or an address; {error}")


def target(settings: TcpSettings) -> str:
    return f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"


def host(settings: TcpSettings) -> str:
    return ascii_host(settings.host)


class _Connection(asyncio.Protocol):
    """Connected is all that it has to be."""

    def __init__(self) -> None:
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport


async def probe(settings: TcpSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when the connection is made."""
    at, started = io.clock.now(), io.clock.monotonic_ns()
    phase: Phase = "resolve"
    connected: Connected | None = None
    address: str | None = None
    resolved = started
    verdict: Verdict | None = None
    loop = asyncio.get_running_loop()
    with Deadline(loop, io.timeout_ms / 1000):
        try:
            addresses = await _addresses(settings, io)
            phase, resolved, address = "connect", io.clock.monotonic_ns(), addresses[0]
            connection, connected = await connect(_Connection, addresses, settings.port, loop)
            address = connected.address
            if connection.transport is not None:
                connection.transport.close()
            verdict = PASS
        except ProbeError as fault:
            verdict = fault.verdict
    verdict = verdict or judge.of_deadline(phase, io.timeout_ms)
    ended = io.clock.monotonic_ns()
    by_name = literal(settings.host) is None
    return Observation(
        outcome=verdict.outcome,
        at=at,
        duration_ms=judge.milliseconds(ended - started),
        reason=verdict.reason,
        detail=verdict.detail,
        phases=Phases(
            resolve=judge.milliseconds(resolved - started) if by_name and phase == "connect" else None,
            connect=judge.milliseconds(ended - resolved) if connected is not None else None,
        ),
        ip=address,
        attributes=_attributes(connected),
    )


async def _addresses(settings: TcpSettings, io: Io) -> tuple[str, ...]:
    name = ascii_host(settings.host)
    found = (name,) if literal(name) is not None else (await io.resolver.look_up(name)).addresses
    allowed = vetted(found, io.allow_private_targets)
    if not allowed:
        raise judge.void("self_config", "address_denied")
    return allowed


def _attributes(connected: Connected | None) -> dict[str, float | str]:
    if connected is None:
        return {}
    attributes: dict[str, float | str] = {"probe_ip_protocol": 6 if ":" in connected.address else 4}
    if connected.failed_ipv6:
        attributes["ipv6_failed"] = 1
    if connected.failed_ipv4:
        attributes["ipv4_failed"] = 1
    return attributes
