"""Canaries: what tells our own network's trouble from the target's (design/faults.md, "Canaries").

They are looked at in the background once an interval, and at once when a probe asks and no round is fresh;
probes that ask together share a round. A canary that has never answered proves nothing and is not counted, unless the
configuration names it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import aiodns
import pycares

from monitor.interfaces import Clock, Tick
from monitor.prober import network
from monitor.prober.evidence import Round, settles, was_out
from monitor.probes import KINDS, Io, Probe
from monitor.probes.dns import DnsSettings
from monitor.settings import Settings

INTERVAL_S = 30.0
TIMEOUT_MS = 2_000
FRESH_NS = 1_000_000_000
_ROUNDS_KEPT = 64
_ANY_NAME = "example.com"  # RFC 2606: exists, and belongs to nobody's service
_ANSWERED = frozenset({aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA})
_PASS: frozenset[str | None] = frozenset({None})
_ANSWERS = _PASS | {"dns_nxdomain", "dns_nodata"}
"""A name server that says that a name does not exist has answered; where `expect` is written, it decides."""


class Canary(NamedTuple):
    """One of `probing.canaries`: its kind and settings."""

    kind: str
    settings: Settings


class _Asked(NamedTuple):
    name: str
    look: Callable[[], Awaitable[bool]]
    named: bool


class Canaries:
    """The configured canaries; none: the name servers that are used, and the default gateway."""

    def __init__(self, clock: Clock, io: Io, configured: Sequence[Canary]) -> None:
        self._clock = clock
        self._io = io
        self._configured = tuple(configured)
        self._asked: tuple[_Asked, ...] | None = None
        self._answered: set[str] = set()
        self._rounds: deque[Round] = deque(maxlen=_ROUNDS_KEPT)
        self._round: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Looks once an interval until it is cancelled."""
        while True:
            await self._look_together()
            await asyncio.sleep(INTERVAL_S)

    async def own_network_out(self, began_ns: int, window_ns: int) -> Round | None:
        """The round that shows our own network out around a probe that began at `began_ns` and has just failed; None:
        it was not.

        `window_ns` is the check's interval: what failed up to one before the probe still counts. What sang when the
        probe began proves nothing of a network that went away under it: a round of the last second is needed.
        """
        fresh_from = max(began_ns, self._clock.monotonic_ns() - FRESH_NS)
        while not settles(self._rounds, fresh_from):
            await self._look_together()
        return was_out(self._rounds, began_ns - window_ns)

    def reload(self, io: Io, configured: Sequence[Canary]) -> None:
        """Other canaries from the next round on."""
        self._io = io
        self._configured = tuple(configured)
        self._asked = None

    async def aclose(self) -> None:
        """Ends the round under way."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    async def _look_together(self) -> None:
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self._look())
        await asyncio.shield(self._round)

    async def _look(self) -> None:
        asked = self._asked = self._asked or self._all()  # a reload may change them while they are asked
        began = self._clock.monotonic_ns()
        answers = await asyncio.gather(*[canary.look() for canary in asked])
        seen = dict(zip(asked, answers, strict=True))
        self._answered.update(canary.name for canary, answered in seen.items() if answered)
        counted = [canary for canary in seen if canary.named or canary.name in self._answered]
        failed = tuple(canary.name for canary in counted if not seen[canary])
        self._rounds.append(Round(began, self._clock.monotonic_ns(), len(counted), failed))

    def _all(self) -> tuple[_Asked, ...]:
        if self._configured:
            return tuple(self._named(canary) for canary in self._configured)
        servers = [_server(server) for server in self._io.resolver.servers]
        address = network.read_default_gateway()
        if address is None:
            return tuple(servers)
        found = address

        async def look() -> bool:
            return await network.answers(found, TIMEOUT_MS / 1000)

        return (*servers, _Asked(f"gateway {found}", look, named=False))

    def _named(self, canary: Canary) -> _Asked:
        settings = canary.settings
        kind = KINDS[canary.kind]
        probe = kind.bind(settings)
        if probe is None:
            raise TypeError(f"no canary of kind {canary.kind}")
        good = _ANSWERS if isinstance(settings, DnsSettings) and "expect" not in settings.model_fields_set else _PASS
        return _Asked(f"{canary.kind} {kind.target_of(settings)}", self._probed(probe, good), named=True)

    def _probed(self, probe: Probe, good: frozenset[str | None]) -> Callable[[], Awaitable[bool]]:
        """A look whose reason is one of `good`."""
        tick = Tick("", 0, 0)

        async def look() -> bool:
            return (await probe(tick, self._io)).reason in good

        return look


def _server(server: str) -> _Asked:
    async def look() -> bool:
        return await _answers(server)

    return _Asked(f"dns {server}", look, named=True)


async def _answers(server: str) -> bool:
    """Whether a name server answers in time; that a name does not exist is an answer. A channel of its own: c-ares
    keeps answers in one."""
    try:
        async with (
            asyncio.timeout(TIMEOUT_MS / 1000),
            aiodns.DNSResolver(nameservers=[server], timeout=TIMEOUT_MS / 1000, tries=1) as channel,
        ):
            await channel.query_dns(_ANY_NAME, "A")
    except TimeoutError:
        return False
    except aiodns.error.DNSError as error:
        return error.args[0] in _ANSWERED
    except pycares.AresError:
        return False  # we are short of something ourselves
    return True
