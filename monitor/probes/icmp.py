"""ICMP: an echo to a host that comes back, asked again every second until the deadline.

```yaml
icmp: {host: app.example.com, ttl: 64}   # ttl: how many hops it may take, default the kernel's
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from pydantic import Field

from monitor.facts import Phases
from monitor.interfaces import Assertion, Observation, Tick
from monitor.probes import judge
from monitor.probes.address import literal, vetted
from monitor.probes.connect import interleaved
from monitor.probes.deadline import Deadline
from monitor.probes.echo import Echo, echo, refusal
from monitor.probes.judge import PASS, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.web import ascii_host
from monitor.settings import Mistake, Settings

__all__ = ["IcmpSettings", "host", "probe", "refusal", "target"]


class IcmpSettings(Settings):
    host: str = Field(min_length=1)
    ttl: int | None = Field(None, ge=1, le=255)

    def mistakes(self) -> Iterator[Mistake]:
        try:
            ascii_host(self.host)
        except ValueError as error:
            yield Mistake(("host",), f"expected a host name or an address; {error}")


def target(settings: IcmpSettings) -> str:
    return settings.host


def host(settings: IcmpSettings) -> str:
    return ascii_host(settings.host)


async def probe(settings: IcmpSettings, tick: Tick, io: Io) -> Observation:
    """One look: passes when an echo comes back."""
    at, started = io.clock.now(), io.clock.monotonic_ns()
    resolved: int | None = None
    address: str | None = None
    back: Echo | None = None
    verdict: Verdict | None = None
    with Deadline(asyncio.get_running_loop(), io.timeout_ms / 1000):
        try:
            addresses = await _addresses(settings, io)
            resolved, address = io.clock.monotonic_ns(), addresses[0]
            back = await echo(addresses, settings.ttl, io.clock)
            verdict, address = PASS, back.address
        except ProbeError as fault:
            verdict = fault.verdict
    verdict = verdict or _of_deadline(resolved, io.timeout_ms)
    by_name = resolved is not None and literal(settings.host) is None
    resolve_ns = resolved - started if by_name and resolved is not None else None
    return Observation(
        outcome=verdict.outcome,
        at=at,
        duration_ms=judge.milliseconds(io.clock.monotonic_ns() - started),
        reason=verdict.reason,
        detail=verdict.detail,
        phases=Phases(
            resolve=None if resolve_ns is None else judge.milliseconds(resolve_ns),
            processing=None if back is None else judge.milliseconds(back.rtt_ns),
        ),
        ip=address,
        attributes=_attributes(back, resolve_ns),
        assertions=_assertions(settings, verdict) if resolved is not None and verdict.outcome != "void" else (),
    )


async def _addresses(settings: IcmpSettings, io: Io) -> tuple[str, ...]:
    name = ascii_host(settings.host)
    found = (name,) if literal(name) is not None else (await io.resolver.look_up(name)).addresses
    allowed = vetted(found, io.allow_private_targets)
    if not allowed:
        raise judge.void("self_config", "address_denied")
    return interleaved(allowed)


def _of_deadline(resolved: int | None, timeout_ms: int) -> Verdict:
    if resolved is None:
        return judge.of_deadline("resolve", timeout_ms)
    return Verdict("fail", "icmp_timeout", f"no echo came back within {timeout_ms} ms")


def _attributes(back: Echo | None, resolve_ns: int | None) -> dict[str, float | str]:
    attributes: dict[str, float | str] = {}
    if resolve_ns is not None:
        attributes["probe_icmp_duration_seconds/resolve"] = resolve_ns / 1e9
    if back is None:
        return attributes
    attributes["probe_icmp_duration_seconds/rtt"] = back.rtt_ns / 1e9
    attributes["probe_ip_protocol"] = 6 if ":" in back.address else 4
    if back.hop_limit is not None:
        attributes["probe_icmp_reply_hop_limit"] = back.hop_limit
    if back.failed_ipv6:
        attributes["ipv6_failed"] = 1
    if back.failed_ipv4:
        attributes["ipv4_failed"] = 1
    return attributes


def _assertions(settings: IcmpSettings, verdict: Verdict) -> tuple[Assertion, ...]:
    hops = "" if settings.ttl is None else f" over at most {settings.ttl} hops"
    return (Assertion("echo", verdict is PASS, verdict.detail or f"an echo came back{hops}"),)
