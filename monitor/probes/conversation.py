"""One look of a kind that speaks over a single connection: where it stands, what it measured, how it is judged.

A kind brings what it says (`Talk`); name, addresses, connection, TLS, the one deadline and the observation are here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from monitor.facts import Phases
from monitor.interfaces import Assertion, Observation
from monitor.probes import judge
from monitor.probes.address import literal, of_version, vetted
from monitor.probes.connect import Connected, connect
from monitor.probes.deadline import Deadline
from monitor.probes.endpoint import Endpoint
from monitor.probes.judge import PASS, Phase, ProbeError, Verdict
from monitor.probes.kind import Io
from monitor.probes.stream import Stream
from monitor.probes.trace import Hop, Trace, certificate_of


class Conversation:
    """One look on its way, as a `Talk` is given it: connected, nothing said yet.

    `phase` is where a deadline that runs out now is booked; `awaited` what is waited for then, as its assertion is
    named; `attributes` are the kind's own metrics.
    """

    __slots__ = (
        "_answered_ns",
        "_at",
        "_connect_ns",
        "_connected",
        "_endpoint",
        "_io",
        "_ip",
        "_resolve_ns",
        "_started",
        "_stream",
        "_tls_before_ns",
        "assertions",
        "attributes",
        "awaited",
        "phase",
        "status",
    )

    def __init__(self, endpoint: Endpoint, io: Io) -> None:
        self._endpoint = endpoint
        self._io = io
        self._at, self._started = io.clock.now(), io.clock.monotonic_ns()
        self._stream: Stream | None = None
        self._connected: Connected | None = None
        self._ip: str | None = None
        self._resolve_ns = self._connect_ns = self._answered_ns = self._tls_before_ns = 0
        self.phase: Phase = "resolve"
        self.awaited: str | None = None
        self.assertions: list[Assertion] = []
        self.attributes: dict[str, float | str] = {}
        self.status: int | None = None

    # -- what a talk does with it

    @property
    def stream(self) -> Stream:
        if self._stream is None:
            raise TypeError("not connected yet")
        return self._stream

    async def secure(self) -> None:
        """TLS from here on. Raises ProbeError."""
        if self._endpoint.tls is None:
            raise TypeError("an endpoint without terms of TLS")
        before, self.phase = self.phase, "tls"
        await self.stream.secure(self._io.tls.session(self._endpoint.tls, self._endpoint.name))
        self.phase = before

    @property
    def has_answered(self) -> bool:
        return self._answered_ns != 0

    def answered(self) -> None:
        """The target's first answer is here: the end of processing, the beginning of transfer."""
        if not self._answered_ns:
            self._answered_ns, self._tls_before_ns = self._io.clock.monotonic_ns(), self.stream.tls_ns

    def prove(self, name: str, words: str) -> None:
        """Keeps that something that was asked for holds."""
        self.awaited = None
        self.assertions.append(Assertion(name, True, words))

    def disprove(self, name: str, reason: str, words: str) -> ProbeError:
        """Keeps that it does not; what it answers is to be raised."""
        self.awaited = None
        self.assertions.append(Assertion(name, False, words))
        return judge.fail(reason, words)

    # -- its way

    async def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look-up, address policy and connection. Raises ProbeError."""
        io, endpoint = self._io, self._endpoint
        addresses = await self._addresses()
        if endpoint.tls is not None:
            io.tls.context(endpoint.tls)  # made here once: it is no part of a connection
        self.phase, self._ip = "connect", addresses[0]
        began = io.clock.monotonic_ns()
        make = partial(Stream, io.clock.monotonic_ns)
        self._stream, self._connected = await connect(make, addresses, endpoint.port, loop)
        self._ip, self._connect_ns = self._connected.address, self._stream.connected_ns - began

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    async def _addresses(self) -> tuple[str, ...]:
        host = self._endpoint.host
        if literal(host) is not None:
            found: tuple[str, ...] = (host,)
        else:
            try:
                found = (await self._io.resolver.look_up(host)).addresses
            finally:
                self._resolve_ns = self._io.clock.monotonic_ns() - self._started
        wanted = self._endpoint.ip_version
        usable = of_version(found, wanted)
        if not usable:
            raise judge.fail("dns_nodata", f"no address for {wanted}")
        allowed = vetted(usable, self._io.allow_private_targets)
        if not allowed:
            raise judge.void("self_config", "address_denied")
        return allowed

    # -- what it saw

    def observation(self, verdict: Verdict) -> Observation:
        ended = self._io.clock.monotonic_ns()
        if self.awaited is not None:
            self.assertions.append(Assertion(self.awaited, False, "had not come about at the end"))
        agreed = self._stream.agreed if self._stream is not None else None
        phases = self._phases(ended)
        if self._io.trace is not None and self._stream is not None:
            self._trace(self._io.trace, self._stream, phases)
        return Observation(
            outcome=verdict.outcome,
            at=self._at,
            duration_ms=judge.milliseconds(ended - self._started),
            reason=verdict.reason,
            detail=verdict.detail,
            phases=phases,
            status=self.status,
            ip=self._ip,
            certificate_expires=agreed.expires if agreed is not None else None,
            attributes=self._all_attributes(),
            assertions=tuple(self.assertions),
        )

    def _phases(self, ended: int) -> Phases:
        stream, answered = self._stream, self._answered_ns
        if stream is None:
            return Phases(_measured(self._resolve_ns))
        tls_after = stream.tls_ns - self._tls_before_ns
        return Phases(
            _measured(self._resolve_ns),
            _measured(self._connect_ns),
            _measured(stream.tls_ns),
            _measured(answered - stream.connected_ns - self._tls_before_ns if answered else 0),
            _measured(ended - answered - tls_after if answered else 0),
        )

    def _trace(self, trace: Trace, stream: Stream, phases: Phases) -> None:
        trace.hops.append(
            Hop(
                target=str(self._endpoint),
                address=self._ip or "",
                phases=phases._replace(resolve=None),
                status=self.status,
                tls=stream.agreed.version if stream.agreed is not None else None,
                certificate=certificate_of(stream.certificate(), stream.agreed is not None),
            )
        )

    def _all_attributes(self) -> dict[str, float | str]:
        attributes = self.attributes
        if self._ip is not None:
            attributes["probe_ip_protocol"] = 6 if ":" in self._ip else 4
        if self._connected is not None and self._connected.failed_ipv6:
            attributes["ipv6_failed"] = 1
        if self._connected is not None and self._connected.failed_ipv4:
            attributes["ipv4_failed"] = 1
        if self._stream is not None and self._stream.agreed is not None:
            attributes["probe_tls_version_info"] = (self._stream.agreed.version or "").replace("TLSv", "TLS ")
        return attributes


Talk = Callable[[Conversation], Awaitable[None]]
"""What a kind says once it is connected: passes when it returns, and raises ProbeError for anything else."""


async def converse(endpoint: Endpoint, io: Io, talk: Talk) -> Observation:
    """One look over a fresh connection, within the one deadline."""
    look = Conversation(endpoint, io)
    loop = asyncio.get_running_loop()
    verdict: Verdict | None = None
    try:
        with Deadline(loop, io.timeout_ms / 1000):
            try:
                await look.connect(loop)
                await talk(look)
                verdict = PASS
            except ProbeError as fault:
                verdict = fault.verdict
    finally:
        look.close()
    return look.observation(verdict or judge.of_deadline(look.phase, io.timeout_ms))


def _measured(ns: int) -> float | None:
    return judge.milliseconds(ns) if ns else None
